"""The configuration file that an installation changes."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from awslabs_dsql_mcp.installer.chooser import choose, clients_here
from awslabs_dsql_mcp.installer.clients import CLIENTS, Client
from awslabs_dsql_mcp.installer.launch import SERVER_NAME
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths
from awslabs_dsql_mcp.option_parser import SettingsError, closest


@dataclass(frozen=True)
class Target:
    """The configuration file to change.

    Attributes:
        client: The client.
        path: Path of the file.
        is_project: The file belongs to a project, not to the user.
        name: The server's name in the file.
    """

    client: Client
    path: Path
    is_project: bool
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """The path of the entry in the file."""
        return self.client.key, self.name


def find_target(options: Mapping[str, object], machine: PlatformPaths) -> Target:
    """Choose the file: the first that exists of those that the client reads, else the first.

    Args:
        options: The arguments of the command.
        machine: The user's environment.

    Raises:
        SettingsError: The client is unknown, or has no project file.
    """
    client = _client(options.get("client"), machine)
    is_project = bool(options.get("project"))
    places = (
        [Path.cwd() / path for path in client.project]
        if is_project
        else [Path(f(machine)) for f in client.user]
    )
    if not places:
        raise SettingsError(f"--project: {client.title} has no project file, expected --user")
    path = next((place for place in places if place.exists()), places[0])
    return Target(client, path, is_project, str(options.get("name", SERVER_NAME)))


def _client(name: object, machine: PlatformPaths) -> Client:
    """Find the client by its name; without one, ask on a terminal."""
    if name is None:
        return choose(clients_here(machine), sys.stdin, sys.stderr)
    return named_client(str(name), "CLIENT")


def named_client(name: str, argument: str) -> Client:
    """Find a client by its name.

    Args:
        name: The name.
        argument: What gave it, for the error.

    Raises:
        SettingsError: There is none of that name.
    """
    client = next((client for client in CLIENTS if client.name == name), None)
    if client is None:
        names = [client.name for client in CLIENTS]
        expected = closest(name, names, f"one of {', '.join(names)}")
        raise SettingsError(f"{argument}: got {name!r}, expected {expected}")
    return client
