"""The rows that transactions which conflicted touch, and the rows that explain several of the conflicts.

A row is known by its primary key. A conflict names no row: where transactions touch several of the same rows,
each of them may be the cause.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.database.activity import Conflicted
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.shapes import RowAccess, StatementShape
from awslabs_dsql_mcp.text import one_line

REPEATED: Final = 3
"""Conflicts from which a pattern is told: one or two happen wherever several write."""

MOSTLY: Final = 0.6
"""Share of conflicts from which something counts as common to them."""

MAX_NAME: Final = 60
"""Characters of a name that are shown."""

PrimaryKeys = Mapping[TableName, Sequence[str]]


@dataclass(frozen=True)
class Row:
    """A row, or the rows of a table that a statement without a key touches.

    Attributes:
        table: The table.
        digests: Of the values of its primary key; empty if the rows are not known.
        key: The key as it is shown; empty if the rows are not known.
    """

    table: TableName
    digests: tuple[str, ...] = ()
    key: str = ""

    @property
    def told(self) -> str:
        """The row in words."""
        table = one_line(str(self.table), MAX_NAME)
        return f"{self.key} of {table}" if self.key else f"rows of {table} that no key names"


@dataclass(frozen=True)
class Cause:
    """Conflicts that the same rows may explain.

    Attributes:
        units: The transactions.
        rows: Each row that most of them touch, with its conflicts; none if no row repeats.
        accesses: What they do to these rows.
    """

    units: tuple[Conflicted, ...]
    rows: tuple[tuple[Row, int], ...] = ()
    accesses: tuple[RowAccess, ...] = ()

    @property
    def conflicts(self) -> int:
        """Number of attempts that conflicted."""
        return conflicts_of(self.units)


def conflicts_of(units: Iterable[Conflicted]) -> int:
    """Count the attempts that conflicted."""
    return sum(len(unit.attempts) for unit in units)


def completed(table: TableName, known: Iterable[TableName]) -> TableName:
    """Complete a name without a schema, if only one of the known tables fits."""
    if table.schema is not None:
        return table
    same = [each for each in known if each.table == table.table]
    return same[0] if len(same) == 1 else table


def touched(shapes: Iterable[StatementShape], keys: PrimaryKeys) -> dict[Row, list[RowAccess]]:
    """Find the rows that statements change or lock.

    Args:
        shapes: The statements.
        keys: Columns of the primary keys of the tables that are known.
    """
    found: dict[Row, list[RowAccess]] = defaultdict(list)
    for access in (access for each in shapes for access in each.accesses):
        row = _row(access, keys)
        if row is not None:
            found[row].append(access)
    return found


def causes(units: Sequence[Conflicted], keys: PrimaryKeys) -> Iterator[Cause]:
    """Part transactions by the row that repeats among them, the most frequent first; last those without one.

    Args:
        units: The transactions.
        keys: Columns of the primary keys of the tables that are known.
    """
    rows = [(unit, touched(unit.shapes, keys)) for unit in units]
    while True:
        times = _times(rows)
        repeated = [(row, number) for row, number in times.most_common() if row.key and number >= REPEATED]
        if not repeated:
            break
        first = repeated[0][0]
        same = [(unit, each) for unit, each in rows if first in each]
        # What touched no other row can only have conflicted on this one.
        alone = [(unit, each) for unit, each in same if set(each) == {first}]
        if conflicts_of(unit for unit, _ in alone) >= REPEATED:
            same = alone if _shares(same, first) else same
        taken = {id(unit) for unit, _ in same}
        rows = [(unit, each) for unit, each in rows if id(unit) not in taken]
        within, total = _times(same), conflicts_of(unit for unit, _ in same)
        common = tuple((row, number) for row, number in within.most_common() if number >= MOSTLY * total)
        accesses = (access for _, each in same for row, _ in common for access in each.get(row, ()))
        yield Cause(tuple(unit for unit, _ in same), common, tuple(accesses))
    if rows:
        yield Cause(tuple(unit for unit, _ in rows))


def _shares(rows: Sequence[tuple[Conflicted, Mapping[Row, object]]], first: Row) -> bool:
    """Check that another row repeats among those that touch one."""
    return any(number >= REPEATED for row, number in _times(rows).items() if row != first)


def _times(rows: Sequence[tuple[Conflicted, Mapping[Row, object]]]) -> Counter[Row]:
    times: Counter[Row] = Counter()
    for unit, each in rows:
        for row in each:
            times[row] += len(unit.attempts)
    return times


def _row(access: RowAccess, keys: PrimaryKeys) -> Row | None:
    table = completed(access.table, keys)
    columns = keys.get(table) or (() if access.verb == "INSERT" else tuple(access.values))
    values = [access.values[column] for column in columns if column in access.values]
    if not columns or len(values) < len(columns):
        # A key that is made for each INSERT meets no other.
        return None if access.verb == "INSERT" else Row(table)
    told = ", ".join(
        f"{one_line(column, MAX_NAME)} = {value.shown or '(the same value)'}"
        for column, value in zip(columns, values, strict=True)
    )
    return Row(table, tuple(value.digest for value in values), told)
