"""Files with rows in the directory that the operator allows, read as streams."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final

from awslabs_dsql_mcp.bulk.loading.column_choice import ColumnChoice, choose, find_name, written
from awslabs_dsql_mcp.bulk.loading.formats.csv_rows import (
    DELIMITERS,
    CsvRecords,
    Record,
    Seen,
    checked_delimiter,
    csv_rows,
    fields,
)
from awslabs_dsql_mcp.bulk.loading.formats.json_rows import json_array, json_lines
from awslabs_dsql_mcp.bulk.loading.formats.parquet_rows import ParquetRows
from awslabs_dsql_mcp.bulk.loading.formats.text_lines import TextLines
from awslabs_dsql_mcp.bulk.loading.rows import (
    FileOptions,
    NumberedRow,
    ObjectRows,
    RowSource,
    listed,
    object_choice,
)
from awslabs_dsql_mcp.errors import NotConfigured, RequestInvalid
from awslabs_dsql_mcp.files.directory import OperatorDirectory

_DIGEST_BYTES: Final = 10
_BLOCK: Final = 1 << 20
_LOOKED_AT: Final = 20  # rows of a file without names
_SAYS_DELIMITER: Final = re.compile(r'"?sep=([^"\r\n])"?', re.IGNORECASE)
_DELIMITER_NAMES: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a pipe"}


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
class _Stream:
    """Rows of a file: the columns, the rows, what there is to tell of those read so far, and the text.

    A text reader that nobody holds closes its file.
    """

    choice: ColumnChoice
    rows: Iterator[NumberedRow]
    notes: Callable[[], Sequence[str]]
    lines: TextLines | None = None


@dataclass(frozen=True)
class _OpenFile:
    """A file that is being read: a `RowSource`."""

    stream: _Stream
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


def _csv(file: BinaryIO, options: FileOptions, delimiter: str = "") -> _Stream:
    """Read CSV; the first line has the names, unless the caller says that there is none."""
    lines = TextLines(file, options.encoding)
    records = iter(CsvRecords(lines))
    first = next(records, None)
    if options.header and first is None:
        raise RequestInvalid("The file is empty: it has no line of names.", hint="Check what wrote it.")
    if options.header and first and first.fault:
        raise RequestInvalid(f"Line 1 of the file cannot be read: {first.fault}.", hint=_hint(first))
    delimiter = checked_delimiter(options.delimiter) if options.delimiter else delimiter
    if said := _said_delimiter(first, options):
        delimiter, first = said, _behind(records, options)
    found = not delimiter
    delimiter = delimiter or _found_delimiter(first.text if first else "", options)
    notes = _encoding_notes(lines)
    separator = _DELIMITER_NAMES.get(delimiter, repr(delimiter))
    if said:
        notes.append(f"Fields are separated by {separator}, as the file's line sep= says.")
    if found and delimiter != ",":
        notes.append(f"Fields are separated by {separator}.")
    row = [field or "" for field in fields(first.text, delimiter, "")] if first and first.text else []
    if options.header:
        caution = (
            f"The first line was split at {separator}: if that is wrong, give delimiter; if it has no names, "
            f"give header=false, and name the file's columns in columns unless they are the table's."
        )
        choice = choose(row, options.columns, caution)
        _refuse_twice(row, choice, caution)
        rest = records
    else:
        if isinstance(options.columns, dict):
            raise RequestInvalid(
                "Without a line of names, columns has to be a list of all columns.",
                hint=f"List them in the file's order: {written(list(options.columns.values()))}.",
            )
        row = list(options.columns or options.known)
        choice = ColumnChoice(tuple(row), tuple(row))
        head = list(islice(_chained(first, records), _LOOKED_AT))
        _refuse_misfit([fields(one.text, delimiter, "") for one in head if _is_row(one)], options)
        rest = chain(head, records)
    if choice.left_out:
        notes.append(f"Columns that were not loaded: {listed(choice.left_out)}.")
    chosen = [row.index(source) for source in choice.sources]
    seen = Seen()
    rows = csv_rows(rest, len(row), chosen, delimiter, separator, options.null, seen)
    return _Stream(choice, rows, lambda: [*notes, *seen.notes()], lines)


def _tsv(file: BinaryIO, options: FileOptions) -> _Stream:
    return _csv(file, options, "\t")


def _hint(first: Record) -> str:
    if "NUL" in first.fault:
        return "It may be UTF-16 without a byte order mark: name it in encoding, utf-16-le or utf-16-be."
    return "Correct it, or name the file's encoding in encoding."


def _encoding_notes(lines: TextLines) -> list[str]:
    if lines.has_mark and lines.encoding != "utf-8":
        return [f"Read as {lines.encoding.upper()}, as its byte order mark says."]
    return []


def _said_delimiter(first: Record | None, options: FileOptions) -> str:
    """Read the line by which Excel is told the delimiter; empty for another, and for rows of one column.

    Raises:
        RequestInvalid: It is no delimiter, or another than the caller's.
    """
    said = _SAYS_DELIMITER.fullmatch(first.text) if first else None
    if said is None or (not options.header and len(options.columns or options.known) == 1):
        return ""
    if options.delimiter and checked_delimiter(options.delimiter) != said[1]:
        raise RequestInvalid(
            f"The file's first line is {said[0]!r}, and delimiter is another.",
            hint="Leave delimiter out: the line says it.",
        )
    return checked_delimiter(said[1])


def _behind(records: Iterator[Record], options: FileOptions) -> Record | None:
    """Give the line behind the one that tells Excel the delimiter.

    Raises:
        RequestInvalid: It should have the names, and does not.
    """
    first = next(records, None)
    if options.header and (first is None or first.fault):
        raise RequestInvalid(
            "Behind the line with sep= there is no line of names that can be read.",
            hint="Check what wrote the file.",
        )
    return first


def _found_delimiter(line: str, options: FileOptions) -> str:
    """Choose the delimiter with which the first line fits the table; else the one that makes most fields."""
    counted = {one: [field or "" for field in fields(line, one, "")] for one in DELIMITERS}
    wanted = len(options.columns or options.known)
    for one, names in counted.items():
        if options.header and len(names) > 1 and all(find_name(name, options.known) for name in names):
            return one
        if not options.header and len(names) == wanted:
            return one
    return max(DELIMITERS, key=lambda one: len(counted[one]))


def _refuse_twice(row: Sequence[str], choice: ColumnChoice, caution: str = "") -> None:
    twice = next((name for name in choice.sources if row.count(name) > 1), None)
    if twice:
        raise RequestInvalid(
            f"The file has two columns {twice[:80]!r}; nothing was loaded.",
            hint=f"Rename one in its first line, or list the other columns in columns. {caution}".rstrip(),
        )


def _is_row(record: Record) -> bool:
    return bool(record.text) and not record.fault


def _refuse_misfit(head: Sequence[Sequence[object]], options: FileOptions) -> None:
    """Refuse columns that none of the first rows of a file without a line of names fits.

    Raises:
        RequestInvalid: Each of them has another number of fields.
    """
    wanted = list(options.columns or options.known)
    counts = sorted({len(row) for row in head})
    if not counts or len(wanted) in counts:
        return
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    whose = "columns names" if options.columns else "the table has"
    example = f", such as {written(options.known[: counts[0]])}" if counts[0] <= len(options.known) else ""
    raise RequestInvalid(
        f"The file's rows have {number} fields, and {whose} {len(wanted)}; nothing was loaded.",
        hint=f"Name the column of each field in columns, in the file's order{example}. If fields are split "
        "wrong, give delimiter; to leave fields out, give the file a line of names.",
    )


def _chained(first: Record | None, rest: Iterator[Record]) -> Iterator[Record]:
    if first is not None:
        yield first
    yield from rest


def _json_lines(file: BinaryIO, options: FileOptions) -> _Stream:
    """Read JSON Lines."""
    return _objects(json_lines, TextLines(file, options.encoding), options)


def _json(file: BinaryIO, options: FileOptions) -> _Stream:
    """Read a JSON array, or JSON Lines under this name."""
    lines = TextLines(file, options.encoding)
    return _objects(json_lines if lines.sample().lstrip()[:1] == "{" else json_array, lines, options)


def _objects(
    read: Callable[[TextLines], Iterator[tuple[int, object]]], lines: TextLines, options: FileOptions
) -> _Stream:
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
    return _Stream(choice, rows, lambda: [*_encoding_notes(lines), *objects.notes()], lines)


def _parquet(file: BinaryIO, options: FileOptions) -> _Stream:
    opened = ParquetRows(file, options.path)
    choice = choose(opened.names, options.columns)
    _refuse_twice(opened.names, choice)
    notes = [f"Columns that were not loaded: {listed(choice.left_out)}."] if choice.left_out else []
    notes += opened.readings(choice.sources)
    return _Stream(choice, opened.rows(choice.sources), lambda: notes)


_READERS: Final[dict[str, Callable[[BinaryIO, FileOptions], _Stream]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}
