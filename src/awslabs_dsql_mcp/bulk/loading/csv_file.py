"""A file of CSV opened: its delimiter and the names of its columns found."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO, Final

from awslabs_dsql_mcp.bulk.loading.column_choice import (
    ColumnChoice,
    choose,
    find_name,
    refuse_repeated,
    written,
)
from awslabs_dsql_mcp.bulk.loading.formats.csv_rows import (
    DELIMITERS,
    CsvRecords,
    Record,
    Seen,
    checked_delimiter,
    csv_rows,
    fields,
)
from awslabs_dsql_mcp.bulk.loading.formats.text_lines import TextLines
from awslabs_dsql_mcp.bulk.loading.rows import FileOptions, OpenedRows, listed
from awslabs_dsql_mcp.errors import RequestInvalid

_LOOKED_AT: Final = 20  # rows of a file without names
_SAYS_DELIMITER: Final = re.compile(r'"?sep=([^"\r\n])"?', re.IGNORECASE)
_DELIMITER_NAMES: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a pipe"}


def csv_file(file: BinaryIO, options: FileOptions, delimiter: str) -> OpenedRows:
    """Open a file of CSV; its first line has the names, unless the caller says that there is none.

    Args:
        file: The file.
        options: What the caller says of it; a delimiter there goes before the other.
        delimiter: What separates fields; empty to find it.

    Raises:
        RequestInvalid: It has no names, or not the columns that are wanted; or cannot be read.
    """
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
    notes = lines.notes()
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
        refuse_repeated(row, choice, caution)
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
    return OpenedRows(choice, rows, lambda: [*notes, *seen.notes()], lines)


def _hint(first: Record) -> str:
    if "NUL" in first.fault:
        return "It may be UTF-16 without a byte order mark: name it in encoding, utf-16-le or utf-16-be."
    return "Correct it, or name the file's encoding in encoding."


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
