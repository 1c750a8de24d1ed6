"""Rows in the text form of PostgreSQL written to a Parquet file, in types that hold their values exactly."""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from typing_extensions import override

from awslabs_dsql_mcp.database.model import Field
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.export.writers import Row, unique_names
from awslabs_dsql_mcp.files.parquet import import_pyarrow

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_ROW_GROUP: Final = 1 << 20  # bytes of rows; of 8 MiB pyarrow's allocator kept 80 MB and more
_MAX_DECIMAL: Final = 38  # digits of Arrow's decimal128, which every reader of Parquet knows
_HEADER: Final = 4  # PostgreSQL's VARHDRSZ, part of the modifier of numeric
_NUMERIC: Final = 1700


def parquet_type(field: Field) -> str:
    """Choose the type of a column.

    Args:
        field: The column.

    Returns:
        Arrow's name of it; ``string`` for types that have no counterpart.
    """
    if field.oid == _NUMERIC:
        return _decimal(field.modifier) or "string"
    return _TYPES.get(field.oid, "string")


def _decimal(modifier: int) -> str | None:
    """Name the type for numeric(precision, scale) (PostgreSQL source, numeric.c, make_numeric_typmod)."""
    if modifier < _HEADER:
        return None
    precision = (modifier - _HEADER) >> 16
    scale = (((modifier - _HEADER) & 0x7FF) ^ 1024) - 1024
    return f"decimal128({precision}, {scale})" if 0 <= scale <= precision <= _MAX_DECIMAL else None


class ParquetWriter:
    """Writer of Parquet.

    Args:
        file: The file.
        fields: The columns.

    Raises:
        RequestInvalid: There are no columns, or two of the same name.
        NotConfigured: pyarrow is not installed.
    """

    def __init__(self, file: BinaryIO, fields: Sequence[Field]) -> None:
        self._arrow = arrow = import_pyarrow("pyarrow")
        names = unique_names(fields)
        if not names:
            raise RequestInvalid(
                "A Parquet file has at least one column.", hint="Name a column, or write CSV."
            )
        self._kinds = [parquet_type(field) for field in fields]
        types = [_arrow_type(arrow, kind) for kind in self._kinds]
        self._schema = arrow.schema(list(zip(names, types, strict=True)))
        self._output = _Output(file)
        self._writer = import_pyarrow().ParquetWriter(self._output, self._schema)
        self._batches: list[Any] = []
        self._size = 0

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows.

        Raises:
            RequestInvalid: A value, such as ``infinity``, is none of its column's type in Parquet.
        """
        columns = zip(*rows, strict=True)
        arrays = [
            self._array(texts, kind, field)
            for texts, kind, field in zip(columns, self._kinds, self._schema, strict=True)
        ]
        batch = self._arrow.record_batch(arrays, schema=self._schema)
        self._batches.append(batch)
        self._size += batch.nbytes
        if self._size >= _ROW_GROUP:
            self._write_row_group()

    def close(self) -> None:
        """Write the last rows and the end of the file."""
        self._write_row_group()
        self._writer.close()

    def abandon(self) -> None:
        """Let what pyarrow writes when its writer is deleted go nowhere."""
        self._output.is_abandoned = True

    def _write_row_group(self) -> None:
        if self._batches:
            self._writer.write_table(self._arrow.Table.from_batches(self._batches))
        self._batches, self._size = [], 0

    def _array(self, texts: Sequence[str | None], kind: str, field: Any) -> Any:  # noqa: ANN401 - pyarrow's
        try:
            convert = _CONVERTERS.get(kind)
            if convert is not None:
                return self._arrow.array(
                    [None if text is None else convert(text) for text in texts], field.type
                )
            return self._arrow.array(texts, self._arrow.string()).cast(field.type)
        except ValueError:  # pyarrow's errors of values are ValueErrors
            raise RequestInvalid(
                f"Column {field.name!r} has a value that Parquet's type {field.type} does not have, such as "
                "infinity, NaN or a year before 1 or after 9999.",
                code="not_in_parquet",
                hint="Cast the column to text in the query, or write CSV.",
            ) from None


class _Output(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.is_abandoned = False

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: "ReadableBuffer", /) -> int:
        return memoryview(data).nbytes if self.is_abandoned else self._file.write(data)


def _arrow_type(arrow: Any, kind: str) -> Any:  # noqa: ANN401 - pyarrow has no types
    if kind.startswith("decimal128"):
        precision, scale = kind.removeprefix("decimal128(").removesuffix(")").split(", ")
        return arrow.decimal128(int(precision), int(scale))
    if kind.startswith("timestamp"):
        return arrow.timestamp("us", tz="UTC" if "UTC" in kind else None)
    return arrow.type_for_alias(kind)


def _bytes(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise ValueError("not in hex format")
    return bytes.fromhex(text[2:])


_CONVERTERS: Final[dict[str, Callable[[str], object]]] = {"bool": "t".__eq__, "binary": _bytes}

# By the object ids of PostgreSQL's built-in types, which are fixed (pg_type.dat).
_TYPES: Final = {
    16: "bool",
    17: "binary",
    20: "int64",
    21: "int16",
    23: "int32",
    700: "float",
    701: "double",
    1082: "date32[day]",
    1114: "timestamp[us]",
    1184: "timestamp[us, tz=UTC]",
}
