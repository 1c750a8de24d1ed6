"""Runner of batch jobs: one transaction per batch, each applied once, with progress and resumption.

What must not be repeated is recorded in the progress table, each batch in its own transaction; but not what
fits in one batch that would fail if it were repeated.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from awslabs_dsql_mcp.bulk.jobs.batch_job import Batch, BatchJob
from awslabs_dsql_mcp.bulk.jobs.earlier_runs import (
    content_position,
    continued,
    earlier_error,
    ended_error,
    finished_run,
    other_error,
)
from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, decode
from awslabs_dsql_mcp.bulk.jobs.run_record import RunRecord
from awslabs_dsql_mcp.bulk.jobs.run_state import RunState
from awslabs_dsql_mcp.bulk.jobs.state_record import is_about_record
from awslabs_dsql_mcp.bulk.splitting.keyset import MAX_BATCH_ROWS
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import (
    ConnectionFailed,
    DsqlError,
    OutcomeUnknown,
    RequestInvalid,
    StatementFailed,
    TransactionConflict,
)
from awslabs_dsql_mcp.text import one_line

log = logging.getLogger(__name__)

ProgressCallback = Callable[[float, str], Awaitable[None]]
"""Called with the number of rows processed, which a little is added to while nothing changes, and a text."""

_TIME_SHARE: Final = 0.8  # share of a call's time within which a batch must be expected to end
_MIN_LEFT: Final = 1.0  # seconds that a batch has at the least
_BATCH_SHARE: Final = 0.25  # share of a call's time above which batches become smaller
_PROGRESS_INTERVAL: Final = 0.5  # seconds
_HEARTBEAT: Final = 5.0  # seconds without progress after which the client hears of it
_MAX_FAILURES: Final = 5  # consecutive transient failures
_MIN_BATCH: Final = 50  # rows; smaller batches do not conflict less
_MAX_REMEMBERED: Final = 100
_HAD_ENDED: Final = "Nothing was run now: it had ended before this call."
_LIMIT: Final = "54000"
_OF_ITS_SIZE: Final = re.compile(r"transaction (row|size|age) limit|(key|row|column) size|datatype limit")
"""Limits that a smaller batch keeps, or that lead to the row that does not (Aurora DSQL's messages)."""
_STATEMENT: Final = re.compile(r"^Statement \d+: ")


@dataclass(frozen=True)
class RunResult:
    """Result of a call that did not fail.

    Attributes:
        progress: Progress of the run.
        resume_token: Token to continue the run; ``None`` if it is finished.
        reason: Reason for the pause, if it is not finished.
        note: A sentence on what stays in the progress table; empty if nothing does.
    """

    progress: Progress
    resume_token: str | None
    reason: str = ""
    note: str = ""


class BatchRunner:
    """Runs batch jobs.

    Args:
        database: The cluster.
        call_time: Time limit of a call, in seconds.
        clock: Monotonic seconds.
        max_rows: Maximum number of rows in a batch.
        heartbeat: Seconds without progress after which the client hears of it.
    """

    def __init__(
        self,
        database: Database,
        *,
        call_time: float,
        clock: Callable[[], float] = time.monotonic,
        max_rows: int = MAX_BATCH_ROWS,
        heartbeat: float = _HEARTBEAT,
    ) -> None:
        self._database = database
        self._time = call_time
        self._clock = clock
        self._max_rows = max_rows
        self._heartbeat = heartbeat
        self._unfinished: dict[str, tuple[Progress, int]] = {}  # with the size of the next batch

    def time_limit(self) -> Callable[[], bool]:
        """Begin a call; the result tells if its time is used up."""
        end = self._clock() + self._time * _TIME_SHARE
        return lambda: self._clock() >= end

    def has_unfinished(self, fingerprint: str) -> bool:
        """Return true if this server started a run of the job that is not finished."""
        return fingerprint in self._unfinished

    async def earlier_run(self, job: BatchJob) -> RequestInvalid | None:
        """Look for an earlier run of a job, for which `run` would raise this error."""
        record = self._record(job)
        if not job.repeatable:
            await record.read()
        return self._earlier_error(job, record) or await other_error(job, record)

    async def finished_run(self, job: BatchJob) -> Progress | None:
        """Look for a recorded run that has done what a job would do."""
        return None if job.repeatable else await finished_run(job, self._record(job))

    async def run(
        self, job: BatchJob, resume: str, on_progress: ProgressCallback, rows_per_second: int | None = None
    ) -> RunResult:
        """Run a job until it is finished or the call's time is used up.

        Args:
            job: The job.
            resume: A resume token; empty to start; `RESTART` to start although there is an earlier run.
            on_progress: Called with the progress.
            rows_per_second: Maximum rate.

        Raises:
            RequestInvalid: The resume token is not for this job, or there is an earlier run.
            DsqlError: The error that stopped it; the message has the progress, the hint the next step.
        """
        started_at, record = self._clock(), self._record(job)
        max_size = max(1, min(self._max_rows, rows_per_second or self._max_rows))
        progress = await self._begin(job, record, resume)
        size = min(max_size, self._unfinished.get(job.fingerprint, (progress, max_size))[1])
        run = RunState(job, record, progress, size, started_at)
        self._remember(run)
        ended = _HAD_ENDED if progress.done else ""
        try:
            while not run.progress.done:
                if reason := await self._throttle(run, rows_per_second):
                    await self._report(run, on_progress)
                    return RunResult(run.progress, run.token(), reason, run.kept)
                await self._run_timed(run, max_size, on_progress)
        except asyncio.CancelledError:
            log.warning("cancelled: %s", run.describe())
            raise
        except DsqlError as error:
            if not run.may_have_stored:
                self._unfinished.pop(job.fingerprint, None)
            raise run.stopped(error) from error
        self._unfinished.pop(job.fingerprint, None)
        return RunResult(run.progress, None, note=f"{ended} {run.kept or await self._tidy(run)}".strip())

    def _record(self, job: BatchJob) -> RunRecord:
        return RunRecord(self._database, job.progress_table, job.fingerprint)

    async def _begin(self, job: BatchJob, record: RunRecord, resume: str) -> Progress:
        """Find where a run begins."""
        token = None if resume in ("", RESTART) else decode(resume, job.fingerprint)
        if not job.repeatable:
            await record.read()
        if token is not None and job.repeatable:
            known, _ = self._unfinished.get(job.fingerprint, (token, 0))
            return known if known.run == token.run and known.batches > token.batches else token
        if token is not None:
            progress = continued(record, token)
            if progress.done and progress.after != content_position(job):
                raise ended_error(job, progress)
            return progress
        if not resume:
            error = self._earlier_error(job, record) or await other_error(job, record)
            if error is not None:
                raise error
        self._unfinished.pop(job.fingerprint, None)
        return Progress(secrets.token_hex(8))

    def _earlier_error(self, job: BatchJob, record: RunRecord) -> RequestInvalid | None:
        known, _ = self._unfinished.get(job.fingerprint, (None, 0))
        return earlier_error(job, record, known)

    def _remember(self, run: RunState) -> None:
        self._unfinished.pop(run.job.fingerprint, None)
        while len(self._unfinished) >= _MAX_REMEMBERED:
            self._unfinished.pop(next(iter(self._unfinished)))
        self._unfinished[run.job.fingerprint] = (run.progress, run.size)

    async def _throttle(self, run: RunState, rate: int | None) -> str:
        """Wait as the rate requires; return the reason if no further batch may start."""
        now = self._clock()
        due = now if rate is None else max(now, run.started_at + run.rows_in_call / rate)
        if run.expected and due + run.expected > run.started_at + self._time * _TIME_SHARE:
            halved = f"; batches were halved after: {one_line(run.halved_for, 200)}" if run.halved_for else ""
            return f"the call's time is used up{halved}"
        if due > now:
            await asyncio.sleep(due - now)
        return ""

    async def _run_timed(self, run: RunState, max_size: int, on_progress: ProgressCallback) -> None:
        """Run a batch, fit the size of the next one to its time, and report progress meanwhile."""
        began, before = self._clock(), run.progress
        ticking = asyncio.ensure_future(self._tick(run, on_progress))
        try:
            await self._run_batch(run)
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        now = self._clock()
        run.expected = max(now - began, 1e-6)
        slow = run.expected / (self._time * _BATCH_SHARE)
        if slow > 1:
            run.size = max(1, int(run.size / slow))
        elif run.progress is not before:
            run.size = min(max_size, run.size + run.size // 4 + 1)
        self._remember(run)
        if run.progress.done or now - run.reported_at >= _PROGRESS_INTERVAL:
            await self._report(run, on_progress)

    async def _tick(self, run: RunState, on_progress: ProgressCallback) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            await self._report(run, on_progress)

    async def _report(self, run: RunState, on_progress: ProgressCallback) -> None:
        run.reported_at = self._clock()
        # Progress must increase with each notification (MCP specification, "Progress").
        run.reported = max(run.progress.rows, run.reported + 0.001)
        await on_progress(run.reported, f"{run.describe()}; resume='{run.token()}'")

    async def _run_batch(self, run: RunState) -> None:
        progress = run.progress
        batch = await run.job.next_batch(progress.after, run.size)
        if batch is None and not run.job.repeatable and run.record.row is not None:
            batch = Batch(None, progress.after or (), 0, last=True)
        if batch is None:
            run.progress = replace(progress, done=True)
            return
        try:
            await self._store(run, batch)
        except (OutcomeUnknown, ConnectionFailed, TransactionConflict) as error:
            await self._handle_failure(run, batch, error)
        except DsqlError as error:
            if isinstance(error, StatementFailed) and _is_too_large(error, batch):
                run.size, run.halved_for = max(1, batch.rows // 2), error.message
            elif run.recorded and is_about_record(error):
                await self._handle_failure(run, batch, error)
            else:
                raise

    async def _store(self, run: RunState, batch: Batch) -> None:
        """Run a batch, up to a row that cannot be stored."""
        while True:
            run.recorded = run.must_record(batch)
            after = run.after(batch, batch.rows)
            queries = () if batch.query is None else (batch.query,)
            if run.recorded:
                if run.record.row is None:
                    await run.record.prepare()
                queries = (run.record.change(after), *queries)
            try:
                results = await self._commit(run, queries)
            except StatementFailed as error:
                # The record's statement is none of the caller's.
                error.message = _STATEMENT.sub("", error.message)
                if _is_too_large(error, batch) or (run.recorded and is_about_record(error)):
                    raise
                batch = await run.job.repair(batch, error)
                run.size = max(_MIN_BATCH, 2 * batch.rows)  # bad rows often stand together
                continue
            if run.recorded:
                run.record.changed(after)
            changed = results[-1].rows_affected or 0 if batch.query is not None else 0
            if batch.query is not None and not run.outcome_unknown:
                run.job.stored(batch, results[-1])
            # A batch that may have run twice counts with its expected number of rows.
            rows = batch.rows if run.outcome_unknown else changed
            run.progress = run.after(batch, rows)
            run.rows_in_call += rows
            run.outcome_unknown, run.failures = False, 0
            return

    async def _commit(self, run: RunState, queries: tuple[Query, ...]) -> tuple[Result, ...]:
        """Run a transaction, with its retries, in what is left of the call's time."""
        if not queries:
            return ()
        left = max(_MIN_LEFT, run.started_at + self._time - self._clock())
        unit = UnitOfWork(queries, read_only=False, must_change=run.recorded, time_limit=left)
        return (await self._database.run(unit)).results

    async def _handle_failure(self, run: RunState, batch: Batch, error: DsqlError) -> None:
        """Prepare a retry of a batch, go on behind it if it was stored, or raise the error."""
        run.failures += 1
        conflict = isinstance(error, TransactionConflict)
        if run.failures > _MAX_FAILURES or (conflict and batch.rows < _MIN_BATCH):
            raise error
        # A message that is too large ends the connection without a word.
        run.size, run.halved_for = max(1, batch.rows // 2), error.message
        if conflict:
            return
        if isinstance(error, OutcomeUnknown):
            if not run.recorded and not run.job.repeatable:
                raise error
            run.outcome_unknown = True
        if run.recorded:
            await self._settle(run)

    async def _settle(self, run: RunState) -> None:
        """Read in the record if a batch was stored."""
        before = run.record.row
        await run.record.read()
        row, stored = run.record.row, run.record.progress
        if (row and row.state) == (before and before.state):
            return
        if stored is None:
            raise run.record.lost("is no longer there")
        if stored.run != run.progress.run:
            if before is None and (error := self._earlier_error(run.job, run.record)) is not None:
                raise error
            raise run.record.lost("is now that of another run")
        if stored.batches <= run.progress.batches:
            raise run.record.lost("was changed")
        run.adopt(stored)

    async def _tidy(self, run: RunState) -> str:
        """Drop the progress table if it keeps nothing any longer; the job itself is done."""
        name = run.job.progress_table.name
        try:
            if run.job.repeatable:
                await run.record.read()
            dropped = await run.record.drop_unused_table()
        except DsqlError as error:
            log.info("%s stays: %s", name, error.message)
            return ""
        return f"{name}, which nothing needs any longer, was dropped." if dropped else ""


def _is_too_large(error: StatementFailed, batch: Batch) -> bool:
    """Tell if a batch is over a limit that a smaller one may keep; no other limit of 54000 depends on it."""
    return error.sqlstate == _LIMIT and batch.rows > 1 and _OF_ITS_SIZE.search(error.message) is not None
