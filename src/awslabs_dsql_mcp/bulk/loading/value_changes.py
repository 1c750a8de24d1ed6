"""Values that PostgreSQL changes on their way into a column without an error: rounded or cut.

Source: PostgreSQL documentation, chapter "Data Types".
"""

import re
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from awslabs_dsql_mcp.bulk.splitting.table_info import ColumnInfo

Changes = Callable[[str], bool]
"""Returns true if a value is stored as another."""

_HEADER: Final = 4  # bytes that modifiers of numeric and varchar count in
_MAX_EXPONENT: Final = 400
_FLOAT4_DIGITS: Final = 9  # which tell any two apart
_NUMBER: Final = re.compile(r"\s*[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,4}))?\s*")
_SECONDS: Final = re.compile(r":\d{1,2}[.,](\d+)")
_MICROSECONDS: Final = 6
_FULL_PRECISION: Final = 0xFFFF  # of an interval


def changes_of(column: ColumnInfo) -> Changes | None:
    """Find how a column changes values; ``None`` if it stores each as it is, or refuses it.

    Args:
        column: The column.
    """
    find = _FINDERS.get(column.built_in_type)
    return find(column.modifier) if find else None


def _numeric(modifier: int) -> Changes | None:
    if modifier < _HEADER:
        return None
    scale = ((modifier - _HEADER & 0x7FF) ^ 0x400) - 0x400
    return lambda text: _is_rounded(text, scale)


def _varchar(modifier: int) -> Changes | None:
    return None if modifier < _HEADER else lambda text: len(text) > modifier - _HEADER


def _time(modifier: int) -> Changes:
    precision = modifier & _FULL_PRECISION  # of an interval, all bits are set for none
    digits = _MICROSECONDS if modifier < 0 or precision == _FULL_PRECISION else precision
    return lambda text: _has_more_seconds(text, digits)


def _date(_modifier: int) -> Changes:
    return lambda text: ":" in text


def _float8(_modifier: int) -> Changes:
    return lambda text: _is_inexact(text, repr)


def _float4(_modifier: int) -> Changes:
    return lambda text: _is_inexact(text, _shortest_float4)


_FINDERS: Final[dict[str, Callable[[int], Changes | None]]] = {
    "numeric": _numeric,
    "varchar": _varchar,
    "date": _date,
    "float8": _float8,
    "float4": _float4,
    **dict.fromkeys(("timestamp", "timestamptz", "time", "timetz", "interval"), _time),
}


def _is_rounded(text: str, scale: int) -> bool:
    if len(text.partition(".")[2]) <= scale and "e" not in text and "E" not in text and scale >= 0:
        return False
    found = _NUMBER.fullmatch(text)
    if found is None:
        return False
    whole, fraction, exponent = found.groups()
    digits = (whole + fraction).rstrip("0")
    needed = len(digits) - len(whole) - int(exponent or 0)
    return bool(digits.strip("0")) and needed > scale


def _has_more_seconds(text: str, digits: int) -> bool:
    found = _SECONDS.search(text)
    return found is not None and len(found[1].rstrip("0")) > digits


def _is_inexact(text: str, shortest: Callable[[float], str]) -> bool:
    """Compare a number with the shortest that reads back the same."""
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[1] or found[2]) or abs(int(found[3] or 0)) > _MAX_EXPONENT:
        return False
    number = float(text)
    return abs(number) != float("inf") and Decimal(text.strip()) != Decimal(shortest(number))


def _shortest_float4(number: float) -> str:
    try:
        stored = struct.pack("f", number)
        kept: float = struct.unpack("f", stored)[0]
    except OverflowError:  # the server refuses it
        return repr(number)
    texts = (f"{kept:.{digits}g}" for digits in range(1, _FLOAT4_DIGITS + 1))
    return next((text for text in texts if struct.pack("f", float(text)) == stored), repr(number))
