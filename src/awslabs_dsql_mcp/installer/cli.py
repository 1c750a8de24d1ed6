"""``awslabs-dsql-mcp install CLIENT``: arguments in, a changed file and words about it out."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from awslabs_dsql_mcp.config.option_parser import OptionParser, SettingsError, add_options
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

_NEW_PROJECT_FILE = 0o644  # what a project's files are; a user's may hold secrets


@dataclass(frozen=True)
class Target:
    """The file that an installation is about.

    Attributes:
        client: Whose it is.
        path: Where it is.
        is_project: Whether it is a project's.
        name: The server's name in it.
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
        argv: What follows ``install`` on the command line.

    Returns:
        The exit status: 0 when all is as it was asked to be; 1 when the file cannot be read, edited or
        written, and was left as it is.

    Raises:
        SettingsError: Wrong arguments, the server's included.
    """
    options = vars(_parser().parse_args(argv))
    target = _target(options, PlatformPaths(sys.platform, os.environ, str(Path.home())))
    if options.get("uninstall"):
        return _told(target, lambda: _uninstall(target))
    launch = _launch(options)
    if options.get("print"):
        return _print(target, launch)
    return _told(target, lambda: _install(target, launch))


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(
        prog="awslabs-dsql-mcp install",
        description="Write the server's entry into the configuration of an MCP client. The options of the "
        "server are those that it shall be started with. What is in the file stays; the old file is kept "
        "beside it as FILE.bak.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    names = [client.name for client in CLIENTS]
    parser.add_argument("client", metavar="CLIENT", help=f"one of {', '.join(names)}")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--print", action="store_true", help="print the entry, change nothing")
    act.add_argument("--uninstall", action="store_true", help="take the entry out")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--user", action="store_true", help="for all projects of the user (default)")
    scope.add_argument("--project", action="store_true", help="for the project in the current folder")
    parser.add_argument(
        "--name", metavar="NAME", help=f"name of the server in the client (default: {SERVER_NAME})"
    )
    parser.add_argument(
        "--env", metavar="KEY=VALUE", action="append", help="variable to start the server with; repeatable"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--from", metavar="SOURCE", help="what uvx gets the server from (default: its newest release)"
    )
    how.add_argument("--installed", action="store_true", help="start this installation, without uvx")
    add_options(parser, OPTIONS)
    return parser


def _target(options: Mapping[str, object], machine: PlatformPaths) -> Target:
    """Find the file: of several that a client reads, the first that exists."""
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
        raise SettingsError(f"--project: {client.title} has no file of a project, expected --user")
    path = next((place for place in places if place.exists()), places[0])
    return Target(client, path, is_project, str(options.get("name", SERVER_NAME)))


def _launch(options: Mapping[str, object]) -> LaunchCommand:
    """Put together how the server is started, and check that it would start."""
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
    _say(f"This goes into {target.path}.", target.client.note)
    link = links(launch, target.name).get(target.client.title.split(" IDE")[0])
    _say(f"Or open {link}" if link else "")
    return 0


def _told(target: Target, work: Callable[[], int]) -> int:
    try:
        return work()
    except NotEditable as reason:
        _say(f"{target.path} is left as it is: {reason}.", "--print shows the entry, to add it by hand.")
    except OSError as error:
        _say(f"{target.path} is left as it is: {error.strerror or error}.")
    return 1


def _install(target: Target, launch: LaunchCommand) -> int:
    client, original = target.client, files.load(target.path)
    entry = client.shape(launch, target.name)
    text = with_entry(original.text, client.format, target.key, entry)
    if text == original.text:
        _say(f"{client.title} has {target.name} already, in {target.path}.")
        return 0
    _write(target, original, text, entry.full)
    _say(f"{client.title} has {target.name} now, in {target.path}.", client.note)
    if which(launch.command) is None:
        _say(
            f"{launch.command}, which starts it, is not on your PATH: install uv "
            "(https://docs.astral.sh/uv/), or run this again with --installed."
        )
    return 0


def _uninstall(target: Target) -> int:
    client, original = target.client, files.load(target.path)
    text = without_entry(original.text, client.format, target.key)
    if text == original.text:
        _say(f"{client.title} has no {target.name} in {target.path}.")
        return 0
    _write(target, original, text, {})
    _say(f"{client.title} has {target.name} no more, in {target.path}.")
    return 0


def _write(target: Target, original: files.Original, text: str, entry: Mapping[str, object]) -> None:
    """Replace the file and show what became different."""
    kept = files.save(original, text, mode=_NEW_PROJECT_FILE if target.is_project else 0o600)
    before = target.client.format.read(original.text.lstrip("\ufeff").replace("\r\n", "\n"))
    servers = before.get(target.client.key)
    old = servers.get(target.name) if isinstance(servers, dict) else {}  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType] - of a parsed file
    shown = (target.client.key, target.name, entry, old)  # pyright: ignore[reportUnknownVariableType] - as above
    sys.stdout.write(redacted_diff(original.text, text, str(target.path), shown) + "\n")  # pyright: ignore[reportUnknownArgumentType] - as above
    if kept:
        _say(f"The old file is kept as {kept}.")


def _say(*sentences: str) -> None:
    if text := " ".join(filter(None, sentences)):
        sys.stderr.write(f"awslabs-dsql-mcp install: {text}\n")
