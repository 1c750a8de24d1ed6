"""Background worker of the jobs in sys.sql: index builds, validations, removals after a DROP.

A job waits for the locks it needs a tenth of a second at a time, so that it blocks nobody for
longer, and retries until it gets them. Unfinished jobs are run by the next daemon.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, cast

from awslabs_dsql_mcp.local_cluster.postgres import superuser
from awslabs_dsql_mcp.local_cluster.postgres.server import Address

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_MAX_CONCURRENT = 4
_RETRY_SECONDS = 0.1
_UNDONE = """
SELECT job_id, job_type FROM sys._jobs WHERE status IN ('submitted', 'processing') ORDER BY position
"""
_BEGIN = (
    "UPDATE sys._jobs SET status = 'processing', update_time = date_trunc('second', now()) WHERE job_id = %s"
)


class Jobs:
    """The jobs of one cluster.

    Args:
        address: Address of PostgreSQL.
        catalog_changed: Called when a job has ended, well or not, that may have changed the catalog.
        seconds: Minimum duration of a job: half of it submitted, half of it processing.
    """

    def __init__(self, address: Address, catalog_changed: Callable[[], None], seconds: float = 0.2) -> None:
        self._address = address
        self._catalog_changed = catalog_changed
        self._pause = seconds / 2
        self._free = asyncio.Semaphore(_MAX_CONCURRENT)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Run recorded and new jobs, until cancelled."""
        psycopg = await asyncio.to_thread(import_module, "psycopg")  # longer than clients should wait
        while True:
            with suppress(psycopg.OperationalError):  # all sessions end when PostgreSQL recovers from a crash
                await self._follow()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        async with await superuser.connect(self._address) as records:
            await records.execute("LISTEN dsql_jobs")
            try:
                while True:
                    await self._begin_undone(records)
                    async for _ in records.notifies(stop_after=1):
                        pass
            finally:
                await self._abandon()

    async def _begin_undone(self, records: "AsyncConnection[superuser.Row]") -> None:
        cursor = await records.execute(_UNDONE)
        for job, kind in cast("list[tuple[str, str]]", await cursor.fetchall()):
            if job not in self._running:
                self._running[job] = asyncio.ensure_future(self._do(job, kind))

    async def _abandon(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._running.clear()

    async def _do(self, job: str, kind: str) -> None:
        async with self._free, await superuser.connect(self._address, "dsql job") as connection:
            await asyncio.sleep(self._pause)
            await connection.execute(_BEGIN, [job])
            await asyncio.sleep(self._pause)
            while not await _try(connection, job):  # noqa: ASYNC110  no event tells that a lock is free
                await asyncio.sleep(_RETRY_SECONDS)
        del self._running[job]
        if kind != "DROP":  # the DROP itself changed the catalog
            self._catalog_changed()


async def _try(connection: "AsyncConnection[superuser.Row]", job: str) -> bool:
    """Run a job; false when a lock that it needs is held, or its object is being dropped."""
    from psycopg import errors  # noqa: PLC0415  see superuser

    try:
        await connection.execute("SELECT sys._run_job(%s)", [job])
    except (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled):
        return False
    return True


@asynccontextmanager
async def running(jobs: Jobs) -> AsyncGenerator[None, None]:
    """Run jobs meanwhile; unfinished ones are left to the next daemon."""
    task = asyncio.ensure_future(jobs.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
