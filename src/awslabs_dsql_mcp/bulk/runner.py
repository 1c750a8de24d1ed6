"""A long change as a run of transactions: each batch once, told as it goes, and resumed where it stopped."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from awslabs_dsql_mcp.bulk import progress_table as bookkeeping
from awslabs_dsql_mcp.bulk.keyset import MOST, Position
from awslabs_dsql_mcp.bulk.progress_table import Ledger
from awslabs_dsql_mcp.bulk.resume_token import Progress, handle, read_handle
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, Unit
from awslabs_dsql_mcp.errors import (
    ConnectionFailed,
    DsqlError,
    OutcomeUnknown,
    PermissionDenied,
    RequestInvalid,
    StatementFailed,
    TransactionConflict,
)
from awslabs_dsql_mcp.output.rows import count

log = logging.getLogger(__name__)

Tell = Callable[[int, str], Awaitable[None]]
"""Told how many rows are done, and the same in words."""

ANEW: Final = "new"
_SHARE: Final = 0.7  # of a call's time, after which no batch is begun
_TELL_EVERY: Final = 0.5
_PATIENCE: Final = 5  # failures in a row that may pass by themselves
_FEWEST: Final = 50  # rows: conflicts do not get rarer below
_REMEMBERED: Final = 100


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
    upto: Position
    rows: int
    last: bool


class Job(Protocol):
    """Work that comes in batches.

    Attributes:
        work: Its fingerprint.
        ledger: Where its batches are marked; ``None`` if one can be repeated without harm.
    """

    @property
    def work(self) -> str: ...  # noqa: D102 - above

    @property
    def ledger(self) -> Ledger | None: ...  # noqa: D102 - above

    async def cut(self, after: Position | None, rows: int) -> Batch | None:
        """Give the next batch behind a key, of so many rows at most; ``None`` if nothing is left."""
        ...

    async def mend(self, batch: Batch, error: StatementFailed) -> Batch:
        """Take out of a batch what cannot be stored, or raise the error."""
        ...


@dataclass(frozen=True)
class Stopped:
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
class _Course:
    """A run in this call."""

    at: Progress
    size: int
    began: float
    rows_here: int = 0
    unsure: bool = False
    failures: int = 0
    told: float = 0.0


class Batches:
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

    async def run(self, job: Job, resume: str, tell: Tell, rows_per_second: int | None = None) -> Stopped:
        """Run a job until it is finished or the call's time is up.

        Args:
            job: What to do.
            resume: A handle; empty to begin; `ANEW` to begin though an earlier run was not finished.
            tell: Is told of progress.
            rows_per_second: How fast at most.

        Raises:
            RequestInvalid: The handle does not fit, or there is an earlier run that was not finished.
            DsqlError: What stopped it; the message says what is committed, the hint how to go on.
        """
        at = await self._begin(job, resume)
        most = MOST if rows_per_second is None else max(1, min(MOST, rows_per_second))
        course = _Course(at, most, self._clock())
        try:
            while not course.at.done:
                if why := await self._waited(course, rows_per_second):
                    await tell(course.at.rows, self._account(job, course.at))
                    return Stopped(course.at, handle(job.work, course.at), why)
                await self._next(job, course, most)
                await self._tell(job, course, tell)
        except asyncio.CancelledError:
            log.warning("cancelled: %s", self._account(job, course.at))
            raise
        except DsqlError as error:
            raise self._stopped(job, course, error) from error
        self._left.pop(job.work, None)
        return Stopped(course.at, None)

    async def _begin(self, job: Job, resume: str) -> Progress:
        if resume not in ("", ANEW):
            return await self._resumed(job, read_handle(resume, job.work))
        there = job.ledger is not None and await self._has(job.ledger)
        if resume != ANEW:
            earlier = self._left.get(job.work)
            if job.ledger and there:
                earlier = await self._read(job.ledger.of_work(job.work)) or earlier
            if earlier is not None and not earlier.done:
                raise self._unfinished(job, earlier)
        if job.ledger is not None:
            await self._prepare(job.ledger, there=there)
        return self._remember(job, Progress(secrets.token_hex(8)))

    async def _resumed(self, job: Job, at: Progress) -> Progress:
        """The later of what the handle and what the bookkeeping says."""
        if job.ledger is None:
            known = self._left.get(job.work)
            return known if known and known.run == at.run and known.batches > at.batches else at
        known = await self._read(job.ledger.of_run(at.run)) if await self._has(job.ledger) else None
        if known is None and at.batches:
            raise RequestInvalid(
                f"The bookkeeping of this run in {job.ledger.name} is gone, so that it cannot be told what "
                "was done since the handle was given; nothing was run.",
                hint="Query what is done, and write a WHERE for the rest.",
            )
        if known is None:
            await self._prepare(job.ledger, there=await self._has(job.ledger))
        return self._remember(job, known if known and known.batches > at.batches else at)

    def _unfinished(self, job: Job, earlier: Progress) -> RequestInvalid:
        return RequestInvalid(
            f"An earlier run of this was not finished: {_told(earlier)}. Nothing was run now.",
            code="unfinished_run",
            hint=f"To go on with it: resume='{handle(job.work, earlier)}'. To begin anew, on all rows: "
            f"resume='{ANEW}'.",
        )

    async def _has(self, ledger: Ledger) -> bool:
        report = await self._database.run(Unit((ledger.exists(),), read_only=True))
        return report.results[0].rows[0][0] is not None

    async def _prepare(self, ledger: Ledger, *, there: bool) -> None:
        query = ledger.tidy() if there else ledger.create()
        try:
            await self._database.run(Unit((query,), read_only=False))
        except PermissionDenied as error:
            error.hint = (
                f"What this changes must not be done twice, so each batch is marked in {ledger.name}: ask "
                f"the operator to run {ledger.create().sql}; and to GRANT SELECT, INSERT, DELETE on it."
            )
            raise

    async def _read(self, query: Query) -> Progress | None:
        report = await self._database.run(Unit((query,), read_only=True))
        return bookkeeping.progress(report.results[0])

    def _remember(self, job: Job, at: Progress) -> Progress:
        self._left.pop(job.work, None)
        while len(self._left) >= _REMEMBERED:
            self._left.pop(next(iter(self._left)))
        self._left[job.work] = at
        return at

    async def _waited(self, course: _Course, rate: int | None) -> str:
        """Keep to the rate; say why no batch is to be begun."""
        now = self._clock()
        end = course.began + self._time
        due = now if rate is None else max(now, course.began + course.rows_here / rate)
        if due >= end:
            return "the time of a call is up"
        if due > now:
            await asyncio.sleep(due - now)
        return ""

    async def _next(self, job: Job, course: _Course, most: int) -> None:
        at = course.at
        batch = await job.cut(at.after, course.size)
        if batch is None and at.after is not None and job.ledger is not None:
            batch = Batch(None, at.after, 0, last=True)
        if batch is None:
            course.at = (
                at.further(at.after or (), 0, done=True) if at.batches else Progress(at.run, done=True)
            )
            return
        try:
            batch, changed = await self._store(job, at, batch)
        except (OutcomeUnknown, ConnectionFailed, TransactionConflict, StatementFailed) as error:
            await self._overcome(job, course, batch, error)
            return
        # A batch that may have run twice counts what it was expected to change.
        rows = batch.rows if course.unsure else changed
        course.at = self._remember(job, at.further(batch.upto, rows, done=batch.last))
        course.rows_here += rows
        course.unsure, course.failures = False, 0
        course.size = min(most, course.size + course.size // 4 + 1)

    async def _store(self, job: Job, at: Progress, batch: Batch) -> tuple[Batch, int]:
        """Run a batch, without what cannot be stored of it; give it, and the rows that it changed."""
        while True:
            queries = () if batch.query is None else (batch.query,)
            if job.ledger is not None:
                mark = job.ledger.mark(job.work, at, batch.upto, batch.rows, done=batch.last)
                queries = (mark, *queries)
            if not queries:
                return batch, 0
            try:
                report = await self._database.run(Unit(queries, read_only=False))
            except StatementFailed as error:
                if _is_mark(job, error) or error.sqlstate == "54000":
                    raise
                batch = await job.mend(batch, error)
            else:
                return batch, 0 if batch.query is None else report.results[-1].rows_affected or 0

    async def _overcome(self, job: Job, course: _Course, batch: Batch, error: DsqlError) -> None:
        """Make ready for another try of a batch, or raise the error."""
        halved = max(1, batch.rows // 2)
        if isinstance(error, StatementFailed) and error.sqlstate == "54000" and batch.rows > 1:
            course.size = halved
            return
        if isinstance(error, StatementFailed) and not _is_mark(job, error):
            raise error
        course.failures += 1
        if course.failures > _PATIENCE or (isinstance(error, TransactionConflict) and batch.rows < _FEWEST):
            raise error
        if isinstance(error, TransactionConflict):
            course.size = halved
            return
        course.unsure = course.unsure or isinstance(error, OutcomeUnknown)
        if job.ledger is not None:
            known = await self._read(job.ledger.of_run(course.at.run))
            if known is not None and known.batches > course.at.batches:
                course.rows_here += known.rows - course.at.rows
                course.at = self._remember(job, known)
                course.unsure = False

    async def _tell(self, job: Job, course: _Course, tell: Tell) -> None:
        now = self._clock()
        if course.at.done or now - course.told >= _TELL_EVERY:
            course.told = now
            await tell(course.at.rows, self._account(job, course.at))

    def _account(self, job: Job, at: Progress) -> str:
        return f"{_told(at)}; resume='{handle(job.work, at)}'"

    def _stopped(self, job: Job, course: _Course, error: DsqlError) -> DsqlError:
        at = course.at
        if not at.batches and not course.unsure:
            self._left.pop(job.work, None)
            return error
        this = f"Batch {at.batches + 1} failed"
        if error.outcome == "rolled_back":
            this += ", nothing of it was stored"
        error.message = f"Stopped: {_told(at)}. {this}: {error.message}"
        error.outcome = "partial" if at.batches else "unknown"
        go_on = f"To go on from there: the same call with resume='{handle(job.work, at)}'."
        if course.unsure:
            go_on += (
                " It finds out first whether that batch was stored."
                if job.ledger
                else (" It runs that batch again, which changes nothing more if it was stored.")
            )
            error.hint = go_on
        else:
            error.hint = f"{error.hint or ''} {go_on}".strip()
        return error


def _is_mark(job: Job, error: StatementFailed) -> bool:
    """Whether a batch failed because it is marked as committed already."""
    return job.ledger is not None and error.sqlstate == "23505" and bookkeeping.TABLE in error.message


def _told(at: Progress) -> str:
    if not at.batches:
        return "nothing is committed yet"
    where = f", up to key ({', '.join(at.after or ())})"
    return f"{count(at.rows, 'row')} in {at.batches:,} batches committed{where}"
