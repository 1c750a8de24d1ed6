"""The server refuses: a statement, a COMMIT, a login; once, or for ever."""

import asyncio

import pytest

from awslabs_dsql_mcp.database.transaction import RetryPolicy
from awslabs_dsql_mcp.errors import (
    Busy,
    ConnectionFailed,
    DsqlError,
    OutcomeUnknown,
    StatementFailed,
    TransactionConflict,
)
from support.wire.faults import At, Fault, Hold, Say
from support.wire.harness import Harness, attempts_in, cells, insert, read, until, write

CHANGED = Say("40001", "change conflicts with another transaction (OC000)")
SCHEMA = Say("40001", "schema has been updated by another transaction (OC001)")
LITERAL = Say("OC000", "change conflicts with another transaction")
UNAVAILABLE = Say("XX000", "server unavailable")
AT_EVERY_PLACE = pytest.mark.parametrize("sql", ["BEGIN", "VALUES (1)", "VALUES (2)", "COMMIT"])
CONFLICTS = pytest.mark.parametrize("said", [CHANGED, SCHEMA, LITERAL], ids=["OC000", "OC001", "literal"])


@CONFLICTS
@AT_EVERY_PLACE
async def test_a_conflict_runs_the_whole_unit_again(bed: Harness, sql: str, said: Say) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ASKED, said, sql))
    report = await database.run(insert(1, 2))
    assert (report.outcome, report.attempts) == ("committed", 2)
    assert bed.ids() == [1, 2]
    assert bed.proxy.connected == 1
    await bed.still_works(database)


@CONFLICTS
@AT_EVERY_PLACE
async def test_a_conflict_for_ever_is_told_when_attempts_run_out(bed: Harness, sql: str, said: Say) -> None:
    database = bed.connect(policy=RetryPolicy(attempts=4))
    conflict = bed.proxy.add(Fault(At.ASKED, said, sql, times=None))
    with pytest.raises(TransactionConflict) as told:
        await database.run(insert(1, 2))
    assert (told.value.outcome, attempts_in(told.value.message)) == ("rolled_back", 4)
    assert said.message in told.value.message
    assert conflict.struck == 4
    assert bed.ids() == []
    await bed.still_works(database)


async def test_a_conflict_of_postgresqls_own_runs_the_whole_unit_again(bed: Harness) -> None:
    database = bed.connect()
    await database.run(insert(1))
    first = bed.proxy.add(Fault(At.ASKED, Hold(), "COMMIT"))
    calls = [asyncio.ensure_future(database.run(write("UPDATE t SET id = id + 1"))) for _ in range(2)]
    await first.reached.wait()
    await until(lambda: "active" in bed.states())
    assert isinstance(first.deed, Hold)
    first.deed.release.set()
    reports = await asyncio.gather(*calls)
    assert sorted(report.attempts for report in reports) == [1, 2]
    assert bed.ids() == [3]
    await bed.still_works(database)


async def test_conflicts_are_told_when_time_runs_out(bed: Harness) -> None:
    database = bed.connect(policy=RetryPolicy(attempts=100, time=0.0))
    bed.proxy.add(Fault(At.ASKED, CHANGED, "COMMIT", times=None))
    with pytest.raises(TransactionConflict) as told:
        await database.run(insert(1))
    assert (told.value.outcome, attempts_in(told.value.message)) == ("rolled_back", 1)
    assert bed.ids() == []
    await bed.still_works(database)


async def test_a_read_that_met_a_schema_change_runs_once_more_and_still_read_only(bed: Harness) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ASKED, SCHEMA, "SELECT"))
    report = await database.run(read("SELECT current_setting('transaction_read_only')"))
    assert (cells(report), report.attempts) == (["on"], 2)
    bed.proxy.add(Fault(At.ASKED, SCHEMA, "SELECT", times=None))
    with pytest.raises(TransactionConflict) as told:
        await database.run(read("SELECT 1"))
    assert attempts_in(told.value.message) == 2
    await bed.still_works(database)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (Say("54000", "transaction row limit exceeded"), "at most 3,000 rows"),
        (Say("54000", "transaction size limit 10mb exceeded"), "at most 10 MiB"),
        (Say("54000", "transaction age limit of 300s exceeded"), "300 s at most"),
        (Say("55P03", "could not obtain lock on row", hint="As the server says."), "As the server says."),
    ],
    ids=lambda value: value.message if isinstance(value, Say) else "",
)
@AT_EVERY_PLACE
async def test_what_the_server_forbids_is_told_at_once(bed: Harness, sql: str, said: Say, hint: str) -> None:
    database = bed.connect()
    refused = bed.proxy.add(Fault(At.ASKED, said, sql, times=None))
    with pytest.raises(StatementFailed) as told:
        await database.run(insert(1, 2, 3))
    assert (told.value.outcome, told.value.sqlstate) == ("rolled_back", said.sqlstate)
    assert hint in str(told.value.hint)
    assert told.value.message.startswith("Statement 2: ") is (sql == "VALUES (2)")
    assert refused.struck == 1
    assert bed.ids() == []
    await bed.still_works(database)


@pytest.mark.parametrize("sql", ["BEGIN", "VALUES (1)", "VALUES (2)"])
async def test_an_unavailable_server_is_asked_again(bed: Harness, sql: str) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ASKED, UNAVAILABLE, sql, times=2))
    report = await database.run(insert(1, 2))
    assert (report.outcome, report.attempts) == ("committed", 3)
    assert bed.ids() == [1, 2]
    await bed.still_works(database)


async def test_an_unavailable_server_at_commit_is_unknown(bed: Harness) -> None:
    database = bed.connect()
    unavailable = bed.proxy.add(Fault(At.ASKED, UNAVAILABLE, "COMMIT", times=None))
    with pytest.raises(OutcomeUnknown) as told:
        await database.run(insert(1, 2))
    assert (told.value.outcome, told.value.sqlstate) == ("unknown", "XX000")
    assert unavailable.struck == 1
    assert bed.ids() == []
    await bed.still_works(database)


@pytest.mark.parametrize("sql", ["BEGIN READ ONLY", "SELECT", "ROLLBACK"])
async def test_an_unavailable_server_is_asked_again_for_a_read(bed: Harness, sql: str) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.ASKED, UNAVAILABLE, sql))
    report = await database.run(read("SELECT 1"))
    assert (cells(report), report.attempts) == (["1"], 2)
    bed.proxy.add(Fault(At.ASKED, UNAVAILABLE, sql, times=None))
    with pytest.raises(Busy) as told:
        await database.run(read("SELECT 1"))
    assert (told.value.sqlstate, attempts_in(told.value.message)) == ("XX000", 2)
    await bed.still_works(database)


@pytest.mark.parametrize("state", ["08P01", "0A000"])
async def test_where_pipelines_are_refused_statements_go_one_by_one(bed: Harness, state: str) -> None:
    database = bed.connect()
    refused = bed.proxy.add(Fault(At.PIPELINE, Say(state, "pipelining is not supported"), times=None))
    reports = [await database.run(insert(1, 2))]
    tried = refused.struck
    reports += [await database.run(insert(3, 4))]
    assert [(report.outcome, report.attempts) for report in reports] == [("committed", 1)] * 2
    assert refused.struck == tried
    assert bed.ids() == [1, 2, 3, 4]
    with pytest.raises(StatementFailed) as told:
        await database.run(insert(5, 1))
    assert told.value.message.startswith("Statement 2: ")
    assert (await database.run(read("SELECT 1", "SELECT 2"))).outcome == "rolled_back"
    assert bed.ids() == [1, 2, 3, 4]
    await bed.still_works(database)


CROWDED = [
    Say("53300", "Unable to accept connection, too many open connections.", severity="FATAL"),
    Say("53400", "Unable to accept connection, rate exceeded.", severity="FATAL"),
    Say("08006", "unable to accept connection, waking up cluster, please retry later", severity="FATAL"),
]
DENIED = "unable to accept connection, access denied"
EXPIRED = Say("08006", DENIED, "Signature expired: 20260101T000000Z", severity="FATAL")


@pytest.mark.parametrize("said", [*CROWDED, EXPIRED], ids=lambda said: said.message)
async def test_a_login_that_may_do_later_is_tried_again(bed: Harness, said: Say) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.CONNECT, said))
    assert (await database.run(insert(1))).outcome == "committed"
    assert bed.ids() == [1]
    await bed.still_works(database)


@pytest.mark.parametrize(
    ("said", "error", "code", "logins"),
    [
        (CROWDED[0], Busy, "too_many_connections", 21),
        (CROWDED[1], Busy, "connection_rate", 21),
        (CROWDED[2], Busy, "waking_up", 21),
        (EXPIRED, ConnectionFailed, "token_expired", 2),
        (Say("08006", DENIED, severity="FATAL"), ConnectionFailed, "access_denied", 1),
        (
            Say("08006", DENIED, "User: arn:aws:iam::1:user/x is not authorized to perform", "FATAL"),
            ConnectionFailed,
            "not_authorized",
            1,
        ),
        (
            Say("08006", DENIED, "Wrong user to action mapping. user: admin, action: DbConnect", "FATAL"),
            ConnectionFailed,
            "wrong_action",
            1,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_login_refused_for_ever_is_explained(
    bed: Harness, said: Say, error: type[DsqlError], code: str, logins: int
) -> None:
    database = bed.connect()
    bed.proxy.add(Fault(At.CONNECT, said, times=None))
    with pytest.raises(error) as told:
        await database.run(insert(1))
    assert (told.value.code, told.value.outcome) == (code, "rolled_back")
    assert bed.proxy.connected == logins
    assert bed.ids() == []
    await bed.still_works(database)


async def test_an_endpoint_that_refuses_for_a_while_is_met_again(bed: Harness) -> None:
    database = bed.connect()
    bed.proxy.refuse()
    with pytest.raises(ConnectionFailed) as told:
        await database.run(insert(1))
    assert told.value.code == "refused"
    await bed.proxy.open()
    await bed.still_works(database)
