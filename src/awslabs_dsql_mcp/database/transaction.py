"""A transaction as a value: what to do next, told what happened, until an outcome is certain.

``transaction`` is a pure generator. It yields a step, is sent a reply, and either returns a `Report` or
raises one of `errors`, each with the outcome that it knows. The driver in `adapters.database` only does.

The rules:

1. A unit of work is run whole or not at all. It is run again only while nothing can have been stored.
2. COMMIT travels alone, after every statement has succeeded. A session lost before COMMIT was sent has
   rolled back for certain; one lost after it leaves the outcome unknown, and then nothing is repeated.
3. A read unit ends with ROLLBACK inside its own batch, so that it costs one round trip.
4. A failure that leaves the session alive is followed by ROLLBACK, so that no session returns to use with
   an open transaction.
5. Serialization failures are retried with exponential backoff and full jitter, bounded in attempts and
   in time (AWS, "Exponential Backoff And Jitter"; Aurora DSQL user guide, "Concurrency control").
"""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from awslabs_dsql_mcp.database import error_mapping
from awslabs_dsql_mcp.database.failure import Failure, FailureKind
from awslabs_dsql_mcp.database.model import Result, ResultLimits
from awslabs_dsql_mcp.errors import Outcome, OutcomeUnknown, TooManyRows

_MAX_DELAY = 2.0
_MAX_DOUBLINGS = 32  # that is enough for any delay, and no number is too large
_OVERLOAD_DELAY = 0.5  # a crowded or waking cluster needs seconds: knocking faster only adds to the crowd


@dataclass(frozen=True)
class Query:
    """One statement as it is sent: ``$1``-style placeholders, values apart.

    Attributes:
        sql: The statement.
        params: The values.
        caps: How much of its rows is kept; ``None`` for all.
    """

    sql: str
    params: tuple[object, ...] = ()
    caps: ResultLimits | None = None


# What COMMIT would check, a dry run checks as well (PostgreSQL documentation, "SET CONSTRAINTS").
_DEFERRED = (Query("SET CONSTRAINTS ALL IMMEDIATE"),)


@dataclass(frozen=True)
class UnitOfWork:
    """A unit of work: all of it, or nothing.

    Attributes:
        queries: The statements, in order.
        read_only: Run in ``BEGIN READ ONLY`` and rolled back at the end.
        dry_run: Run everything, then roll back.
        max_rows_affected: Roll back when the statements changed more rows than this in all.
        may_leave_traces: Whether a function that is not PostgreSQL's own could set something in the session.
    """

    queries: tuple[Query, ...]
    read_only: bool
    dry_run: bool = False
    max_rows_affected: int | None = None
    may_change_session: bool = False


@dataclass(frozen=True)
class RetryPolicy:
    """When to try again.

    Attributes:
        attempts: Runs of a unit that conflicts, at most.
        time: Seconds since the unit began after which it is not begun again.
        delay: Upper bound of the first random delay, in seconds; it doubles up to two seconds.
    """

    attempts: int = 6
    time: float = 15.0
    delay: float = 0.02


@dataclass(frozen=True)
class Run:
    """Begin a transaction and run these statements, in one round trip; a read one is ended as well."""

    queries: tuple[Query, ...]
    read_only: bool

    def __str__(self) -> str:
        """Word it for a log: its statements without their values."""
        begin = "BEGIN READ ONLY" if self.read_only else "BEGIN"
        return "; ".join((begin, *(query.sql for query in self.queries)))


@dataclass(frozen=True)
class Commit:
    """Send COMMIT, alone."""


@dataclass(frozen=True)
class Rollback:
    """End the transaction without storing anything, or drop the session."""


@dataclass(frozen=True)
class Sleep:
    """Wait, in seconds."""

    seconds: float


Step = Run | Commit | Rollback | Sleep


@dataclass(frozen=True)
class Executed:
    """Every statement succeeded; one result each."""

    results: tuple[Result, ...]


@dataclass(frozen=True)
class Done:
    """The step was done."""


@dataclass(frozen=True)
class Failed:
    """The step failed, so many seconds after the unit began."""

    failure: Failure
    elapsed: float


Reply = Executed | Done | Failed


@dataclass(frozen=True)
class Report:
    """How a unit ended well.

    Attributes:
        results: One for each statement.
        outcome: ``committed``, or ``rolled_back`` for reads and dry runs.
        attempts: How often the unit was run.
    """

    results: tuple[Result, ...]
    outcome: Outcome
    attempts: int

    @property
    def rows_affected(self) -> int:
        """Rows that the statements changed in all."""
        return rows_changed(self.results)


Transaction = Generator[Step, Reply, Report]


def transaction(unit: UnitOfWork, policy: RetryPolicy, jitter: Callable[[], float]) -> Transaction:
    """Run a unit of work, again as a whole where that is safe.

    Args:
        unit: What to run.
        policy: When to try again.
        jitter: Gives a random number from 0 to 1 for each delay.

    Raises:
        StatementFailed: A statement or COMMIT was refused; nothing was stored.
        StatementRefused: More rows than ``unit.max_rows_affected`` would have changed; rolled back.
        TransactionConflict: It conflicted until attempts or time ran out; nothing was stored.
        Busy: Our clock ran out, or the cluster had no room, before COMMIT; nothing was stored.
        ConnectionFailed: No session, or it was lost again and again; nothing was stored.
        OutcomeUnknown: The session was lost, or the clock ran out, during COMMIT.
    """
    retries: Counter[FailureKind] = Counter()
    while True:
        attempts = sum(retries.values()) + 1
        reply = yield Run(unit.queries + (_DEFERRED if unit.dry_run else ()), unit.read_only)
        if isinstance(reply, Executed):
            results = reply.results[: len(unit.queries)]
            if unit.read_only:
                return Report(results, "rolled_back", attempts)
            if unit.dry_run or _too_many(unit, results):
                yield Rollback()
                return _rolled_back(unit, results, attempts)
            reply = yield Commit()
            if isinstance(reply, Done):
                return Report(results, "committed", attempts)
            _stop_if_unknown(reply, attempts)
        failed = _failure_in(reply)
        if not failed.failure.session_lost:
            yield Rollback()
        delay = _delay(failed, unit, policy, retries)
        if delay is None:
            failure = _within_transaction(failed.failure, unit)
            raise error_mapping.to_error(
                failure,
                statement=_sql_of(failure, unit),
                attempts=attempts,
                outcome=None if unit.read_only else "rolled_back",
            )
        retries[failed.failure.kind] += 1
        yield Sleep(delay * jitter())


def rows_changed(results: tuple[Result, ...]) -> int:
    """Count the rows that INSERT, UPDATE, DELETE and MERGE changed."""
    changing = ("INSERT", "UPDATE", "DELETE", "MERGE")
    return sum(r.rows_affected or 0 for r in results if r.command.startswith(changing))


def _too_many(unit: UnitOfWork, results: tuple[Result, ...]) -> bool:
    return unit.max_rows_affected is not None and rows_changed(results) > unit.max_rows_affected


def _rolled_back(unit: UnitOfWork, results: tuple[Result, ...], attempts: int) -> Report:
    if _too_many(unit, results):
        raise TooManyRows(
            f"{rows_changed(results)} rows would have changed, more than max_rows_affected="
            f"{unit.max_rows_affected}: rolled back, nothing was stored.",
            hint="Narrow the WHERE clause, or raise max_rows_affected if that many are meant.",
            outcome="rolled_back",
        )
    return Report(results, "rolled_back", attempts)


def _stop_if_unknown(reply: Reply, attempts: int) -> None:
    if isinstance(reply, Failed) and reply.failure.leaves_commit_unknown:
        raise OutcomeUnknown(
            f"The transaction may or may not have committed: during COMMIT (attempt {attempts}) "
            f"{reply.failure.message}",
            sqlstate=reply.failure.sqlstate,
            hint="Do not repeat it yet: query for what it should have changed, then repeat it only if "
            "that is missing.",
            outcome="unknown",
        )


def _failure_in(reply: Reply) -> Failed:
    if not isinstance(reply, Failed):
        raise TypeError(f"the driver answered {type(reply).__name__} where only a failure fits")
    return reply


def _delay(
    failed: Failed, unit: UnitOfWork, policy: RetryPolicy, retries: Counter[FailureKind]
) -> float | None:
    """Give the upper bound of the wait before the next run, or ``None`` for no further run."""
    kind = failed.failure.kind
    again = {
        FailureKind.CONFLICT: 1 if unit.read_only else policy.attempts - 1,
        FailureKind.UNAVAILABLE: 1 if unit.read_only else policy.attempts - 1,
        FailureKind.CONNECTION_LOST: 1 if unit.read_only else 2,
        FailureKind.LOGIN_EXPIRED: 1,
        FailureKind.OVERLOADED: 20,
    }.get(kind, 0)
    if retries[kind] >= again or failed.elapsed >= policy.time:
        return None
    if kind in (FailureKind.CONNECTION_LOST, FailureKind.LOGIN_EXPIRED):
        return 0.0
    first = _OVERLOAD_DELAY if kind is FailureKind.OVERLOADED else policy.delay
    return min(_MAX_DELAY, first * 2 ** min(retries[kind], _MAX_DOUBLINGS))


def _within_transaction(failure: Failure, unit: UnitOfWork) -> Failure:
    """Blame none of the caller's statements for what a dry run's check behind them found."""
    beyond = failure.statement is not None and failure.statement >= len(unit.queries)
    return replace(failure, statement=None) if beyond else failure


def _sql_of(failure: Failure, unit: UnitOfWork) -> str | None:
    return None if failure.statement is None else unit.queries[failure.statement].sql
