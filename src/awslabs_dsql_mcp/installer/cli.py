"""The command ``awslabs-dsql-mcp install CLIENT``."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.installer import files
from awslabs_dsql_mcp.installer.clients import CLIENTS, Client, snippet
from awslabs_dsql_mcp.installer.deeplinks import links
from awslabs_dsql_mcp.installer.formats import NotEditable
from awslabs_dsql_mcp.installer.launch import (
    SERVER_NAME,
    LaunchCommand,
    check,
    flags_of,
    through_python,
    through_uvx,
)
from awslabs_dsql_mcp.installer.merge import with_entry, without_entry
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths
from awslabs_dsql_mcp.installer.redacted_diff import redacted_diff
from awslabs_dsql_mcp.option_parser import OptionParser, SettingsError, add_options

_PLACEHOLDER = "CLUSTER."  # of README and the examples
_NEW_PROJECT_FILE = 0o644  # mode of a project's files; a user's may have secrets


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


def main(argv: Sequence[str]) -> int:
    """Run ``awslabs-dsql-mcp install``.

    Args:
        argv: The arguments after ``install``.

    Returns:
        The exit status: 0 on success; 1 if the file cannot be read, edited or written, and is unchanged.

    Raises:
        SettingsError: Wrong arguments, the server's included.
    """
    options = vars(_parser().parse_args(argv))
    target = _target(options, PlatformPaths(sys.platform, os.environ, str(Path.home())))  # noqa: TID251 - a command of its own
    if options.get("uninstall"):
        return _report_errors(target, lambda: _uninstall(target))
    launch = _launch(options)
    if options.get("print"):
        return _print(target, launch)
    return _report_errors(target, lambda: _install(target, launch))


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(
        prog="awslabs-dsql-mcp install",
        description="Add the server's entry to the configuration of an MCP client. The server's options are "
        "those with which the client starts it. The rest of the file is unchanged; a backup is kept as "
        "FILE.bak.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    names = [client.name for client in CLIENTS]
    parser.add_argument("client", metavar="CLIENT", help=f"one of {', '.join(names)}")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--print", action="store_true", help="print the entry and change nothing")
    act.add_argument("--uninstall", action="store_true", help="remove the entry")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--user", action="store_true", help="for all projects of the user (default)")
    scope.add_argument("--project", action="store_true", help="for the project in the current directory")
    parser.add_argument(
        "--name", metavar="NAME", help=f"name of the server in the client (default: {SERVER_NAME})"
    )
    parser.add_argument(
        "--env", metavar="KEY=VALUE", action="append", help="environment variable of the server; repeatable"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--from",
        metavar="SOURCE",
        help="source from which uvx installs the server (default: the newest release)",
    )
    how.add_argument("--installed", action="store_true", help="start this installation, without uvx")
    add_options(parser, OPTIONS)
    return parser


def _target(options: Mapping[str, object], machine: PlatformPaths) -> Target:
    """Choose the file: the first that exists of those that the client reads, else the first."""
    client = next((client for client in CLIENTS if client.name == options["client"]), None)
    if client is None:
        names = ", ".join(client.name for client in CLIENTS)
        raise SettingsError(f"CLIENT: got {options['client']!r}, expected one of {names}")
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


def _launch(options: Mapping[str, object]) -> LaunchCommand:
    """Build the command line, and check that the server accepts it."""
    given = dict(options)
    env = dict(map(_variable, _texts(given.get("env"))))
    if profile := given.pop("profile", None):
        env["AWS_PROFILE"] = str(profile)
    flags = flags_of(given, Path.cwd())
    clusters = check(flags, env)
    if given.get("installed"):
        return through_python(sys.executable, flags, env)
    source = given.get("from")
    local = any(cluster.settings.local for cluster in clusters.all)
    return through_uvx(flags, env, str(source) if source else None, local=local)


def _texts(given: object) -> list[str]:
    return [str(item) for item in given] if isinstance(given, list) else []  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - argparse


def _variable(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError("--env: got no =, expected KEY=VALUE")
    return key, value


def _print(target: Target, launch: LaunchCommand) -> int:
    sys.stdout.write(snippet(target.client, launch, target.name))
    _print_message(f"This goes into {target.path}.", target.client.note)
    link = links(launch, target.name).get(target.client.title.split(" IDE")[0])
    _print_message(f"Or open {link}" if link else "")
    return 0


def _report_errors(target: Target, work: Callable[[], int]) -> int:
    try:
        return work()
    except NotEditable as reason:
        _print_message(
            f"{target.path} is unchanged: {reason}.", "--print shows the entry, to add it by hand."
        )
    except OSError as error:
        _print_message(f"{target.path} is unchanged: {error.strerror or error}.")
    return 1


def _install(target: Target, launch: LaunchCommand) -> int:
    client, original = target.client, files.load(target.path)
    entry = client.shape(launch, target.name)
    text = with_entry(original.text, client.format, target.key, entry)
    if text == original.text:
        _print_message(f"{client.title} already has {target.name}, in {target.path}.")
        return 0
    _write(target, original, text, {**entry.full, **entry.beside})
    _print_message(f"{client.title} has {target.name} now, in {target.path}.", client.note)
    if any(argument.startswith(_PLACEHOLDER) for argument in launch.args):
        _print_message("CLUSTER in the endpoint stands for your cluster: run this again with its endpoint.")
    if which(launch.command) is None:
        _print_message(
            f"{launch.command}, which starts the server, is not on your PATH: install uv "
            "(https://docs.astral.sh/uv/), or run this again with --installed."
        )
    return 0


def _uninstall(target: Target) -> int:
    client, original = target.client, files.load(target.path)
    text = without_entry(original.text, client.format, target.key)
    if text == original.text:
        _print_message(f"{client.title} has no {target.name} in {target.path}.")
        return 0
    _write(target, original, text, {})
    _print_message(f"{client.title} has {target.name} no more, in {target.path}.")
    return 0


def _write(target: Target, original: files.Original, text: str, entry: Mapping[str, object]) -> None:
    """Replace the file and print the changes."""
    kept = files.save(original, text, mode=_NEW_PROJECT_FILE if target.is_project else 0o600)
    before = target.client.format.read(original.text.lstrip("\ufeff").replace("\r\n", "\n"))
    servers = before.get(target.client.key)
    old = servers.get(target.name) if isinstance(servers, dict) else {}  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType] - of a parsed file
    shown = (target.client.key, target.name, entry, old)  # pyright: ignore[reportUnknownVariableType] - as above
    sys.stdout.write(redacted_diff(original.text, text, str(target.path), shown) + "\n")  # pyright: ignore[reportUnknownArgumentType] - as above
    if kept:
        _print_message(f"The old file was saved as {kept}.")


def _print_message(*sentences: str) -> None:
    if text := " ".join(filter(None, sentences)):
        sys.stderr.write(f"awslabs-dsql-mcp install: {text}\n")
