"""Nobody answers: in connecting, in a statement, in COMMIT; with and without ears for a cancel request."""

import asyncio
import os
import socket
import sys

import psutil
import pytest

from awslabs_dsql_mcp.database.connection import DROP_TIME
from awslabs_dsql_mcp.database.executor import Limits
from awslabs_dsql_mcp.errors import Busy, ConnectionFailed, OutcomeUnknown, TimedOut
from support.wire.faults import At, Deed, Fault, Hold, Kill, Swallow
from support.wire.harness import Harness, insert, read, until

ADDRESSES = ("127.0.0.1", "::ffff:127.0.0.1")  # two names of one machine
SHORT = Limits(statement_timeout=0.3, call_timeout=5.0, commit_time=0.3)


async def test_an_endpoint_that_is_mute_ends_at_the_connect_timeout(bed: Harness) -> None:
    database = bed.connect(connect_timeout=0.3)
    await bed.proxy.open_mute()
    with pytest.raises(ConnectionFailed) as told:
        await database.run(insert(1))
    assert (told.value.code, told.value.outcome) == ("connect_timeout", "rolled_back")
    assert "--connect-timeout" in f"{told.value.message} {told.value.hint}"
    await bed.proxy.open()
    await bed.still_works(database)


@pytest.mark.parametrize("wrong", [Swallow(), Kill()], ids=["silent", "closed"])
async def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    bed: Harness, wrong: Deed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ADDRESSES]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    database = bed.connect(connect_timeout=1.0)
    bed.proxy.add(Fault(At.CONNECT, wrong))
    assert (await database.run(insert(1))).attempts == 1
    assert bed.proxy.connected == len(ADDRESSES)
    assert bed.ids() == [1]


async def test_a_login_that_is_never_answered_ends_at_the_connect_timeout(bed: Harness) -> None:
    database = bed.connect(connect_timeout=0.5)
    bed.proxy.add(Fault(At.CONNECT, Swallow()))
    with pytest.raises(ConnectionFailed) as told:
        await database.run(insert(1))
    assert told.value.code == "connect_timeout"
    assert bed.ids() == []
    await bed.still_works(database)


@pytest.mark.parametrize("at", [At.ASKED, At.ANSWERED])
@pytest.mark.parametrize("sql", ["BEGIN", "VALUES (1)", "VALUES (2)"])
async def test_a_black_hole_in_a_statement_ends_at_its_timeout(bed: Harness, at: At, sql: str) -> None:
    database = bed.connect(limits=SHORT)
    bed.proxy.honours_cancel = False
    bed.proxy.add(Fault(at, Swallow(), sql))
    with pytest.raises(TimedOut) as told:
        await database.run(insert(1, 2))
    assert (told.value.code, told.value.outcome) == ("timed_out", "rolled_back")
    assert "0.3 s (--statement-timeout)" in told.value.message
    assert bed.proxy.cancelled == 1
    assert bed.ids() == []
    await bed.still_works(database)


@pytest.mark.parametrize(("at", "stored"), [(At.ASKED, []), (At.ANSWERED, [1, 2])], ids=["before", "after"])
async def test_a_black_hole_in_commit_is_unknown(bed: Harness, at: At, stored: list[int]) -> None:
    database = bed.connect(limits=SHORT)
    bed.proxy.honours_cancel = False
    silent = bed.proxy.add(Fault(at, Swallow(), "COMMIT", times=None))
    with pytest.raises(OutcomeUnknown) as told:
        await database.run(insert(1, 2))
    assert told.value.outcome == "unknown"
    assert silent.struck == 1
    assert bed.ids() == stored
    await bed.still_works(database)


async def test_a_black_hole_for_everything_new_holds_nobody(bed: Harness) -> None:
    database = bed.connect(limits=SHORT)
    hole = bed.proxy.add(Fault(At.ASKED, Swallow(), "SELECT 1"))
    call = asyncio.ensure_future(database.run(read("SELECT 1")))
    await hole.reached.wait()
    await bed.proxy.open_mute()
    with pytest.raises(TimedOut) as told:
        await call
    assert told.value.code == "timed_out"
    await bed.proxy.open()
    await bed.still_works(database)


@pytest.mark.parametrize("honoured", [True, False], ids=["heard", "ignored"])
async def test_a_slow_statement_ends_at_its_timeout(bed: Harness, honoured: bool) -> None:  # noqa: FBT001 - a row
    database = bed.connect(limits=SHORT)
    bed.proxy.honours_cancel = honoured
    with pytest.raises(TimedOut) as told:
        await database.run(read("SELECT pg_sleep(60)"))
    assert told.value.code == "timed_out"
    assert told.value.outcome is None
    await bed.still_works(database)


async def test_the_call_as_a_whole_has_a_timeout(bed: Harness) -> None:
    database = bed.connect(limits=Limits(statement_timeout=60.0, call_timeout=0.3))
    with pytest.raises(TimedOut) as told:
        await database.run(read("SELECT pg_sleep(60)"))
    assert "0.3 s of a call (--call-timeout)" in told.value.message
    await bed.still_works(bed.connect())


async def test_a_call_that_gets_no_turn_is_told_so(bed: Harness) -> None:
    database = bed.connect(limits=Limits(call_timeout=0.5, statement_timeout=60.0, max_connections=1))
    held = bed.proxy.add(Fault(At.ANSWERED, Hold(), "COMMIT"))
    call = asyncio.ensure_future(database.run(insert(1)))
    await held.reached.wait()
    with pytest.raises(Busy) as told:
        await database.run(insert(2))
    assert told.value.code == "no_turn"
    assert isinstance(held.deed, Hold)
    held.deed.release.set()
    assert (await call).outcome == "committed"
    assert bed.ids() == [1]


async def test_an_answer_to_commit_that_comes_late_is_believed(bed: Harness) -> None:
    database = bed.connect(limits=SHORT)
    held = bed.proxy.add(Fault(At.ANSWERED, Hold(), "COMMIT"))
    bed.proxy.honours_cancel = False
    call = asyncio.ensure_future(database.run(insert(1)))
    await until(lambda: bed.proxy.cancelled == 1)
    assert isinstance(held.deed, Hold)
    held.deed.release.set()
    assert (await call).outcome == "committed"
    assert bed.ids() == [1]
    await bed.still_works(database)


async def test_sixteen_reads_run_four_at_a_time(bed: Harness) -> None:
    database = bed.connect()
    held = bed.proxy.add(Fault(At.ANSWERED, Hold(), "AS n", times=None))
    calls = [asyncio.ensure_future(database.run(read(f"SELECT {n} AS n"))) for n in range(16)]
    await until(lambda: held.struck == 4)
    assert isinstance(held.deed, Hold)
    held.deed.release.set()
    reports = await asyncio.gather(*calls)
    assert [report.results[0].rows for report in reports] == [((str(n),),) for n in range(16)]
    assert (bed.proxy.connected, held.struck) == (4, 16)
    await bed.still_works(database)


@pytest.mark.skipif(sys.platform != "linux", reason="libpq sets it there alone")
async def test_data_that_nobody_acknowledges_end_a_connection_in_seconds(bed: Harness) -> None:
    database = bed.connect()
    await database.run(read("SELECT 1"))
    open_ones = psutil.Process().net_connections("tcp")
    ours = [one.fd for one in open_ones if one.raddr and one.raddr.port == bed.proxy.port]
    assert ours
    for descriptor in ours:
        with socket.socket(fileno=os.dup(descriptor)) as opened:
            assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1_000 * DROP_TIME
