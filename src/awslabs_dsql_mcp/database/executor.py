"""Executor of the steps that `transaction` yields, on pooled connections.

The decisions are in `transaction`, with one exception: a step that ends early, by cancellation or by a time
limit, discards the connection, since a late cancel request could hit the next statement on it.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import anyio
import anyio.lowlevel

from awslabs_dsql_mcp.database.activity import ActivityRecord, Attempts
from awslabs_dsql_mcp.database.call_context import (
    record_attempts,
    record_commit_answered,
    record_commit_sent,
)
from awslabs_dsql_mcp.database.deadline import Interruptible, run_with_deadline
from awslabs_dsql_mcp.database.failure import DatabaseError, Failure, FailureKind
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.pool import ConnectionPool, PooledSession
from awslabs_dsql_mcp.database.transaction import (
    Commit,
    Done,
    Executed,
    Failed,
    Query,
    Reply,
    Report,
    RetryPolicy,
    Rollback,
    Run,
    Sleep,
    Step,
    UnitOfWork,
    rows_changed,
    transaction,
)
from awslabs_dsql_mcp.dsql.limits import MAX_SESSION_SECONDS, MAX_TRANSACTION_SECONDS
from awslabs_dsql_mcp.errors import Busy, Outcome

log = logging.getLogger(__name__)
T = TypeVar("T")

# Seconds. Aurora DSQL ends a session after 60 minutes.
_SESSION_LIFE = float(MAX_SESSION_SECONDS)
_SESSION_MARGIN = 60.0
_IDLE_TIME = 60.0
_ROLLBACK_TIME = 3.0
# SQLSTATEs of a server that refuses pipelines: protocol violation, feature not supported.
_PIPELINE_REFUSED = frozenset({"08P01", "0A000"})


class Connection(Interruptible, Protocol):
    """The methods of a connection that the executor uses; see `connection.PostgresConnection`."""

    @property
    def is_clean(self) -> bool:
        """True if the next call may use it."""
        ...

    async def run(self, queries: Sequence[Query], *, read_only: bool, pipelined: bool) -> tuple[Result, ...]:
        """Begin a transaction and run statements in it."""
        ...

    async def commit(self) -> None:
        """Send COMMIT."""
        ...

    async def rollback(self) -> None:
        """Roll back the transaction, if there is one."""
        ...

    async def reset_session(self, *, pipelined: bool) -> None:
        """Reset the parameters and the role that a function may have set in the session."""
        ...


@dataclass(frozen=True)
class Limits:
    """Limits of calls; times in seconds.

    Attributes:
        statement_timeout: Time limit of all statements of a unit of work, and of its COMMIT.
        call_timeout: Time limit of a call.
        max_connections: Maximum number of open connections.
        commit_time: Minimum time for COMMIT, even if it exceeds the call's limit or the call is cancelled:
            an answer that comes late is better than an unknown outcome.
    """

    statement_timeout: float = 45.0
    call_timeout: float = 55.0
    max_connections: int = 4
    commit_time: float = 3.0


@dataclass
class _Call:
    """State of a call: when it started, its own time limit in seconds if it has one, and its connection."""

    started_at: float
    writes: bool
    time_limit: float | None
    session: PooledSession[Connection] | None = None
    attempts: int = 0
    observed: Attempts = field(default_factory=Attempts)


class PooledDatabase:
    """A cluster, reached through a pool of connections.

    Args:
        connect: Opens a connection; raises `DatabaseError`, or `DsqlError` if the cluster was not contacted.
        policy: Retry policy of units of work.
        limits: Limits of calls.
        activity: Takes a note of each unit of work.
        clock: Monotonic seconds.
        jitter: A random number from 0 to 1.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        policy: RetryPolicy,
        limits: Limits,
        activity: ActivityRecord | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._limits = limits
        self._activity = activity or ActivityRecord(clock)
        self._clock = clock
        self._jitter = jitter
        self._pipelined = True
        self._resets: set[asyncio.Task[None]] = set()
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            connect,
            lambda connection: connection.close(),
            limit=limits.max_connections,
            max_age=_SESSION_LIFE - _SESSION_MARGIN - max(limits.call_timeout, MAX_TRANSACTION_SECONDS),
            idle_time=_IDLE_TIME,
            clock=clock,
        )

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit of work; retry it as a whole where that is safe.

        Raises:
            DsqlError: One of `errors`, with the outcome if a transaction was begun.
        """
        call = _Call(self._clock(), not unit.read_only, unit.time_limit)
        plan = transaction(unit, self._policy, self._jitter)
        report: Report | None = None
        try:
            step = next(plan)
            while True:
                step = plan.send(await self._execute(step, call))
        except StopIteration as ended:
            done: Report = ended.value
            report = done
            # A column default, a CHECK or a function may have set something that outlives the COMMIT.
            if unit.may_change_session or done.outcome == "committed":
                self._reset_session(call)
            return done
        finally:
            record_attempts(call.attempts)
            self._activity.note(unit, call.observed, report)
            with anyio.CancelScope(shield=True):
                await self._release(call)

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when their calls end."""
        for task in self._resets:
            task.cancel()
        await asyncio.gather(*self._resets, return_exceptions=True)
        await self._pool.close()

    async def _execute(self, step: Step, call: _Call) -> Reply:
        try:
            match step:
                case Run():
                    call.attempts += 1
                    log.debug("run %s", step)
                    executed = await self._run(step, call)
                    call.observed.rows = rows_changed(executed.results)
                    return executed
                case Commit():
                    await self._commit(call)
                case Rollback():
                    await self._rollback(call)
                case Sleep(seconds):
                    await self._release(call)
                    await asyncio.sleep(min(seconds, self._remaining(call)))
        except DatabaseError as failed:
            if failed.failure.kind is FailureKind.CONFLICT:
                call.observed.conflict(failed.failure, self._clock())
            if failed.failure.session_lost:
                await self._drop(call)
                await self._pool.close_idle()
            return Failed(failed.failure, self._clock() - call.started_at)
        return Done()

    async def _run(self, step: Run, call: _Call) -> Executed:
        if call.session is None:
            call.session = await self._acquire(call)
        call.observed.begin(self._clock())
        work = call.session.connection.run(step.queries, read_only=step.read_only, pipelined=self._pipelined)
        try:
            limit, connection = self._step_time(call), call.session.connection
            return Executed(await run_with_deadline(work, connection, limit, self._timed_out(limit, call)))
        except DatabaseError as failed:
            failure = failed.failure
            if not (self._pipelined and _refuses_pipelines(failure)):
                raise
            log.warning("the server refuses pipelines (%s): statements are sent one by one", failure.sqlstate)
            self._pipelined = False
            await self._rollback(call)
            return await self._run(step, call)
        finally:
            call.observed.end(self._clock())

    async def _acquire(self, call: _Call) -> PooledSession[Connection]:
        timeout = self._remaining(call)
        if not timeout:
            raise DatabaseError(Failure(self._timed_out(timeout, call), timed_out=True))
        if self._resets and not self._pool.has_idle:
            await asyncio.wait(self._resets, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        try:
            return await self._pool.acquire(timeout)
        except Busy as busy:
            busy.outcome = "rolled_back" if call.writes else None
            raise

    async def _commit(self, call: _Call) -> None:
        connection = _connection_of(call)
        await anyio.lowlevel.checkpoint_if_cancelled()
        record_commit_sent()
        answer = asyncio.ensure_future(connection.commit())
        patience = self._limits.commit_time
        limit = max(self._step_time(call), patience)
        try:
            await run_with_deadline(answer, connection, limit, self._timed_out(limit), patience=patience)
        except DatabaseError as failed:
            if not (failed.failure.timed_out and _succeeded(answer)):
                raise
        finally:
            outcome = _outcome(answer)
            if outcome == "unknown":
                log.warning("COMMIT was not answered: the transaction may or may not have committed")
            else:
                record_commit_answered(stored=outcome == "committed")

    async def _rollback(self, call: _Call) -> None:
        if call.session is None:
            return
        connection = call.session.connection
        try:
            await self._run_with_deadline(connection.rollback(), connection, _ROLLBACK_TIME)
        except DatabaseError:
            await self._drop(call)

    async def _run_with_deadline(self, work: Awaitable[T], connection: Connection, limit: float) -> T:
        return await run_with_deadline(work, connection, limit, self._timed_out(limit))

    def _timed_out(self, limit: float, call: _Call | None = None) -> str:
        limits = self._limits
        if call is not None and call.time_limit is not None and limit != limits.statement_timeout:
            return f"not done within {call.time_limit:.3g} s"
        if limit < limits.statement_timeout:
            return f"no answer within the {limits.call_timeout:g} s of a call (--call-timeout)"
        return f"no answer within {limits.statement_timeout:g} s (--statement-timeout)"

    def _remaining(self, call: _Call) -> float:
        time_limit = call.time_limit or self._limits.call_timeout
        return max(0.0, call.started_at + time_limit - self._clock())

    def _step_time(self, call: _Call) -> float:
        remaining = self._remaining(call)
        may_last = (call.time_limit or 0) > self._limits.call_timeout
        return remaining if may_last else min(self._limits.statement_timeout, remaining)

    async def _release(self, call: _Call) -> None:
        session, call.session = call.session, None
        if session is None:
            return
        if session.connection.is_clean:
            await self._pool.release(session)
        else:
            await self._pool.discard(session)

    async def _drop(self, call: _Call) -> None:
        session, call.session = call.session, None
        if session is not None:
            await self._pool.discard(session)

    def _reset_session(self, call: _Call) -> None:
        """Reset the session in the background: the caller does not wait for it."""
        session, call.session = call.session, None
        if session is None:
            return
        task = asyncio.ensure_future(self._reset_and_release(session))
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)

    async def _reset_and_release(self, session: PooledSession[Connection]) -> None:
        connection = session.connection
        reset = connection.reset_session(pipelined=self._pipelined)
        try:
            await self._run_with_deadline(reset, connection, _ROLLBACK_TIME)
        except BaseException as error:
            await self._pool.discard(session)
            if not isinstance(error, DatabaseError):
                raise
        else:
            await self._pool.release(session)


def _connection_of(call: _Call) -> Connection:
    if call.session is None:
        raise RuntimeError("COMMIT without a session")
    return call.session.connection


def _refuses_pipelines(failure: Failure) -> bool:
    """Return true if the server refused the pipeline itself, not a statement in it, nor the session."""
    is_pipeline = failure.statement is None or "pipelin" in failure.message.lower()
    return is_pipeline and not failure.session_lost and failure.sqlstate in _PIPELINE_REFUSED


def _outcome(commit: "asyncio.Future[None]") -> Outcome:
    """Tell what became of a COMMIT that was sent."""
    if not commit.done() or commit.cancelled():
        return "unknown"
    error = commit.exception()
    if error is None:
        return "committed"
    is_known = isinstance(error, DatabaseError) and not error.failure.leaves_commit_unknown
    return "rolled_back" if is_known else "unknown"


def _succeeded(task: "asyncio.Future[Any]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
