"""Reading on behind a key: which rows are next, up to where, and how much they weigh.

Ranges are compared by rows, ``(a, b) > (x, y)``, which a primary key's index answers in its order (PostgreSQL
documentation, "Row and Array Comparisons"). Keys travel as text in both directions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.bulk.splitter import SplitStatement
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.dsql.limits import MAX_BYTES, MAX_ROWS
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.identifiers import quote_identifier

MAX_BATCH_ROWS: Final = MAX_ROWS - 100
"""Rows in a batch at most: room for our own, and for a few that come in between."""

_WEIGHT: Final = MAX_BYTES * 3 // 4
_PLACE: Final = re.compile(r"\$\d+")

Position = tuple[str, ...]
"""The key of the last row that is done, each part as text."""


@dataclass(frozen=True)
class Key:
    """A table's primary key.

    Attributes:
        columns: Its columns, in the key's order.
        types: Their types, as SQL, without modifiers.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]

    def names(self, qualifier: str) -> list[str]:
        """The columns as SQL."""
        return [f"{qualifier}.{quote_identifier(column)}" for column in self.columns]

    def compared(self, operator: str, qualifier: str, first: int) -> str:
        """A comparison of a row's key with values.

        Args:
            operator: ``>`` or ``<=``.
            qualifier: What the table is called.
            first: Number of the first value's placeholder.
        """
        values = (f"${number}::{kind}" for number, kind in enumerate(self.types, first))
        return f"({', '.join(self.names(qualifier))}) {operator} ({', '.join(values)})"


@dataclass(frozen=True)
class KeyRange:
    """The next rows.

    Attributes:
        upto: The key of the last of them.
        rows: How many.
        weight: Bytes of their text form.
    """

    last_key: Position
    rows: int
    weight: int


def next_rows(statement: Query, parts: SplitStatement, key: Key, after: Position | None, rows: int) -> Query:
    """Ask for the next stretch.

    Args:
        statement: The statement as it was judged, with its values.
        parts: The same, divided.
        key: What cuts it.
        after: The last key that is done; ``None`` at the beginning.
        rows: How many at most.
    """
    names = key.names(parts.qualifier)
    ranges = key.compared(">", parts.qualifier, len(statement.params) + 1) if after else "TRUE"
    parts_of_key = [f"k{number}" for number in range(len(names))]
    inner = ", ".join(f"{name} AS {part}" for name, part in zip(names, parts_of_key, strict=True))
    # Behind "cut." it is the key itself that is ordered by, not its text.
    sql = (
        f"SELECT {', '.join(f'{part}::text' for part in parts_of_key)}, count(*) OVER (), sum(w) OVER ()\n"
        f"FROM (SELECT {inner}, octet_length(({parts.qualifier}.*)::text) AS w\n"
        f"FROM {parts.sources}\nWHERE {parts.where(ranges)}\n"
        f"ORDER BY {', '.join(names)} LIMIT {rows}) AS cut\n"
        f"ORDER BY {', '.join(f'cut.{part} DESC' for part in parts_of_key)} LIMIT 1"
    )
    return _renumbered(sql, (*statement.params, *(after or ())))


def parse_range(result: Result) -> KeyRange | None:
    """Read the answer to `next_rows`; ``None`` if there are no more rows."""
    if not result.rows:
        return None
    *upto, rows, weight = (cell or "0" for cell in result.rows[0])
    return KeyRange(tuple(upto), int(rows), int(weight))


def batch(statement: Query, parts: SplitStatement, key: Key, after: Position | None, upto: Position) -> Query:
    """Give the statement for the rows behind one key, up to another."""
    first = len(statement.params) + 1
    ranges = key.compared("<=", parts.qualifier, first)
    if after is not None:
        ranges += " AND " + key.compared(">", parts.qualifier, first + len(upto))
    return Query(parts.with_range(ranges), (*statement.params, *upto, *(after or ())))


def count_rows(statement: Query, parts: SplitStatement) -> Query:
    """Count the rows that the statement would meet."""
    where = f"\nWHERE {parts.where('TRUE')}" if parts.condition else ""
    return _renumbered(f"SELECT count(*) FROM {parts.sources}{where}", statement.params)  # noqa: S608 - as above


def rows_that_fit(rows: int, weight: int, indexes: int) -> int:
    """How many of so many rows fit into a transaction's bytes, by what they weigh.

    Args:
        rows: How many there are.
        weight: Bytes of their text form.
        indexes: Indexes of the table that is changed; each may take as much again.
    """
    heavy = weight * (1 + indexes)
    return rows if heavy <= _WEIGHT else max(1, rows * _WEIGHT // heavy)


def _renumbered(sql: str, params: Sequence[object]) -> Query:
    """Leave out the values that a part of the statement does not use: nothing would tell their types."""
    text, pieces, end = sql.encode(), list[bytes](), 0
    numbers: dict[str, int] = {}
    for token in parser.tokens(sql):
        if _PLACE.fullmatch(token.text):
            number = numbers.setdefault(token.text, len(numbers) + 1)
            pieces += text[end : token.start], f"${number}".encode()
            end = token.end
    kept = tuple(params[int(place[1:]) - 1] for place in numbers)
    return Query(b"".join((*pieces, text[end:])).decode(), kept)
