"""What is expected of the suite's scenarios: ``scenarios.toml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

Failing = Mapping[str, tuple[str, ...]]
ERAS = ("2025-11-25", "2026-07-28")
_FILE = Path(__file__).with_name("scenarios.toml")


@dataclass(frozen=True)
class Table:
    """The table.

    Attributes:
        expected: Of each era, each scenario that the suite runs and its checks that do not succeed.
        never_run: Scenarios that the suite runs in neither era.
        reasons: Why something is not passed, or says little.
    """

    expected: Mapping[str, Failing]
    never_run: frozenset[str]
    reasons: tuple[str, ...]

    @property
    def scenarios(self) -> frozenset[str]:
        """All scenarios."""
        return self.never_run.union(*self.expected.values())


def load() -> Table:
    """Read the table."""
    read: dict[str, list[dict[str, Any]]] = tomlkit.parse(_FILE.read_text(encoding="utf-8")).unwrap()
    groups = [*read["passed"], *read["hollow"], *read["inapplicable"]]
    return Table(
        {era: dict(row for group in groups for row in _rows(group, era)) for era in ERAS},
        frozenset(name for group in read["never-run"] for name in group["scenarios"]),
        tuple(group["reason"] for group in groups[len(read["passed"]) :] + read["never-run"]),
    )


def _rows(group: Mapping[str, Any], era: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the scenarios of a group; one that is not passed has a table of checks."""
    for key in ("both", era):
        named: list[str] | dict[str, list[str]] = group.get(key, [])
        for name in named:
            yield name, tuple(sorted(named[name])) if isinstance(named, dict) else ()
