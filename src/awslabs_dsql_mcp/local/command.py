"""``awslabs-dsql-mcp local``: a local cluster without an MCP server, and tokens for it."""

import argparse
import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local import tokens
from awslabs_dsql_mcp.local.cluster import HOST, enter
from awslabs_dsql_mcp.local.folder import DataFolder
from awslabs_dsql_mcp.local.membership import Membership


def main(argv: Sequence[str]) -> int:
    """Run ``awslabs-dsql-mcp local``: hold a cluster up until a signal, or print a token for psql.

    Args:
        argv: What follows ``local`` on the command line.

    Returns:
        The exit status: 0; 1 when the cluster cannot be started or ends by itself.
    """
    options = _parser().parse_args(argv)
    folder = DataFolder.of(options.local_data)
    try:
        if options.action == "token":
            _say(_token(folder, options.user))
            return 0
        return asyncio.run(_stay(folder, options.local_data))
    except NotConfigured as failure:
        sys.stderr.write(f"awslabs-dsql-mcp local: {failure.message}\n{failure.hint or ''}".rstrip() + "\n")
        return 1
    except KeyboardInterrupt:  # Windows, where the loop takes no signal handlers
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "awslabs-dsql-mcp local",
        description="Run the local cluster without an MCP server, until interrupted; or, with `token`, "
        "print a fresh password for it.",
        allow_abbrev=False,
    )
    parser.add_argument("action", nargs="?", choices=["token"], help="print a token, valid for 15 minutes")
    parser.add_argument(
        "--local-data", "--local_data", type=Path, metavar="DIR", help="data folder (default: the user's)"
    )
    parser.add_argument("--user", default=tokens.ADMIN, help="role that the token is for (default: admin)")
    return parser


def _token(folder: DataFolder, user: str) -> str:
    """Make a token for psql.

    Raises:
        NotConfigured: No cluster was ever started in the folder.
    """
    try:
        credentials = folder.credentials()
    except FileNotFoundError:
        raise NotConfigured(
            f"There is no local cluster in {folder.path}.",
            hint=f"Start it: awslabs-dsql-mcp local --local-data {shlex.quote(str(folder.path))}",
        ) from None
    return tokens.issue(HOST, user, credentials, datetime.now(timezone.utc))


async def _stay(folder: DataFolder, data: Path | None) -> int:
    """Hold the cluster up until a signal (0) or until it ends by itself (1)."""
    membership = await enter(folder)
    try:
        _say(_invitation(folder, membership.port, data))
        return await _until_signal_or_end(membership)
    finally:
        membership.close()


async def _until_signal_or_end(membership: Membership) -> int:
    loop, signalled = asyncio.get_running_loop(), asyncio.Event()
    with suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, signalled.set)
    membership.connection.settimeout(0)
    ended = asyncio.ensure_future(loop.sock_recv(membership.connection, 1))
    told = asyncio.ensure_future(signalled.wait())
    await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        ended.cancel()
        return 0
    told.cancel()
    sys.stderr.write("awslabs-dsql-mcp local: the cluster has ended\n")
    return 1


def _invitation(folder: DataFolder, port: int, data: Path | None) -> str:
    """Say how to connect with psql, in the words of the user's shell."""
    where = ("host", HOST), ("port", port), ("dbname", "postgres"), ("user", tokens.ADMIN)
    trust = ("sslmode", "verify-full"), ("sslrootcert", _conninfo_value(str(folder.ca_file)))
    conninfo = " ".join(f"{key}={value}" for key, value in (*where, *trust))
    token = [*_program(), "local", "token", *(["--local-data", str(folder.path)] if data else [])]
    if sys.platform == "win32":
        psql = f"$env:PGPASSWORD = & {' '.join(map(_powershell, token))}\npsql {_powershell(conninfo)}"
    else:
        psql = f'PGPASSWORD="$({shlex.join(token)})" psql {shlex.quote(conninfo)}'
    return f"The local cluster is up; its data are in {folder.path}\nConnect with\n\n{psql}\n\nCtrl-C leaves."


def _program() -> list[str]:
    """Name our command as any shell finds it: what is on our PATH may be there for us alone (uvx)."""
    return [sys.executable, "-m", "awslabs_dsql_mcp"]


def _conninfo_value(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
