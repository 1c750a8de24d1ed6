"""Files with rows in the directory that the operator allows, read as streams."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from awslabs_dsql_mcp.bulk.loading.column_choice import ColumnChoice, choose, refuse_repeated
from awslabs_dsql_mcp.bulk.loading.csv_file import csv_file
from awslabs_dsql_mcp.bulk.loading.formats.json_rows import json_array, json_lines
from awslabs_dsql_mcp.bulk.loading.formats.parquet_rows import ParquetRows
from awslabs_dsql_mcp.bulk.loading.formats.text_lines import TextLines
from awslabs_dsql_mcp.bulk.loading.rows import (
    FileOptions,
    NumberedRow,
    ObjectRows,
    OpenedRows,
    RowSource,
    listed,
    object_choice,
)
from awslabs_dsql_mcp.errors import NotConfigured, RequestInvalid
from awslabs_dsql_mcp.files.directory import OperatorDirectory

_DIGEST_BYTES: Final = 10
_BLOCK: Final = 1 << 20


class LoadDirectory:
    """The directory from which files may be read.

    Args:
        root: Path of the directory; ``None`` for none.
    """

    def __init__(self, root: Path | None) -> None:
        self._directory = None if root is None else OperatorDirectory(root, "--load-dir")

    def digest(self, path: str) -> str:
        """Compute a digest of a file; see `RowFiles.digest`."""
        with self._file(path) as file:
            return _digest(file)

    def open(self, options: FileOptions) -> RowSource:
        """Open a file; see `RowFiles.open`."""
        path = options.path
        reader = _READERS.get(Path(path).suffix.lower())
        if reader is None:
            raise RequestInvalid(f"{path!r} has an unknown format.", hint=f"Formats: {', '.join(_READERS)}.")
        file = self._file(path)
        try:
            name = _digest(file)
            file.seek(0)
            stream = reader(file, options)
        except BaseException:
            file.close()
            raise
        return _OpenFile(stream, name, file)

    def _file(self, path: str) -> BinaryIO:
        if self._directory is None:
            raise NotConfigured(
                "This server reads no files: no directory is configured.",
                code="no_load_dir",
                hint="Give rows in the call. The operator alone can name a directory of files to load "
                "(--load-dir).",
            )
        return self._directory.open(path)


@dataclass(frozen=True)
class _OpenFile:
    """A file that is being read: a `RowSource`."""

    stream: OpenedRows
    name: str
    file: BinaryIO

    @property
    def choice(self) -> ColumnChoice:
        """The columns."""
        return self.stream.choice

    def rows(self) -> Iterator[NumberedRow]:
        """Iterate over the rows, once.

        Raises:
            RequestInvalid: The disk fails.
        """
        try:
            yield from self.stream.rows
        except OSError as error:
            raise RequestInvalid(
                f"The file cannot be read further: {error.strerror}.",
                hint="Try again.",
                outcome="rolled_back",
            ) from None

    def notes(self) -> Sequence[str]:
        """List what was found or left out."""
        return self.stream.notes()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _digest(file: BinaryIO) -> str:
    """Hash a file from where it is to its end.

    Raises:
        RequestInvalid: The disk fails.
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    try:
        while block := file.read(_BLOCK):
            digest.update(block)
    except OSError as error:
        raise RequestInvalid(f"The file cannot be read: {error.strerror}.", hint="Try again.") from None
    return digest.hexdigest()


def _json_lines(file: BinaryIO, options: FileOptions) -> OpenedRows:
    """Read JSON Lines."""
    return _objects(json_lines, TextLines(file, options.encoding), options)


def _json(file: BinaryIO, options: FileOptions) -> OpenedRows:
    """Read a JSON array, or JSON Lines under this name."""
    lines = TextLines(file, options.encoding)
    return _objects(json_lines if lines.sample().lstrip()[:1] == "{" else json_array, lines, options)


def _objects(
    read: Callable[[TextLines], Iterator[tuple[int, object]]], lines: TextLines, options: FileOptions
) -> OpenedRows:
    """Read JSON objects or arrays.

    The file is read beforehand until each of the table's columns, or of those that are wanted, has been seen:
    a column that no object has is left to its default, and one that only some have is NULL in the others.
    """

    def values() -> Iterator[tuple[int, object]]:
        lines.restart()
        return read(lines)

    choice = object_choice(lambda: (value for _, value in values()), options.columns, options.known)
    objects = ObjectRows(choice, options.known, is_part=options.columns is not None)
    rows = ((line, objects.row(value)) for line, value in values())
    return OpenedRows(choice, rows, lambda: [*lines.notes(), *objects.notes()], lines)


def _parquet(file: BinaryIO, options: FileOptions) -> OpenedRows:
    opened = ParquetRows(file, options.path)
    choice = choose(opened.names, options.columns)
    refuse_repeated(opened.names, choice)
    notes = [f"Columns that were not loaded: {listed(choice.left_out)}."] if choice.left_out else []
    notes += opened.readings(choice.sources)
    return OpenedRows(choice, opened.rows(choice.sources), lambda: notes)


_READERS: Final[dict[str, Callable[[BinaryIO, FileOptions], OpenedRows]]] = {
    ".csv": partial(csv_file, delimiter=""),
    ".tsv": partial(csv_file, delimiter="\t"),
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}
