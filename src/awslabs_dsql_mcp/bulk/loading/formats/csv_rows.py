"""CSV with the meaning that PostgreSQL's COPY gives it (PostgreSQL 18 documentation, COPY, "CSV Format").

A field that equals the NULL text is NULL unless any of it is quoted: an empty field is NULL, ``""`` an empty
text. Quotes may stand anywhere in a field and are doubled inside. The first line decides what ends lines.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.bulk.loading.cells import ColumnText
from awslabs_dsql_mcp.bulk.loading.formats.text_lines import MAX_RECORD, TextLines
from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow, NumberedRow
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.text import pluralize

DELIMITERS: Final = (",", ";", "\t", "|")
"""Delimiters that are found without being named, the likeliest first."""

_QUOTE_OR_END: Final = re.compile(r'["\r\n]')
_NAMES: Final = {"\n": "a line feed", "\r": "a carriage return", "\r\n": "a carriage return and a line feed"}


@dataclass(frozen=True)
class Record:
    """A line of CSV, or several where quotes hold line ends.

    Attributes:
        text: Its text without the end.
        line: Number of its first line.
        last_line: Number of its last line.
        offset: Where it begins in the file, in bytes.
        fault: Why it cannot be read; empty if it can.
        is_rest: It is all that follows in the file.
    """

    text: str
    line: int
    last_line: int
    offset: int
    fault: str = ""
    is_rest: bool = False

    def invalid(self, fault: str) -> InvalidRow:
        """Make it a row that cannot be loaded."""
        more = f" (the row ends in line {self.last_line:,})" if self.last_line > self.line else ""
        return InvalidRow(f"{fault}{more}", self.is_rest)


class CsvRecords:
    """Records of a CSV file.

    Args:
        lines: The file.
    """

    def __init__(self, lines: TextLines) -> None:
        self.lines = lines
        self._end = _line_end(lines.sample())
        lines.split_at(self._end[-1])

    def __iter__(self) -> Iterator[Record]:
        """Read the records."""
        lines = self.lines
        try:
            for text in lines:
                yield self._record(text, lines.number, lines.offset)
        except UnicodeDecodeError as error:
            told = f"the file cannot be read from here on as {lines.encoding.upper()}: {error.reason}"
            yield Record("", lines.number + 1, lines.number + 1, lines.offset, told, is_rest=True)

    def _record(self, text: str, line: int, offset: int) -> Record:
        """Read on until the end of a line outside of quotes."""
        lines, pieces, size = self.lines, [text], self.lines.size(text)
        quoted = text.count('"') % 2 == 1
        while quoted or not text.endswith(self._end[-1]):
            text = next(lines, "")
            if not text:
                break
            quoted ^= text.count('"') % 2 == 1
            size += lines.size(text)
            if size <= MAX_RECORD:
                pieces.append(text)
        whole = "".join(pieces)
        body = whole.removesuffix(self._end)
        fault = ""
        if quoted:
            fault = "a quote is opened and not closed"
        elif size > MAX_RECORD:
            fault = f"it has more than {MAX_RECORD >> 20} MiB; a quote may be missing"
        else:
            fault = lines.fault(body, offset) or self._stray(whole, body)
        is_rest = quoted and lines.number > line
        return Record(body, line, lines.number, offset, fault, is_rest)

    def _stray(self, whole: str, body: str) -> str:
        """Find a line end of another kind than the first line's outside of quotes, as COPY does."""
        if body == whole and whole.endswith(self._end[-1]):
            return f"it ends with {_NAMES[self._end[-1]]} alone, and the first line with {_NAMES[self._end]}"
        for other in "\r\n":
            if other in body and any(other in part for part in body.split('"')[::2]):
                return f"it has {_NAMES[other]} outside of quotes"
        return ""


def fields(text: str, delimiter: str, null: str) -> list[str | None]:
    """Split a record into its fields.

    Args:
        text: The record, with its quotes in pairs.
        delimiter: One character.
        null: The text of an unquoted field that is NULL.
    """
    if '"' not in text:
        return [None if field == null else ColumnText(field) for field in text.split(delimiter)]
    found: list[str | None] = []
    value, quoted = "", False
    parts = text.split('"')
    last = len(parts) - 1
    for index, part in enumerate(parts):
        if index % 2:
            value, quoted = value + part, True
        elif not part and 0 < index < last:
            value += '"'  # two quotes inside of quotes
        else:
            first, *others = part.split(delimiter)
            value += first
            for other in others:
                found.append(None if not quoted and value == null else ColumnText(value))
                value, quoted = other, False
    found.append(None if not quoted and value == null else ColumnText(value))
    return found


@dataclass(frozen=True)
class Seen:
    """Lines of a file that are worth a word.

    Attributes:
        empty: Numbers of empty lines, which are no rows where there are several columns.
        escaped: Numbers of lines with a backslash before a quote, which escapes nothing.
    """

    empty: list[int] = field(default_factory=list[int])
    escaped: list[int] = field(default_factory=list[int])

    def notes(self) -> Iterator[str]:
        """Word them."""
        if self.empty:
            yield f"{pluralize(len(self.empty), 'empty line')} passed over (first: line {self.empty[0]:,})."
        if self.escaped:
            rows = f"{pluralize(len(self.escaped), 'row')} (first: line {self.escaped[0]:,})"
            yield (
                f"A backslash before a quote in {rows}: it escapes nothing, as for COPY. If it should, write "
                "quotes twice."
            )


def csv_rows(
    records: Iterator[Record],
    width: int,
    chosen: Sequence[int],
    delimiter: str,
    separator: str,
    null: str,
    seen: Seen,
) -> Iterator[NumberedRow]:
    """Read rows.

    Args:
        records: The records behind the header.
        width: Number of columns of the file.
        chosen: The columns that are loaded, in their order.
        delimiter: One character.
        separator: Its name in words.
        null: The text of an unquoted field that is NULL.
        seen: Takes note of lines that are worth a word.
    """
    everything = list(chosen) == list(range(width))
    for record in records:
        if '\\"' in record.text:
            seen.escaped.append(record.line)
        if record.fault:
            yield record.line, record.invalid(record.fault)
        elif not record.text and width > 1:
            seen.empty.append(record.line)
        elif len(row := fields(record.text, delimiter, null)) != width:
            told = f"it has {pluralize(len(row), 'field')} for {pluralize(width, 'column')}"
            yield record.line, record.invalid(f"{told}, split at {separator}")
        else:
            yield record.line, row if everything else [row[index] for index in chosen]


def checked_delimiter(given: str) -> str:
    r"""Check a delimiter; ``tab`` and ``\t`` are names of one.

    Raises:
        RequestInvalid: It is none (PostgreSQL documentation, COPY, DELIMITER).
    """
    delimiter = "\t" if given in ("tab", "\\t") else given
    if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise RequestInvalid(
            f"delimiter {given[:20]!r} is not one: it is a single ASCII character, no quote and no line end.",
            hint="Leave it out to have it found: comma, semicolon, tab or pipe.",
        )
    return delimiter


def _line_end(sample: str) -> str:
    quoted = False
    for found in _QUOTE_OR_END.finditer(sample):
        if found[0] == '"':
            quoted = not quoted
        elif not quoted:
            return "\r\n" if sample.startswith("\r\n", found.start()) else found[0]
    return "\n"
