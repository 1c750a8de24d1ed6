"""CSV, JSON Lines and Parquet files in the directory that the operator allows, read as streams."""

import csv
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from awslabs_dsql_mcp.bulk.rows import InvalidRow, Row, RowSource, SizedText, to_row
from awslabs_dsql_mcp.dsql.limits import MAX_VALUE_BYTES
from awslabs_dsql_mcp.errors import NotConfigured, RequestInvalid

_SAMPLE: Final = 1 << 20
_MAX_FIELD: Final = 4 * MAX_VALUE_BYTES  # characters; the limit is on the compressed value
_CHUNK_ROWS: Final = 1000


class LoadDirectory:
    """The directory from which files may be read.

    Args:
        root: Path of the directory; ``None`` for none.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    def open(self, path: str, columns: Sequence[str] | None, null: str) -> RowSource:
        """Open a file; see `RowFiles.open`."""
        readers: dict[str, Callable[[BinaryIO], _Stream]] = {
            ".csv": lambda file: _csv(file, ",", columns, null),
            ".tsv": lambda file: _csv(file, "\t", columns, null),
            ".jsonl": lambda file: _json_lines(file, columns),
            ".ndjson": lambda file: _json_lines(file, columns),
            ".parquet": lambda file: _parquet(file, columns),
        }
        reader = readers.get(Path(path).suffix.lower())
        if reader is None:
            raise RequestInvalid(f"{path!r} has an unknown format.", hint=f"Formats: {', '.join(readers)}.")
        file = self._file(path)
        try:
            identity = _identity(file)
            return _OpenFile(reader(file), identity, file)
        except BaseException as error:
            file.close()
            if isinstance(error, (UnicodeDecodeError, csv.Error, json.JSONDecodeError)):
                raise RequestInvalid(f"{path!r} cannot be read: {error}.", hint="Send UTF-8.") from None
            raise

    def _file(self, path: str) -> BinaryIO:
        if self._root is None:
            raise NotConfigured(
                "This server reads no files: no directory is configured.",
                code="no_load_dir",
                hint="Give rows in the call, or ask the operator to start the server with --load-dir.",
            )
        missing = RequestInvalid(
            f"There is no file {path!r} in the directory of --load-dir.", hint="Check its name."
        )
        try:
            root = self._root.resolve(strict=True)
            place = (root / path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise missing from None
        if not place.is_relative_to(root):
            raise RequestInvalid(
                f"{path!r} is outside of the directory of --load-dir.",
                code="outside_load_dir",
                hint="Move it there.",
            )
        return _open_regular_file(place, missing)


def _open_regular_file(place: Path, missing: RequestInvalid) -> BinaryIO:
    """Open a regular file; not a link that has replaced it since its path was resolved."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        handle = os.open(place, flags)
    except OSError:
        raise missing from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise missing
    return os.fdopen(handle, "rb")


def _identity(file: BinaryIO) -> str:
    """Hash of a file's length, beginning and end."""
    size = file.seek(0, os.SEEK_END)
    digest = hashlib.sha256(str(size).encode())
    for start in (0, max(0, size - _SAMPLE)):
        file.seek(start)
        digest.update(file.read(_SAMPLE))
    file.seek(0)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Stream:
    columns: Sequence[str]
    rows: Iterator[Row]


@dataclass(frozen=True)
class _OpenFile:
    """A file that is being read."""

    stream: _Stream
    identity: str
    file: BinaryIO

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""
        return self.stream.columns

    def rows(self) -> Iterator[Row]:
        """Iterate over the rows, once."""
        try:
            yield from self.stream.rows
        except (UnicodeDecodeError, csv.Error, OSError) as error:
            raise RequestInvalid(
                f"The file cannot be read further: {error}.", hint="Correct the file."
            ) from None

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _csv(file: BinaryIO, delimiter: str, columns: Sequence[str] | None, null: str) -> _Stream:
    """Read CSV (RFC 4180); the first line names the columns unless they are given."""
    csv.field_size_limit(_MAX_FIELD)
    lines = csv.reader(TextIOWrapper(file, "utf-8-sig", newline=""), delimiter=delimiter, strict=True)
    names = list(columns) if columns else next(lines, list[str]())
    return _Stream(names, _csv_rows(lines, len(names), null))


def _csv_rows(lines: Iterator[list[str]], width: int, null: str) -> Iterator[Row]:
    for fields in lines:
        if len(fields) == width:
            yield [None if field == null else SizedText(field) for field in fields]
        elif fields:
            yield InvalidRow(f"it has {len(fields)} fields for {width} columns")


def _json_lines(file: BinaryIO, columns: Sequence[str] | None) -> _Stream:
    """Read one JSON object per line; numbers keep their digits."""
    lines = (line for line in file if line.strip())
    first = next(lines, None)
    if first is None:
        return _Stream(list(columns or ()), iter(()))
    value = _parse_json(first)
    names = list(columns or (cast("dict[str, object]", value) if isinstance(value, dict) else ()))
    return _Stream(names, _json_rows(_chained(first, lines), names))


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _json_rows(lines: Iterator[bytes], names: Sequence[str]) -> Iterator[Row]:
    for line in lines:
        try:
            value = _parse_json(line)
        except ValueError as error:
            yield InvalidRow(f"it is not JSON: {error}")
            continue
        yield to_row(value, names)


def _parse_json(line: bytes) -> object:
    return json.loads(line, parse_float=Decimal)


def _parquet(file: BinaryIO, columns: Sequence[str] | None) -> _Stream:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise NotConfigured(
            "Parquet files need pyarrow, which is not installed.",
            code="no_parquet",
            hint="Ask the operator to install awslabs-dsql-mcp[parquet]; or write CSV or JSON Lines.",
        ) from None
    opened = parquet.ParquetFile(file)
    names = list(columns or opened.schema_arrow.names)
    return _Stream(names, _parquet_rows(opened, names))


def _parquet_rows(opened: Any, names: Sequence[str]) -> Iterator[Row]:  # noqa: ANN401 - pyarrow has no types
    for batch in opened.iter_batches(batch_size=_CHUNK_ROWS, columns=list(names)):
        lists = [batch.column(name).to_pylist() for name in names]
        yield from map(list, zip(*lists, strict=True))
