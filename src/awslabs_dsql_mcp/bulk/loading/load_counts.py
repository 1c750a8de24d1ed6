"""Counts of a load's rows and values, in the short names by which `Progress` sums them up over all calls."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.bulk.loading.cells import QuotedText, RowText
from awslabs_dsql_mcp.bulk.loading.value_changes import Changes

BAD: Final = "bad"
GIVEN: Final = "given"
UNREAD: Final = "unread"
_NULLS, _STRINGS, _CHANGED, _LACKING = "n", "j", "c", "k"  # with the position of a column


@dataclass(frozen=True)
class LoadCounts:
    """Counts of a load so far.

    Attributes:
        bad: Rows that were left out.
        given: Rows that were sent, where those whose key is there are skipped.
        nulls: NULLs, by column.
        strings: Texts that became JSON strings, by column.
        changed: Values that a column rounds or cuts, by column.
        lacking: Rows that do not have a column's key, by column.
        unread_from: Number of the row from which on the source cannot be read; 0 if it was read to its end.
    """

    bad: int
    given: int
    nulls: Mapping[str, int]
    strings: Mapping[str, int]
    changed: Mapping[str, int]
    lacking: Mapping[str, int]
    unread_from: int

    @classmethod
    def of(cls, counts: Mapping[str, int], columns: Sequence[str]) -> "LoadCounts":
        """Read counts under their short names.

        Args:
            counts: The counts.
            columns: Names of the columns.
        """

        def by_column(what: str) -> dict[str, int]:
            found = {name: counts.get(f"{what}{at}", 0) for at, name in enumerate(columns)}
            return {name: count for name, count in found.items() if count}

        return cls(
            counts.get(BAD, 0),
            counts.get(GIVEN, 0),
            by_column(_NULLS),
            by_column(_STRINGS),
            by_column(_CHANGED),
            by_column(_LACKING),
            counts.get(UNREAD, 0),
        )


def value_counts(rows: Sequence[RowText], changes: Sequence[Changes | None]) -> Counter[str]:
    """Count the values of rows that are NULL, that became JSON strings, and that are stored as others.

    Args:
        rows: The rows.
        changes: For each column, what finds the values that it changes.
    """
    counts = Counter[str]()
    for at, (cells, changed) in enumerate(zip(zip(*rows, strict=True), changes, strict=False)):
        counts[f"{_NULLS}{at}"] = cells.count(None)
        counts[f"{_STRINGS}{at}"] = sum(isinstance(cell, QuotedText) for cell in cells)
        if changed is not None:
            counts[f"{_CHANGED}{at}"] = sum(cell is not None and changed(cell) for cell in cells)
    return +counts


def lacking_counts(rows: Iterable[Sequence[int]]) -> Counter[str]:
    """Count the keys that rows do not have.

    Args:
        rows: For each row, the positions of the columns whose keys it does not have.
    """
    return Counter(f"{_LACKING}{at}" for row in rows for at in row)
