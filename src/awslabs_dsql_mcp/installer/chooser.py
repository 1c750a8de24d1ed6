"""The clients that are on this machine, the question which of them to install, and the command without it."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import TextIO

from awslabs_dsql_mcp.installer.clients import CLIENTS, Client
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths
from awslabs_dsql_mcp.installer.program import own_program
from awslabs_dsql_mcp.option_parser import SettingsError


def clients_here(machine: PlatformPaths) -> list[Client]:
    """List the clients that have a program on PATH, a file, or a folder of their own.

    Args:
        machine: The user's environment.
    """
    path = machine.environ.get("PATH", "")
    home = Path(machine.home)
    return [
        client
        for client in CLIENTS
        if any(which(program, path=path) for program in client.programs)
        or any(_is_there(Path(find(machine)), home) for find in client.user)
    ]


def _is_there(file: Path, home: Path) -> bool:
    return file.exists() or (file.parent != home and file.parent.is_dir())


def choose(here: Sequence[Client], lines: TextIO, screen: TextIO) -> Client:
    """Ask on a terminal for which client.

    Args:
        here: Clients that are on this machine.
        lines: Where the answer is read.
        screen: Where the question is written.

    Raises:
        SettingsError: The answer names none.
    """
    offered = list(here) or list(CLIENTS)
    found = "MCP clients on this machine:" if here else "No MCP client was found on this machine; known are:"
    rows = [f"  {number}. {client.title} ({client.name})" for number, client in enumerate(offered, 1)]
    screen.write("\n".join([found, *rows, "Which one, by number or name? "]))
    screen.flush()
    answer = lines.readline().strip()
    by_number: Mapping[str, Client] = {str(number): client for number, client in enumerate(offered, 1)}
    by_name = {client.name: client for client in CLIENTS}
    client = by_number.get(answer) or by_name.get(answer.lower())
    if client is None:
        raise SettingsError(f"CLIENT: got {answer!r}, expected a number of the list, or a name")
    return client


def at_terminal() -> bool:
    """Say if somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def whole_command(options: Mapping[str, object], argv: Sequence[str], machine: PlatformPaths) -> str:
    """Write the command that was begun to its end; what may be a secret is not said again.

    Args:
        options: The arguments, as they were read.
        argv: The same, as they were typed.
        machine: The user's environment.
    """
    program = own_program(machine.environ)
    here = clients_here(machine) or CLIENTS
    client = [] if "client" in options or at_terminal() else [here[0].name]
    cluster = [] if options.keys() & {"cluster_endpoint", "config", "local", "uninstall"} else ["--local"]
    given = "…" if "env" in options else shlex.join(argv)
    return " ".join(filter(None, [shlex.join([*program, "install", *client]), given, *cluster]))
