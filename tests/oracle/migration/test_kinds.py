"""Kinds of statements that once were carried over wrongly: a script for each, run on both sides."""

from pathlib import Path
from typing import Final

import pytest

from support.migration.difference import Compare

KINDS: Final = {path.stem: path.read_text() for path in Path(__file__).with_name("kinds").glob("*.sql")}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_of_statement_is_carried_over(kind: str, compare: Compare) -> None:
    found = await compare(KINDS[kind])
    state = "blocked" if kind.startswith("blocked") else "done"
    assert found.outcome.state == state, f"{found.outcome.error}\n{found.outcome.plan}"
    assert not found.faults, "\n".join([*found.faults, found.outcome.plan])
