"""A long change as a run of transactions: each batch once, told as it goes, and resumed where it stopped."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from awslabs_dsql_mcp.bulk import progress_table as bookkeeping
from awslabs_dsql_mcp.bulk.keyset import MAX_BATCH_ROWS, Position
from awslabs_dsql_mcp.bulk.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.resume_token import Progress, decode, encode
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import (
    ConnectionFailed,
    DsqlError,
    OutcomeUnknown,
    PermissionDenied,
    RequestInvalid,
    StatementFailed,
    TransactionConflict,
)
from awslabs_dsql_mcp.text import pluralize

log = logging.getLogger(__name__)

ProgressCallback = Callable[[int, str], Awaitable[None]]
"""Told how many rows are done, and the same in words."""

RESTART: Final = "new"
_SHARE: Final = 0.7  # of a call's time, after which no batch is begun
_PROGRESS_INTERVAL: Final = 0.5
_PATIENCE: Final = 5  # failures in a row that may pass by themselves
_MIN_BATCH: Final = 50  # rows: conflicts do not get rarer below
_MAX_REMEMBERED: Final = 100


@dataclass(frozen=True)
class Batch:
    """One transaction's worth.

    Attributes:
        query: What changes it; ``None`` where nothing is left to change.
        upto: The key of its last row.
        rows: How many rows it is expected to change.
        last: Whether nothing is left behind it.
    """

    query: Query | None
    last_key: Position
    rows: int
    last: bool


class BatchJob(Protocol):
    """Work that comes in batches.

    Attributes:
        work: Its fingerprint.
        ledger: Where its batches are marked; ``None`` if one can be repeated without harm.
    """

    @property
    def work(self) -> str: ...  # noqa: D102 - above

    @property
    def progress_table(self) -> ProgressTable | None: ...  # noqa: D102 - above

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Give the next batch behind a key, of so many rows at most; ``None`` if nothing is left."""
        ...

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:
        """Take out of a batch what cannot be stored, or raise the error."""
        ...


@dataclass(frozen=True)
class RunResult:
    """How a call ended well.

    Attributes:
        progress: Where the run is.
        handle: What resumes it; ``None`` if it is finished.
        why: Why it stopped, if it is not finished.
    """

    progress: Progress
    handle: str | None
    why: str = ""


@dataclass
class _RunState:
    """A run in this call."""

    at: Progress
    size: int
    began: float
    rows_here: int = 0
    outcome_unknown: bool = False
    failures: int = 0
    told: float = 0.0


class BatchRunner:
    """Runs jobs.

    Args:
        database: Where.
        call_time: Seconds that a call may take.
        clock: Monotonic seconds.
    """

    def __init__(
        self, database: Database, *, call_time: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._time = call_time * _SHARE
        self._clock = clock
        self._left: dict[str, Progress] = {}

    def knows(self, work: str) -> bool:
        """Whether a run of this work was begun here and is not finished."""
        return work in self._left

    async def run(
        self, job: BatchJob, resume: str, tell: ProgressCallback, rows_per_second: int | None = None
    ) -> RunResult:
        """Run a job until it is finished or the call's time is up.

        Args:
            job: What to do.
            resume: A handle; empty to begin; `RESTART` to begin though an earlier run was not finished.
            tell: Is told of progress.
            rows_per_second: How fast at most.

        Raises:
            RequestInvalid: The handle does not fit, or there is an earlier run that was not finished.
            DsqlError: What stopped it; the message says what is committed, the hint how to go on.
        """
        at = await self._begin(job, resume)
        most = MAX_BATCH_ROWS if rows_per_second is None else max(1, min(MAX_BATCH_ROWS, rows_per_second))
        course = _RunState(at, most, self._clock())
        try:
            while not course.at.done:
                if why := await self._throttle(course, rows_per_second):
                    await tell(course.at.rows, self._record_result(job, course.at))
                    return RunResult(course.at, encode(job.work, course.at), why)
                await self._next(job, course, most)
                await self._report_progress(job, course, tell)
        except asyncio.CancelledError:
            log.warning("cancelled: %s", self._record_result(job, course.at))
            raise
        except DsqlError as error:
            raise self._stopped(job, course, error) from error
        self._left.pop(job.work, None)
        return RunResult(course.at, None)

    async def _begin(self, job: BatchJob, resume: str) -> Progress:
        if resume not in ("", RESTART):
            return await self._resumed(job, decode(resume, job.work))
        there = job.progress_table is not None and await self._has(job.progress_table)
        if resume != RESTART:
            earlier = self._left.get(job.work)
            if job.progress_table and there:
                earlier = await self._read(job.progress_table.last_of_work(job.work)) or earlier
            if earlier is not None and not earlier.done:
                raise self._unfinished(job, earlier)
        if job.progress_table is not None:
            await self._prepare(job.progress_table, there=there)
        return self._remember(job, Progress(secrets.token_hex(8)))

    async def _resumed(self, job: BatchJob, at: Progress) -> Progress:
        """The later of what the handle and what the bookkeeping says."""
        if job.progress_table is None:
            known = self._left.get(job.work)
            return known if known and known.run == at.run and known.batches > at.batches else at
        known = (
            await self._read(job.progress_table.last_of_run(at.run))
            if await self._has(job.progress_table)
            else None
        )
        if known is None and at.batches:
            raise RequestInvalid(
                f"The bookkeeping of this run in {job.progress_table.name} is gone, so that it cannot be "
                "told what was done since the handle was given; nothing was run.",
                hint="Query what is done, and write a WHERE for the rest.",
            )
        if known is None:
            await self._prepare(job.progress_table, there=await self._has(job.progress_table))
        return self._remember(job, known if known and known.batches > at.batches else at)

    def _unfinished(self, job: BatchJob, earlier: Progress) -> RequestInvalid:
        return RequestInvalid(
            f"An earlier run of this was not finished: {_describe(earlier)}. Nothing was run now.",
            code="unfinished_run",
            hint=f"To go on with it: resume='{encode(job.work, earlier)}'. To begin anew, on all rows: "
            f"resume='{RESTART}'.",
        )

    async def _has(self, ledger: ProgressTable) -> bool:
        report = await self._database.run(UnitOfWork((ledger.exists(),), read_only=True))
        return report.results[0].rows[0][0] is not None

    async def _prepare(self, ledger: ProgressTable, *, there: bool) -> None:
        query = ledger.delete_expired() if there else ledger.create()
        try:
            await self._database.run(UnitOfWork((query,), read_only=False))
        except PermissionDenied as error:
            error.hint = (
                f"What this changes must not be done twice, so each batch is marked in {ledger.name}: ask "
                f"the operator to run {ledger.create().sql}; and to GRANT SELECT, INSERT, DELETE on it."
            )
            raise

    async def _read(self, query: Query) -> Progress | None:
        report = await self._database.run(UnitOfWork((query,), read_only=True))
        return bookkeeping.parse_progress(report.results[0])

    def _remember(self, job: BatchJob, at: Progress) -> Progress:
        self._left.pop(job.work, None)
        while len(self._left) >= _MAX_REMEMBERED:
            self._left.pop(next(iter(self._left)))
        self._left[job.work] = at
        return at

    async def _throttle(self, course: _RunState, rate: int | None) -> str:
        """Keep to the rate; say why no batch is to be begun."""
        now = self._clock()
        end = course.began + self._time
        due = now if rate is None else max(now, course.began + course.rows_here / rate)
        if due >= end:
            return "the time of a call is up"
        if due > now:
            await asyncio.sleep(due - now)
        return ""

    async def _next(self, job: BatchJob, course: _RunState, most: int) -> None:
        at = course.at
        batch = await job.next_batch(at.after, course.size)
        if batch is None and at.after is not None and job.progress_table is not None:
            batch = Batch(None, at.after, 0, last=True)
        if batch is None:
            course.at = (
                at.advance(at.after or (), 0, done=True) if at.batches else Progress(at.run, done=True)
            )
            return
        try:
            batch, changed = await self._store(job, at, batch)
        except (OutcomeUnknown, ConnectionFailed, TransactionConflict, StatementFailed) as error:
            await self._handle_failure(job, course, batch, error)
            return
        # A batch that may have run twice counts what it was expected to change.
        rows = batch.rows if course.outcome_unknown else changed
        course.at = self._remember(job, at.advance(batch.last_key, rows, done=batch.last))
        course.rows_here += rows
        course.outcome_unknown, course.failures = False, 0
        course.size = min(most, course.size + course.size // 4 + 1)

    async def _store(self, job: BatchJob, at: Progress, batch: Batch) -> tuple[Batch, int]:
        """Run a batch, without what cannot be stored of it; give it, and the rows that it changed."""
        while True:
            queries = () if batch.query is None else (batch.query,)
            if job.progress_table is not None:
                mark = job.progress_table.record_batch(
                    job.work, at, batch.last_key, batch.rows, done=batch.last
                )
                queries = (mark, *queries)
            if not queries:
                return batch, 0
            try:
                report = await self._database.run(UnitOfWork(queries, read_only=False))
            except StatementFailed as error:
                if _is_progress_conflict(job, error) or error.sqlstate == "54000":
                    raise
                batch = await job.repair(batch, error)
            else:
                return batch, 0 if batch.query is None else report.results[-1].rows_affected or 0

    async def _handle_failure(self, job: BatchJob, course: _RunState, batch: Batch, error: DsqlError) -> None:
        """Make ready for another try of a batch, or raise the error."""
        halved = max(1, batch.rows // 2)
        if isinstance(error, StatementFailed) and error.sqlstate == "54000" and batch.rows > 1:
            course.size = halved
            return
        if isinstance(error, StatementFailed) and not _is_progress_conflict(job, error):
            raise error
        course.failures += 1
        if course.failures > _PATIENCE or (
            isinstance(error, TransactionConflict) and batch.rows < _MIN_BATCH
        ):
            raise error
        if isinstance(error, TransactionConflict):
            course.size = halved
            return
        course.outcome_unknown = course.outcome_unknown or isinstance(error, OutcomeUnknown)
        if job.progress_table is not None:
            known = await self._read(job.progress_table.last_of_run(course.at.run))
            if known is not None and known.batches > course.at.batches:
                course.rows_here += known.rows - course.at.rows
                course.at = self._remember(job, known)
                course.outcome_unknown = False

    async def _report_progress(self, job: BatchJob, course: _RunState, tell: ProgressCallback) -> None:
        now = self._clock()
        if course.at.done or now - course.told >= _PROGRESS_INTERVAL:
            course.told = now
            await tell(course.at.rows, self._record_result(job, course.at))

    def _record_result(self, job: BatchJob, at: Progress) -> str:
        return f"{_describe(at)}; resume='{encode(job.work, at)}'"

    def _stopped(self, job: BatchJob, course: _RunState, error: DsqlError) -> DsqlError:
        at = course.at
        if not at.batches and not course.outcome_unknown:
            self._left.pop(job.work, None)
            return error
        this = f"Batch {at.batches + 1} failed"
        if error.outcome == "rolled_back":
            this += ", nothing of it was stored"
        error.message = f"Stopped: {_describe(at)}. {this}: {error.message}"
        error.outcome = "partial" if at.batches else "unknown"
        go_on = f"To go on from there: the same call with resume='{encode(job.work, at)}'."
        if course.outcome_unknown:
            go_on += (
                " It finds out first whether that batch was stored."
                if job.progress_table
                else (" It runs that batch again, which changes nothing more if it was stored.")
            )
            error.hint = go_on
        else:
            error.hint = f"{error.hint or ''} {go_on}".strip()
        return error


def _is_progress_conflict(job: BatchJob, error: StatementFailed) -> bool:
    """Whether a batch failed because it is marked as committed already."""
    return job.progress_table is not None and error.sqlstate == "23505" and bookkeeping.TABLE in error.message


def _describe(at: Progress) -> str:
    if not at.batches:
        return "nothing is committed yet"
    where = f", up to key ({', '.join(at.after or ())})"
    return f"{pluralize(at.rows, 'row')} in {at.batches:,} batches committed{where}"
