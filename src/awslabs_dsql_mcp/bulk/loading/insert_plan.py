"""INSERT statements for rows of text.

A batch is one statement with an array per column as parameters. Types are without modifiers: a cast to
varchar(3) would truncate a text silently, while storing it fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from awslabs_dsql_mcp.bulk.loading.cells import RowText, array, to_text, weight
from awslabs_dsql_mcp.bulk.loading.column_choice import ColumnChoice, find_name, written
from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow
from awslabs_dsql_mcp.bulk.splitting.table_info import ColumnInfo, TableInfo
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.dsql.limits import MAX_MESSAGE_BYTES
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import closest, quote_identifier
from awslabs_dsql_mcp.text import pluralize

OnConflict = Literal["error", "skip", "update"]

_JSON_TYPES: Final = frozenset({"json", "jsonb"})
_FRAMING: Final = 1 << 16  # bytes of a message around the values
_MAX_NAMED: Final = 8


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
        return self.on_conflict != "error" and self.has_key

    @property
    def has_key(self) -> bool:
        """True if the rows have the whole primary key."""
        key = self.table.key
        return key is not None and {column.name for column in self.columns}.issuperset(key.columns)

    @property
    def updates(self) -> frozenset[str]:
        """Names of the columns that are set in a row whose key exists; none if such a row stays as it is."""
        if self.on_conflict != "update" or not self.has_key:
            return frozenset()
        return frozenset(column.name for column in self.columns if column.key_position is None)

    @property
    def identifying(self) -> tuple[int, ...]:
        """Positions of the columns that tell rows apart: the key's, or all."""
        key = self.table.key
        names = [column.name for column in self.columns]
        return tuple(map(names.index, key.columns)) if key and self.has_key else tuple(range(len(names)))

    def cells(self, values: Sequence[object]) -> tuple[RowText, int] | InvalidRow:
        """Convert a row's values to text, and measure them in bytes."""
        if len(values) != len(self.columns):
            given, wanted = pluralize(len(values), "value"), pluralize(len(self.columns), "column")
            return InvalidRow(f"it has {given} for {wanted}")
        try:
            cells = tuple(map(_cell, values, self.columns))
            size = weight(cells)
        except UnicodeEncodeError:
            return InvalidRow("it has a lone surrogate (half of a character), which is no text")
        except ValueError as error:
            return InvalidRow(str(error))
        if size > MAX_MESSAGE_BYTES - _FRAMING:
            return InvalidRow(f"it has {size:,} bytes, more than the 10 MiB of a transaction")
        return cells, size

    def insert(self, rows: Sequence[RowText]) -> Query:
        """Build the INSERT for rows; where rows may be skipped, it returns what tells the others apart."""
        names = [quote_identifier(column.name) for column in self.columns]
        arrays = ", ".join(f"${number}::{c.type}[]" for number, c in enumerate(self.columns, 1))
        sql = (
            f"INSERT INTO {self.table.full_name} ({', '.join(names)}) "  # noqa: S608 - names from the catalog
            f"SELECT * FROM unnest({arrays}){self._conflict()}"
        )
        if self.on_conflict == "skip":
            sql += f" RETURNING {', '.join(f'{names[index]}::text' for index in self.identifying)}"
        columns = zip(*rows, strict=True) if rows else ((),) * len(self.columns)
        return Query(sql, tuple(array(column) for column in columns))

    def _conflict(self) -> str:
        if self.on_conflict == "error":
            return ""
        key = self.table.key
        others = [c for c in self.columns if c.key_position is None]
        if self.on_conflict == "skip" or key is None or not others:
            return " ON CONFLICT DO NOTHING"
        sets = ", ".join(f"{quote_identifier(c.name)} = EXCLUDED.{quote_identifier(c.name)}" for c in others)
        return f" ON CONFLICT ({', '.join(map(quote_identifier, key.columns))}) DO UPDATE SET {sets}"


def plan_insert(table: TableInfo, choice: ColumnChoice, on_conflict: OnConflict) -> InsertPlan:
    """Match the columns of a source with a table's.

    Args:
        table: The table.
        choice: The source's columns.
        on_conflict: Action for a row whose key exists.

    Raises:
        RequestInvalid: A name is not a column of the table, occurs twice or accepts no value; or the rows do
            not have the key that ``update`` needs.
    """
    if not table.is_table:
        raise RequestInvalid(f"{table.name} is not a table.", hint="Name the table itself.")
    known = {column.name: column for column in table.columns}
    found = [find_name(target, known) for target in choice.targets]
    if None in found:
        raise _unknown(table, choice, found)
    chosen = [known[name] for name in found if name is not None]
    for source, column in zip(choice.sources, chosen, strict=True):
        if column.is_generated:
            raise RequestInvalid(
                f"Column {column.name} is generated and accepts no value; nothing was loaded.",
                hint="Leave it out: name the others in columns.",
            )
        if chosen.count(column) > 1 or choice.sources.count(source) > 1:
            raise RequestInvalid(
                f"Column {column.name} occurs twice in the rows; nothing was loaded.",
                hint='Give each its own name, or say where it goes: columns={"theirs": "the table\'s"}.',
            )
    if not chosen:
        raise RequestInvalid("The rows have no column; nothing was loaded.", hint="Name them in columns.")
    plan = InsertPlan(table, tuple(chosen), on_conflict)
    if on_conflict == "update" and not plan.has_key:
        raise RequestInvalid(
            "on_conflict='update' finds rows by their primary key, and the rows do not have all of it.",
            hint="Give the key's columns too, or use on_conflict='error'.",
        )
    return plan


def is_json(column: ColumnInfo) -> bool:
    """Return true for a column of a JSON type."""
    return column.built_in_type in _JSON_TYPES


def _cell(value: object, column: ColumnInfo) -> str | None:
    """Convert a value to text.

    Raises:
        ValueError: The column cannot have it; the message says why.
    """
    if isinstance(value, bytes) and column.built_in_type != "bytea":
        raise ValueError(f"{column.name} has bytes, which only a bytea column stores as they are")
    try:
        cell = to_text(value, as_json=is_json(column))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{column.name} has no form in JSON: {error}") from None
    if cell is not None and "\0" in cell:
        raise ValueError(f"{column.name} has a NUL character, which text cannot contain")
    return cell


def _unknown(table: TableInfo, choice: ColumnChoice, found: Sequence[str | None]) -> RequestInvalid:
    """Explain names that do not fit: those of the source, and the table's that remain."""
    names = [target for target, name in zip(choice.targets, found, strict=True) if name is None]
    rest = [c.name for c in table.columns if c.name not in found and not c.is_generated]
    if "" in names:
        return _unnamed(choice, found)
    message = f"{table.name} has no column {', '.join(repr(n[:80]) for n in names[:_MAX_NAMED])}"
    if len(names) > _MAX_NAMED:
        message += f" and {len(names) - _MAX_NAMED} more of the rows' columns"
    message += "; nothing was loaded."
    if rest:
        message += f" Its columns that the rows do not have: {', '.join(rest[:_MAX_NAMED])}"
        message += f" and {len(rest) - _MAX_NAMED} more." if len(rest) > _MAX_NAMED else "."
    everything = [c.name for c in table.columns]
    near = [(closest(name, rest) or closest(name, everything))[:1] for name in names[:_MAX_NAMED]]
    meant = list(dict.fromkeys(name for found_names in near for name in found_names))
    guess = f"Did you mean {', '.join(meant)}? " if meant else ""
    return RequestInvalid(
        message,
        hint=f"{guess}Say where they go, such as {written(_mapping(choice, found, rest))}; columns not named "
        f"there are left out. {choice.caution}".rstrip(),
    )


def _unnamed(choice: ColumnChoice, found: Sequence[str | None]) -> RequestInvalid:
    """Explain a column without a name: an index of pandas, or a line of names that is a row."""
    is_first = choice.targets[0] == ""
    where = "The first" if is_first else "The last" if choice.targets[-1] == "" else "A"
    index = " (pandas writes its index so)" if is_first and any(found) else ""
    way = 'Name in columns those to load, without it; or where it goes: columns={"": "…", …}.'
    hints = [way, choice.caution] if any(found) else [choice.caution, way]
    return RequestInvalid(
        f"{where} column of the rows has no name{index}; nothing was loaded.",
        hint=" ".join(filter(None, hints)),
    )


def _mapping(choice: ColumnChoice, found: Sequence[str | None], rest: Sequence[str]) -> dict[str, str]:
    """Map each column of the rows to the table's of that name or of a like one; else in the table's order."""
    mapping: dict[str, str] = {}
    free = list(rest)
    for source, target, name in zip(choice.sources, choice.targets, found, strict=True):
        chosen = name or next(iter(closest(target, free)), None)
        if chosen is not None:
            mapping[source] = chosen
            free = [one for one in free if one != chosen]
    return mapping or dict(zip(choice.sources, rest, strict=False))
