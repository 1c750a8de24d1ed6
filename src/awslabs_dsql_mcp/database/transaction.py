"""A transaction as a pure generator of steps, until its outcome is certain.

``transaction`` yields a step, is sent the reply, and either returns a `Report` or raises one of `errors` with
the outcome. `executor` executes the steps.

The rules:

1. A unit of work is run whole or not at all. It is retried only while nothing can have been stored.
2. COMMIT is sent alone, after every statement has succeeded. If the session is lost before COMMIT was sent,
   the transaction was rolled back; if it is lost later, the outcome is unknown and nothing is retried.
3. A read unit ends with ROLLBACK inside its own batch, so that it costs one round trip.
4. A failure that leaves the session alive is followed by ROLLBACK, so that no session is reused with an open
   transaction.
5. Serialization failures are retried with exponential backoff and full jitter, bounded in attempts and
   in time (AWS, "Exponential Backoff And Jitter"; Aurora DSQL user guide, "Concurrency control").
"""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from awslabs_dsql_mcp.database import error_mapping
from awslabs_dsql_mcp.database.failure import Failure, FailureKind
from awslabs_dsql_mcp.database.model import Result, ResultLimits, RowSink
from awslabs_dsql_mcp.errors import NoRowChanged, Outcome, OutcomeUnknown, RowsNotCounted, TooManyRows
from awslabs_dsql_mcp.text import pluralize, truncate

_MAX_DELAY = 2.0
_MAX_QUOTE = 300  # characters of what a server said
_MAX_DOUBLINGS = 32  # reaches _MAX_DELAY from any delay, and does not overflow
_NAMED = 3  # of what changes rows uncounted
_OVERLOAD_DELAY = 0.5  # seconds; an overloaded or waking cluster needs some


@dataclass(frozen=True)
class Query:
    """One statement with ``$1``-style placeholders, and its values.

    Attributes:
        sql: The statement.
        params: The values.
        limits: Limits of the rows that are kept; ``None`` for none.
        sink: Receives all rows, of which none are kept then.
        added: Characters that the server has added before the caller's own statement.
    """

    sql: str
    params: tuple[object, ...] = ()
    limits: ResultLimits | None = None
    sink: RowSink | None = None
    added: int = 0


# A dry run checks deferred constraints as COMMIT does (PostgreSQL documentation, "SET CONSTRAINTS").
_DEFERRED = (Query("SET CONSTRAINTS ALL IMMEDIATE"),)


@dataclass(frozen=True)
class UnitOfWork:
    """A unit of work, run as a whole or not at all.

    Attributes:
        queries: The statements, in order.
        read_only: Run in ``BEGIN READ ONLY`` and rolled back at the end.
        dry_run: Run all statements, then roll back.
        max_rows_affected: Roll back if the statements change more rows than this in total.
        uncounted: Finds kind and name of some that may change rows uncounted; roll back if there are any.
        must_change: The first statement must change a row; if it changes none, all is rolled back.
        may_change_session: A function that is not built in could set something in the session, though
            nothing is committed; a session that has committed is always reset.
        time_limit: Seconds in place of those of the server's options, connecting and retries included.
        unrecorded: It only looks at how the cluster is, and does not count as activity.
    """

    queries: tuple[Query, ...]
    read_only: bool
    dry_run: bool = False
    max_rows_affected: int | None = None
    uncounted: Query | None = None
    must_change: bool = False
    may_change_session: bool = False
    time_limit: float | None = None
    unrecorded: bool = False


@dataclass(frozen=True)
class RetryPolicy:
    """Retry policy.

    Attributes:
        attempts: Maximum number of attempts of a unit that conflicts.
        time: Seconds since the unit started after which it is not retried.
        delay: Upper bound of the first random delay, in seconds; it doubles up to two seconds.
    """

    attempts: int = 6
    time: float = 15.0
    delay: float = 0.02


@dataclass(frozen=True)
class Run:
    """Begin a transaction and run statements in one round trip; a read-only one is also rolled back."""

    queries: tuple[Query, ...]
    read_only: bool

    def __str__(self) -> str:
        """Return the statements without their values, for the log."""
        begin = "BEGIN READ ONLY" if self.read_only else "BEGIN"
        return "; ".join((begin, *(query.sql for query in self.queries)))


@dataclass(frozen=True)
class Commit:
    """Send COMMIT, alone."""


@dataclass(frozen=True)
class Rollback:
    """Roll back, or discard the session."""


@dataclass(frozen=True)
class Sleep:
    """Wait for some seconds."""

    seconds: float


Step = Run | Commit | Rollback | Sleep


@dataclass(frozen=True)
class Executed:
    """The statements succeeded; one result for each."""

    results: tuple[Result, ...]


@dataclass(frozen=True)
class Done:
    """The step succeeded."""


@dataclass(frozen=True)
class Failed:
    """The step failed; ``elapsed`` is in seconds since the unit started."""

    failure: Failure
    elapsed: float


Reply = Executed | Done | Failed


@dataclass(frozen=True)
class Report:
    """Result of a unit that succeeded.

    Attributes:
        results: One for each statement.
        outcome: ``committed``, or ``rolled_back`` for reads and dry runs.
        attempts: Number of attempts.
    """

    results: tuple[Result, ...]
    outcome: Outcome
    attempts: int

    @property
    def rows_affected(self) -> int:
        """Total number of rows that the statements changed."""
        return rows_changed(self.results)


Transaction = Generator[Step, Reply, Report]


def transaction(unit: UnitOfWork, policy: RetryPolicy, jitter: Callable[[], float]) -> Transaction:
    """Run a unit of work; retry it as a whole where that is safe.

    Args:
        unit: The unit of work.
        policy: The retry policy.
        jitter: Returns a random number from 0 to 1 for each delay.

    Raises:
        StatementFailed: A statement or COMMIT was refused; nothing was stored.
        TooManyRows: More rows than ``unit.max_rows_affected`` would have changed; rolled back.
        RowsNotCounted: ``unit.uncounted`` found something; rolled back.
        NoRowChanged: The first statement changed no row, against ``unit.must_change``; rolled back.
        TransactionConflict: It conflicted until attempts or time ran out; nothing was stored.
        TimedOut: A time limit ended before COMMIT; nothing was stored.
        Busy: The cluster was overloaded or unavailable; nothing was stored.
        ConnectionFailed: No session, or it was lost repeatedly; nothing was stored.
        OutcomeUnknown: The session was lost, or a time limit ended, during COMMIT.
    """
    retries: Counter[FailureKind] = Counter()
    while True:
        attempts = sum(retries.values()) + 1
        reply = yield Run(unit.queries + _checks(unit), unit.read_only)
        if isinstance(reply, Executed):
            results = reply.results[: len(unit.queries)]
            if unit.uncounted is not None and (found := reply.results[len(unit.queries)]).rows:
                yield Rollback()
                raise _uncounted(found)
            if unit.read_only:
                return Report(results, "rolled_back", attempts)
            if unit.dry_run or _exceeds_max_rows(unit, results) or _changes_none(unit, results):
                yield Rollback()
                return _rolled_back(unit, results, attempts)
            reply = yield Commit()
            if isinstance(reply, Done):
                return Report(results, "committed", attempts)
            _raise_if_unknown(reply, attempts)
        failed = _failure_in(reply)
        if not failed.failure.session_lost:
            yield Rollback()
        delay = _delay(failed, unit, policy, retries)
        if delay is None:
            failure, statement = _in_callers_terms(failed.failure, unit)
            raise error_mapping.to_error(
                failure,
                statement=statement,
                attempts=attempts,
                outcome=None if unit.read_only else "rolled_back",
            )
        retries[failed.failure.kind] += 1
        yield Sleep(delay * jitter())


def _checks(unit: UnitOfWork) -> tuple[Query, ...]:
    """Give the statements that the server adds behind those of the caller."""
    counted = () if unit.uncounted is None else (unit.uncounted,)
    return counted + (_DEFERRED if unit.dry_run else ())


def _uncounted(found: Result) -> RowsNotCounted:
    names = [f"{kind} {name}" for kind, name in found.rows]
    shown = ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else "")
    return RowsNotCounted(
        f"max_rows_affected cannot hold: rows may be changed that the database does not count ({shown}). "
        "Rolled back.",
        hint="Look at the rows yourself, then send the same without max_rows_affected.",
        outcome="rolled_back",
    )


def rows_changed(results: tuple[Result, ...]) -> int:
    """Count the rows that INSERT, UPDATE, DELETE and MERGE changed."""
    changing = ("INSERT", "UPDATE", "DELETE", "MERGE")
    return sum(r.rows_affected or 0 for r in results if r.command.startswith(changing))


def _exceeds_max_rows(unit: UnitOfWork, results: tuple[Result, ...]) -> bool:
    return unit.max_rows_affected is not None and rows_changed(results) > unit.max_rows_affected


def _changes_none(unit: UnitOfWork, results: tuple[Result, ...]) -> bool:
    return unit.must_change and not results[0].rows_affected


def _rolled_back(unit: UnitOfWork, results: tuple[Result, ...], attempts: int) -> Report:
    if _exceeds_max_rows(unit, results):
        raise TooManyRows(
            f"{pluralize(rows_changed(results), 'row')} would have changed, more than max_rows_affected="
            f"{unit.max_rows_affected}: rolled back.",
            hint="Narrow the WHERE clause, or raise max_rows_affected if that many are intended.",
            outcome="rolled_back",
        )
    if _changes_none(unit, results):
        raise NoRowChanged("The row to change is not there: rolled back.", outcome="rolled_back")
    return Report(results, "rolled_back", attempts)


def _raise_if_unknown(reply: Reply, attempts: int) -> None:
    if isinstance(reply, Failed) and reply.failure.leaves_commit_unknown:
        raise OutcomeUnknown(
            f"The transaction may or may not have committed: during COMMIT (attempt {attempts}) "
            + truncate(reply.failure.message, _MAX_QUOTE),
            sqlstate=reply.failure.sqlstate,
            hint="Do not repeat it yet: query for what it should have changed, then repeat it only if "
            "that is missing.",
            outcome="unknown",
        )


def _failure_in(reply: Reply) -> Failed:
    if not isinstance(reply, Failed):
        raise TypeError(f"expected a failure, got {type(reply).__name__}")
    return reply


def _delay(
    failed: Failed, unit: UnitOfWork, policy: RetryPolicy, retries: Counter[FailureKind]
) -> float | None:
    """Upper bound of the delay before the next attempt, in seconds; ``None`` for no further attempt."""
    kind = failed.failure.kind
    max_retries = {
        FailureKind.CONFLICT: 1 if unit.read_only else policy.attempts - 1,
        FailureKind.UNAVAILABLE: 1 if unit.read_only else policy.attempts - 1,
        FailureKind.CONNECTION_LOST: 1 if unit.read_only else 2,
        FailureKind.LOGIN_EXPIRED: 1,
        FailureKind.OVERLOADED: 20,
    }.get(kind, 0)
    if retries[kind] >= max_retries or failed.elapsed >= policy.time:
        return None
    if kind in (FailureKind.CONNECTION_LOST, FailureKind.LOGIN_EXPIRED):
        return 0.0
    first = _OVERLOAD_DELAY if kind is FailureKind.OVERLOADED else policy.delay
    return min(_MAX_DELAY, first * 2 ** min(retries[kind], _MAX_DOUBLINGS))


def _in_callers_terms(failure: Failure, unit: UnitOfWork) -> tuple[Failure, str | None]:
    """Give the caller's own statement that failed, and the position in it, without what the server adds."""
    if failure.statement is None or failure.statement >= len(unit.queries):
        return replace(failure, statement=None), None
    query = unit.queries[failure.statement]
    at = (failure.position or 0) - query.added
    return replace(failure, position=at if at > 0 else None), query.sql[query.added :]
