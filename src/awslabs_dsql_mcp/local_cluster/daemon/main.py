"""The daemon: the process that runs PostgreSQL and the endpoint of one data directory.

There is at most one for a directory: it holds ``daemon.lock`` while it runs. A *client*, which needs the
cluster, keeps a connection to the daemon open; the kernel closes it when the client ends, however it
ends. When the last one is closed, the daemon stops PostgreSQL and ends. The process that starts a daemon
is a client from the beginning, through the standard input of the daemon.

Clients find the daemon by ``daemon.json``: a port on 127.0.0.1 (there are no Unix sockets in Windows'
event loops, nor a short enough path everywhere) and a secret, which only the folder's owner can read.
"""

import json
import os
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon.file_lock import locked
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres import discovery

_FORMER_DAEMON_SECONDS = 30  # for the one before us to stop its PostgreSQL


def main() -> int:
    """Run the cluster of a data directory; report the outcome of the start on standard output.

    The first argument is the directory, the second the configuration as JSON.
    """
    os.umask(0o077)
    data_dir, config = DataDir(Path(sys.argv[1])), ClusterConfig.from_json(sys.argv[2])
    _allow_many_files()
    try:
        with locked(data_dir.daemon_lock, _FORMER_DAEMON_SECONDS):
            _run(data_dir, config)
    except TimeoutError:
        hint = f"End it: its process id is in {data_dir.daemon_file}"
        _announce({"error": "the daemon before this one neither answers nor ends.", "hint": hint})
    except DsqlError as failure:
        _announce({"error": failure.message, "hint": failure.hint})
    except OSError as failure:
        _announce({"error": str(failure)})
    else:
        return 0
    return 1


def _allow_many_files() -> None:
    """Raise the limit of open files as far as allowed: each connection takes two."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  not on Windows

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):  # the true limit of macOS is lower than the one it reports
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _announce(outcome: dict[str, object]) -> None:
    """Report to the process that started us; from then on standard output goes to the log."""
    with suppress(BrokenPipeError):  # it has died
        os.write(1, json.dumps(outcome).encode() + b"\n")
    os.dup2(2, 1)


def _run(data_dir: DataDir, config: ClusterConfig) -> None:
    data_dir.ensure_credentials()
    if not data_dir.clusters_file.exists():  # else the account has written its endpoints' names, too
        data_dir.write_hosts()
    server = discovery.find().start(
        data_dir.postgres, meanwhile=partial(_get_ready, data_dir), settings=config.postgres_settings()
    )
    from awslabs_dsql_mcp.local_cluster.daemon import service  # noqa: PLC0415  see _get_ready

    service.run(data_dir, server, config, ready=partial(_announce, {}))


def _get_ready(data_dir: DataDir) -> None:
    """Prepare, while PostgreSQL starts, the slow parts of the endpoint."""
    if not data_dir.has_fresh_certificate():
        from awslabs_dsql_mcp.local_cluster.daemon import certificates  # noqa: PLC0415  slow, once a year

        certificates.make(data_dir)
    import_module("awslabs_dsql_mcp.local_cluster.daemon.service")  # brings asyncio and ssl


if __name__ == "__main__":
    sys.exit(main())
