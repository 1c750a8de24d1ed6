"""The server as a client starts it: flags and environment of its entry, for ``doctor --as CLIENT``."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from awslabs_dsql_mcp.installer import files
from awslabs_dsql_mcp.installer.client_environment import handed_on, withheld
from awslabs_dsql_mcp.installer.clients import Client
from awslabs_dsql_mcp.installer.formats import NotEditable, value_at
from awslabs_dsql_mcp.installer.launch import SERVER_NAME, flags_begin
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths
from awslabs_dsql_mcp.installer.target import named_client
from awslabs_dsql_mcp.option_parser import OptionParser, SettingsError


@dataclass(frozen=True)
class Started:
    """A server as a client starts it.

    Attributes:
        arguments: Its flags.
        environ: Its environment.
        origin: A sentence on where they are from, and what the client keeps back.
    """

    arguments: Sequence[str]
    environ: Mapping[str, str]
    origin: str = ""


def started_by(argv: Sequence[str], machine: PlatformPaths, folder: Path) -> Started:
    """Read ``--as CLIENT``, with ``--name`` and ``--project`` of its entry, from arguments.

    Args:
        argv: The arguments; those of the server replace the entry's.
        machine: The user's environment.
        folder: The current folder, for a project's file.

    Raises:
        SettingsError: The client is unknown, or has no entry and no flags are given.
    """
    if not any(word.partition("=")[0] == "--as" for word in argv):
        return Started(argv, machine.environ)
    parser = OptionParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--as", metavar="CLIENT", dest="client")
    parser.add_argument("--name", metavar="NAME", default=SERVER_NAME)
    parser.add_argument("--project", action="store_true")
    chosen, rest = parser.parse_known_args(argv)
    client = named_client(str(chosen.client), "--as")
    return _started(client, chosen, rest, machine, folder)


def _started(
    client: Client, chosen: argparse.Namespace, rest: Sequence[str], machine: PlatformPaths, folder: Path
) -> Started:
    paths = (
        [folder / path for path in client.project]
        if chosen.project
        else [Path(find(machine)) for find in client.user]
    )
    path = next((path for path in paths if path.exists()), paths[0] if paths else None)
    entry = _entry(client, path, chosen.name) if path else None
    flags = [word for word in rest if word != "--json"]
    for_programs = ["--json"] * ("--json" in rest)
    if entry is None and not flags:
        raise SettingsError(
            f"--as: {client.title} has no {chosen.name} in {path or 'a file of a project'}, expected one (by "
            "`awslabs-dsql-mcp install`), or options of the server"
        )
    own = _variables(entry)
    named = _texts(value_at(entry, ("env_vars",))) if entry else list(client.named)
    environ = handed_on(client.hands_on, machine.environ, named) | own
    missing = [name for name in withheld(client.hands_on, machine.environ, named) if name not in own]
    without = f", without this shell's {', '.join(missing)}" if missing else ""
    where = f", from {path}" if entry else ""
    origin = f"As {client.title} starts it{where}{without}."
    return Started([*(flags or _flags(entry)), *for_programs], environ, origin)


def _entry(client: Client, path: Path, name: str) -> Mapping[str, object] | None:
    try:
        text = files.load(path).text.lstrip("\ufeff").replace("\r\n", "\n")
        found = value_at(client.format.read(text), (client.key, name))
    except (OSError, NotEditable) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"--as: {path} cannot be read: {reason}") from None
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else None


def _variables(entry: Mapping[str, object] | None) -> dict[str, str]:
    for key in ("env", "envs", "environment"):
        if isinstance(found := value_at(entry, (key,)), Mapping):
            return {str(name): str(value) for name, value in cast("Mapping[str, object]", found).items()}
    return {}


def _flags(entry: Mapping[str, object] | None) -> list[str]:
    words = _texts(value_at(entry, ("command",))) + _texts(value_at(entry, ("args",)))
    return words[flags_begin(words) :]


def _texts(value: object) -> list[str]:
    return [str(item) for item in cast("list[object]", value)] if isinstance(value, list) else []
