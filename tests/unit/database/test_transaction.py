"""Transactions as scripts: what happened, what is done next, what the caller is told."""

import pytest

from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import (
    Commit,
    Done,
    Executed,
    Failed,
    Query,
    Reply,
    RetryPolicy,
    Rollback,
    Run,
    Sleep,
    Step,
    UnitOfWork,
    rows_changed,
    transaction,
)
from awslabs_dsql_mcp.errors import DsqlError

QUERIES = (Query("INSERT INTO t VALUES (1)"), Query("UPDATE t SET a = 2"))
RAN = Executed((Result("INSERT 0 1", 1), Result("UPDATE 4", 4)))
DONE = Done()

WRITE = UnitOfWork(QUERIES, read_only=False)
READ = UnitOfWork(QUERIES, read_only=True)
DRY = UnitOfWork(QUERIES, read_only=False, dry_run=True)
FOUR_ROWS = UnitOfWork(QUERIES, read_only=False, max_rows_affected=4)
COUNTED = UnitOfWork(QUERIES, read_only=False, max_rows_affected=5, uncounted=Query("SELECT"))
NOTHING_UNCOUNTED = Executed((*RAN.results, Result("SELECT 0", 0)))
UNCOUNTED = Executed((*RAN.results, Result("SELECT 1", 1, rows=(("function", "purge()"),))))
FIVE_ROWS = UnitOfWork(QUERIES, read_only=False, max_rows_affected=5)


CONFLICT = Failed(Failure("(OC000)", "40001"), 0.0)
LATE_CONFLICT = Failed(Failure("(OC000)", "40001"), 15.0)
LOST = Failed(Failure("closed", session_lost=True), 0.0)
TIMED_OUT = Failed(Failure("no answer", session_lost=True, timed_out=True), 0.0)
UNAVAILABLE = Failed(Failure("server unavailable", "XX000"), 0.0)
REFUSED = Failed(Failure("syntax error", "42601"), 0.0)
CROWDED = Failed(Failure("waking up cluster", connecting=True), 0.0)
EXPIRED = Failed(Failure("access denied", hint="Signature expired: x", connecting=True), 0.0)
DENIED = Failed(Failure("access denied", connecting=True), 0.0)


def told(unit: UnitOfWork, replies: tuple[Reply, ...], policy: RetryPolicy) -> tuple[str, str]:
    """Play a script; give the steps as one word each, and the end."""
    plan = transaction(unit, policy, lambda: 1.0)
    steps = [next(plan)]
    try:
        for reply in replies:
            steps += [plan.send(reply)]
    except StopIteration as ended:
        end = f"{ended.value.outcome} after {ended.value.attempts}"
    except DsqlError as error:
        end = f"{error.code}, {error.outcome}"
    else:
        end = "not yet"
    return " ".join(_word(step) for step in steps), end


def _word(step: Step) -> str:
    match step:
        case Run(read_only=True):
            return "READ"
        case Run():
            return "RUN"
        case Commit():
            return "COMMIT"
        case Rollback():
            return "ROLLBACK"
        case Sleep(seconds):
            return f"{seconds:g}s"


@pytest.mark.parametrize(
    ("unit", "replies", "steps", "end"),
    [
        (READ, (RAN,), "READ", "rolled_back after 1"),
        (WRITE, (RAN, DONE), "RUN COMMIT", "committed after 1"),
        (DRY, (RAN, DONE), "RUN ROLLBACK", "rolled_back after 1"),
        (FIVE_ROWS, (RAN, DONE), "RUN COMMIT", "committed after 1"),
        (FOUR_ROWS, (RAN, DONE), "RUN ROLLBACK", "too_many_rows, rolled_back"),
        # A statement or a COMMIT that the server refuses.
        (WRITE, (REFUSED, DONE), "RUN ROLLBACK", "statement_failed, rolled_back"),
        (WRITE, (RAN, REFUSED, DONE), "RUN COMMIT ROLLBACK", "statement_failed, rolled_back"),
        (READ, (REFUSED, DONE), "READ ROLLBACK", "statement_failed, None"),
        # Rows that nobody counts.
        (COUNTED, (NOTHING_UNCOUNTED, DONE), "RUN COMMIT", "committed after 1"),
        (COUNTED, (UNCOUNTED, DONE), "RUN ROLLBACK", "rows_not_counted, rolled_back"),
        # Conflicts, twice at most here.
        (WRITE, (CONFLICT, DONE, DONE, RAN, DONE), "RUN ROLLBACK 0.02s RUN COMMIT", "committed after 2"),
        (
            WRITE,
            (RAN, CONFLICT, DONE, DONE, RAN, CONFLICT, DONE, DONE, RAN, CONFLICT, DONE),
            "RUN COMMIT ROLLBACK 0.02s RUN COMMIT ROLLBACK 0.04s RUN COMMIT ROLLBACK",
            "transaction_conflict, rolled_back",
        ),
        (
            READ,
            (CONFLICT, DONE, DONE, CONFLICT, DONE),
            "READ ROLLBACK 0.02s READ ROLLBACK",
            "transaction_conflict, None",
        ),
        (WRITE, (LATE_CONFLICT, DONE), "RUN ROLLBACK", "transaction_conflict, rolled_back"),
        # The session is lost.
        (WRITE, (LOST, DONE, RAN, DONE), "RUN 0s RUN COMMIT", "committed after 2"),
        (WRITE, (LOST, DONE, LOST, DONE, LOST), "RUN 0s RUN 0s RUN", "connection_failed, rolled_back"),
        (READ, (LOST, DONE, LOST), "READ 0s READ", "connection_failed, None"),
        (WRITE, (RAN, LOST), "RUN COMMIT", "outcome_unknown, unknown"),
        # Nobody answered.
        (WRITE, (TIMED_OUT,), "RUN", "timed_out, rolled_back"),
        (READ, (TIMED_OUT,), "READ", "timed_out, None"),
        (WRITE, (RAN, TIMED_OUT), "RUN COMMIT", "outcome_unknown, unknown"),
        # The server is unavailable.
        (WRITE, (UNAVAILABLE, DONE, DONE, RAN, DONE), "RUN ROLLBACK 0.02s RUN COMMIT", "committed after 2"),
        (READ, (UNAVAILABLE, DONE, DONE, RAN), "READ ROLLBACK 0.02s READ", "rolled_back after 2"),
        (WRITE, (RAN, UNAVAILABLE), "RUN COMMIT", "outcome_unknown, unknown"),
        # The login is refused.
        (WRITE, (CROWDED, DONE, DONE, RAN, DONE), "RUN ROLLBACK 0.5s RUN COMMIT", "committed after 2"),
        (WRITE, (EXPIRED, DONE, DONE, RAN, DONE), "RUN ROLLBACK 0s RUN COMMIT", "committed after 2"),
        (
            WRITE,
            (EXPIRED, DONE, DONE, EXPIRED, DONE),
            "RUN ROLLBACK 0s RUN ROLLBACK",
            "token_expired, rolled_back",
        ),
        (READ, (DENIED, DONE), "READ ROLLBACK", "access_denied, None"),
        # One after the other.
        (
            WRITE,
            (LOST, DONE, RAN, CONFLICT, DONE, DONE, RAN, LOST),
            "RUN 0s RUN COMMIT ROLLBACK 0.02s RUN COMMIT",
            "outcome_unknown, unknown",
        ),
    ],
)
def test_script(unit: UnitOfWork, replies: tuple[Reply, ...], steps: str, end: str) -> None:
    assert told(unit, replies, RetryPolicy(attempts=3, time=15.0, delay=0.02)) == (steps, end)


def test_delays_double_up_to_two_seconds() -> None:
    replies = (CONFLICT, DONE, DONE) * 10
    steps, _ = told(WRITE, replies, RetryPolicy(attempts=20, time=60.0, delay=0.02))
    delays = [word for word in steps.split() if word.endswith("s")]
    assert delays == [
        "0.02s", "0.04s", "0.08s", "0.16s", "0.32s", "0.64s", "1.28s", "2s", "2s", "2s",
    ]  # fmt: skip


def test_a_driver_that_answers_what_does_not_fit_is_a_bug() -> None:
    plan = transaction(WRITE, RetryPolicy(), lambda: 0.0)
    next(plan)
    with pytest.raises(TypeError):
        plan.send(DONE)


@pytest.mark.parametrize(
    ("command", "count", "changed"),
    [
        ("INSERT 0 3", 3, 3),
        ("UPDATE 3", 3, 3),
        ("DELETE 3", 3, 3),
        ("MERGE 3", 3, 3),
        ("SELECT 3", 3, 0),
        ("CREATE TABLE", None, 0),
    ],
)
def test_rows_changed(command: str, count: int | None, changed: int) -> None:
    assert rows_changed((Result(command, count),)) == changed
