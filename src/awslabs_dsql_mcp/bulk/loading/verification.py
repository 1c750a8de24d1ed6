"""Comparison of what a load has stored with what its rows say.

PostgreSQL reads each value once more, as its column's type without length or precision, and compares it with
the value in the row of that key: so rounding, padding, triggers and later changes show.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.bulk.loading.cells import RowText, array
from awslabs_dsql_mcp.bulk.loading.insert_plan import InsertPlan
from awslabs_dsql_mcp.bulk.loading.rows import listed
from awslabs_dsql_mcp.bulk.splitting.table_info import ColumnInfo, TableInfo
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.text import pluralize, truncate

_MAX_EXAMPLES: Final = 5
_MAX_VALUE: Final = 60


@dataclass
class Differences:
    """What a comparison has found.

    Attributes:
        compared: Number of rows compared.
        missing: Number of rows whose key is not in the table.
        changed: Number of values that differ, by column.
        examples: Some of the differences: row, column, value given, value stored.
    """

    compared: int = 0
    missing: int = 0
    changed: Counter[str] = field(default_factory=Counter[str])
    examples: list[tuple[int, str, str | None, str | None]] = field(
        default_factory=list[tuple[int, str, str | None, str | None]]
    )

    def add(self, plan: InsertPlan, rows: Sequence[tuple[int, RowText]], result: Result) -> None:
        """Add the result of `comparison` of some rows.

        Args:
            plan: The columns.
            rows: The rows, with their numbers; what they say is told, not what PostgreSQL reads in it.
            result: The result.
        """
        self.compared += len(rows)
        places = {column.name: at for at, column in enumerate(plan.columns)}
        for place, found, *cells in result.rows:
            number, row = rows[int(place or 0) - 1]
            if found == "f":
                self.missing += 1
                self._show(number, "", None, None)
                continue
            for index, column in enumerate(compared_columns(plan)):
                differs, stored = cells[2 * index : 2 * index + 2]
                if differs == "t":
                    self.changed[column.name] += 1
                    self._show(number, column.name, row[places[column.name]], stored)

    def describe(self) -> list[str]:
        """Describe the differences, without values."""
        told: list[str] = []
        if self.missing:
            told.append(f"{pluralize(self.missing, 'row')} of these keys are not in the table")
        told += [f"{name} differs in {pluralize(rows, 'row')}" for name, rows in self.changed.items()]
        return told

    def lines(self) -> list[str]:
        """Describe the examples, with values."""
        return [
            f"row {number:,}: {column} was given as {_shown(given)} and is {_shown(stored)}"
            if column
            else f"row {number:,}: its key is not in the table"
            for number, column, given, stored in self.examples
        ]

    def _show(self, number: int, column: str, given: str | None, stored: str | None) -> None:
        if len(self.examples) < _MAX_EXAMPLES:
            self.examples.append((number, column, given, stored))


def compared_columns(plan: InsertPlan) -> list[ColumnInfo]:
    """List the columns whose values are compared: those that do not find the row."""
    return [column for column in plan.columns if column.key_position is None]


def comparison(plan: InsertPlan, rows: Sequence[RowText]) -> Query:
    """Query for the rows that differ from what is stored.

    Args:
        plan: The columns, with those of the key.
        rows: The rows.
    """
    names = [f"c{number}" for number in range(1, len(plan.columns) + 1)]
    arrays = ", ".join(f"${number}::{c.type}[]" for number, c in enumerate(plan.columns, 1))
    pairs = [
        (f"u.{name}", f"t.{quote_identifier(column.name)}", column)
        for name, column in zip(names, plan.columns, strict=True)
    ]
    keys = [(given, stored) for given, stored, column in pairs if column.key_position is not None]
    others = [(given, stored, column) for given, stored, column in pairs if column.key_position is None]
    found = f"{keys[0][1]} IS NOT NULL"
    parts = [f"{_differs(*pair)}, {_text(pair[1], pair[2])}" for pair in others]
    join = " AND ".join(f"{stored} = {given}" for given, stored in keys)
    wanted = " OR ".join([f"NOT ({found})", *(_differs(*pair) for pair in others)])
    sql = (
        f"SELECT {', '.join(['u.n', found, *parts])} "  # noqa: S608 - names from the catalog
        f"FROM unnest({arrays}) WITH ORDINALITY AS u({', '.join(names)}, n) "
        f"LEFT JOIN {plan.table.full_name} t ON {join} "
        f"WHERE {wanted} ORDER BY u.n"
    )
    return Query(sql, tuple(array(column) for column in zip(*rows, strict=True)))


def count_query(table: TableInfo) -> Query:
    """Query for the number of rows of a table."""
    return Query(f"SELECT count(*) FROM {table.full_name}")  # noqa: S608 - a name from the catalog


def report(differences: Differences, plan: InsertPlan, unseen: Mapping[str, int]) -> str:
    """Say what was compared, and what was found.

    Args:
        differences: What was found.
        plan: The columns.
        unseen: Number of values, by column, that their type changes as it reads them.
    """
    key = plan.table.key
    names = listed([column.name for column in compared_columns(plan)])
    what = f"by their key ({', '.join(key.columns if key else ())})" + (f" in {names}" if names else "")
    said = f"verified: {pluralize(differences.compared, 'row')} compared {what}"
    found = differences.describe() + [
        f"{name} was given {pluralize(count, 'value')} of which its type reads a part alone or another value"
        for name, count in unseen.items()
    ]
    return f"{said}; {'; '.join(found)}." if found else f"{said}; no difference."


def _differs(given: str, stored: str, column: ColumnInfo) -> str:
    if column.built_in_type == "json":  # has no equality
        return f"{stored}::text IS DISTINCT FROM {given}::text"
    differs = f"{stored} IS DISTINCT FROM {given}"
    if column.built_in_type == "bpchar":  # whose equality ignores padding
        return f"({differs} OR octet_length({stored}) IS DISTINCT FROM octet_length({given}))"
    return differs


def _text(stored: str, column: ColumnInfo) -> str:
    if column.built_in_type != "bpchar":
        return f"{stored}::text"
    padding = f"octet_length({stored}) - octet_length({stored}::text)"  # the cast takes it off
    return f"({stored}::text || repeat(' ', {padding}))"


def _shown(value: str | None) -> str:
    return "NULL" if value is None else repr(truncate(value, _MAX_VALUE))
