"""The connection dies: at every place of a unit, while idle, and with the whole server."""

import asyncio

import pytest

from awslabs_dsql_mcp.errors import ConnectionFailed, OutcomeUnknown
from support.wire.faults import At, Deed, Fault, Hold, Kill, Replace, Say, Twice
from support.wire.harness import Harness, attempts_in, cells, insert, read, until

ENDED = Say("57P01", "terminating connection due to administrator command", severity="FATAL")
TIMED_OUT = Say("57P05", "terminating connection due to idle-session timeout", severity="FATAL")
WAYS = pytest.mark.parametrize("deed", [Kill(), ENDED], ids=["cut", "told"])
BEFORE_COMMIT = pytest.mark.parametrize(
    ("at", "sql"),
    [
        (At.ASKED, "BEGIN"),
        (At.ANSWERED, "BEGIN"),
        (At.ASKED, "VALUES (1)"),
        (At.ANSWERED, "VALUES (1)"),
        (At.ASKED, "VALUES (3)"),
        (At.ANSWERED, "VALUES (3)"),
        (At.ANSWERED, "VALUES (5)"),
    ],
    ids=lambda value: value.name if isinstance(value, At) else value,
)


@WAYS
@BEFORE_COMMIT
async def test_lost_once_before_commit_runs_again_as_a_whole(
    bed: Harness, at: At, sql: str, deed: Deed
) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(at, deed, sql))
    report = await database.run(insert(1, 2, 3, 4, 5))
    assert (report.outcome, report.attempts) == ("committed", 2)
    assert bed.ids() == [1, 2, 3, 4, 5]
    await bed.still_works(database)


@WAYS
@BEFORE_COMMIT
async def test_lost_again_and_again_before_commit_stores_nothing(
    bed: Harness, at: At, sql: str, deed: Deed
) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(at, deed, sql, times=None))
    with pytest.raises(ConnectionFailed) as told:
        await database.run(insert(1, 2, 3, 4, 5))
    assert (told.value.outcome, attempts_in(told.value.message)) == ("rolled_back", 3)
    assert bed.ids() == []
    await bed.still_works(database)


@WAYS
@pytest.mark.parametrize(("at", "stored"), [(At.ASKED, []), (At.ANSWERED, [1, 2])], ids=["before", "after"])
async def test_lost_during_commit_is_unknown_and_never_repeated(
    bed: Harness, at: At, stored: list[int], deed: Deed
) -> None:
    database = bed.connect()
    lost = bed.proxy.add(Fault(at, deed, "COMMIT", times=None))
    with pytest.raises(OutcomeUnknown) as told:
        await database.run(insert(1, 2))
    assert told.value.outcome == "unknown"
    assert "query for what it should have changed" in str(told.value.hint)
    assert (lost.struck, bed.proxy.connected) == (1, 1)
    assert bed.ids() == stored
    await bed.still_works(database)


@pytest.mark.parametrize("severity", ["FATAL", "PANIC"])
@pytest.mark.parametrize("state", ["40001", "53300", "57014", "0A000", "25P02", "23505", "57P01"])
async def test_a_commit_answered_with_the_end_of_the_session_is_unknown_whatever_follows(
    bed: Harness, state: str, severity: str
) -> None:
    database = bed.connect()
    ended = bed.proxy.add(Fault(At.ANSWERED, Replace(state, "the session ends", severity), "COMMIT"))
    with pytest.raises(OutcomeUnknown) as told:
        await database.run(insert(1, 2))
    assert (told.value.outcome, told.value.sqlstate) == ("unknown", state)
    assert ended.struck == 1
    assert bed.ids() == [1, 2]
    await bed.still_works(database)


async def test_a_commit_answered_with_an_error_that_does_not_say_rollback_is_unknown(bed: Harness) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ANSWERED, Replace("0A000", "feature not supported", "ERROR"), "COMMIT"))
    with pytest.raises(OutcomeUnknown):
        await database.run(insert(1, 2))
    assert bed.ids() == [1, 2]
    await bed.still_works(database)


async def test_a_commit_that_is_answered_twice_is_unknown(bed: Harness) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ANSWERED, Twice(), "COMMIT"))
    with pytest.raises(OutcomeUnknown):
        await database.run(insert(1, 2))
    assert bed.ids() == [1, 2]
    await bed.still_works(database)


@pytest.mark.parametrize("sql", ["BEGIN", "VALUES (1)", "VALUES (2)"])
async def test_a_session_that_ended_by_a_protocol_violation_leaves_pipelines_on(
    bed: Harness, sql: str
) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ANSWERED, Replace("08P01", "invalid message", "FATAL"), sql))
    assert (await database.run(insert(1, 2))).attempts == 2
    assert bed.ids() == [1, 2]
    await database.run(read("SELECT 1"))  # behind the reset of the session that has committed
    trips = bed.proxy.trips
    await database.run(read("SELECT 1", "SELECT 2", "SELECT 3"))
    assert bed.proxy.trips == trips + 1


@WAYS
@pytest.mark.parametrize("at", [At.ASKED, At.ANSWERED])
@pytest.mark.parametrize("sql", ["BEGIN READ ONLY", "SELECT", "ROLLBACK"])
async def test_lost_read_runs_once_more_and_still_read_only(
    bed: Harness, at: At, sql: str, deed: Deed
) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(at, deed, sql))
    report = await database.run(read("SELECT current_setting('transaction_read_only')"))
    assert (cells(report), report.attempts) == (["on"], 2)
    await bed.still_works(database)


async def test_lost_read_is_told_after_the_second_time(bed: Harness) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ANSWERED, Kill(), "SELECT", times=None))
    with pytest.raises(ConnectionFailed) as told:
        await database.run(read("SELECT 1"))
    assert attempts_in(told.value.message) == 2
    await bed.still_works(database)


@pytest.mark.parametrize("way", ["cut", "timed out by the server", "terminated by the operator"])
async def test_sessions_that_died_while_idle_cost_nobody_a_call(bed: Harness, way: str) -> None:
    database = bed.connect()
    await bed.still_works(database)
    assert len(bed.states()) == 4
    if way == "cut":
        bed.proxy.kill_all()
    elif way == "timed out by the server":
        bed.proxy.say_all(TIMED_OUT)
    else:
        bed.terminate_sessions()
    await until(lambda: not bed.states())
    reports = await asyncio.gather(*(database.run(insert(number)) for number in range(8)))
    assert {report.outcome for report in reports} == {"committed"}
    assert bed.ids() == list(range(8))
    await bed.still_works(database)


async def test_a_restarted_database_is_met_again(bed: Harness) -> None:
    database = bed.connect()
    await database.run(insert(1))
    held = bed.proxy.add(Fault(At.ASKED, Hold(), "VALUES (3)"))
    call = asyncio.ensure_future(database.run(insert(2, 3)))
    await held.reached.wait()
    bed.postgres.stop()
    bed.postgres.start()
    report = await call
    assert (report.outcome, report.attempts) == ("committed", 2)
    assert bed.ids() == [1, 2, 3]
    await bed.still_works(database)


async def test_lost_and_then_refused_stores_nothing(bed: Harness) -> None:
    database = bed.connect()
    await database.run(insert(1))
    held = bed.proxy.add(Fault(At.ASKED, Hold(), "VALUES (3)"))
    call = asyncio.ensure_future(database.run(insert(2, 3)))
    await held.reached.wait()
    bed.proxy.refuse()
    bed.proxy.kill_all()
    with pytest.raises(ConnectionFailed) as told:
        await call
    assert (told.value.code, told.value.outcome) == ("refused", "rolled_back")
    with pytest.raises(ConnectionFailed):
        await database.run(insert(4))
    assert bed.ids() == [1]
    await bed.proxy.open()
    await bed.still_works(database)


async def test_a_crashed_database_keeps_nothing_of_an_open_transaction(bed: Harness) -> None:
    database = bed.connect()
    held = bed.proxy.add(Fault(At.ASKED, Hold(), "COMMIT"))
    call = asyncio.ensure_future(database.run(insert(1, 2)))
    await held.reached.wait()
    bed.postgres.crash()
    with pytest.raises(OutcomeUnknown):
        await call
    bed.postgres.start()
    assert bed.ids() == []
    await bed.still_works(database)
