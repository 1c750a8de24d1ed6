"""Joining the cluster of a data folder: its keeper is asked in, or started first.

One process at a time does this for a folder (``join.lock``), so there is never a second keeper. A
keeper that is just ending no longer answers; the one started after it waits for ``keeper.lock``.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local.folder import DataFolder
from awslabs_dsql_mcp.local.locks import is_locked, locked

_JOIN_SECONDS = 180  # for others to join, a first start among them
_KNOCK_SECONDS = 5


@dataclass(frozen=True)
class Membership:
    """An open connection to the keeper, which holds the cluster up.

    Args:
        port: The endpoint's.
    """

    connection: socket.socket
    port: int

    def close(self) -> None:
        """Leave; the last to leave stops the cluster."""
        self.connection.close()


def join(folder: DataFolder) -> Membership:
    """Join the folder's cluster, starting it when it does not run; blocks for up to some seconds.

    Raises:
        NotConfigured: It cannot be started; the text says why.
    """
    try:
        folder.make()
        with locked(folder.join_lock, _JOIN_SECONDS):
            return _knock(folder) or _start(folder)
    except OSError as failure:  # TimeoutError among them
        raise NotConfigured(
            f"The local cluster's data folder cannot be used: {failure}",
            hint="Give another folder with --local-data DIR.",
        ) from failure


def _knock(folder: DataFolder) -> Membership | None:
    """Ask the keeper in; `None` when there is none or it is ending."""
    if not is_locked(folder.keeper_lock):
        return None  # a port in a file that a dead keeper left may be anybody's
    try:
        keeper = json.loads(folder.keeper_file.read_bytes())
        connection = socket.create_connection(("127.0.0.1", keeper["port"]), _KNOCK_SECONDS)
    except (OSError, ValueError):
        return None
    try:
        connection.sendall(keeper["secret"].encode() + b"\n")
        port = json.loads(_read_line(connection))["port"]
    except (OSError, ValueError):
        connection.close()
        return None
    return Membership(connection, port)


def _read_line(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        return stream.readline()


def _start(folder: DataFolder) -> Membership:
    with _keeper(folder) as outcome:
        if "error" in outcome:
            raise NotConfigured(
                f"The local cluster does not start: {outcome['error']}",
                hint=outcome.get("hint") or f"The logs are in {folder.path}",
            )
        membership = _knock(folder)
    if membership is None:
        raise NotConfigured("The local cluster ended right after its start.", hint=f"The log is {folder.log}")
    return membership


@contextmanager
def _keeper(folder: DataFolder) -> Generator[dict[str, Any], None, None]:
    """Start a keeper; give what it says of its start, and hold it up while in the block."""
    with folder.open_log() as log:
        process = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "awslabs_dsql_mcp.local.keeper", str(folder.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder.path,  # which Python then searches first: ours, unlike wherever we are
            **_detached(),
        )
    # It outlives the block, and mostly us; when it does not, somebody must take note of its end.
    threading.Thread(target=process.wait, daemon=True).start()
    if process.stdin is None or process.stdout is None:
        raise OSError("no pipe to the keeper")
    with process.stdout, suppress(BrokenPipeError), process.stdin:
        said = process.stdout.readline()
        yield json.loads(said) if said else {"error": "it ended without a word"}


def _detached() -> dict[str, Any]:
    """Give the arguments of `subprocess.Popen` that keep our terminal's and our job's signals away."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
