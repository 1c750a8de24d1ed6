"""Settings from a command line and an environment."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from awslabs_dsql_mcp.config.help import command_names, overview
from awslabs_dsql_mcp.config.options import CLUSTER_ONLY_OPTIONS, OPTIONS
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.dsql.cluster_names import region_of
from awslabs_dsql_mcp.option_parser import OptionParser, SettingsError, add_options, read_value

# What others call what is done here.
_SYNONYMS: Final = {
    "uninstall": "install CLIENT --uninstall?",
    "remove": "install CLIENT --uninstall?",
    "setup": "install?",
    "run": "serve?",
    "start": "serve?",
    "server": "serve?",
    "check": "doctor?",
    "version": "--version?",
}
# Options that choose the cluster; they exclude each other.
_CLUSTER_CHOICES = ("local", "cluster_endpoint", "config")


def read_settings(argv: Sequence[str], environ: Mapping[str, str], *, version: str) -> Settings:
    """Read settings from a command line and an environment.

    Args:
        argv: The arguments after the program's name.
        environ: The environment; only the variables in ``OPTIONS`` are read.
        version: The text that ``--version`` prints.

    Raises:
        SettingsError: A value is not valid, or options exclude each other.
        SystemExit: After ``--help`` or ``--version``, with status 0.
    """
    return settings_of(vars(_parser(version).parse_args(argv)), environ)


def settings_of(parsed: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Read settings from what a parser with ``OPTIONS`` found, and an environment.

    Args:
        parsed: Texts and switches by the options' names; others are ignored.
        environ: As in `read_settings`.

    Raises:
        SettingsError: As in `read_settings`.
    """
    flags = {o.name: read_value(o, o.flag, parsed[o.name]) for o in OPTIONS if o.name in parsed}
    variables = {
        option.name: read_value(option, variable, environ[variable])
        for option in OPTIONS
        for variable in reversed(option.variables)
        if environ.get(variable)
    }
    _require_one_cluster(flags)
    _require_one_cluster(variables)
    return _combine(flags, variables)


def _require_one_cluster(values: Mapping[str, object]) -> None:
    named = [f"--{choice}" for choice in _CLUSTER_CHOICES if values.get(choice)]
    if len(named) > 1:
        both = "both" if named[2:] == [] else "all"
        raise SettingsError(f"{', '.join(named)}: got {both}, expected one of them")


def _combine(flags: Mapping[str, object], variables: Mapping[str, object]) -> Settings:
    values = {**variables, **flags}
    # A flag that chooses the cluster also overrides a variable that chooses it in another way.
    if chosen := next((choice for choice in _CLUSTER_CHOICES if choice in flags), None):
        values = {name: v for name, v in values.items() if name not in _CLUSTER_CHOICES or name == chosen}
    if values.get("config"):
        for option in OPTIONS:
            if option.name in CLUSTER_ONLY_OPTIONS and option.name in flags:
                key = option.flag.lstrip("-")
                raise SettingsError(f"{option.flag}: got it beside --config, expected {key} in that file")
        # Variables are ignored instead: they may be set for another server.
        values = {name: v for name, v in values.items() if name not in CLUSTER_ONLY_OPTIONS}
    return Settings(**with_region(values, "--region"))  # a test holds each reader to its field


def with_region(values: dict[str, object], source: str) -> dict[str, object]:
    """Add the region in the endpoint's name where none is given.

    Args:
        values: Fields of settings.
        source: The flag or key of the region, for errors.

    Raises:
        SettingsError: The region given differs from the one in the endpoint's name.
    """
    endpoint = values.get("cluster_endpoint")
    named = region_of(endpoint) if isinstance(endpoint, str) else None
    if named and (given := values.setdefault("region", named)) != named:
        raise SettingsError(f"{source}: got {given!r}, expected {named}, as in the endpoint's name")
    return values


class _Help(argparse.Action):
    """Prints the overview in place of argparse's own text."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print, and leave."""
        sys.stdout.write(f"{overview()}\n")
        parser.exit()


def _parser(version: str) -> OptionParser:
    parser = OptionParser(
        prog="awslabs-dsql-mcp",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        add_help=False,
    )
    parser.commands, parser.synonyms = command_names(), _SYNONYMS
    parser.add_argument("-h", "--help", action=_Help, nargs=0)
    parser.add_argument("--version", action="version", version=version)
    add_options(parser, OPTIONS)
    return parser
