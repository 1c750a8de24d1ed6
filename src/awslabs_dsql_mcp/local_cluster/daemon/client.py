"""Client of the daemon: connects to the one of a data directory, or starts it first.

One process at a time does this for a directory (``join.lock``), so there is never a second daemon. A
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
from awslabs_dsql_mcp.text import fault_of

_JOIN_SECONDS = 180  # for others to join, a first start among them
_CONNECT_SECONDS = 5


@dataclass(frozen=True)
class ClusterHandle:
    """An open connection to the daemon, which runs while there is one.

    Attributes:
        connection: The connection; what is asked of the daemon goes over it, too.
        port: Port of the endpoint.
        api_port: Port of the API; `None` of a daemon that has none, of an older version.
        config: Configuration of the cluster.
    """

    connection: socket.socket
    port: int
    api_port: int | None
    config: ClusterConfig

    def close(self) -> None:
        """Close the connection; the cluster stops after the last one."""
        self.connection.close()

    def let_sleep(self, waking_seconds: float, host: str) -> bool:
        """Put a cluster to sleep; the next connection is refused, and wakes it up.

        Args:
            waking_seconds: Seconds that waking up takes.
            host: Its endpoint's name; empty for the first cluster.

        Returns:
            True if it sleeps; false if there is no such cluster that runs.

        Raises:
            OSError: The daemon has ended.
        """
        return self._ask(f"{waking_seconds} {host}".rstrip()) == "asleep"

    def let_fail(self, fault: str, times: int) -> None:
        """Let the next calls or jobs of the account fail.

        Args:
            fault: One of `next_faults.FAULTS`.
            times: How many of them.

        Raises:
            OSError: The daemon has ended.
        """
        self._ask(f"fail {fault} {times}")

    def _ask(self, request: str) -> str:
        self.connection.sendall(request.encode() + b"\n")
        answer = _read_line(self.connection)
        if not answer:
            raise ConnectionResetError("the daemon has ended, or is one of an older version")
        return answer.decode().strip()


def connect_if_running(data_dir: DataDir) -> ClusterHandle | None:
    """Connect to the daemon of a data directory; `None` if it does not run."""
    return _connect(data_dir) if data_dir.path.is_dir() else None


def connect_or_start(data_dir: DataDir, config: ClusterConfig | None) -> ClusterHandle:
    """Connect to the daemon of a data directory; start it if it does not run. Blocks for some seconds.

    Args:
        data_dir: The data directory.
        config: Configuration to start it with; `None` to use a running one as it is.

    Raises:
        NotConfigured: The cluster cannot be started, or runs with another configuration.
    """
    try:
        data_dir.make()
        with locked(data_dir.join_lock, _JOIN_SECONDS):
            handle = _connect(data_dir)
            if handle is None:
                return _start(data_dir, config or ClusterConfig())
    except OSError as failure:  # TimeoutError among them
        raise NotConfigured(
            f"The local cluster's data folder cannot be used: {fault_of(failure)}.",
            hint="Give another folder with --local-data DIR.",
        ) from failure
    if config is not None and not config.accepts(handle.config, handle.port):
        handle.close()
        raise NotConfigured(
            f"The local cluster in {data_dir.path} runs already at port {handle.port}, "
            f"started with {options.flags(handle.config) or 'no options of its behaviour'}.",
            hint="Join it as it is, without such options; or end all that use it first; or give another "
            "folder with --local-data DIR.",
        )
    return handle


def _connect(data_dir: DataDir) -> ClusterHandle | None:
    """Connect to the daemon; `None` when there is none or it is ending."""
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
    return ClusterHandle(
        connection, greeting["port"], greeting.get("api_port"), ClusterConfig.from_json(greeting["config"])
    )


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
    """Start a daemon; yield the outcome that it reports, and keep it running meanwhile."""
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
            cwd=data_dir.path,  # Python searches it first, and only we can write there
            **_detached(),
        )
    # It outlives the block, and mostly this process; if not, it must be waited for.
    threading.Thread(target=process.wait, daemon=True).start()
    if process.stdin is None or process.stdout is None:
        raise OSError("no pipe to the daemon")
    with process.stdout, suppress(BrokenPipeError), process.stdin:
        said = process.stdout.readline()
        yield json.loads(said) if said else {"error": "it ended without a word"}


def _detached() -> dict[str, Any]:
    """Return the arguments of `subprocess.Popen` that detach a process from our terminal and job."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
