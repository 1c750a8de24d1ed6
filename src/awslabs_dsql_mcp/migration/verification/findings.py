"""Findings of a comparison, as lines and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.text import as_line, pluralize, truncate_lines

_MAX_LISTED: Final = 40
_MAX_CHARACTERS: Final = 8_000  # of all that are listed
_NOT_LOOKED_AT: Final = (
    "Not looked at: owners, and comments, privileges and positions of sequences that the script does not set."
)
_MAX_ENTRY: Final = 1_000  # characters of one


@dataclass
class Comparison:
    """Results of a comparison.

    Attributes:
        rows: Number of rows of the script that were compared.
        tables: Number of the tables with those.
        objects: Number of objects whose definitions were looked for in the catalog.
        differences: What is stored in another way than it was meant.
        not_compared: What could not be compared, with the reason.
        undecided: Number of definitions among those that are written otherwise, and may mean the same.
    """

    rows: int = 0
    tables: int = 0
    objects: int = 0
    differences: list[str] = field(default_factory=list[str])
    not_compared: list[str] = field(default_factory=list[str])
    undecided: int = 0

    @property
    def headline(self) -> str:
        """The result in a sentence."""
        count = len(self.differences)
        if not count and self.undecided:
            return (
                f"No certain difference; {pluralize(self.undecided, 'definition')} could not be decided: see "
                "Not compared."
            )
        if not count and not self.rows and not self.objects:
            return "Nothing could be compared."
        if not count:
            return "No difference in what was compared."
        return f"What is stored is not what the script means: {pluralize(count, 'difference')}."

    @property
    def lines(self) -> list[str]:
        """The results as lines."""
        rows = f"{pluralize(self.rows, 'row')} of {pluralize(self.tables, 'table')}"
        lines = [f"Compared with the cluster: {rows}, {pluralize(self.objects, 'object')} of the catalog."]
        for head, listed in (("Differences:", self.differences), ("Not compared:", self.not_compared)):
            if listed:
                lines += [head, *(f"- {one}" for one in _bounded(listed))]
        return [*lines, _NOT_LOOKED_AT] if self.objects else lines

    @property
    def facts(self) -> dict[str, object]:
        """The results for programs."""
        return {
            "rows": self.rows,
            "tables": self.tables,
            "objects": self.objects,
            "differences": _bounded(self.differences),
            "not_compared": _bounded(self.not_compared),
        }


def _bounded(listed: Sequence[str]) -> list[str]:
    lines = [as_line(one, _MAX_ENTRY) for one in listed]
    return truncate_lines(lines, _MAX_LISTED, characters=_MAX_CHARACTERS)
