"""The account in the daemon: its API and its further clusters, each from its first use on.

The API answers in threads; what a change of the account means for connections and data is done in the
event loop.
"""

import asyncio
import logging
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from awslabs_dsql_mcp.dsql.cluster_names import name_in
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon.next_faults import NextFaults
from awslabs_dsql_mcp.local_cluster.daemon.storage import Storage
from awslabs_dsql_mcp.local_cluster.data_dir import HOSTS, DataDir
from awslabs_dsql_mcp.local_cluster.endpoint.connection_limits import ConnectionLimits
from awslabs_dsql_mcp.local_cluster.endpoint.context import EndpointContext
from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal

if TYPE_CHECKING:
    from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment
    from awslabs_dsql_mcp.local_cluster.control_plane.account_file import AccountFile
    from awslabs_dsql_mcp.local_cluster.control_plane.http_server import HttpServer
    from awslabs_dsql_mcp.local_cluster.daemon.backup_jobs import BackupJobs, Data

_log = logging.getLogger(__name__)


class AccountService:
    """The account of a running daemon.

    Args:
        data_dir: The data directory, with the daemon's lock held.
        config: Configuration of the clusters.
        listener: The socket of the API, which listens already.
        first: Context of the cluster that every local cluster has.
    """

    def __init__(
        self, data_dir: DataDir, config: ClusterConfig, listener: socket.socket, first: EndpointContext
    ) -> None:
        self._data_dir, self._config, self._listener, self._first = data_dir, config, listener, first
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._accounts: AccountFile | None = None
        self._starting: asyncio.Future[HttpServer] | None = None
        self._contexts: dict[str, EndpointContext] = {}
        self._storages: dict[str, Storage] = {}
        self._names: list[str] = []
        self._removals: dict[str, asyncio.Task[None]] = {}
        self._backup_jobs: BackupJobs | None = None
        self._faults = NextFaults()
        self._tidying: asyncio.Future[None] | None = None

    # ---- The API

    def serve(self) -> None:
        """Begin to wait for the first connection to the API, which is kept waiting while it starts.

        What a daemon that ended in the middle of a job has left of its data is removed at once.
        """
        self._loop.add_reader(self._listener, self._begin)
        if any(self._data_dir.backups.glob("*.new")):
            self._tidying = asyncio.ensure_future(asyncio.to_thread(self._read_account))

    def _read_account(self) -> None:
        with suppress(OSError, ValueError):  # told to whoever asks for it
            self._account_file()

    def _begin(self) -> None:
        self._loop.remove_reader(self._listener)
        self._starting = asyncio.ensure_future(asyncio.to_thread(self._start))

    def _start(self) -> "HttpServer":
        # A tenth of a second, which most clusters never need.
        from awslabs_dsql_mcp.local_cluster.control_plane.api import Api  # noqa: PLC0415
        from awslabs_dsql_mcp.local_cluster.control_plane.http_server import HttpServer  # noqa: PLC0415

        api = Api(self._data_dir.credentials(), self._account_file, self._moment, self._faults.take)
        server = HttpServer(self._listener, api.respond)
        server.start()
        return server

    def _account_file(self) -> "AccountFile":
        from awslabs_dsql_mcp.local_cluster.control_plane.account_file import AccountFile  # noqa: PLC0415

        with self._lock:
            if self._accounts is None:
                self._accounts = AccountFile(self._data_dir, time.time, self._changed)
                self._changed()
            return self._accounts

    def _changed(self) -> None:
        with suppress(RuntimeError):  # the daemon has ended; the next one follows
            self._loop.call_soon_threadsafe(self._follow)

    async def close(self) -> None:
        """Stop the API and all further clusters."""
        if self._starting is None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        else:
            server = await self._starting
            await asyncio.to_thread(server.shutdown)
            server.server_close()
        if self._tidying is not None:
            await self._tidying
        if self._backup_jobs is not None:
            await self._backup_jobs.close()
        await asyncio.gather(
            *self._removals.values(), *(storage.stop() for storage in self._storages.values())
        )

    # ---- The clusters

    def route(self, host: str, _: EndpointContext) -> EndpointContext | Refusal:
        """Find the context of a cluster by its name; any name that is no cluster's leads to the first.

        Args:
            host: The name, in lower case.
        """
        if name_in(host) is None:
            return self._first
        try:
            account = self._account_file().account
        except (OSError, ValueError) as fault:
            _log.error("%s", fault)
            return Refusal("57P03", "the local account cannot be read", f"The log is {self._data_dir.log}")
        cluster = account.named(host)
        if cluster is None:
            return Refusal(
                "08006", "unable to accept connection, cluster not found", f"There is no {host} here."
            )
        if refusal := self._refuse_state(account, cluster):
            return refusal
        return self._context(account, cluster)

    def obey(self, request: str) -> str:
        """Carry out what a client asks for: a cluster's sleep, or that the next calls or jobs fail.

        Args:
            request: ``SECONDS [ENDPOINT]``, the time that waking up takes, or ``fail FAULT TIMES``.

        Raises:
            ValueError: It is neither.
        """
        first, *rest = request.split()
        if first == "fail":
            fault, times = rest
            self._faults.add(fault, int(times))
            return "failing"
        host = rest[0].lower() if rest else HOSTS[0]
        context = self.route(host, self._first)
        if isinstance(context, Refusal) or host not in context.names:
            return "unknown"
        context.connection_limits.sleep.begin(float(first))
        return "asleep"

    def _moment(self) -> "Moment":
        from awslabs_dsql_mcp.local_cluster.control_plane.account import Moment  # noqa: PLC0415

        asleep = {name for name, context in list(self._contexts.items()) if _is_asleep(context)}
        if _is_asleep(self._first):
            asleep.add(self._account_file().account.default)
        return Moment(time.time(), self._config.transition_seconds, frozenset(asleep))

    def _refuse_state(self, account: "Account", cluster: "Cluster") -> Refusal | None:
        from awslabs_dsql_mcp.local_cluster.control_plane.account import CONNECTABLE  # noqa: PLC0415

        status = account.status(cluster, self._moment())
        if status in CONNECTABLE:
            return None
        return Refusal(
            "08006", "unable to accept connection, cluster not available", f"The cluster is {status}."
        )

    def _context(self, account: "Account", cluster: "Cluster") -> EndpointContext:
        """Return the context of a cluster, made at its first use."""
        known = self._contexts.get(cluster.identifier)
        if known is None:
            known = self._contexts[cluster.identifier] = self._new_context(account, cluster)
        return known

    def _new_context(self, account: "Account", cluster: "Cluster") -> EndpointContext:
        if cluster.identifier == account.default:
            return replace(self._first, names=self._first.names | {cluster.endpoint})
        return replace(
            self._first,
            names=frozenset((cluster.endpoint,)),
            credentials=replace(self._first.credentials, region=cluster.region),
            connection_limits=ConnectionLimits(self._config, time.monotonic),
            backend=self._storage(cluster.storage).backend,
            clients=set[asyncio.BaseTransport](),
        )

    def _storage(self, name: str) -> Storage:
        return self._storages.setdefault(name, Storage(self._data_dir.storages / name, self._config))

    def _data_of(self, cluster: "Cluster") -> "Data":
        from awslabs_dsql_mcp.local_cluster.daemon.backup_jobs import Data  # noqa: PLC0415

        if cluster.identifier == self._account_file().account.default:
            return Data(self._data_dir.postgres, self._first.backend)
        storage = self._storage(cluster.storage)
        return Data(storage.postgres, storage.backend)

    def _follow(self) -> None:
        """Let connections and data follow the account as it is now: changes may come out of their order."""
        account = self._account_file().account
        alive = [cluster for cluster in account.clusters.values() if cluster.deleted_at is None]
        names = [cluster.endpoint for cluster in alive]
        if names != self._names:
            self._names = names
            self._data_dir.write_hosts(names)
        for identifier in self._contexts.keys() - {cluster.identifier for cluster in alive}:
            for client in self._contexts.pop(identifier).clients.copy():
                _abort(client)
        stored = {path.name for path in self._data_dir.storages.glob("*")} | self._storages.keys()
        for name in stored - {cluster.storage for cluster in alive} - self._removals.keys():
            storage = self._storages.pop(name, None) or Storage(self._data_dir.storages / name, self._config)
            self._removals[name] = asyncio.ensure_future(storage.remove())
            self._removals[name].add_done_callback(lambda _, name=name: self._removals.pop(name))
        self._jobs().follow(account)

    def _jobs(self) -> "BackupJobs":
        from awslabs_dsql_mcp.local_cluster.daemon.backup_jobs import BackupJobs  # noqa: PLC0415

        if self._backup_jobs is None:
            self._backup_jobs = BackupJobs(
                self._data_dir, self._account_file(), self._moment, self._data_of, self._faults.take
            )
        return self._backup_jobs


def _is_asleep(context: EndpointContext) -> bool:
    return context.connection_limits.sleep.is_asleep


def _abort(client: asyncio.BaseTransport) -> None:
    if isinstance(client, asyncio.Transport):
        client.abort()
