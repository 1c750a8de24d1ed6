"""Background worker of the jobs in sys.sql: index builds, validations, removals after a DROP.

A job waits for the locks it needs a tenth of a second at a time, so that it blocks nobody for
longer, and retries until it gets them. Unfinished jobs are run by the next daemon.

The superuser records jobs and does not run them: an index and a CHECK may call functions of users', and
whoever runs ALTER TABLE … VALIDATE CONSTRAINT runs those too. Nor is SET ROLE enough, which such a function
can reset. So a job runs on a connection of a role of its own, which has no privileges but that of becoming
the table's owner.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from awslabs_dsql_mcp.local_cluster.postgres import superuser
from awslabs_dsql_mcp.local_cluster.postgres.server import JOB_ROLES, Address

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_RETRY_SECONDS = 0.1
_UNDONE = """
SELECT job_id, job_type FROM pg_catalog._dsql_jobs
WHERE status IN ('submitted', 'processing') ORDER BY position
"""
_BEGIN = """
UPDATE pg_catalog._dsql_jobs SET status = 'processing', update_time = date_trunc('second', now())
WHERE job_id = %s
"""
_END = """
UPDATE pg_catalog._dsql_jobs SET status = %s, details = %s, update_time = date_trunc('second', now())
WHERE job_id = %s
"""
_STATEMENT = """
SELECT pg_catalog._dsql_lend_role(owner, %s), statement, complaint FROM pg_catalog._dsql_job_statement(%s)
"""
_RETURN = "SELECT pg_catalog._dsql_lend_role(NULL, %s)"


class _Outcome(NamedTuple):
    """A job's status at its end, and its details."""

    status: str
    details: str | None


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
        self._free_roles = list(JOB_ROLES)
        self._free = asyncio.Semaphore(len(JOB_ROLES))
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
        async with self._free, await superuser.connect(self._address) as records:
            await asyncio.sleep(self._pause)
            await records.execute(_BEGIN, [job])
            await asyncio.sleep(self._pause)
            role = self._free_roles.pop()
            try:
                while (outcome := await self._try(records, job, role)) is None:  # noqa: ASYNC110  no event tells that a lock is free
                    await asyncio.sleep(_RETRY_SECONDS)
                await records.execute(_RETURN, [role])
            finally:
                self._free_roles.append(role)
            await records.execute(_END, [*outcome, job])
        del self._running[job]
        if kind != "DROP":  # the DROP itself changed the catalog
            self._catalog_changed()

    async def _try(self, records: "AsyncConnection[superuser.Row]", job: str, role: str) -> _Outcome | None:
        """Run a job; `None` when a lock that it needs is held, or its object is being dropped."""
        from psycopg import Error, OperationalError, errors  # noqa: PLC0415  see superuser

        try:
            cursor = await records.execute(_STATEMENT, [role, job])
            owner, statement, complaint = cast("tuple[str, str | None, str | None]", await cursor.fetchone())
            if statement is None:
                return _Outcome("completed", complaint)
            await superuser.run_as(self._address, role, owner, statement)
        except (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled):
            return None
        except errors.UniqueViolation:
            return _Outcome("failed", "found duplicate key(s) while validating index uniqueness")
        except OperationalError as lost:
            if lost.sqlstate is None:
                raise
            return _Outcome("failed", lost.diag.message_primary)
        except Error as failure:
            return _Outcome("failed", failure.diag.message_primary)
        return _Outcome("completed", None)


@asynccontextmanager
async def running(jobs: Jobs) -> AsyncGenerator[None, None]:
    """Run jobs meanwhile; unfinished ones are left to the next daemon."""
    task = asyncio.ensure_future(jobs.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
