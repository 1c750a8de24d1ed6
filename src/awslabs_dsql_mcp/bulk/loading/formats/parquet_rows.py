"""Parquet files as rows, read a few at a time: large files and large cells take little memory."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

from awslabs_dsql_mcp.bulk.loading.cells import ColumnText, float_text
from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow, NumberedRow
from awslabs_dsql_mcp.dsql.limits import MAX_MESSAGE_BYTES
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.files.parquet import import_pyarrow
from awslabs_dsql_mcp.text import one_line

_BATCH_ROWS: Final = 1000
_BATCH_BYTES: Final = 96 << 20
_LARGE_CELL: Final = 64 << 10
_MAX_CELL: Final = MAX_MESSAGE_BYTES
_MAX_REASON: Final = 200
_MAX_READINGS: Final = 10
_READINGS: Final = (  # by the beginning of a type's name
    ("timestamp", "in ISO 8601, with an offset if its type has a zone"),
    ("time", "in ISO 8601"),
    ("duration", "in days and hours, for interval"),
    ("decimal", "with all digits"),
    ("binary", "as bytes, for bytea alone"),
    ("large_binary", "as bytes, for bytea alone"),
    ("fixed_size_binary", "as bytes, for bytea alone"),
    ("list", "as JSON"),
    ("large_list", "as JSON"),
    ("struct", "as JSON"),
    ("map", "as JSON"),
)
_NOT_KEPT: Final = (ValueError, OverflowError, ArithmeticError)  # what Python has no value for


class ParquetRows:
    """Rows of a Parquet file.

    Args:
        file: The file.
        path: Its path, as the caller wrote it.

    Attributes:
        names: Names of its columns.

    Raises:
        RequestInvalid: It is not a Parquet file.
        NotConfigured: pyarrow is not installed.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        parquet, arrow = import_pyarrow(), import_pyarrow("pyarrow")
        self._errors = (*_NOT_KEPT, OSError, arrow.ArrowException)
        self._array, self._real, self._text = arrow.array, arrow.float32(), arrow.string()
        try:
            self._opened: Any = parquet.ParquetFile(file)
            self.names: list[str] = list(self._opened.schema_arrow.names)
        except self._errors as error:
            raise RequestInvalid(
                f"{path!r} is not a Parquet file: {one_line(str(error), _MAX_REASON)}",
                hint="Check what wrote it.",
            ) from None

    def readings(self, names: Sequence[str]) -> list[str]:
        """Say how values are written for PostgreSQL to read, where there is more than one way.

        Args:
            names: The columns that are wanted.
        """
        kinds = {name: str(self._opened.schema_arrow.field(name).type) for name in names}
        ways = {
            name: next((way for begin, way in _READINGS if kind.startswith(begin)), None)
            for name, kind in kinds.items()
        }
        told = [f"{name[:60]} ({kinds[name][:60]}) {way}" for name, way in ways.items() if way]
        more = f" and {len(told) - _MAX_READINGS} more" if len(told) > _MAX_READINGS else ""
        return [f"Values were read as text: {'; '.join(told[:_MAX_READINGS])}{more}."] if told else []

    def rows(self, names: Sequence[str]) -> Iterator[NumberedRow]:
        """Read the rows.

        Args:
            names: The columns that are wanted, in order.
        """
        try:
            for group in range(self._opened.num_row_groups):
                yield from ((0, row) for row in self._row_group(group, names))
        except self._errors as error:
            told = one_line(str(error), _MAX_REASON)
            yield 0, InvalidRow(f"the file cannot be read from here on: {told}", is_rest=True)

    def _row_group(self, group: int, names: Sequence[str]) -> Iterator[list[object] | InvalidRow]:
        facts = self._opened.metadata.row_group(group)
        chunks = [facts.column(index) for index in range(facts.num_columns)]
        read = [chunk for chunk in chunks if _is_of(chunk.path_in_schema, names)]
        # A value of a dictionary may stand in each row: any of them may be as large as all are in the file.
        largest = max((chunk.total_uncompressed_size for chunk in read), default=0)
        # Some writers make one page of a row group's large values, and pages are read whole.
        if largest > _BATCH_BYTES and largest > facts.num_rows * _LARGE_CELL:
            name = next(c.path_in_schema for c in read if c.total_uncompressed_size == largest)
            reason = f"{name} has {largest >> 20} MiB in a row group, which is too much to read at once"
            for _ in range(facts.num_rows):
                yield InvalidRow(f"{reason}; write row groups of fewer rows")
            return
        size = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, largest)))
        for batch in self._opened.iter_batches(batch_size=size, row_groups=[group], columns=list(names)):
            columns = [self._in_text_form(batch.column(name)) for name in names]
            yield from _rows(columns, names)

    def _in_text_form(self, column: Any) -> Any:  # noqa: ANN401 - pyarrow's
        """Convert floats of 4 bytes to text: as Python's floats of 8 bytes they would have more digits."""
        if str(column.type) in ("float", "halffloat"):
            text = column.cast(self._real).cast(self._text)
            return self._array(map(float_text, text.to_pylist()), self._text)
        return column


def _rows(columns: Sequence[Any], names: Sequence[str]) -> Iterator[list[object] | InvalidRow]:
    if sum(column.nbytes for column in columns) <= _MAX_CELL:
        try:
            lists = [_in_microseconds(column).to_pylist() for column in columns]
        except _NOT_KEPT:
            pass  # row by row, the cell is found
        else:
            yield from (list(map(_value, row)) for row in zip(*lists, strict=True))
            return
    for index in range(len(columns[0])):
        yield _row([column.slice(index, 1) for column in columns], names)


def _row(cells: Sequence[Any], names: Sequence[str]) -> list[object] | InvalidRow:
    row: list[object] = []
    for cell, name in zip(cells, names, strict=True):
        kind = str(cell.type)
        if kind.startswith("dictionary"):
            cell = cell.dictionary_decode()  # noqa: PLW2901 - the same value
        if cell.nbytes > _MAX_CELL:
            return _too_large(name)
        try:
            row.append(_value(_in_microseconds(cell)[0].as_py()))
        except _NOT_KEPT as error:
            told = (
                "nanoseconds, which no type of PostgreSQL holds"
                if "[ns" in kind
                else f"a value of {kind} that cannot be read: {one_line(str(error), _MAX_REASON)}"
            )
            return InvalidRow(f"{name} has {told}")
    return row


def _in_microseconds(column: Any) -> Any:  # noqa: ANN401 - pyarrow's
    """Convert nanoseconds: where pandas is installed, pyarrow would give its values, which may lose them.

    Raises:
        ValueError: A value has some.
    """
    return column.cast(_without_nanoseconds(column.type)) if "[ns" in str(column.type) else column


def _without_nanoseconds(kind: Any) -> Any:  # noqa: ANN401 - as above
    arrow = import_pyarrow("pyarrow")
    types = arrow.types
    if "[ns" not in str(kind) or types.is_dictionary(kind):
        return _without_nanoseconds(kind.value_type) if types.is_dictionary(kind) else kind
    if types.is_struct(kind):
        return arrow.struct([field.with_type(_without_nanoseconds(field.type)) for field in kind])
    if types.is_map(kind):
        return arrow.map_(_without_nanoseconds(kind.key_type), _without_nanoseconds(kind.item_type))
    if types.is_nested(kind):
        make = arrow.large_list if types.is_large_list(kind) else arrow.list_
        return make(_without_nanoseconds(kind.value_type))
    if types.is_timestamp(kind):
        return arrow.timestamp("us", kind.tz)
    return (arrow.time64 if types.is_time64(kind) else arrow.duration)("us")


def _value(value: object) -> object:
    """Mark a text: into a JSON column it goes as a document, since Parquet has no other form of one."""
    return ColumnText(value) if isinstance(value, str) else value


def _too_large(name: str) -> InvalidRow:
    return InvalidRow(f"{name} has a value of more than the {_MAX_CELL >> 20} MiB of a transaction")


def _is_of(path: str, names: Sequence[str]) -> bool:
    """Return true if a column of the file, perhaps nested, is part of a named one."""
    return any(path == name or path.startswith(f"{name}.") for name in names)
