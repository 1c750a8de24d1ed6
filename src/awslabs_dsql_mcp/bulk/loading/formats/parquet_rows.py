"""Parquet files as rows."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow, NumberedRow
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.files.parquet import import_pyarrow

_CHUNK_ROWS: Final = 1000


class ParquetRows:
    """Rows of a Parquet file.

    Args:
        file: The file.

    Raises:
        RequestInvalid: It is no Parquet file.
        NotConfigured: pyarrow is not installed.
    """

    def __init__(self, file: BinaryIO) -> None:
        parquet = import_pyarrow()
        try:
            self._opened: Any = parquet.ParquetFile(file)
            self.names: list[str] = list(self._opened.schema_arrow.names)
        except (ValueError, OSError) as error:  # ArrowInvalid is a ValueError
            raise RequestInvalid(f"The file is not Parquet: {error}.", hint="Check what wrote it.") from None

    def rows(self, names: Sequence[str]) -> Iterator[NumberedRow]:
        """Read the rows.

        Args:
            names: The columns that are wanted, in order.
        """
        indexes = [self.names.index(name) for name in names]
        try:
            for batch in self._opened.iter_batches(batch_size=_CHUNK_ROWS):
                columns = [batch.column(index) for index in indexes]
                yield from ((0, row) for row in _rows(columns, names))
        except (ValueError, OSError) as error:
            yield 0, InvalidRow(f"the file cannot be read from here on: {error}")


def _rows(columns: Sequence[Any], names: Sequence[str]) -> Iterator[list[object] | InvalidRow]:
    try:
        lists = [column.to_pylist() for column in columns]
    except (ValueError, OverflowError, ArithmeticError):  # a value has no form in Python, such as nanoseconds
        for index in range(len(columns[0])):
            yield _row([column[index] for column in columns], names)
    else:
        yield from map(list, zip(*lists, strict=True))


def _row(cells: Sequence[Any], names: Sequence[str]) -> list[object] | InvalidRow:
    row: list[object] = []
    try:
        for cell in cells:
            row.append(cell.as_py())  # noqa: PERF401 - its length names the column that fails
    except (ValueError, OverflowError, ArithmeticError) as error:
        return InvalidRow(f"{names[len(row)]} has a value that cannot be kept: {error}")
    return row
