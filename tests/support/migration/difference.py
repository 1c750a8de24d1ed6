"""A script carried over, and compared with what it is on PostgreSQL."""

import re
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import accumulate
from typing import Final

from support.migration import catalog
from support.migration.announced import entries, unannounced
from support.migration.carried import Outcome, Target
from support.migration.catalog import Difference
from support.migration.oracle import Oracle, ScriptInvalid


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
        if self.outcome.state == "stopped":
            found.append(f"nothing was to stop it, and it stopped: {self.outcome.error}")
        if self.outcome.error.startswith("syntax") and "psql" not in self.outcome.error:
            found.append(f"PostgreSQL runs it, and it is refused: {self.outcome.error}")
        return found


Compare = Callable[[str], Awaitable[Comparison]]
"""Runs a script on both sides and compares what it leaves."""

_NEWER: Final = re.compile(
    r"^SET transaction_timeout = 0;$|^SELECT \* FROM pg_catalog\.pg_restore_\w+_stats\([^;]*\);$",
    re.MULTILINE,
)


def known_to_16(script: str) -> str:
    """Leave out what pg_dump of 17 and 18 writes that PostgreSQL 16 does not have, which changes nothing."""
    return _NEWER.sub("", script)


def valid_part(statements: Sequence[str], oracle: Oracle) -> str:
    """Join statements to a script, without those that PostgreSQL refuses."""
    kept = list(statements)
    while True:
        script = "\n".join([*kept, ""])
        try:
            with oracle.database(script):
                return script
        except ScriptInvalid as refused:
            ends = list(accumulate(statement.count("\n") + 1 for statement in kept))
            del kept[min(bisect_left(ends, refused.line), len(kept) - 1)]


async def compared(script: str, oracle: Oracle, target: Target) -> Comparison:
    """Run a script on both sides, and compare what it leaves.

    Raises:
        ScriptInvalid: PostgreSQL refuses it.
    """
    with oracle.database(known_to_16(script)) as source:
        outcome = await target.carry_over(script)
        try:
            if outcome.state not in ("done", "empty"):
                return Comparison(outcome)
            now = datetime.now(timezone.utc)
            there = catalog.masked(catalog.read(source), script, now)
            with target.connect() as copy:
                here = catalog.masked(catalog.read(copy), script, now)
                differences = catalog.compare(there, here)
                differences += catalog.compare(catalog.probe(source, there), catalog.probe(copy, there))
        finally:
            target.empty()
    left = unannounced(differences, entries(outcome.plan, script), there | here)
    return Comparison(outcome, len(differences) - len(left), tuple(left))
