"""The caller goes away in every phase: by an anyio scope, as the SDK does it, and by asyncio's cancel."""

import asyncio
from collections.abc import Callable

import anyio
import pytest

from awslabs_dsql_mcp.database.executor import Limits, PooledDatabase
from awslabs_dsql_mcp.database.transaction import RetryPolicy, UnitOfWork
from support.wire.faults import At, Fault, Hold, Say
from support.wire.harness import Harness, insert, read, until

Cancel = Callable[[], object]
ENDS_SOON = 5.0
LIMITS = Limits(commit_time=0.2)

PHASES = pytest.mark.parametrize(
    ("at", "sql", "stored"),
    [
        (At.CONNECT, "", []),
        (At.ASKED, "BEGIN", []),
        (At.ANSWERED, "BEGIN", []),
        (At.ASKED, "VALUES (1)", []),
        (At.ASKED, "VALUES (2)", []),
        (At.ANSWERED, "VALUES (2)", []),
        (At.ASKED, "COMMIT", []),
        (At.ANSWERED, "COMMIT", [1, 2]),
    ],
    ids=lambda value: value.name if isinstance(value, At) else str(value),
)
EARS = pytest.mark.parametrize("honoured", [True, False], ids=["heard", "ignored"])
WAYS = pytest.mark.parametrize("scoped", [True, False], ids=["scope", "task"])


async def start(
    database: PooledDatabase, unit: UnitOfWork, *, scoped: bool
) -> tuple["asyncio.Task[None]", Cancel]:
    """Start a call, and give its task and what cancels it."""
    scope = anyio.CancelScope()

    async def call() -> None:
        with scope:
            await database.run(unit)

    task = asyncio.ensure_future(call())
    return task, scope.cancel if scoped else task.cancel


async def ended(task: "asyncio.Task[None]") -> None:
    """Wait until a cancelled call has ended; it has not if it waits for the server."""
    done, _ = await asyncio.wait({task}, timeout=ENDS_SOON)
    assert done


@WAYS
@EARS
@PHASES
async def test_a_cancelled_transaction_leaves_nothing_behind(
    bed: Harness, at: At, sql: str, stored: list[int], *, honoured: bool, scoped: bool
) -> None:
    database = bed.connect(limits=LIMITS)
    bed.proxy.honours_cancel = honoured
    held = bed.proxy.add(Fault(at, Hold(), sql))
    task, cancel = await start(database, insert(1, 2), scoped=scoped)
    await held.reached.wait()
    cancel()
    await ended(task)
    await until(lambda: not bed.states())
    assert bed.ids() == stored
    await bed.still_works(database)


@WAYS
async def test_a_commit_under_way_is_left_to_end_by_itself(bed: Harness, *, scoped: bool) -> None:
    database = bed.connect(limits=Limits(commit_time=ENDS_SOON))
    held = bed.proxy.add(Fault(At.ANSWERED, Hold(), "COMMIT"))
    task, cancel = await start(database, insert(1), scoped=scoped)
    await held.reached.wait()
    cancel()
    for _ in range(10):  # turns of the event loop, by which the cancellation has arrived
        await asyncio.sleep(0)
    assert isinstance(held.deed, Hold)
    held.deed.release.set()
    await ended(task)
    assert bed.proxy.cancelled == 0
    assert bed.ids() == [1]
    await bed.still_works(database)


@EARS
async def test_a_cancelled_query_ends_at_the_server(bed: Harness, *, honoured: bool) -> None:
    database = bed.connect()
    bed.proxy.honours_cancel = honoured
    task, cancel = await start(database, read("SELECT pg_sleep(60)"), scoped=True)
    await until(lambda: bed.states() == ["active"])
    cancel()
    await ended(task)
    assert bed.proxy.cancelled == 1
    await until(lambda: not bed.states())
    await bed.still_works(database)


@PHASES
async def test_a_call_cancelled_twice_leaves_nothing_behind(
    bed: Harness, at: At, sql: str, stored: list[int]
) -> None:
    database = bed.connect(limits=LIMITS)
    bed.proxy.honours_cancel = False
    held = bed.proxy.add(Fault(at, Hold(), sql))
    task, cancel = await start(database, insert(1, 2), scoped=False)
    await held.reached.wait()
    cancel()
    await asyncio.sleep(0)
    cancel()
    await ended(task)
    await until(lambda: not bed.states())
    assert bed.ids() == stored
    await bed.still_works(database)


async def test_a_call_cancelled_between_attempts_stores_nothing(bed: Harness) -> None:
    database = bed.connect(policy=RetryPolicy(delay=2.0), jitter=1.0)
    conflict = bed.proxy.add(Fault(At.ASKED, Say("40001", "(OC000)"), "COMMIT", times=None))
    task, cancel = await start(database, insert(1), scoped=True)
    await conflict.reached.wait()
    await until(lambda: bed.states() == ["idle"])
    cancel()
    await ended(task)
    assert conflict.struck == 1
    assert bed.ids() == []
    await bed.still_works(database)


@WAYS
async def test_a_call_cancelled_while_it_waits_for_its_turn_takes_none(bed: Harness, *, scoped: bool) -> None:
    database = bed.connect(limits=Limits(max_connections=4))
    held = bed.proxy.add(Fault(At.ASKED, Hold(), "VALUES", times=None))
    calls = [asyncio.ensure_future(database.run(insert(number))) for number in range(4)]
    await until(lambda: held.struck == 4)
    task, cancel = await start(database, insert(99), scoped=scoped)
    await asyncio.sleep(0)
    cancel()
    await ended(task)
    assert isinstance(held.deed, Hold)
    held.deed.release.set()
    await asyncio.gather(*calls)
    assert bed.ids() == [0, 1, 2, 3]
    await bed.still_works(database)


async def test_a_call_cancelled_at_any_step_of_the_loop_stores_all_or_nothing(bed: Harness) -> None:
    """Cancel after so many turns of the event loop that each place where the call waits is met."""
    database = bed.connect()
    await database.run(read("SELECT 1"))
    for turns in range(60):
        ids = bed.ids()
        task, cancel = await start(database, insert(2 * turns, 2 * turns + 1), scoped=turns % 2 == 0)
        for _ in range(turns):
            await asyncio.sleep(0)
        cancel()
        await ended(task)
        await until(lambda: "active" not in bed.states())
        assert bed.ids() in (ids, [*ids, 2 * turns, 2 * turns + 1])
    await bed.still_works(database)


async def test_closing_waits_for_what_cleans_a_session(bed: Harness) -> None:
    database = bed.connect()
    held = bed.proxy.add(Fault(At.ASKED, Hold(), "RESET ALL"))
    queries = read("SELECT set_config('search_path', 'elsewhere', false)").queries
    unit = UnitOfWork(queries, read_only=True, may_change_session=True)
    await database.run(unit)
    await held.reached.wait()
    await database.aclose()
    await until(lambda: not bed.states())
