"""A script carried over, and compared with what it is on PostgreSQL."""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from support.migration import catalog
from support.migration.announced import entries, unannounced
from support.migration.carried import Outcome, Target
from support.migration.catalog import Difference, Facts, Key
from support.migration.oracle import Oracle


@dataclass(frozen=True)
class Comparison:
    """What became of a script, and the differences that its plan did not announce.

    Attributes:
        outcome: What became of it.
        announced: Number of differences that were announced.
        unannounced: The others.
    """

    outcome: Outcome
    announced: int = 0
    unannounced: tuple[Difference, ...] = ()

    @property
    def faults(self) -> list[str]:
        """What is wrong, as a list of sentences."""
        found = [str(one) for one in self.unannounced]
        found += [f"its own verify finds: {one}" for one in self.outcome.differences]
        if self.outcome.state == "stopped":
            found.append(f"nothing was to stop it, and it stopped: {self.outcome.error}")
        if self.outcome.error.startswith("syntax") and "psql" not in self.outcome.error:
            found.append(f"PostgreSQL runs it, and it is refused: {self.outcome.error}")
        return found


Compare = Callable[[str], Awaitable[Comparison]]
"""Runs a script on both sides and compares what it leaves."""

_TRIES: Final = 3
_NEWER: Final = re.compile(
    r"^SET transaction_timeout = 0;$|^SELECT \* FROM pg_catalog\.pg_restore_\w+_stats\([^;]*\);$",
    re.MULTILINE,
)


def known_to_16(script: str) -> str:
    """Leave out what pg_dump of 17 and 18 writes that PostgreSQL 16 does not have, which changes nothing."""
    return _NEWER.sub("", script)


async def compared(script: str, oracle: Oracle, target: Target) -> Comparison:
    """Run a script on both sides, and compare what it leaves.

    Raises:
        ScriptInvalid: PostgreSQL refuses it.
    """
    oracle.run(known_to_16(script))
    return await carried_and_compared(script, oracle, target)


async def carried_and_compared(script: str, oracle: Oracle, target: Target) -> Comparison:
    """Carry a script over, and compare what it leaves with the oracle's database, where it was run.

    Where a transaction was tried again, what differs may be values of sequences that it drew once more, as
    on PostgreSQL: the script is then carried over anew.
    """
    found = await _carried_and_compared(script, oracle, target)
    for _ in range(_TRIES - 1):
        if not (found.outcome.retried and found.faults):
            break
        found = await _carried_and_compared(script, oracle, target)
    return found


async def _carried_and_compared(script: str, oracle: Oracle, target: Target) -> Comparison:
    outcome = await target.carry_over(script)
    if outcome.state not in ("done", "empty"):
        return Comparison(outcome)
    now = datetime.now(timezone.utc)
    with oracle.connect() as source, target.connect() as copy:
        there = catalog.masked(catalog.read(source), script, now)
        here = catalog.masked(catalog.read(copy), script, now)
        differences = catalog.compare(there, here)
        common = {key: there[key] for key in there if not _is_of_a_missing_table(key, there, here)}
        expected = catalog.probe(source, common)
        empty = {key.name for key, found in expected.items() if key.kind == "view" and found == _UNPOPULATED}
        found = catalog.probe(copy, common)
        differences += catalog.compare(_without(empty, expected), _without(empty, found))
    left = unannounced(differences, entries(outcome.plan, script), there | here)
    return Comparison(outcome, len(differences) - len(left), tuple(left))


_UNPOPULATED: Final = "55000"
"""SQLSTATE of a view of a materialized view that nobody has refreshed: it has no rows to compare."""


def _without(views: Collection[str], facts: Facts) -> Facts:
    """Leave out what views hold."""
    return {
        key: value
        for key, value in facts.items()
        if not (key.aspect == "rows" and key.name in views)
        and not (key.aspect == "values" and key.name.rpartition(".")[0] in views)
    }


def _is_of_a_missing_table(key: Key, there: Facts, here: Facts) -> bool:
    """Tell if it is of a table that only PostgreSQL has, which is a difference by itself."""
    table = Key("table", key.name.rpartition(".")[0], "exists")
    return key.kind == "column" and table in there and table not in here


def valid_part(statements: Sequence[str], oracle: Oracle) -> str:
    """Run statements, and give those that PostgreSQL does not refuse as a script."""
    return oracle.run_valid_part(statements)
