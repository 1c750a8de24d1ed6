"""Settings from a command line and an environment."""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from typing import NoReturn

from awslabs_dsql_mcp.settings import OPTIONS, Option, Settings, SettingsError, region_of


def read_settings(argv: Sequence[str], environ: Mapping[str, str], *, version: str) -> Settings:
    """Make settings of a command line and an environment.

    Args:
        argv: The arguments behind the program's name.
        environ: The environment; only variables named in ``OPTIONS`` are looked at.
        version: What ``--version`` prints.

    Raises:
        SettingsError: One line that names the option, what was given and what is expected.
        SystemExit: After ``--help`` or ``--version``, with status 0.
    """
    parsed = vars(_parser(version).parse_args(argv))
    flags = {o.name: _value(o, o.flag, parsed[o.name]) for o in OPTIONS if o.name in parsed}
    variables = {
        option.name: _value(option, variable, environ[variable])
        for option in OPTIONS
        for variable in reversed(option.variables)
        if environ.get(variable)
    }
    return _settled(_one_cluster(variables) | _one_cluster(flags), chosen_by_flag=frozenset(flags))


def _one_cluster(values: dict[str, object]) -> dict[str, object]:
    if values.get("local") and "cluster_endpoint" in values:
        raise SettingsError("--local, --cluster_endpoint: got both, expected one of them")
    return values


def _settled(values: dict[str, object], *, chosen_by_flag: frozenset[str]) -> Settings:
    """Let a flag that names a cluster put aside a variable that names the other kind."""
    if "cluster_endpoint" in chosen_by_flag:
        values.pop("local", None)
    elif values.get("local"):
        values.pop("cluster_endpoint", None)
    endpoint = values.get("cluster_endpoint")
    named = region_of(endpoint) if isinstance(endpoint, str) else None
    if named and (given := values.setdefault("region", named)) != named:
        raise SettingsError(f"--region: got {given!r}, expected {named}, as in the endpoint's name")
    return Settings(**values)  # pyright: ignore[reportArgumentType] - a test holds each reader to its field


def _value(option: Option, source: str, given: object) -> object:
    if isinstance(given, bool):
        return given
    try:
        return option.read(str(given))
    except ValueError as error:
        raise SettingsError(f"{source}: got {_shown(str(given))}, expected {error}") from None


def _shown(text: str) -> str:
    """Show a wrong value, cut, and without what stands before an ``@``: it could be a password."""
    return repr(text.rpartition("@")[2][:80])


class OptionParser(argparse.ArgumentParser):
    """A parser whose errors are ``SettingsError``: one line that names the flag and the nearest known one."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise SettingsError(self._teach(message))

    def _teach(self, message: str) -> str:
        flag = message.removeprefix("unrecognized arguments: ").split(" ")[0].split("=")[0]
        if flag != message.split(" ", maxsplit=1)[0]:
            near = difflib.get_close_matches(flag, self._option_string_actions, 1)
            return f"{flag}: unknown flag, " + (f"expected {near[0]}?" if near else "see --help")
        option = next((o for o in OPTIONS if f"argument {'/'.join(o.spellings)}:" in message), None)
        if option is None:
            return message
        if option.is_switch:
            return f"{option.flag}: got a value, expected none: the flag stands alone"
        return f"{option.flag}: got nothing, expected {option.unit}"


def _parser(version: str) -> argparse.ArgumentParser:
    parser = OptionParser(
        prog="awslabs-dsql-mcp",
        description="MCP server for Amazon Aurora DSQL, over stdio.",
        epilog="Commands: `awslabs-dsql-mcp install CLIENT` writes the configuration of an MCP client; "
        "`awslabs-dsql-mcp doctor`, with the same flags, says what is wrong; `awslabs-dsql-mcp demo` shows "
        "every tool on a local cluster; `awslabs-dsql-mcp local` starts that cluster alone.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=version)
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the server's options to a parser; each is in its result only if it was given."""
    for option in OPTIONS:
        note = "".join(
            (
                f" Default: {option.default}." if option.default else "",
                f" [{', '.join(option.variables)}]",
            )
        )
        text = (option.help + note).replace("%", "%%")
        if option.is_switch:
            parser.add_argument(*option.spellings, dest=option.name, action="store_true", help=text)
        else:
            parser.add_argument(*option.spellings, dest=option.name, metavar=option.unit, help=text)
