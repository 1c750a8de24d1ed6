"""Command line with which a client starts the server, and the entry for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.option_parser import SettingsError

PACKAGE = "awslabs-dsql-mcp"
SERVER_NAME = "aurora-dsql"
_PROGRAMS = (PACKAGE, "awslabs_dsql_mcp")  # of uvx and of `python -m`
_MAX_START = 6  # words: uvx --offline --from SOURCE NAME
# First labels of endpoints in README, the examples and AWS's documentation.
_PLACEHOLDERS = frozenset(
    {"CLUSTER", "YOUR-ENDPOINT", "YOUR-CLUSTER", "YOUR_CLUSTER", "CLUSTER-ID", "CLUSTER_ID"}
)
# Texts that identify an entry of this server: its package, its module, and its other command.
_IDENTIFIERS = (PACKAGE, "awslabs_dsql_mcp", "awslabs.aurora-dsql-mcp-server")


@dataclass(frozen=True)
class LaunchCommand:
    """A command line and its environment.

    Attributes:
        command: The program.
        args: Its arguments.
        env: Environment variables, in addition to those that the client passes.
    """

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True)
class ServerEntry:
    """A server's entry in a client's file.

    Attributes:
        required: Fields that each installation sets.
        defaults: Fields that the user may change; set only by the first installation.
        beside: Settings at the top of the file, written where it does not have them.
    """

    required: Mapping[str, object]
    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    beside: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def full(self) -> dict[str, object]:
        """All fields, for a new entry."""
        return {**self.required, **self.defaults}


def through_uvx(flags: Sequence[str], env: Mapping[str, str], *, local: bool = False) -> LaunchCommand:
    """Start the newest release, with the extra ``local`` if needed."""
    if local or "--local" in flags:
        return through_tool("uvx", f"{PACKAGE}[local]", flags, env)
    return LaunchCommand("uvx", (f"{PACKAGE}@latest", *flags), env)


def through_tool(uvx: str, required: str, flags: Sequence[str], env: Mapping[str, str]) -> LaunchCommand:
    """Start what uv keeps as a tool; without one, uvx installs it for the time being."""
    return LaunchCommand(uvx, ("--from", required, PACKAGE, *flags), env)


def through_python(python: str, flags: Sequence[str], env: Mapping[str, str]) -> LaunchCommand:
    """Start the installation of an interpreter."""
    return LaunchCommand(python, ("-m", "awslabs_dsql_mcp", *flags), env)


def flags_of(given: Mapping[str, object], folder: Path) -> list[str]:
    """Write options as arguments, in the table's order, with absolute paths.

    A client may start the server in any directory.
    """
    flags = list[str]()
    for option in OPTIONS:
        value = given.get(option.name)
        if value is True:
            flags.append(option.flag)
        elif isinstance(value, str):
            is_path = option.unit in {"FILE", "DIR"} and value != "system"
            flags += [option.flag, str(folder / Path(value).expanduser()) if is_path else value]
    return flags


def flags_begin(words: Sequence[str]) -> int:
    """Find where the server's own flags begin behind its program; 0 in the command line of another one."""
    places = [place for place, word in enumerate(words[:_MAX_START]) if word.partition("@")[0] in _PROGRAMS]
    return places[-1] + 1 if places else 0


def is_own_variable(name: str) -> bool:
    """Return true for a variable that an option of the server reads, and that an installation may set."""
    return name.startswith("DSQL_") or any(name in option.variables for option in OPTIONS)


def require_filled_in(endpoint: str | None, source: str) -> None:
    """Refuse the endpoint of README and the examples, which stands for the user's.

    Args:
        endpoint: The endpoint, if any.
        source: The flag or the place in a file that gave it.

    Raises:
        SettingsError: It is that one.
    """
    if endpoint and endpoint.partition(".")[0].upper() in _PLACEHOLDERS:
        raise SettingsError(
            f"{source}: got {endpoint!r}, expected your cluster's endpoint (`{PACKAGE} clusters "
            "list` and the AWS console show it)"
        )


def is_ours(entry: object) -> bool:
    """Return true if an entry starts this server."""
    if isinstance(entry, Mapping):
        return any(map(is_ours, entry.values()))  # pyright: ignore[reportUnknownArgumentType] - of a parsed file
    if isinstance(entry, list):
        return any(map(is_ours, entry))  # pyright: ignore[reportUnknownArgumentType] - of a parsed file
    return isinstance(entry, str) and any(mark in entry for mark in _IDENTIFIERS)


def standard(launch: LaunchCommand) -> dict[str, object]:
    """Entry in the form that most clients use."""
    entry: dict[str, object] = {"command": launch.command, "args": list(launch.args)}
    return entry | ({"env": dict(launch.env)} if launch.env else {})
