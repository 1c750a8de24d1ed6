"""The record of conflicts and slow transactions: its size, its time, its secrets."""

from collections.abc import Callable

import pytest

from awslabs_dsql_mcp.database.activity import SLOW, ActivityRecord, Attempt, Attempts
from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork

UNIT = UnitOfWork((Query("UPDATE t SET a = 'secret' WHERE id = $1", (1,)),), read_only=False)
CONFLICT = Attempt(is_schema=False, seconds=0.1, rows=1)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def note(record: ActivityRecord, *attempts: Attempt, seconds: float = 0.1, succeeded: bool = True) -> None:
    report = Report((Result("UPDATE 1", 1),), "committed", 1) if succeeded else None
    record.note(UNIT, Attempts(0.0, 1, seconds, list(attempts)), report)


def test_attempts_are_timed_from_their_first_statement() -> None:
    attempts = Attempts()
    attempts.begin(10.0)
    attempts.rows = 7
    attempts.end(10.5)
    attempts.conflict(Failure("change conflicts with another transaction (OC000)", "40001"), 10.75)
    attempts.begin(20.0)
    attempts.conflict(Failure("schema has been updated by another transaction (OC001)", "40001"), 20.25)
    attempts.end(20.25)
    assert attempts.conflicts == [Attempt(False, 0.75, 7), Attempt(True, 0.25, 0)]  # noqa: FBT003 - values
    assert attempts.longest == 0.5


def test_what_had_no_connection_is_no_transaction(clock: Clock) -> None:
    record = ActivityRecord(clock)
    record.note(UNIT, Attempts(), None)
    assert record.seen(15).transactions == 0


def test_only_what_conflicted_or_was_slow_is_kept(clock: Clock) -> None:
    record = ActivityRecord(clock)
    note(record)
    note(record, CONFLICT, CONFLICT, succeeded=False)
    note(record, seconds=SLOW)
    seen = record.seen(15)
    assert (seen.transactions, seen.conflicts, len(seen.conflicted), len(seen.slow)) == (3, 2, 1, 1)
    assert not seen.conflicted[0].succeeded
    assert seen.slow[0].rows == 1
    assert "secret" not in repr(seen)


def test_what_is_older_than_asked_for_is_not_told(clock: Clock) -> None:
    record = ActivityRecord(clock)
    note(record, CONFLICT, seconds=SLOW)
    clock.now += 10 * 60
    note(record, CONFLICT)
    assert record.seen(5).conflicts == 1
    assert record.seen(5).transactions == 1
    assert not record.seen(5).slow
    assert record.seen(15).conflicts == 2
    assert (record.seen(5).recorded, record.seen(15).recorded) == (5, 10)


def test_transactions_of_a_minute_are_those_of_a_minute(clock: Clock) -> None:
    record = ActivityRecord(clock)
    for _ in range(12):
        note(record)
        clock.now += 10
    assert 6 <= record.seen(1).transactions <= 7


def test_what_is_committed_and_may_have_written_is_counted(clock: Clock) -> None:
    record = ActivityRecord(clock)
    note(record)
    clock.now += 60
    note(record, CONFLICT)
    note(record, succeeded=False)
    rolled_back = Report((Result("UPDATE 1", 1),), "rolled_back", 1)
    record.note(UNIT, Attempts(0.0, 1, 0.1), rolled_back)
    reads = UnitOfWork((Query("SELECT 1"),), read_only=True)
    record.note(reads, Attempts(0.0, 1, 0.1), Report((Result("SELECT 1", 1),), "committed", 1))
    assert (record.writes(30).count, record.writes(90).count) == (1, 2)
    assert record.writes(30).is_whole
    assert not record.writes(90).is_whole, "what was before is not known"
    assert record.writes(90).seconds == 60
    assert record.seen(15).transactions == 5


def test_the_statements_of_a_transaction_are_counted_though_the_first_alone_are_kept(clock: Clock) -> None:
    record = ActivityRecord(clock)
    record.note(UnitOfWork(UNIT.queries * 30, read_only=False), Attempts(0.0, 1, 0.1, [CONFLICT]), None)
    (kept,) = record.seen(15).conflicted
    assert (len(kept.shapes), kept.statements) == (12, 30)


def test_the_record_is_bounded(clock: Clock) -> None:
    record = ActivityRecord(clock)
    for _ in range(3_000):
        clock.now += 60
        note(record, CONFLICT, seconds=SLOW)
    seen = record.seen(100_000)
    assert seen.full == ("conflicts", "slow transactions")
    assert record.seen(15).full == ()
    assert len(seen.conflicted) <= 500
    assert len(seen.slow) <= 200
    assert seen.transactions <= 1_441


def test_digests_of_two_records_differ(clock: Clock) -> None:
    def digest(make: Callable[[], ActivityRecord]) -> str:
        (shaped,) = make().shapes(UNIT)
        return shaped.accesses[0].values["id"].digest

    one = ActivityRecord(clock)
    assert digest(lambda: one) == digest(lambda: one)
    assert digest(lambda: one) != digest(lambda: ActivityRecord(clock))
