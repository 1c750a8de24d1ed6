"""Joining the cluster of a data folder: its daemon is asked in, or started first.

One process at a time does this for a folder (``join.lock``), so there is never a second daemon. A
daemon that is just ending no longer answers; the one started after it waits for ``daemon.lock``.
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
from awslabs_dsql_mcp.local_cluster import options
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon.file_lock import is_locked, locked
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

_JOIN_SECONDS = 180  # for others to join, a first start among them
_CONNECT_SECONDS = 5


@dataclass(frozen=True)
class ClusterHandle:
    """An open connection to the daemon, which holds the cluster up.

    Args:
        port: The endpoint's.
        config: How the cluster behaves.
    """

    connection: socket.socket
    port: int
    config: ClusterConfig

    def close(self) -> None:
        """Leave; the last to leave stops the cluster."""
        self.connection.close()

    def let_sleep(self, waking_seconds: float) -> None:
        """Let the cluster fall asleep; the next connection is refused, and wakes it up.

        Args:
            waking_seconds: How long that takes.

        Raises:
            OSError: The daemon has ended.
        """
        self.connection.sendall(f"{waking_seconds}\n".encode())
        if not _read_line(self.connection):
            raise ConnectionResetError("the daemon has ended")


def connect_if_running(data_dir: DataDir) -> ClusterHandle | None:
    """Join the folder's cluster if it runs."""
    return _connect(data_dir) if data_dir.path.is_dir() else None


def connect_or_start(data_dir: DataDir, config: ClusterConfig | None = None) -> ClusterHandle:
    """Join the folder's cluster, starting it when it does not run; blocks for up to some seconds.

    Args:
        data_dir: The cluster's.
        config: How it is to behave; `None` to take one that runs as it is.

    Raises:
        NotConfigured: It cannot be started, or one runs that behaves otherwise; the text says why.
    """
    try:
        data_dir.make()
        with locked(data_dir.join_lock, _JOIN_SECONDS):
            handle = _connect(data_dir)
            if handle is None:
                return _start(data_dir, config or ClusterConfig())
    except OSError as failure:  # TimeoutError among them
        raise NotConfigured(
            f"The local cluster's data folder cannot be used: {failure}",
            hint="Give another folder with --local-data DIR.",
        ) from failure
    if config not in (None, handle.config):
        handle.close()
        raise NotConfigured(
            f"The local cluster in {data_dir.path} runs already, "
            f"started with {options.flags(handle.config) or 'no options of its behaviour'}.",
            hint="Join it as it is, without such options; or end all that use it first; or give another "
            "folder with --local-data DIR.",
        )
    return handle


def _connect(data_dir: DataDir) -> ClusterHandle | None:
    """Ask the daemon in; `None` when there is none or it is ending."""
    if not is_locked(data_dir.daemon_lock):
        return None  # a port in a file that a dead daemon left may be anybody's
    try:
        daemon = json.loads(data_dir.daemon_file.read_bytes())
        connection = socket.create_connection(("127.0.0.1", daemon["port"]), _CONNECT_SECONDS)
    except (OSError, ValueError):
        return None
    try:
        connection.sendall(daemon["secret"].encode() + b"\n")
        greeting = json.loads(_read_line(connection))
    except (OSError, ValueError):
        connection.close()
        return None
    return ClusterHandle(connection, greeting["port"], ClusterConfig.from_json(greeting["config"]))


def _read_line(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        return stream.readline()


def _start(data_dir: DataDir, config: ClusterConfig) -> ClusterHandle:
    with _daemon_command(data_dir, config) as outcome:
        if "error" in outcome:
            raise NotConfigured(
                f"The local cluster does not start: {outcome['error']}",
                hint=outcome.get("hint") or f"The logs are in {data_dir.path}",
            )
        handle = _connect(data_dir)
    if handle is None:
        raise NotConfigured(
            "The local cluster ended right after its start.", hint=f"The log is {data_dir.log}"
        )
    return handle


@contextmanager
def _daemon_command(data_dir: DataDir, config: ClusterConfig) -> Generator[dict[str, Any], None, None]:
    """Start a daemon; give what it says of its start, and hold it up while in the block."""
    with data_dir.open_log() as log:
        process = subprocess.Popen(  # noqa: S603  our own program
            [
                sys.executable,
                "-m",
                "awslabs_dsql_mcp.local_cluster.daemon.main",
                str(data_dir.path),
                config.to_json(),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=data_dir.path,  # which Python then searches first: ours, unlike wherever we are
            **_detached(),
        )
    # It outlives the block, and mostly us; when it does not, somebody must take note of its end.
    threading.Thread(target=process.wait, daemon=True).start()
    if process.stdin is None or process.stdout is None:
        raise OSError("no pipe to the daemon")
    with process.stdout, suppress(BrokenPipeError), process.stdin:
        said = process.stdout.readline()
        yield json.loads(said) if said else {"error": "it ended without a word"}


def _detached() -> dict[str, Any]:
    """Give the arguments of `subprocess.Popen` that keep our terminal's and our job's signals away."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
