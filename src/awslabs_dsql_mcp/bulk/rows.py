"""Rows from outside as one INSERT a batch: each value in the text form that its column's type reads.

Values travel as one array a column (PostgreSQL documentation, "Array Value Input"), so that a batch is one
statement with few parameters. Types stand without their modifiers: a cast to varchar(3) would cut a text
silently, where storing it is refused.
"""

import json
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, Protocol, cast

from awslabs_dsql_mcp.bulk.table_info import ColumnInfo, TableInfo
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import closest, quote_identifier

OnConflict = Literal["error", "skip", "update"]
RowText = tuple[str | None, ...]

_DOCUMENTS: Final = frozenset({"pg_catalog.json", "pg_catalog.jsonb"})
_QUOTED: Final = re.compile(r'["\\]')


@dataclass(frozen=True)
class InvalidRow:
    """Why something cannot be a row."""

    reason: str


Row = Sequence[object] | InvalidRow


@dataclass(frozen=True)
class InsertPlan:
    """Where rows go.

    Attributes:
        table: The table.
        columns: Its columns that get values, in the rows' order.
        on_conflict: What happens to a row whose key is there.
    """

    table: TableInfo
    columns: tuple[ColumnInfo, ...]
    on_conflict: OnConflict

    @property
    def repeatable(self) -> bool:
        """Whether storing the same rows again changes nothing more: their keys are there then."""
        key = self.table.key
        given = {column.name for column in self.columns}
        return self.on_conflict != "error" and key is not None and given.issuperset(key.columns)

    def cells(self, values: Sequence[object]) -> RowText | InvalidRow:
        """Write a row's values as text."""
        if len(values) != len(self.columns):
            return InvalidRow(f"it has {len(values)} values for {len(self.columns)} columns")
        cells: list[str | None] = []
        for value, column in zip(values, self.columns, strict=True):
            cell = text_of(value, document=column.type in _DOCUMENTS)
            if cell is not None and "\0" in cell:
                return InvalidRow(f"{column.name} has a NUL character, which no text can hold")
            cells.append(cell)
        return tuple(cells)

    def insert(self, rows: Sequence[RowText]) -> Query:
        """Give the statement that stores rows."""
        names = ", ".join(quote_identifier(column.name) for column in self.columns)
        arrays = ", ".join(f"${number}::{c.type}[]" for number, c in enumerate(self.columns, 1))
        sql = f"INSERT INTO {self.table.full_name} ({names}) SELECT * FROM unnest({arrays}){self._conflict()}"  # noqa: S608 - names from the catalog
        columns = zip(*rows, strict=True) if rows else ((),) * len(self.columns)
        return Query(sql, tuple(_array(column) for column in columns))

    def _conflict(self) -> str:
        if self.on_conflict == "error":
            return ""
        key = self.table.key
        others = [c for c in self.columns if c.key_position is None]
        if self.on_conflict == "skip" or key is None or not others:
            return " ON CONFLICT DO NOTHING"
        sets = ", ".join(f"{quote_identifier(c.name)} = EXCLUDED.{quote_identifier(c.name)}" for c in others)
        return f" ON CONFLICT ({', '.join(map(quote_identifier, key.columns))}) DO UPDATE SET {sets}"


def plan_insert(table: TableInfo, names: Sequence[str], on_conflict: OnConflict) -> InsertPlan:
    """Match the names of a source's columns with a table's.

    Args:
        table: The table.
        names: The source's columns, in order.
        on_conflict: What happens to a row whose key is there.

    Raises:
        RequestInvalid: A name is no column of the table, comes twice or takes no value; or ``update`` has no
            key to go by.
    """
    if not table.is_table:
        raise RequestInvalid(f"{table.name} is no table.", hint="Name the table itself.")
    known = {column.name: column for column in table.columns}
    folded = {column.name.lower(): column for column in table.columns}
    chosen: list[ColumnInfo] = []
    for name in names:
        column = known.get(name) or folded.get(name.strip().lower())
        if column is None:
            near = closest(name, known) or list(known)
            hint = f"Did you mean {', '.join(near[:5])}? Name the source's columns in columns."
            raise RequestInvalid(f"{table.name} has no column {name[:80]!r}; nothing was loaded.", hint=hint)
        if column.is_generated or column in chosen:
            why = "takes no value: the database makes it" if column.is_generated else "comes twice"
            raise RequestInvalid(f"Column {column.name} {why}; nothing was loaded.", hint="Leave it out.")
        chosen.append(column)
    found = InsertPlan(table, tuple(chosen), on_conflict)
    if on_conflict == "update" and not found.repeatable:
        raise RequestInvalid(
            "on_conflict='update' finds rows by their primary key, and the rows do not have all of it.",
            hint="Give the key's columns too, or use on_conflict='error'.",
        )
    return found


def row_of(found: object, names: Sequence[str]) -> Row:
    """Give an object's values in the order of names; what is absent is NULL."""
    if isinstance(found, list):
        return cast("list[object]", found)
    if not isinstance(found, dict):
        return InvalidRow("it is no JSON object")
    fields = cast("dict[str, object]", found)
    if unknown := sorted(fields.keys() - set(names)):
        return InvalidRow(f"it has a field {unknown[0][:80]!r}, which the first row has not")
    return [fields.get(name) for name in names]


def text_of(value: object, *, document: bool) -> str | None:
    """Write a value as the text that a column's type reads; ``None`` is NULL.

    Args:
        value: A value of JSON's, or what has a text form of its own: numbers, dates, bytes.
        document: Whether the column takes JSON: a text is a text of JSON's there, unless it is a `SizedText`.
    """
    if value is None:
        return None
    if isinstance(value, SizedText) or (isinstance(value, str) and not document):
        return value
    if document or isinstance(value, (bool, dict, list)):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else str(value)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)


class SizedText(str):
    """A value that is text already, in whatever form its column's type reads: a field of a CSV file."""

    __slots__ = ()


def weight(cells: RowText) -> int:
    """Bytes of a row, about."""
    return sum(len(cell) + 4 for cell in cells if cell is not None)


def find_rejected_rows(count: int, most: int) -> Generator[tuple[int, ...], str | None, dict[int, str]]:
    """Find the rows of a batch that the server does not take, in few tries.

    Yields the indexes of rows to try, in order, and is sent why they are not taken, or ``None``. A row that
    only fails behind another one, such as the second with the same key, is the one that is found.

    Args:
        count: How many rows there are.
        most: How many to find.

    Returns:
        The reason for each row that is not taken. If they are fewer than ``most``, all others are taken
        together.
    """
    rows, bad, low = list(range(count)), dict[int, str](), 0
    while len(bad) < most and (reason := (yield tuple(rows))) is not None:
        high = len(rows)  # rows up to low are taken, up to high they are not
        while high - low > 1:
            middle = (low + high) // 2
            if (said := (yield tuple(rows[:middle]))) is None:
                low = middle
            else:
                high, reason = middle, said
        bad[rows.pop(high - 1)] = reason
    return bad


def _array(column: Sequence[str | None]) -> str:
    return "{" + ",".join(map(_element, column)) + "}"


def _element(cell: str | None) -> str:
    if cell is None:
        return "NULL"
    return f'"{_QUOTED.sub(_escaped, cell)}"' if '"' in cell or "\\" in cell else f'"{cell}"'


def _escaped(match: "re.Match[str]") -> str:
    return "\\" + match.group()


class RowSource(Protocol):
    """Rows to be loaded.

    Attributes:
        columns: Names of their columns, in order.
        identity: The same for the same rows.
    """

    @property
    def columns(self) -> Sequence[str]: ...  # noqa: D102 - above

    @property
    def identity(self) -> str: ...  # noqa: D102 - above

    def rows(self) -> Iterator[Row]:
        """Give each row's values, or why there are none, from the first row on; it blocks."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class RowFiles(Protocol):
    """The operator's folder of files with rows."""

    def open(self, path: str, columns: Sequence[str] | None, null: str) -> RowSource:
        """Open a file; it blocks.

        Args:
            path: Where it is, from the folder.
            columns: Names of its columns if the file does not tell, or the ones to load.
            null: The text of a CSV file's field that is NULL.

        Raises:
            RequestInvalid: It is not there, not within the folder, or of no known form.
            NotConfigured: There is no folder, or nothing that reads this form.
        """
        ...
