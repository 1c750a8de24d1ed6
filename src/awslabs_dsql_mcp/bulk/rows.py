"""INSERT statements for rows from a call or a file, with values in the text form of their column's type.

A batch is one statement with an array per column as parameters (PostgreSQL documentation, "Array Value
Input"). Types are without modifiers: a cast to varchar(3) would truncate a text silently, while storing it
fails.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, cast

from awslabs_dsql_mcp.bulk.table_info import ColumnInfo, TableInfo
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.json_text import dumps
from awslabs_dsql_mcp.sql.identifiers import closest, quote_identifier

OnConflict = Literal["error", "skip", "update"]
RowText = tuple[str | None, ...]

_JSON_TYPES: Final = frozenset({"pg_catalog.json", "pg_catalog.jsonb"})
_QUOTED: Final = re.compile(r'["\\]')


@dataclass(frozen=True)
class InvalidRow:
    """A row that cannot be loaded, with the reason."""

    reason: str


Row = Sequence[object] | InvalidRow


@dataclass(frozen=True)
class InsertPlan:
    """An INSERT into columns of a table.

    Attributes:
        table: The table.
        columns: The columns that receive values, in the order of the rows.
        on_conflict: Action for a row whose key exists.
    """

    table: TableInfo
    columns: tuple[ColumnInfo, ...]
    on_conflict: OnConflict

    @property
    def repeatable(self) -> bool:
        """True if inserting the same rows again changes nothing, because their keys exist then."""
        key = self.table.key
        given = {column.name for column in self.columns}
        return self.on_conflict != "error" and key is not None and given.issuperset(key.columns)

    def cells(self, values: Sequence[object]) -> RowText | InvalidRow:
        """Convert a row's values to text."""
        if len(values) != len(self.columns):
            return InvalidRow(f"it has {len(values)} values for {len(self.columns)} columns")
        cells: list[str | None] = []
        for value, column in zip(values, self.columns, strict=True):
            cell = to_text(value, as_json=column.type in _JSON_TYPES)
            if cell is not None and "\0" in cell:
                return InvalidRow(f"{column.name} has a NUL character, which text cannot contain")
            cells.append(cell)
        return tuple(cells)

    def insert(self, rows: Sequence[RowText]) -> Query:
        """Build the INSERT for rows."""
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
        on_conflict: Action for a row whose key exists.

    Raises:
        RequestInvalid: A name is not a column of the table, occurs twice or accepts no value; or the rows do
            not have the key that ``update`` needs.
    """
    if not table.is_table:
        raise RequestInvalid(f"{table.name} is not a table.", hint="Name the table itself.")
    known = {column.name: column for column in table.columns}
    folded = {column.name.lower(): column for column in table.columns}
    chosen: list[ColumnInfo] = []
    for name in names:
        column = known.get(name) or folded.get(name.strip().lower())
        if column is None:
            suggestions = closest(name, known) or list(known)
            hint = f"Did you mean {', '.join(suggestions[:5])}? Name the source's columns in columns."
            raise RequestInvalid(f"{table.name} has no column {name[:80]!r}; nothing was loaded.", hint=hint)
        if column.is_generated or column in chosen:
            reason = "is generated and accepts no value" if column.is_generated else "occurs twice"
            raise RequestInvalid(f"Column {column.name} {reason}; nothing was loaded.", hint="Leave it out.")
        chosen.append(column)
    plan = InsertPlan(table, tuple(chosen), on_conflict)
    if on_conflict == "update" and not plan.repeatable:
        raise RequestInvalid(
            "on_conflict='update' finds rows by their primary key, and the rows do not have all of it.",
            hint="Give the key's columns too, or use on_conflict='error'.",
        )
    return plan


def to_row(value: object, names: Sequence[str]) -> Row:
    """Convert a JSON object to a row in the order of names; absent fields are NULL."""
    if isinstance(value, list):
        return cast("list[object]", value)
    if not isinstance(value, dict):
        return InvalidRow("it is not a JSON object")
    fields = cast("dict[str, object]", value)
    if unknown := sorted(fields.keys() - set(names)):
        return InvalidRow(f"it has a field {unknown[0][:80]!r}, which the first row does not have")
    return [fields.get(name) for name in names]


def to_text(value: object, *, as_json: bool) -> str | None:
    """Convert a value to the text form of a column's type; ``None`` is NULL.

    Args:
        value: A JSON value, a number, a date or time, or bytes.
        as_json: The column is of a JSON type: a str becomes a JSON string, unless it is a `SizedText`.
    """
    if value is None:
        return None
    if isinstance(value, SizedText) or (isinstance(value, str) and not as_json):
        return value
    if as_json or isinstance(value, bool | dict | list):
        return dumps(cast("object", value))
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else str(value)


class SizedText(str):
    """A value that is in the text form of its column's type already, such as a field of a CSV file."""

    __slots__ = ()


def weight(cells: RowText) -> int:
    """Approximate size of a row in bytes."""
    return sum(len(cell) + 4 for cell in cells if cell is not None)


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
        identity: Identifies the rows: the same for the same rows.
    """

    @property
    def columns(self) -> Sequence[str]: ...  # noqa: D102 - above

    @property
    def identity(self) -> str: ...  # noqa: D102 - above

    def rows(self) -> Iterator[Row]:
        """Iterate over the rows, valid or not; blocks."""
        ...

    def close(self) -> None:
        """Close the source."""
        ...


class RowFiles(Protocol):
    """The directory of files that may be loaded."""

    def open(self, path: str, columns: Sequence[str] | None, null: str) -> RowSource:
        """Open a file; blocks.

        Args:
            path: Path of the file, relative to the directory.
            columns: Names of the columns, if the file has none, or the columns to load.
            null: Text of a field in a CSV file that means NULL.

        Raises:
            RequestInvalid: The file does not exist, is outside of the directory, or has an unknown format.
            NotConfigured: There is no directory, or no reader for the format.
        """
        ...
