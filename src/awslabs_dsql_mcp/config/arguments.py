"""Settings from a command line and an environment."""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from typing import NoReturn

from awslabs_dsql_mcp.config.settings import (
    CLUSTER_ONLY_OPTIONS,
    OPTIONS,
    Option,
    Settings,
    SettingsError,
    region_of,
)

# What a server works on, in one of three ways.
_KINDS = ("local", "cluster_endpoint", "config")


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
    flags = {o.name: read_value(o, o.flag, parsed[o.name]) for o in OPTIONS if o.name in parsed}
    variables = {
        option.name: read_value(option, variable, environ[variable])
        for option in OPTIONS
        for variable in reversed(option.variables)
        if environ.get(variable)
    }
    return _settled(_one_cluster(variables) | _one_cluster(flags), chosen_by_flag=frozenset(flags))


def _one_cluster(values: dict[str, object]) -> dict[str, object]:
    named = [f"--{kind}" for kind in _KINDS if values.get(kind)]
    if len(named) > 1:
        raise SettingsError(f"{', '.join(named)}: got {_how_many(named)}, expected one of them")
    return values


def _how_many(things: Sequence[str]) -> str:
    return "both" if len(things) == 2 else "all"  # noqa: PLR2004 - that is what "both" means


def _settled(values: dict[str, object], *, chosen_by_flag: frozenset[str]) -> Settings:
    """Let a flag that names a cluster put aside a variable that names another kind."""
    kind = next((kind for kind in _KINDS if kind in chosen_by_flag), None)
    for other in _KINDS:
        if kind and other != kind:
            values.pop(other, None)
    if values.get("config"):
        values = _without_choice(values, chosen_by_flag)
    return Settings(**with_region(values, "--region"))  # pyright: ignore[reportArgumentType] - a test holds each reader to its field


def _without_choice(values: dict[str, object], chosen_by_flag: frozenset[str]) -> dict[str, object]:
    """Leave what makes a cluster to the file of clusters; a variable may be meant for another server."""
    for option in OPTIONS:
        if option.name in CLUSTER_ONLY_OPTIONS and option.name in chosen_by_flag:
            key = option.flag.lstrip("-")
            raise SettingsError(f"{option.flag}: got it beside --config, expected {key} in that file")
    return {name: value for name, value in values.items() if name not in CLUSTER_ONLY_OPTIONS}


def with_region(values: dict[str, object], source: str) -> dict[str, object]:
    """Take the region from the endpoint's name where there is none.

    Args:
        values: Fields of settings.
        source: What an error calls the region.

    Raises:
        SettingsError: There is one, and it is another.
    """
    endpoint = values.get("cluster_endpoint")
    named = region_of(endpoint) if isinstance(endpoint, str) else None
    if named and (given := values.setdefault("region", named)) != named:
        raise SettingsError(f"{source}: got {given!r}, expected {named}, as in the endpoint's name")
    return values


def read_value(option: Option, source: str, given: object) -> object:
    """Read the value of an option.

    Args:
        option: The option.
        source: What an error calls it: a flag, a variable, a key in a file.
        given: A switch, or what to read as text.

    Raises:
        SettingsError: It does not fit.
    """
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
