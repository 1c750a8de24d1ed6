"""Many calls at once, some of which fail in every way: nothing is mixed up, nothing is half stored."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from awslabs_dsql_mcp.database.executor import PooledDatabase
from awslabs_dsql_mcp.errors import DsqlError, Outcome
from support.wire.faults import At, Deed, Fault, Kill, Say
from support.wire.harness import Harness, cells, insert, read, write

ROUNDS = 200
CALLS = 6
FAULTS: tuple[tuple[At, Deed, str], ...] = (
    (At.ASKED, Kill(), "VALUES"),
    (At.ANSWERED, Kill(), "VALUES"),
    (At.ASKED, Kill(), "COMMIT"),
    (At.ANSWERED, Kill(), "COMMIT"),
    (At.ASKED, Kill(), "SELECT"),
    (At.ASKED, Say("40001", "change conflicts with another transaction (OC000)"), "COMMIT"),
    (At.ASKED, Say("40001", "schema has been updated by another transaction (OC001)"), "SELECT"),
    (At.ASKED, Say("XX000", "server unavailable"), "VALUES"),
    (At.ASKED, Say("XX000", "server unavailable"), "COMMIT"),
    (At.ASKED, Say("54000", "transaction row limit exceeded"), "VALUES"),
)


@dataclass
class Ledger:
    """What callers were told of the pairs of rows that they inserted, by the first id of each."""

    committed: set[int] = field(default_factory=set[int])
    rolled_back: set[int] = field(default_factory=set[int])
    unknown: set[int] = field(default_factory=set[int])

    def add(self, outcome: Outcome | None, first: int) -> None:
        """Note what a caller was told of a pair."""
        getattr(self, str(outcome)).add(first)


async def insert_pair(database: PooledDatabase, first: int, ledger: Ledger) -> None:
    try:
        report = await database.run(insert(first, first + 1))
    except DsqlError as error:
        ledger.add(error.outcome, first)
    except asyncio.CancelledError:
        ledger.add("unknown", first)
        raise
    else:
        ledger.add(report.outcome, first)


async def insert_and_fail(database: PooledDatabase, first: int, ledger: Ledger) -> None:
    with pytest.raises(DsqlError) as told:
        await database.run(write(*(query.sql for query in insert(first).queries), "SELECT 1/0"))
    assert told.value.outcome == "rolled_back"
    ledger.add(told.value.outcome, first)


async def read_own(database: PooledDatabase, first: int, _ledger: Ledger) -> None:
    report = await database.run(read(f"SELECT {first}", f"SELECT {first + 1}, 'x'"))
    assert cells(report) == [str(first), str(first + 1), "x"]


async def test_two_hundred_rounds_of_mixed_calls(bed: Harness) -> None:
    chance = random.Random(20261124)  # noqa: S311 - the same rounds each time
    database = bed.connect()
    ledger = Ledger()
    numbers = iter(range(0, ROUNDS * CALLS * 2, 2))
    for _ in range(ROUNDS):
        at, deed, sql = chance.choice(FAULTS)
        bed.proxy.add(Fault(at, deed, sql))
        kinds = chance.choices([insert_pair, insert_and_fail, read_own], weights=[3, 1, 2], k=CALLS)
        calls = [asyncio.ensure_future(kind(database, next(numbers), ledger)) for kind in kinds]
        for _ in range(chance.randrange(30)):
            await asyncio.sleep(0)
        chance.choice(calls).cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [end for end in ended if end is not None and not isinstance(end, asyncio.CancelledError)] == []
        bed.proxy.clear()
    stored = set(bed.ids())
    both = {first for first in stored if first % 2 == 0 and first + 1 in stored}
    assert stored == both | {first + 1 for first in both}, "half a transaction was stored"
    assert ledger.committed <= both
    assert not ledger.rolled_back & stored
    assert both <= ledger.committed | ledger.unknown
    assert len(ledger.committed) > ROUNDS
    assert ledger.unknown
    await bed.still_works(database)
