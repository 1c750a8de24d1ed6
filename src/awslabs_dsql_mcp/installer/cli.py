"""The command ``awslabs-dsql-mcp install CLIENT``."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which

from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import read_clusters
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.installer import files
from awslabs_dsql_mcp.installer.chooser import at_terminal, whole_command
from awslabs_dsql_mcp.installer.client_environment import withheld
from awslabs_dsql_mcp.installer.clients import CLIENTS, Client, snippet
from awslabs_dsql_mcp.installer.deeplinks import links
from awslabs_dsql_mcp.installer.formats import NotEditable, value_at
from awslabs_dsql_mcp.installer.launch import (
    PACKAGE,
    SERVER_NAME,
    LaunchCommand,
    flags_begin,
    flags_of,
    require_filled_in,
    through_python,
    through_tool,
    through_uvx,
)
from awslabs_dsql_mcp.installer.merge import dropped_variables, with_entry, without_entry
from awslabs_dsql_mcp.installer.platform_paths import PlatformPaths
from awslabs_dsql_mcp.installer.redacted_diff import in_colours, redacted_diff
from awslabs_dsql_mcp.installer.source import own_source, requirement, with_local
from awslabs_dsql_mcp.installer.target import Target, find_target, named_client
from awslabs_dsql_mcp.installer.uv_tool import (
    NotInstalled,
    find_uv,
    find_uvx,
    install_tool,
    is_in_cache,
    keeps_local,
)
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.option_parser import OptionParser, SettingsError, add_options
from awslabs_dsql_mcp.terminal import takes_colours, working

# The clients' own commands refuse most others (seen with Codex 0.169 and Claude Code 2.1).
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NEW_PROJECT_FILE = 0o644  # mode of a project's files; a user's may have secrets


def main(argv: Sequence[str]) -> int:
    """Run ``awslabs-dsql-mcp install``.

    Args:
        argv: The arguments after ``install``.

    Returns:
        The exit status: 0 on success; 1 if the server cannot be installed, or the file cannot be read, edited
        or written, and is unchanged.

    Raises:
        SettingsError: Wrong arguments, the server's included.
    """
    options = vars(_parser().parse_args(argv))
    _require_values(options)
    environ = os.environ  # noqa: TID251 - a command of its own
    machine = PlatformPaths(sys.platform, environ, str(Path.home()))
    if "client" not in options and not at_terminal():
        raise SettingsError(
            f"CLIENT: got nothing, expected one, as in: {whole_command(options, argv, machine)}"
        )
    if "client" in options:  # nothing else is asked for in vain
        named_client(str(options["client"]), "CLIENT")
    if options.get("uninstall"):
        target = find_target(options, machine)
        return _report_errors(target, lambda: _uninstall(target, environ))
    if not _NAME.fullmatch(str(options.get("name", SERVER_NAME))):
        raise SettingsError(f"--name: got {options['name']!r}, expected letters, digits, -, _ and .")
    launch = _launch(options)  # what is wrong in it is said before anything is asked
    if launch is None:
        ways = "--cluster_endpoint HOST, --config FILE or --local"
        whole = whole_command(options, argv, machine)
        raise SettingsError(f"--cluster_endpoint: got nothing, expected {ways}, as in: {whole}")
    target = find_target(options, machine)
    if options.get("print"):
        return _print(target, launch.plan)
    return _report_errors(target, lambda: _install(target, launch, environ))


def _require_values(options: Mapping[str, object]) -> None:
    for name, placeholder in {
        "from": "SOURCE",
        "name": "NAME",
        "profile": "NAME",
        "client": "CLIENT",
    }.items():
        if isinstance(value := options.get(name), str) and not value.strip():
            flag = name.upper() if name == "client" else f"--{name}"
            raise SettingsError(f"{flag}: got nothing, expected {placeholder}")


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(
        prog="awslabs-dsql-mcp install",
        description="Add the server's entry to the configuration of an MCP client. The server's options are "
        "those with which the client starts it. uv keeps the server as a tool, so that it starts without the "
        "network. The rest of the file is unchanged; a backup is kept as FILE.bak.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    names = [client.name for client in CLIENTS]
    parser.add_argument(
        "client", metavar="CLIENT", nargs="?", help=f"one of {', '.join(names)}; asked for on a terminal"
    )
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
        help="directory, URL or package from which uv installs the server (default: what this one is from)",
    )
    how.add_argument("--installed", action="store_true", help="start this installation, without uv")
    how.add_argument(
        "--latest",
        action="store_true",
        help="look for the newest release at each start, which needs the network",
    )
    add_options(parser, OPTIONS)
    return parser


@dataclass(frozen=True)
class _Launch:
    """The launch command, and what has to be there for it.

    Attributes:
        plan: The command, with uvx by its name alone.
        required: What uv has to keep as a tool; empty if nothing.
    """

    plan: LaunchCommand
    required: str = ""


def _launch(options: Mapping[str, object]) -> _Launch | None:
    """Build the command line, and check that the server accepts it; ``None`` where no cluster is named."""
    given = dict(options)
    env = dict(map(_variable, _texts(given.get("env"))))
    if profile := given.pop("profile", None):
        env["AWS_PROFILE"] = str(profile)
    flags = flags_of(given, Path.cwd())
    clusters = read_clusters(read_settings(flags, env, version=""))
    for cluster in clusters.all:
        if not (cluster.settings.cluster_endpoint or cluster.settings.local):
            return None
        if not options.get("print"):  # which may show how it would look
            require_filled_in(cluster.settings.cluster_endpoint, cluster.source or "--cluster_endpoint")
    if given.get("installed"):
        if is_in_cache(Path(sys.executable)):
            raise SettingsError(
                "--installed: got an installation of uvx for this run alone, expected one by `uv tool "
                "install` or pip; without --installed, uv keeps one"
            )
        return _Launch(through_python(sys.executable, flags, env))
    source = given.get("from")
    local = any(cluster.settings.local for cluster in clusters.all)
    if given.get("latest"):
        return _Launch(through_uvx(flags, env, local=local))
    required = requirement(str(source) if source else None, own_source(), Path.cwd(), local=local)
    return _Launch(through_tool("uvx", required, flags, env), required)


def _texts(given: object) -> list[str]:
    return [str(item) for item in given] if isinstance(given, list) else []  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - argparse


def _variable(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError("--env: got no =, expected KEY=VALUE")
    return key, value


def _print(target: Target, launch: LaunchCommand) -> int:
    sys.stdout.write(snippet(target.client, launch, target.name))
    _print_message(f"This goes into {target.path}.", target.client.advice(of_project=target.is_project))
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


def _install(target: Target, launch: _Launch, environ: Mapping[str, str]) -> int:
    client, original = target.client, files.load(target.path)
    plan = _with_program(launch.plan, target, environ)
    entry = client.shape(plan, target.name)
    before = _entry_in(original, target)
    text = with_entry(original.text, client.format, target.key, entry)
    if launch.required and not _keep(launch.required, environ):
        return 1
    if text == original.text:
        _print_message(f"{client.title} already has {target.name}, in {target.path}.")
    else:
        _write(target, original, text, {**entry.full, **entry.beside}, environ)
        advice = client.advice(of_project=target.is_project)
        _print_message(f"{client.title} has {target.name} now, in {target.path}.", advice)
    for names in dropped_variables(before, entry.required).values():
        _print_message(f"Taken out of its environment, from an earlier installation: {', '.join(names)}.")
    _tell_withheld(client, plan, environ)
    if which(plan.command) is None:
        _print_message(
            f"{plan.command}, which starts the server, is not on your PATH: install uv "
            "(https://docs.astral.sh/uv/), or run this again with --installed."
        )
    _print_message(f"Next: start {client.title} anew. To check what it starts:\n  {_doctor(plan, target)}")
    return 0


def _with_program(plan: LaunchCommand, target: Target, environ: Mapping[str, str]) -> LaunchCommand:
    """Name uvx by its path where PATH does not lead to it, as without a shell; not in a shared file."""
    if plan.command != "uvx" or target.is_project:
        return plan
    if which("uvx", path=environ.get("PATH", "")) and not target.client.is_desktop:
        return plan
    uvx = find_uvx(environ)
    return replace(plan, command=str(uvx)) if uvx else plan


def _keep(required: str, environ: Mapping[str, str]) -> bool:
    """Let uv keep the server, so that it starts without the network; true also where there is no uv."""
    uv = find_uv(environ)
    if uv is None:
        return True
    if keeps_local(uv):
        required = with_local(required)
    with working(f"uv installs {required}, once", sys.stderr, environ):
        try:
            install_tool(uv, required)
        except NotInstalled as reason:
            problem = str(reason)
        else:
            return True
    _print_message(
        f"Nothing was written: uv could not install {required}: {problem}.",
        "--from SOURCE names another source, such as a checkout; --print shows the entry.",
    )
    return False


def _tell_withheld(client: Client, plan: LaunchCommand, environ: Mapping[str, str]) -> None:
    missing = [name for name in withheld(client.hands_on, environ, client.named) if name not in plan.env]
    if missing and "--local" not in plan.args:
        _print_message(
            f"{client.title} does not hand on {', '.join(missing)} of this shell to servers: if the server "
            "needs them, give --profile, or --env for what is no secret."
        )


def _doctor(plan: LaunchCommand, target: Target) -> str:
    """Write the command that checks an entry."""
    words = [plan.command, *plan.args]
    named = [] if target.name == SERVER_NAME else ["--name", target.name]
    project = ["--project"] if target.is_project else []
    command = [*words[: flags_begin(words)], "doctor", "--as", target.client.name, *named, *project]
    return shlex.join(command)


def _entry_in(original: files.Original, target: Target) -> object:
    """Read the entry that is there, if any."""
    text = original.text.lstrip("\ufeff").replace("\r\n", "\n")
    return value_at(target.client.format.read(text), target.key)


def _uninstall(target: Target, environ: Mapping[str, str]) -> int:
    client, original = target.client, files.load(target.path)
    text = without_entry(original.text, client.format, target.key)
    if text == original.text:
        _print_message(f"{client.title} has no {target.name} in {target.path}.")
        return 0
    is_bare = not text.strip(" \t\r\n{}\ufeff")
    _write(target, original, "" if is_bare else text, {}, environ)
    if is_bare:
        original.path.unlink()
    removed = f"; {target.path} held nothing else, and is removed." if is_bare else f", in {target.path}."
    _print_message(f"{client.title} has {target.name} no more{removed}")
    if left := _left(str(_entry_in(original, target)), environ):
        _print_message(f"Left, since other clients may use it: {' and '.join(left)}.")
    return 0


def _left(entry: str, environ: Mapping[str, str]) -> list[str]:
    """Name what stays on this machine of an entry that is taken out, and how it is removed."""
    uv = None if which("uv", path=environ.get("PATH", "")) else find_uv(environ)  # the checkout's own
    removal = shlex.join([str(uv or "uv"), "tool", "uninstall", PACKAGE])
    left = [f"the program ({removal})"] if "uv" in entry else []
    folder = DataDir.of(None).path
    if "--local'" in entry and "--local-data" not in entry and folder.is_dir():
        left.append(f"the local cluster (the folder {folder})")
    return left


def _write(
    target: Target,
    original: files.Original,
    text: str,
    entry: Mapping[str, object],
    environ: Mapping[str, str],
) -> None:
    """Replace the file and print the changes."""
    kept = files.save(original, text, mode=_NEW_PROJECT_FILE if target.is_project else 0o600)
    shown: tuple[object, ...] = (target.client.key, target.name, entry, _entry_in(original, target))
    diff = redacted_diff(original.text, text, str(target.path), shown)
    sys.stdout.write((in_colours(diff) if takes_colours(sys.stdout, environ) else diff) + "\n")
    if kept:
        _print_message(f"The old file was saved as {kept}.")


def _print_message(*sentences: str) -> None:
    if text := " ".join(filter(None, sentences)):
        sys.stderr.write(f"awslabs-dsql-mcp install: {text}\n")
