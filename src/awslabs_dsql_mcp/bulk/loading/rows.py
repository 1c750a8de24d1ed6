"""Rows on their way: where they come from, and what is wrong with one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from awslabs_dsql_mcp.bulk.loading.column_choice import ColumnChoice, Columns, choose, written
from awslabs_dsql_mcp.bulk.loading.formats.text_lines import TextLines
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import closest

_MAX_LISTED: Final = 10


@dataclass(frozen=True)
class InvalidRow:
    """A row that cannot be loaded.

    Attributes:
        reason: Why.
        is_rest: It is all that follows in the source, however many rows that are.
    """

    reason: str
    is_rest: bool = False


class IncompleteRow(list[object]):
    """A row of a JSON object that does not have all keys.

    Args:
        values: The values; ``None`` for those that it does not have.
        lacking: Positions of these.
    """

    def __init__(self, values: Iterable[object], lacking: Sequence[int]) -> None:
        super().__init__(values)
        self.lacking = tuple(lacking)


Row = Sequence[object] | InvalidRow
NumberedRow = tuple[int, Row]
"""A row, and the number of its line in the file; 0 where there are no lines."""


class RowSource(Protocol):
    """Rows to be loaded.

    Attributes:
        choice: The columns of the rows, in order.
        name: Identifies the content: a digest.
    """

    @property
    def choice(self) -> ColumnChoice: ...  # noqa: D102 - above

    @property
    def name(self) -> str: ...  # noqa: D102 - above

    def rows(self) -> Iterator[NumberedRow]:
        """Iterate over the rows from the first on, valid or not; blocks."""
        ...

    def notes(self) -> Sequence[str]:
        """List what was found or left out, as sentences; about the rows that were read so far."""
        ...

    def close(self) -> None:
        """Close the source."""
        ...


@dataclass(frozen=True)
class FileOptions:
    """What a caller says of a file.

    Attributes:
        path: Its path in the directory.
        columns: The columns to load.
        known: Names of the table's columns.
        null: Text of an unquoted CSV field that means NULL.
        delimiter: What separates CSV fields; empty to find it.
        encoding: Encoding of a text file; empty for its byte order mark's, or UTF-8.
        header: The first line of a CSV file has the names.
    """

    path: str
    columns: Columns
    known: Sequence[str]
    null: str = ""
    delimiter: str = ""
    encoding: str = ""
    header: bool = True


@dataclass(frozen=True)
class OpenedRows:
    """Rows of a file: the columns, the rows, what there is to tell of those read so far, and the text.

    A text reader that nobody holds closes its file.
    """

    choice: ColumnChoice
    rows: Iterator[NumberedRow]
    notes: Callable[[], Sequence[str]]
    lines: TextLines | None = None


class RowFiles(Protocol):
    """The directory of files that may be loaded."""

    def digest(self, path: str) -> str:
        """Compute what identifies a file's content, which is `RowSource.name`; blocks.

        Raises:
            RequestInvalid: The file does not exist, or is outside of the directory.
            NotConfigured: There is no directory.
        """
        ...

    def open(self, options: FileOptions) -> RowSource:
        """Open a file; blocks.

        Args:
            options: What is known of it.

        Raises:
            RequestInvalid: The file does not exist, is outside of the directory, or has an unknown format.
            NotConfigured: There is no directory, or no reader for the format.
        """
        ...


class ObjectRows:
    """Objects by column, and arrays in the order of the columns, as rows.

    Args:
        choice: The columns.
        known: Names of the table's columns.
        is_part: Other keys are left out; else a row that has one is not loaded.
    """

    def __init__(self, choice: ColumnChoice, known: Sequence[str], *, is_part: bool) -> None:
        self._names = choice.sources
        self._wanted = frozenset(choice.sources)
        self._known = known
        self._is_part = is_part
        self._left_out: dict[str, None] = {}

    def row(self, value: object) -> Row:
        """Convert a JSON value to a row."""
        if isinstance(value, InvalidRow):
            return value
        if isinstance(value, list):
            return cast("list[object]", value)
        if not isinstance(value, Mapping):
            return InvalidRow("it is not a JSON object")
        fields = cast("Mapping[str, object]", value)
        if others := fields.keys() - self._wanted:
            if not self._is_part:
                return InvalidRow(self._unknown(min(others)))
            self._left_out |= dict.fromkeys(sorted(others))
        values = [fields.get(name) for name in self._names]
        if self._wanted - fields.keys():
            return IncompleteRow(values, [at for at, name in enumerate(self._names) if name not in fields])
        return values

    def notes(self) -> list[str]:
        """Tell what was left out."""
        return [f"Keys that were not loaded: {listed(list(self._left_out))}."] if self._left_out else []

    def _unknown(self, key: str) -> str:
        near = closest(key, self._known, 1)
        guess = f" (did you mean {near[0]}?)" if near else ""
        return f"it has a key {key[:80]!r}, which is none of the columns{guess}"


def listed(names: Sequence[str]) -> str:
    """List names, the first of them where they are many."""
    more = f" and {len(names) - _MAX_LISTED:,} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(name[:80] for name in names[:_MAX_LISTED]) + more


def keys_of(values: Iterator[object], known: Sequence[str]) -> list[str]:
    """List the keys that objects have: all of the first one, and any column that a later one has.

    Args:
        values: The objects; other values are passed over. Not read further than all columns are found.
        known: Names of the table's columns.
    """
    keys: dict[str, None] = {}
    lacking: set[str] | None = None
    for value in values:
        if not isinstance(value, Mapping):
            continue
        fields = cast("Mapping[str, object]", value)
        if lacking is None:
            keys = dict.fromkeys(map(str, fields))
            lacking = set(known) - keys.keys()
        elif found := lacking & fields.keys():
            keys |= dict.fromkeys(sorted(found, key=list(known).index))
            lacking -= found
        if not lacking:
            break
    return list(keys)


def object_choice(
    values: Callable[[], Iterator[object]], columns: Columns, known: Sequence[str]
) -> ColumnChoice:
    """Choose the columns of JSON values.

    Args:
        values: Gives the values, from the first on.
        columns: What the caller wants.
        known: Names of the table's columns.

    Raises:
        RequestInvalid: They are arrays, and nobody says of which columns; or no object has a column.
    """
    first = next(values(), None)
    if first is None:
        raise RequestInvalid("There are no rows, so nothing was loaded.", code="no_rows", hint="Give some.")
    if isinstance(first, list):
        if isinstance(columns, Mapping) or not columns:
            raise RequestInvalid(
                "The rows are arrays, so their columns have no names.",
                hint=f"Name those that the arrays have, in their order, such as {written(list(known))}.",
            )
        return ColumnChoice(tuple(columns), tuple(columns))
    keys = keys_of(values(), list(columns) if columns else known)
    if not keys and isinstance(first, InvalidRow):
        raise RequestInvalid(f"Row 1 cannot be read: {first.reason}; nothing was loaded.", hint="Correct it.")
    return choose(keys, columns)
