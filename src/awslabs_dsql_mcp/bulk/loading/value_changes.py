"""Values that PostgreSQL changes on their way into a column without an error: rounded, or cut of a part.

Source: PostgreSQL documentation, chapter "Data Types".
"""

import json
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
_FLOAT4_DIGITS, _FLOAT8_DIGITS = 9, 17  # which tell any two apart
_NUMBER: Final = re.compile(r"\s*[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,4}))?\s*")
_SECONDS: Final = re.compile(r":\d{1,2}[.,](\d+)")
_MICROSECONDS: Final = 6
_FULL_PRECISION: Final = 0xFFFF  # of an interval
_ALL_FIELDS: Final = 0x7FFF
# The smallest unit that an interval's modifier keeps (PostgreSQL source, INTERVAL_MASK in timestamp.h).
_INTERVAL_BITS: Final = (
    ("s", 1 << 12),
    ("m", 1 << 11),
    ("h", 1 << 10),
    ("d", 1 << 3),
    ("mon", 1 << 1),
    ("y", 1 << 2),
)
_UNITS: Final[tuple[str, ...]] = ("y", "mon", "d", "h", "m", "s")
_UNIT: Final = re.compile(r"([+-]?\d*\.?\d+)\s*([a-z]+)")
_CLOCK: Final = re.compile(r"(\d+):(\d+)(?::([\d.]+))?")
_MONTHS: Final = 12
_DATE: Final = re.compile(r"\d[-/]\d{1,2}[-/]\d|\d{8}[T ]", re.IGNORECASE)
_TIME_IN_DATE: Final = re.compile(r"\dT\d|\d{8} +\d|\d\s*[AP]M\b|\d\+\d|\dZ$", re.IGNORECASE)
# A zone stands behind the time: an offset, or a word that is no part of a date.
_OFFSET: Final = re.compile(r"(?::\d{1,2}|T\d{4,6})(?:[.,]\d+)?\s*(?:[+-]\s*\d|Z\b)", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_NO_ZONES: Final = re.compile(
    r"am|pm|bc|ad|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*",
    re.IGNORECASE,
)


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


def _timestamp(modifier: int) -> Changes:
    seconds = _time(modifier)
    return lambda text: seconds(text) or _has_zone(text)


def _time_of_day(modifier: int) -> Changes:
    seconds = _time(modifier)
    return lambda text: seconds(text) or _DATE.search(text) is not None or _has_zone(text)


def _time_with_zone(modifier: int) -> Changes:
    seconds = _time(modifier)
    return lambda text: seconds(text) or _DATE.search(text) is not None


def _date(_modifier: int) -> Changes:
    return lambda text: ":" in text or _TIME_IN_DATE.search(text) is not None


def _interval(modifier: int) -> Changes:
    seconds = _time(modifier)
    fields = modifier >> 16 & _ALL_FIELDS if modifier >= 0 else _ALL_FIELDS
    last = next((unit for unit, bit in _INTERVAL_BITS if fields & bit), "s")
    return lambda text: seconds(text) or _is_cut(text, last)


def _jsonb(_modifier: int) -> Changes:
    return _has_twins


def _float8(_modifier: int) -> Changes:
    return lambda text: _is_inexact(text, _FLOAT8_DIGITS, float, repr)


def _float4(_modifier: int) -> Changes:
    return lambda text: _is_inexact(text, _FLOAT4_DIGITS, _as_float4, _shortest_float4)


_FINDERS: Final[dict[str, Callable[[int], Changes | None]]] = {
    "numeric": _numeric,
    "varchar": _varchar,
    "date": _date,
    "float8": _float8,
    "float4": _float4,
    "timestamp": _timestamp,
    "timestamptz": _time,
    "time": _time_of_day,
    "timetz": _time_with_zone,
    "interval": _interval,
    "jsonb": _jsonb,
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


def _has_zone(text: str) -> bool:
    behind = text.partition(":")[2]
    return _OFFSET.search(text) is not None or any(
        _NO_ZONES.fullmatch(word) is None for word in _WORD.findall(behind)
    )


def _is_cut(text: str, last: str) -> bool:
    """Tell if an interval has units below the last one that is kept."""
    lost = _UNITS[_UNITS.index(last) + 1 :]
    if not lost:
        return False
    parts = _parts(text.lower())
    if last == "y" and not parts["mon"] % _MONTHS:
        parts["mon"] = 0
    return any(parts[unit] for unit in lost) or bool(parts[last] % 1)


def _parts(text: str) -> dict[str, float]:
    """Read the units of an interval, in PostgreSQL's form or that of ISO 8601; a number alone has none."""
    parts: dict[str, float] = dict.fromkeys(map(str, _UNITS), 0.0)
    date, is_iso, time = text.partition("t") if text.lstrip().startswith("p") else (text, "", "")
    for piece, is_time in ((date, not text.lstrip().startswith("p")), (time, bool(is_iso))):
        for number, word in _UNIT.findall(piece):
            parts[_unit(word, is_time=is_time)] += float(number)
        for clock in _CLOCK.findall(piece):
            for unit, digits in zip(("h", "m", "s"), clock, strict=True):
                parts[unit] += float(digits or 0)
    return parts


def _unit(word: str, *, is_time: bool) -> str:
    if word.startswith("mon") or (word == "m" and not is_time):
        return "mon"
    if word.startswith(("y", "dec", "c", "mil")) and not word.startswith("millis"):
        return "y"
    return "d" if word.startswith(("d", "w")) else word[0] if word[0] in "hm" else "s"


def _has_twins(text: str) -> bool:
    """Tell if an object of a document has a key twice, of which jsonb keeps the last."""
    found = False

    def check(pairs: list[tuple[str, object]]) -> None:
        nonlocal found
        found = found or len({key for key, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=check, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return found


def _is_inexact(
    text: str, most: int, store: Callable[[float], float], shortest: Callable[[float], str]
) -> bool:
    """Tell if a number is neither the shortest for what is stored, nor what is stored to as many digits.

    PostgreSQL prints a digit more than Python where the shortest lies half-way between two numbers
    (PostgreSQL source, d2s.c: the bounds are not accepted).
    """
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[1] or found[2]) or abs(int(found[3] or 0)) > _MAX_EXPONENT:
        return False
    number = float(text)
    if abs(number) == float("inf"):
        return False
    given = Decimal(text.strip())
    digits = max(len((found[1] + found[2]).lstrip("0")), 1)
    if given == Decimal(shortest(number)):
        return False
    return digits > most or given != Decimal(f"{store(number):.{digits - 1}e}")


def _as_float4(number: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:  # the server refuses it
        return number


def _shortest_float4(number: float) -> str:
    kept = _as_float4(number)
    texts = (f"{kept:.{digits}g}" for digits in range(1, _FLOAT4_DIGITS + 1))
    return next((text for text in texts if _as_float4(float(text)) == kept), repr(number))
