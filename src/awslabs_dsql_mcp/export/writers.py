"""Rows in the text form of PostgreSQL written to a file as CSV or as JSON Lines."""

import re
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from typing import BinaryIO, Final, Protocol

from awslabs_dsql_mcp.database.model import Field
from awslabs_dsql_mcp.errors import RequestInvalid

Row = tuple[str | None, ...]


class RowWriter(Protocol):
    """Writer of a format."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        ...

    def close(self) -> None:
        """Write the end of the file; the file itself stays open."""
        ...

    def abandon(self) -> None:
        """Write nothing more, nor the end: the file is emptied or removed."""
        ...


OpenWriter = Callable[[BinaryIO, Sequence[Field]], RowWriter]
"""Begins a file, of which it writes the head."""


class _TextWriter:
    def close(self) -> None:
        """Write nothing: a text has no end of its own."""

    def abandon(self) -> None:
        """Do nothing: all is written by `write`."""


class CsvWriter(_TextWriter):
    """Writer of CSV as PostgreSQL writes it (PostgreSQL documentation, "COPY", CSV Format, with HEADER).

    Args:
        file: The file, in UTF-8.
        fields: The columns.
    """

    def __init__(self, file: BinaryIO, fields: Sequence[Field]) -> None:
        self._file = file
        self._is_single = len(fields) == 1
        self.write([tuple(field.name for field in fields)])

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows; NULL is an empty field, the empty string ``""``."""
        lines = [_csv_line(row) for row in rows]
        if self._is_single:  # by itself on a line, \. would end the data
            lines = ['"\\."' if line == "\\." else line for line in lines]
        self._file.write("".join([f"{line}\n" for line in lines]).encode())


_QUOTED: Final = re.compile(r'[",\r\n]').search


def _csv_line(row: Row) -> str:
    return ",".join([_csv_field(text) for text in row])


def _csv_field(text: str | None) -> str:
    if text is None:
        return ""
    if not text or _QUOTED(text):
        return '"' + text.replace('"', '""') + '"'
    return text


class JsonLinesWriter(_TextWriter):
    """Writer of a JSON object a line (RFC 8259).

    Numbers keep their digits, of whatever length; documents of json and jsonb stand as they are. NaN and
    infinity, and values of all other types, are strings of PostgreSQL's text.

    Args:
        file: The file, in UTF-8.
        fields: The columns.

    Raises:
        RequestInvalid: Two columns have the same name.
    """

    def __init__(self, file: BinaryIO, fields: Sequence[Field]) -> None:
        self._file = file
        self._names = [encode_basestring(name) + ":" for name in unique_names(fields)]
        self._encoders = [_JSON_ENCODERS.get(field.oid, encode_basestring) for field in fields]

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        columns = tuple(zip(self._names, self._encoders, strict=True))
        lines = [
            ",".join(
                [
                    name + ("null" if text is None else encode(text))
                    for (name, encode), text in zip(columns, row, strict=True)
                ]
            )
            for row in rows
        ]
        self._file.write("".join([f"{{{line}}}\n" for line in lines]).encode())


_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?").fullmatch
_LINE_ENDS: Final = str.maketrans("\r\n", "  ")  # in a JSON document they are insignificant


def _number(text: str) -> str:
    return text if _NUMBER(text) else encode_basestring(text)


def _boolean(text: str) -> str:
    return "true" if text == "t" else "false"


def _document(text: str) -> str:
    return text.translate(_LINE_ENDS)


# By the object ids of PostgreSQL's built-in types, which are fixed (pg_type.dat).
_JSON_ENCODERS: Final[dict[int, Callable[[str], str]]] = {
    16: _boolean,
    20: _number,
    21: _number,
    23: _number,
    114: _document,
    700: _number,
    701: _number,
    1700: _number,
    3802: _document,
}


def unique_names(fields: Sequence[Field]) -> list[str]:
    """List the names of columns, for a format that tells columns apart by name.

    Raises:
        RequestInvalid: Two have the same name.
    """
    names = [field.name for field in fields]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RequestInvalid(
            f"Two columns are named {twice!r}, which this format cannot hold.",
            code="duplicate_column",
            hint="Give each its own name with AS, or write CSV.",
        )
    return names
