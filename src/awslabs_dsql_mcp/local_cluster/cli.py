"""``awslabs-dsql-mcp local``: runs a local cluster without an MCP server, and serves its users."""

import argparse
import asyncio
import re
import shlex
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import cast

from awslabs_dsql_mcp.command_error import report_error
from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster import client_env, client_lines, iam_token, options
from awslabs_dsql_mcp.local_cluster.client_env import powershell
from awslabs_dsql_mcp.local_cluster.cluster import HOST, enter
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon.client import ClusterHandle, connect_if_running
from awslabs_dsql_mcp.local_cluster.daemon.next_faults import FAULTS
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.option_parser import (
    Option,
    OptionParser,
    SettingsError,
    add_options,
    read_value,
    refuse_idle,
    whole_number,
)

_WAKING = Option(
    "--waking-ms", (), options.MILLISECONDS, "Milliseconds that waking up takes, for sleep.", "MS", "0"
)


_SHELL = "powershell" if sys.platform == "win32" else "sh"
_TIMES = Option("--times", (), whole_number(1, 1000), "How many of them fail, for fail.", "N", "1")
_HOST_NAME = re.compile(r"[\w.-]+")
_TASKS_OF = {
    "--env": ("--env",),
    "--for": ("--for",),
    "--format": ("--env",),
    "--user": ("--env", "--for", "token"),
    "--host": ("token", "--env", "sleep"),
    "fault": ("fail",),
    _WAKING.flag: ("sleep",),
    _TIMES.flag: ("fail",),
    **{option.flag: ("",) for option in options.OPTIONS},
}
"""Subject of each option; "" is the cluster itself."""


def main(argv: Sequence[str], environ: Mapping[str, str] = MappingProxyType({})) -> int:
    """Run ``awslabs-dsql-mcp local``: a cluster until a signal, or an action on a running one.

    Args:
        argv: Arguments after ``local``.
        environ: The environment.

    Returns:
        The exit status: 0; 1 when the cluster cannot be started, does not run or ends by itself.

    Raises:
        SettingsError: A wrong argument.
    """
    parsed = _parser().parse_args(argv)
    data_dir = DataDir.of(parsed.local_data)
    try:
        return _run(parsed, data_dir, environ)
    except NotConfigured as failure:
        return report_error("local", failure)
    except KeyboardInterrupt:  # Windows, where the loop takes no signal handlers
        return 0


def _run(parsed: argparse.Namespace, data_dir: DataDir, environ: Mapping[str, str]) -> int:
    task = _task(parsed)
    user = getattr(parsed, "user", iam_token.ADMIN)
    if task == "token":
        _print(_token(data_dir, getattr(parsed, "host", HOST), user))
    elif task == "sleep":
        _let_sleep(data_dir, parsed.local_data, _number(parsed, _WAKING) / 1000, getattr(parsed, "host", ""))
    elif task == "fail":
        _let_fail(data_dir, parsed.fault, int(_number(parsed, _TIMES)))
    elif task == "--for":
        _print(_lines(data_dir, getattr(parsed, task[2:]), user, parsed.local_data))
    elif task == "--env":
        host = _host_name(getattr(parsed, "host", HOST))
        form = getattr(parsed, "format", _SHELL)
        _print(_environment(data_dir, host, user, form, environ))
    else:
        return asyncio.run(_serve(data_dir, parsed.local_data, options.chosen(parsed)))
    return 0


def _task(parsed: argparse.Namespace) -> str:
    """Name what is asked for: the action, ``--env``, ``--for``, or "" for the cluster itself.

    Raises:
        SettingsError: An option is given that does nothing there.
    """
    given = {name: value for name, value in vars(parsed).items() if value is not None}
    asked = [parsed.action] if parsed.action else [flag for flag in ("--for", "--env") if flag[2:] in given]
    task = cast("str", "--env" if not asked and "format" in given else asked[0] if asked else "")
    refuse_idle(given, "local", task, _TASKS_OF)
    return task


def _number(parsed: argparse.Namespace, option: Option) -> float:
    text = getattr(parsed, option.name, option.default)
    return cast("float", read_value(option, option.flag, text))


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(
        "awslabs-dsql-mcp local",
        description="Run the local cluster without an MCP server, until interrupted, or use one that runs.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=["token", "sleep", "fail"],
        help="token: print a new password, valid for 15 minutes; sleep: put the running cluster to sleep, "
        "like an idle one: the next connection is refused, and wakes it up; fail: let the next of FAULT fail",
    )
    parser.add_argument(
        "fault",
        nargs="?",
        metavar="FAULT",
        help="create: the next cluster ends in FAILED; backup, copy, restore: the next such job fails; "
        "throttle: the next call of the account's API is throttled",
    )
    parser.add_argument(
        "--env",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print the environment that psql, boto3 and AWS's connectors need for the running cluster",
    )
    parser.add_argument(
        "--format",
        choices=list(client_env.FORMATS),
        default=argparse.SUPPRESS,
        help=f"print the environment in this form (default: {_SHELL})",
    )
    parser.add_argument(
        "--for",
        choices=list(client_lines.CLIENTS),
        default=argparse.SUPPRESS,
        help="print the lines by which this client connects to the running cluster",
    )
    parser.add_argument(
        "--local-data",
        "--local_data",
        type=Path,
        metavar="DIR",
        help="data folder (default: the user's)",
    )
    parser.add_argument("--user", default=argparse.SUPPRESS, help="role to log in as (default: admin)")
    parser.add_argument(
        "--host",
        default=argparse.SUPPRESS,
        help=f"name for token, --env and sleep: {HOST}, valid for each name of the first cluster, or "
        f"the endpoint of another one (default: {HOST})",
    )
    add_options(parser, [_WAKING, _TIMES])
    options.add_to(parser)
    return parser


def _token(data_dir: DataDir, host: str, user: str) -> str:
    """Issue a token.

    Raises:
        SettingsError: The host is no name.
        NotConfigured: No cluster was ever started in the directory.
    """
    host = _host_name(host)
    try:
        credentials = data_dir.credentials_for(host)
    except FileNotFoundError:
        raise NotConfigured(
            f"There is no local cluster in {data_dir.path}.", hint=_how_to_start(data_dir)
        ) from None
    return iam_token.issue(host, user, credentials, datetime.now(timezone.utc))


def _host_name(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise SettingsError(f"--host: got {text!r}, expected a host name")
    return text


def _how_to_start(data_dir: DataDir) -> str:
    words = [*_program(), "local", "--local-data", str(data_dir.path)]
    return f"Start it: {_typed(words)}"


def _typed(words: Sequence[str]) -> str:
    """Write a command for the user's shell."""
    return f"& {' '.join(map(powershell, words))}" if sys.platform == "win32" else shlex.join(words)


@contextmanager
def _connected(data_dir: DataDir) -> Generator[ClusterHandle, None, None]:
    """Connect to the running cluster for a moment.

    Raises:
        NotConfigured: No cluster runs.
    """
    handle = connect_if_running(data_dir)
    if handle is None:
        raise NotConfigured(f"No local cluster runs in {data_dir.path}.", hint=_how_to_start(data_dir))
    try:
        yield handle
    finally:
        handle.close()


def _environment(data_dir: DataDir, host: str, user: str, form: str, environ: Mapping[str, str]) -> str:
    """Format the environment of clients of the running cluster."""
    with _connected(data_dir) as handle:
        variables = client_env.client_env(
            data_dir, handle.port, handle.api_port, user, datetime.now(timezone.utc), host, environ
        )
    return client_env.FORMATS[form](variables)


def _lines(data_dir: DataDir, client: str, user: str, data: Path | None) -> str:
    """Format the lines of a client, below the one for the environment."""
    with _connected(data_dir) as handle:
        lines = client_lines.lines(client, data_dir, handle.port, user)
    command = [*_program(), "local", "--env", *_data_flags(data_dir, data)]
    if user != iam_token.ADMIN:
        command += ["--user", user]
    if sys.platform == "win32":
        environment = f"& {' '.join(map(powershell, command))} | Out-String | Invoke-Expression"
    else:
        environment = f'eval "$({shlex.join(command)})"'
    shell = client_lines.Line("In the shell where the client is started", environment)
    return "\n\n".join(f"{line.place}\n\n{line.text}" for line in (shell, *lines))


def _data_flags(data_dir: DataDir, data: Path | None) -> list[str]:
    return ["--local-data", str(data_dir.path)] if data else []


def _let_sleep(data_dir: DataDir, data: Path | None, waking_seconds: float, host: str) -> None:
    host = _host_name(host) if host else ""
    with _connected(data_dir) as handle:
        if not handle.let_sleep(waking_seconds, host):
            listing = shlex.join(
                ("awslabs-dsql-mcp", "clusters", "list", "--local", *_data_flags(data_dir, data))
            )
            raise NotConfigured(
                f"There is no cluster {host} that runs.",
                hint=f"Name the endpoint of an ACTIVE one: {listing}",
            )


def _let_fail(data_dir: DataDir, fault: str | None, times: int) -> None:
    if fault not in FAULTS:
        given = "nothing" if fault is None else repr(fault)
        raise SettingsError(f"local fail: got {given}, expected {' or '.join(FAULTS)}")
    with _connected(data_dir) as handle:
        handle.let_fail(fault, times)


async def _serve(data_dir: DataDir, data: Path | None, config: ClusterConfig | None) -> int:
    """Run the cluster until a signal (0) or until it ends by itself (1)."""
    handle = await enter(data_dir, config)
    try:
        _print(_instructions(data_dir, handle, data))
        return await _until_signal_or_end(handle)
    finally:
        handle.close()


async def _until_signal_or_end(handle: ClusterHandle) -> int:
    loop, signalled = asyncio.get_running_loop(), asyncio.Event()
    with suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, signalled.set)
    handle.connection.settimeout(0)
    ended = asyncio.ensure_future(loop.sock_recv(handle.connection, 1))
    signal_received = asyncio.ensure_future(signalled.wait())
    await asyncio.wait((ended, signal_received), return_when=asyncio.FIRST_COMPLETED)
    if signal_received.done():
        ended.cancel()
        return 0
    signal_received.cancel()
    sys.stderr.write("awslabs-dsql-mcp local: the cluster has ended\n")
    return 1


def _instructions(data_dir: DataDir, handle: ClusterHandle, data: Path | None) -> str:
    """Return how to connect with psql, in the syntax of the user's shell."""
    where = ("host", HOST), ("port", handle.port), ("dbname", "postgres"), ("user", iam_token.ADMIN)
    trust = ("sslmode", "verify-full"), ("sslrootcert", _conninfo_value(str(data_dir.ca_file)))
    conninfo = " ".join(f"{key}={value}" for key, value in (*where, *trust))
    token = [*_program(), "local", "token", *_data_flags(data_dir, data)]
    if sys.platform == "win32":
        psql = f"$env:PGPASSWORD = & {' '.join(map(powershell, token))}\npsql {powershell(conninfo)}"
    else:
        psql = f'PGPASSWORD="$({shlex.join(token)})" psql {shlex.quote(conninfo)}'
    flags = options.flags(handle.config)
    behaves = f"\nIt behaves as with {flags}" if flags else ""
    return (
        f"The local cluster is up; its data are in {data_dir.path}{behaves}\n"
        f"Connect with\n\n{psql}\n\nCtrl-C leaves."
    )


def _program() -> list[str]:
    """Return our command as any shell finds it: our PATH may be for this process alone (uvx)."""
    return [sys.executable, "-m", "awslabs_dsql_mcp"]


def _conninfo_value(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
