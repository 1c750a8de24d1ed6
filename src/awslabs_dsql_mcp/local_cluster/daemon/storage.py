"""The data of a further cluster, or of a pair: a PostgreSQL that is started by the first who needs it."""

import asyncio
import logging
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.endpoint.context import Backend
from awslabs_dsql_mcp.local_cluster.postgres import discovery, job_worker, server, subprocesses
from awslabs_dsql_mcp.local_cluster.postgres.superuser import ReconnectingSuperuser
from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Running:
    """A running PostgreSQL, and what belongs to it.

    Attributes:
        backend: What connections see of it.
        server: PostgreSQL.
        control: Connection of the superuser.
        jobs: The worker of asynchronous jobs.
    """

    backend: Backend
    server: server.Server
    control: ReconnectingSuperuser
    jobs: "asyncio.Task[None]"

    async def stop(self) -> None:
        """Stop all of it; sessions end."""
        self.jobs.cancel()
        await asyncio.gather(self.jobs, return_exceptions=True)
        await self.control.close()
        await asyncio.to_thread(self.server.stop)


class Storage:
    """The data below one directory.

    Args:
        directory: The directory, made when absent.
        config: Configuration of its clusters.
    """

    def __init__(self, directory: Path, config: ClusterConfig) -> None:
        self._directory, self._config = directory, config
        self._starting: asyncio.Future[_Running] | None = None
        self._is_gone = False

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self._directory / "postgres"

    async def backend(self) -> Backend:
        """Return what runs, started when it does not.

        Raises:
            OSError: It cannot be started, or is removed.
        """
        if self._is_gone:
            raise FileNotFoundError("the cluster is deleted")
        if self._starting is None or self._has_ended(self._starting):
            self._starting = asyncio.ensure_future(self._start(self._starting))
        try:
            return (await asyncio.shield(self._starting)).backend
        except DsqlError as failure:
            _log.error("%s: %s", self._directory, failure.message)
            raise OSError(failure.message) from failure

    async def stop(self) -> None:
        """Stop what runs; it is not started again."""
        self._is_gone = True
        if self._starting is not None:
            with suppress(DsqlError, OSError):
                await (await self._starting).stop()

    async def remove(self) -> None:
        """Stop what runs, and remove the data."""
        await self.stop()
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    @staticmethod
    def _has_ended(starting: "asyncio.Future[_Running]") -> bool:
        if not starting.done():
            return False
        return starting.exception() is not None or starting.result().server.process.poll() is not None

    async def _start(self, former: "asyncio.Future[_Running] | None") -> _Running:
        if former is not None and former.exception() is None:
            await former.result().stop()
        started = await asyncio.to_thread(self._start_server)
        control = ReconnectingSuperuser(started.address)
        sessions = SessionRegistry(control, self._config)
        jobs = job_worker.Jobs(started.address, sessions.catalog_changed)
        return _Running(
            Backend(started.address, sessions), started, control, asyncio.ensure_future(jobs.run())
        )

    def _start_server(self) -> server.Server:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return discovery.find().start(
            self.postgres,
            meanwhile=_nothing,
            settings=self._config.postgres_settings(),
            spawn=subprocesses.spawn_watched,
        )


def _nothing() -> None:
    """Do nothing: nobody waits for the start but its own client."""
