"""Values in the text form of their column's type, as elements of arrays."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, cast

from awslabs_dsql_mcp.json_text import dumps

RowText = tuple[str | None, ...]
"""Cells of a row; ``None`` is NULL."""

_SPELLED: Final = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
"""Numbers that are not finite, as Python and Arrow write them: PostgreSQL's form."""

_QUOTED: Final = re.compile(r'["\\]')


class ColumnText(str):
    """A value that is in the text form of its column's type already, such as a field of a CSV file."""

    __slots__ = ()


class QuotedText(str):
    """A text that became a JSON string, as its column is of a JSON type."""

    __slots__ = ()


def to_text(value: object, *, as_json: bool) -> str | None:
    """Convert a value to the text form of a column's type; ``None`` is NULL.

    Args:
        value: A JSON value, a number, a date or time, or bytes.
        as_json: The column is of a JSON type: a str becomes a JSON string, unless it is a `ColumnText`.

    Raises:
        ValueError: A number in a document is not finite.
    """
    if value is None:
        return None
    if isinstance(value, ColumnText) or (isinstance(value, str) and not as_json):
        return value
    if as_json or isinstance(value, bool | dict | list):
        text = dumps(cast("object", value))
        return QuotedText(text) if isinstance(value, str) else text
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, timedelta):
        return _interval(value)
    isoformat = getattr(value, "isoformat", None)
    text = str(isoformat()) if callable(isoformat) else str(value)
    return float_text(text) if type(value) is float else text  # an ExactNumber keeps its digits


def float_text(text: str | None) -> str | None:
    """Write a number, in the form of Python or Arrow, in that of PostgreSQL."""
    return text and (_SPELLED.get(text) or text.removesuffix(".0"))


def _interval(value: timedelta) -> str:
    """Write a length of time with one sign: Python's own form of -1 s is ``-1 day, 23:59:59``."""
    sign, length = ("-", -value) if value < timedelta(0) else ("", value)
    days, time = length.days, length - timedelta(days=length.days)
    return f"{sign}{days} days {sign}{time}" if days else f"{sign}{time}"


def weight(cells: RowText) -> int:
    """Size of a row in a message, in bytes.

    Raises:
        UnicodeEncodeError: A cell has a lone surrogate, which is no text.
    """
    total = 0
    for cell in cells:
        if cell is not None:
            total += len(cell) if cell.isascii() else len(cell.encode())
            total += cell.count('"') + cell.count("\\")
    return total + 5 * len(cells)  # quotes and comma, or NULL


def array(column: Sequence[str | None]) -> str:
    """Write an array of cells (PostgreSQL documentation, "Array Value Input")."""
    return "{" + ",".join(map(_element, column)) + "}"


def _element(cell: str | None) -> str:
    if cell is None:
        return "NULL"
    return f'"{_QUOTED.sub(_escaped, cell)}"' if '"' in cell or "\\" in cell else f'"{cell}"'


def _escaped(match: "re.Match[str]") -> str:
    return "\\" + match.group()
