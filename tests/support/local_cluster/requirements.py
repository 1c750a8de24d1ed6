"""The table of what the local cluster must do: one row for each known fact about Aurora DSQL."""

import ast
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from support.local_cluster.transcript_runner import Step, parse

TOML: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
TESTS = Path(__file__).parents[2]
FILE = TESTS / "local_cluster" / "requirements.toml"


@dataclass(frozen=True)
class Requirement:
    """A row.

    Attributes:
        id: Its name, ``group.fact``.
        source: Where the fact is from, keys of ``[sources]``, separated by commas.
        confidence: ``A`` seen on a live cluster in 2026, ``B`` documented or seen once.
        says: What Aurora DSQL does, on one line.
        check: A transcript with Aurora DSQL (see `transcript`).
        simple: Whether the transcript needs the simple protocol: it has several statements on one line.
        test: The name of the test, where a transcript cannot express it; of the local cluster's own
            behaviour, where that differs.
        difference: What the local cluster does instead.
        means: What a user makes of the difference.
        local: A transcript with the local cluster where it differs; `check` must fail then.
        not_applicable: Why nothing that a server does can show it.
    """

    id: str
    source: str
    confidence: str
    says: str
    check: str = ""
    simple: bool = False
    test: str = ""
    difference: str = ""
    means: str = ""
    local: str = ""
    not_applicable: str = ""

    @property
    def group(self) -> str:
        """The first half of its name."""
        return self.id.partition(".")[0]

    @cached_property
    def check_steps(self) -> tuple[Step, ...]:
        """`check`, read."""
        return parse(self.check)

    @cached_property
    def local_steps(self) -> tuple[Step, ...]:
        """`local`, read."""
        return parse(self.local)

    @property
    def sources(self) -> list[str]:
        """The keys of its sources."""
        return self.source.split(", ")


@dataclass(frozen=True)
class Table:
    """The whole table.

    Attributes:
        sources: The public name of each source, by key.
        groups: The heading of each group, by its name, in the order of the page.
        rows: The requirements.
    """

    sources: dict[str, str]
    groups: dict[str, str]
    rows: tuple[Requirement, ...]

    @property
    def summary(self) -> str:
        """The counts, on one line."""
        checked, tested, different, hidden = (
            sum(bool(getattr(row, name)) for row in self.rows)
            for name in ("check", "test", "difference", "not_applicable")
        )
        return (
            f"{len(self.rows)} facts about Aurora DSQL: {checked} checked by transcript, {tested} by a test,"
            f" {different} known differences, {hidden} that no server can show"
        )


def load() -> Table:
    """Read the table.

    Raises:
        TypeError: A row has a key that none has, or lacks one that all have.
    """
    content: dict[str, Any] = TOML.loads(FILE.read_text(encoding="utf-8"))
    sources, groups = content.pop("sources"), content.pop("groups")
    rows = (
        Requirement(f"{group}.{fact}", **row)
        for group, facts in content.items()
        for fact, row in facts.items()
    )
    return Table(sources, groups, tuple(rows))


def names_of_tests() -> set[str]:
    """The names of all test functions below ``tests``."""
    return {
        node.name
        for file in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
