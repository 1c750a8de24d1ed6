"""Keyset pagination: queries for ranges of rows by their primary key.

Ranges are row comparisons, ``(a, b) > (x, y)``, which the index of a primary key answers in its order
(PostgreSQL documentation, "Row and Array Comparisons"). Keys are sent and received as text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from awslabs_dsql_mcp.bulk.splitting.splitter import SplitStatement
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.dsql.limits import MAX_BYTES, MAX_ROWS
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.identifiers import quote_identifier

MAX_BATCH_ROWS: Final = MAX_ROWS - 100
"""Maximum number of rows in a batch: the limit less our own row and a margin for concurrent inserts."""

_MAX_WEIGHT: Final = MAX_BYTES * 3 // 4
_PLACEHOLDER: Final = re.compile(r"\$\d+")

Position = tuple[str, ...]
"""The key of the last row processed, each column as text."""


@dataclass(frozen=True)
class Key:
    """A table's primary key.

    Attributes:
        columns: Its columns, in the key's order.
        types: Their types, as SQL, without modifiers.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]

    def renamed(self, names: Mapping[str, str]) -> "Key":
        """The key with other names for some of its columns."""
        return replace(self, columns=tuple(names.get(column, column) for column in self.columns))

    def names(self, qualifier: str) -> list[str]:
        """Qualified column names, as SQL."""
        return [f"{qualifier}.{quote_identifier(column)}" for column in self.columns]

    def comparison(self, operator: str, qualifier: str, first: int) -> str:
        """Write a comparison of a row's key with placeholders.

        Args:
            operator: ``>`` or ``<=``.
            qualifier: Name or alias of the table.
            first: Number of the first placeholder.
        """
        values = (f"${number}::{kind}" for number, kind in enumerate(self.types, first))
        return f"({', '.join(self.names(qualifier))}) {operator} ({', '.join(values)})"


@dataclass(frozen=True)
class KeyRange:
    """A range of rows.

    Attributes:
        last_key: The key of the last row.
        rows: Number of rows.
        weight: Size of the rows as text, in bytes.
        last: No rows follow.
    """

    last_key: Position
    rows: int
    weight: int
    last: bool


def next_range_query(
    statement: Query, parts: SplitStatement, key: Key, after: Position | None, rows: int
) -> Query:
    """Query for the next range of rows.

    Args:
        statement: The checked statement, with its values.
        parts: The same statement, split.
        key: The key by which it is split.
        after: The last key processed; ``None`` at the beginning.
        rows: Maximum number of rows.
    """
    names = key.names(parts.qualifier)
    ranges = key.comparison(">", parts.qualifier, len(statement.params) + 1) if after else "TRUE"
    parts_of_key = [f"k{number}" for number in range(len(names))]
    inner = ", ".join(f"{name} AS {part}" for name, part in zip(names, parts_of_key, strict=True))
    # One row more than asked for is looked at, to know if the range is the last. With the qualifier "page"
    # ORDER BY means the key, not the output column of the same name, its text.
    order = f"(ORDER BY {', '.join(f'page.{part}' for part in parts_of_key)} ROWS UNBOUNDED PRECEDING)"
    sql = (
        f"SELECT {', '.join(f'{part}::text' for part in parts_of_key)}, n, weight, total <= n FROM\n"
        "(SELECT page.*, row_number() OVER so_far AS n, sum(w) OVER so_far AS weight, "
        "count(*) OVER () AS total\n"
        f"FROM (SELECT {inner}, octet_length(({parts.qualifier}.*)::text) AS w\n"
        f"FROM {parts.clauses.sources}\nWHERE {parts.clauses.where(ranges)}\n"
        f"ORDER BY {', '.join(names)} LIMIT {rows + 1}) AS page WINDOW so_far AS {order}) AS numbered\n"
        f"WHERE n <= {rows} ORDER BY n DESC LIMIT 1"
    )
    return _renumber(sql, (*statement.params, *(after or ())))


def parse_range(result: Result) -> KeyRange | None:
    """Convert the result of `next_range_query`; ``None`` if there are no more rows."""
    if not result.rows:
        return None
    *last_key, rows, weight, last = result.rows[0]
    return KeyRange(tuple(map(str, last_key)), int(rows or 0), int(weight or 0), last=last == "t")


def batch_query(
    statement: Query, parts: SplitStatement, key: Key, after: Position | None, last_key: Position
) -> Query:
    """Build the statement for the rows after one key, up to and including another."""
    first = len(statement.params) + 1
    ranges = key.comparison("<=", parts.qualifier, first)
    if after is not None:
        ranges += " AND " + key.comparison(">", parts.qualifier, first + len(last_key))
    return Query(parts.clauses.with_range(ranges), (*statement.params, *last_key, *(after or ())))


def count_query(
    statement: Query, parts: SplitStatement, key: Key, after: Position | None = None, *, explain: bool = False
) -> Query:
    """Query for the number of rows that the statement would process.

    Args:
        statement: As in `next_range_query`.
        parts: As in `next_range_query`.
        key: As in `next_range_query`.
        after: As in `next_range_query`.
        explain: Query for its plan instead.
    """
    ranges = key.comparison(">", parts.qualifier, len(statement.params) + 1) if after else "TRUE"
    where = f"\nWHERE {parts.clauses.where(ranges)}" if parts.clauses.condition or after else ""
    sql = f"SELECT count(*) FROM {parts.clauses.sources}{where}"  # noqa: S608 - as above
    return _renumber(f"EXPLAIN VERBOSE {sql}" if explain else sql, (*statement.params, *(after or ())))


def rows_that_fit(rows: int, weight: int, indexes: int) -> int:
    """Number of rows that fit in a transaction, by their average size.

    Args:
        rows: Number of rows measured.
        weight: Size of these rows as text, in bytes.
        indexes: Number of indexes of the changed table; each may add the same size.
    """
    total = weight * (1 + indexes)
    return rows if total <= _MAX_WEIGHT else max(1, rows * _MAX_WEIGHT // total)


def _renumber(sql: str, params: Sequence[object]) -> Query:
    """Drop the values that a part of the statement does not use: the server could not infer their types."""
    text, pieces, end = sql.encode(), list[bytes](), 0
    numbers: dict[str, int] = {}
    for token in parser.tokens(sql):
        if _PLACEHOLDER.fullmatch(token.text):
            number = numbers.setdefault(token.text, len(numbers) + 1)
            pieces += text[end : token.start], f"${number}".encode()
            end = token.end
    kept = tuple(params[int(place[1:]) - 1] for place in numbers)
    return Query(b"".join((*pieces, text[end:])).decode(), kept)
