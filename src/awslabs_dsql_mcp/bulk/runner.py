"""Runner of batch jobs: one transaction per batch, each applied once, with progress and resumption."""

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
from awslabs_dsql_mcp.database.model import Result
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
"""Called with the number of rows processed, and a text."""

RESTART: Final = "new"
_TIME_SHARE: Final = 0.7  # share of a call's time after which no batch is started
_PROGRESS_INTERVAL: Final = 0.5  # seconds
_MAX_FAILURES: Final = 5  # consecutive transient failures
_MIN_BATCH: Final = 50  # rows; smaller batches do not conflict less
_MAX_REMEMBERED: Final = 100


@dataclass(frozen=True)
class Batch:
    """The changes of one transaction.

    Attributes:
        query: The statement; ``None`` if nothing remains to be changed.
        last_key: The key of its last row.
        rows: Expected number of rows changed.
        last: It is the last batch.
    """

    query: Query | None
    last_key: Position
    rows: int
    last: bool


class BatchJob(Protocol):
    """A job that is run in batches.

    Attributes:
        fingerprint: Identifies the job: the same for the same statement, values and options.
        progress_table: Table that records its batches; ``None`` if batches can be repeated safely.
    """

    @property
    def fingerprint(self) -> str: ...  # noqa: D102 - above

    @property
    def progress_table(self) -> ProgressTable | None: ...  # noqa: D102 - above

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Return the next batch after a key, of a maximum number of rows; ``None`` if no rows remain."""
        ...

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:
        """Shorten a batch to the rows before one that cannot be stored, or raise the error."""
        ...

    def stored(self, batch: Batch, result: Result) -> None:
        """Take the result of a batch that was committed; not called if its outcome was unknown."""
        ...

    def describe(self, position: Position) -> str:
        """Describe a position for the reader, such as ``row 2,900``."""
        ...


@dataclass(frozen=True)
class RunResult:
    """Result of a call that did not fail.

    Attributes:
        progress: Progress of the run.
        resume_token: Token to continue the run; ``None`` if it is finished.
        reason: Reason for the pause, if it is not finished.
    """

    progress: Progress
    resume_token: str | None
    reason: str = ""


@dataclass
class _RunState:
    """State of a run in this call."""

    progress: Progress
    size: int
    started_at: float
    rows_in_call: int = 0
    outcome_unknown: bool = False
    failures: int = 0
    reported_at: float = 0.0


class BatchRunner:
    """Runs batch jobs.

    Args:
        database: The cluster.
        call_time: Time limit of a call, in seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self, database: Database, *, call_time: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._time = call_time * _TIME_SHARE
        self._clock = clock
        self._unfinished_runs: dict[str, Progress] = {}

    def time_limit(self) -> Callable[[], bool]:
        """Begin a call; the result tells if its time is used up."""
        end = self._clock() + self._time
        return lambda: self._clock() >= end

    def has_unfinished(self, fingerprint: str) -> bool:
        """Return true if this server started a run of the job that is not finished."""
        return fingerprint in self._unfinished_runs

    async def run(
        self, job: BatchJob, resume: str, on_progress: ProgressCallback, rows_per_second: int | None = None
    ) -> RunResult:
        """Run a job until it is finished or the call's time is used up.

        Args:
            job: The job.
            resume: A resume token; empty to start; `RESTART` to start although an earlier run is unfinished.
            on_progress: Called with the progress.
            rows_per_second: Maximum rate.

        Raises:
            RequestInvalid: The resume token is not for this job, or an earlier run is unfinished.
            DsqlError: The error that stopped it; the message has the progress, the hint the next step.
        """
        progress = await self._begin(job, resume)
        max_size = MAX_BATCH_ROWS if rows_per_second is None else max(1, min(MAX_BATCH_ROWS, rows_per_second))
        run = _RunState(progress, max_size, self._clock())
        try:
            while not run.progress.done:
                if reason := await self._throttle(run, rows_per_second):
                    await on_progress(run.progress.rows, self._status(job, run.progress))
                    return RunResult(run.progress, encode(job.fingerprint, run.progress), reason)
                await self._run_batch(job, run, max_size)
                await self._report_progress(job, run, on_progress)
        except asyncio.CancelledError:
            log.warning("cancelled: %s", self._status(job, run.progress))
            raise
        except DsqlError as error:
            raise self._stop_error(job, run, error) from error
        self._unfinished_runs.pop(job.fingerprint, None)
        return RunResult(run.progress, None)

    async def _begin(self, job: BatchJob, resume: str) -> Progress:
        if resume not in ("", RESTART):
            return await self._resume(job, decode(resume, job.fingerprint))
        exists = job.progress_table is not None and await self._exists(job.progress_table)
        if resume != RESTART:
            earlier = self._unfinished_runs.get(job.fingerprint)
            if job.progress_table and exists:
                earlier = (
                    await self._read(job.progress_table.last_with_fingerprint(job.fingerprint)) or earlier
                )
            if earlier is not None and not earlier.done:
                raise self._unfinished_error(job, earlier)
        if job.progress_table is not None:
            await self._prepare(job.progress_table, exists=exists)
        return self._remember(job, Progress(secrets.token_hex(8)))

    async def _resume(self, job: BatchJob, progress: Progress) -> Progress:
        """Return the later of the token's progress and the recorded progress."""
        if job.progress_table is None:
            known = self._unfinished_runs.get(job.fingerprint)
            return (
                known
                if known and known.run == progress.run and known.batches > progress.batches
                else progress
            )
        known = (
            await self._read(job.progress_table.last_of_run(progress.run))
            if await self._exists(job.progress_table)
            else None
        )
        if known is None and progress.batches:
            raise RequestInvalid(
                f"The progress of this run is no longer recorded in {job.progress_table.name}, so the "
                "changes made since the resume token was issued are unknown; nothing was run.",
                hint="Query for the changes made, and write a WHERE for the other rows.",
            )
        if known is None:
            await self._prepare(job.progress_table, exists=await self._exists(job.progress_table))
        return self._remember(job, known if known and known.batches > progress.batches else progress)

    def _unfinished_error(self, job: BatchJob, earlier: Progress) -> RequestInvalid:
        return RequestInvalid(
            f"An earlier run of this job is unfinished: {_describe(job, earlier)}. Nothing was run now.",
            code="unfinished_run",
            hint=f"To continue it: resume='{encode(job.fingerprint, earlier)}'. To start over, on all rows: "
            f"resume='{RESTART}'.",
        )

    async def _exists(self, table: ProgressTable) -> bool:
        report = await self._database.run(UnitOfWork((table.exists(),), read_only=True))
        return report.results[0].rows[0][0] is not None

    async def _prepare(self, table: ProgressTable, *, exists: bool) -> None:
        query = table.delete_expired() if exists else table.create()
        try:
            await self._database.run(UnitOfWork((query,), read_only=False))
        except PermissionDenied as error:
            error.hint = (
                f"A batch must not be applied twice, so each is recorded in {table.name}: ask the operator "
                f"to run {table.create().sql}; and to GRANT SELECT, INSERT, DELETE on it."
            )
            raise

    async def _read(self, query: Query) -> Progress | None:
        report = await self._database.run(UnitOfWork((query,), read_only=True))
        return bookkeeping.parse_progress(report.results[0])

    def _remember(self, job: BatchJob, progress: Progress) -> Progress:
        self._unfinished_runs.pop(job.fingerprint, None)
        while len(self._unfinished_runs) >= _MAX_REMEMBERED:
            self._unfinished_runs.pop(next(iter(self._unfinished_runs)))
        self._unfinished_runs[job.fingerprint] = progress
        return progress

    async def _throttle(self, run: _RunState, rate: int | None) -> str:
        """Wait as the rate requires; return the reason if no further batch may start."""
        now = self._clock()
        end = run.started_at + self._time
        due = now if rate is None else max(now, run.started_at + run.rows_in_call / rate)
        if due >= end:
            return "the call's time is used up"
        if due > now:
            await asyncio.sleep(due - now)
        return ""

    async def _run_batch(self, job: BatchJob, run: _RunState, max_size: int) -> None:
        progress = run.progress
        batch = await job.next_batch(progress.after, run.size)
        if batch is None and progress.after is not None and job.progress_table is not None:
            batch = Batch(None, progress.after, 0, last=True)
        if batch is None:
            run.progress = (
                progress.advance(progress.after or (), 0, done=True)
                if progress.batches
                else Progress(progress.run, done=True)
            )
            return
        try:
            batch, changed = await self._store(job, run, batch)
        except (OutcomeUnknown, ConnectionFailed, TransactionConflict, StatementFailed) as error:
            await self._handle_failure(job, run, batch, error)
            return
        # A batch that may have run twice counts with its expected number of rows.
        rows = batch.rows if run.outcome_unknown else changed
        run.progress = self._remember(job, progress.advance(batch.last_key, rows, done=batch.last))
        run.rows_in_call += rows
        run.outcome_unknown, run.failures = False, 0
        run.size = min(max_size, run.size + run.size // 4 + 1)

    async def _store(self, job: BatchJob, run: _RunState, batch: Batch) -> tuple[Batch, int]:
        """Run a batch up to a row that cannot be stored; return it and the number of rows changed."""
        while True:
            queries = () if batch.query is None else (batch.query,)
            if job.progress_table is not None:
                record = job.progress_table.record_batch(
                    job.fingerprint, run.progress, batch.last_key, batch.rows, done=batch.last
                )
                queries = (record, *queries)
            if not queries:
                return batch, 0
            try:
                report = await self._database.run(UnitOfWork(queries, read_only=False))
            except StatementFailed as error:
                if _is_progress_conflict(job, error) or (error.sqlstate == "54000" and batch.rows > 1):
                    raise
                batch = await job.repair(batch, error)
                run.size = max(_MIN_BATCH, 2 * batch.rows)  # bad rows often stand together
            else:
                if batch.query is None:
                    return batch, 0
                if not run.outcome_unknown:
                    job.stored(batch, report.results[-1])
                return batch, report.results[-1].rows_affected or 0

    async def _handle_failure(self, job: BatchJob, run: _RunState, batch: Batch, error: DsqlError) -> None:
        """Prepare a retry of a batch, or raise the error."""
        halved = max(1, batch.rows // 2)
        if isinstance(error, StatementFailed) and error.sqlstate == "54000" and batch.rows > 1:
            run.size = halved
            return
        if isinstance(error, StatementFailed) and not _is_progress_conflict(job, error):
            raise error
        run.failures += 1
        if run.failures > _MAX_FAILURES or (
            isinstance(error, TransactionConflict) and batch.rows < _MIN_BATCH
        ):
            raise error
        if isinstance(error, TransactionConflict):
            run.size = halved
            return
        run.outcome_unknown = run.outcome_unknown or isinstance(error, OutcomeUnknown)
        run.size = halved  # a message that is too large ends the connection without a word
        if job.progress_table is not None:
            known = await self._read(job.progress_table.last_of_run(run.progress.run))
            if known is not None and known.batches > run.progress.batches:
                run.rows_in_call += known.rows - run.progress.rows
                run.progress = self._remember(job, known)
                run.outcome_unknown = False

    async def _report_progress(self, job: BatchJob, run: _RunState, on_progress: ProgressCallback) -> None:
        now = self._clock()
        if run.progress.done or now - run.reported_at >= _PROGRESS_INTERVAL:
            run.reported_at = now
            await on_progress(run.progress.rows, self._status(job, run.progress))

    def _status(self, job: BatchJob, progress: Progress) -> str:
        return f"{_describe(job, progress)}; resume='{encode(job.fingerprint, progress)}'"

    def _stop_error(self, job: BatchJob, run: _RunState, error: DsqlError) -> DsqlError:
        progress = run.progress
        if not progress.batches and not run.outcome_unknown:
            self._unfinished_runs.pop(job.fingerprint, None)
            return error
        failed = f"Batch {progress.batches + 1} failed"
        if error.outcome == "rolled_back":
            failed += ", nothing of it was stored"
        error.message = f"Stopped: {_describe(job, progress)}. {failed}: {error.message}"
        error.outcome = "partial" if progress.batches else "unknown"
        next_step = f"To continue: the same call with resume='{encode(job.fingerprint, progress)}'."
        if run.outcome_unknown:
            next_step += (
                " It first checks if that batch was stored."
                if job.progress_table
                else " It runs that batch again, which changes nothing if it was stored."
            )
            error.hint = next_step
        else:
            error.hint = f"{error.hint or ''} {next_step}".strip()
        return error


def _is_progress_conflict(job: BatchJob, error: StatementFailed) -> bool:
    """Return true if a batch failed because it is recorded as committed."""
    return job.progress_table is not None and error.sqlstate == "23505" and bookkeeping.TABLE in error.message


def _describe(job: BatchJob, progress: Progress) -> str:
    if not progress.batches:
        return "nothing is committed yet"
    where = f", up to {job.describe(progress.after)}" if progress.after else ""
    return f"{pluralize(progress.rows, 'row')} in {pluralize(progress.batches, 'batch')} committed{where}"
