"""Numbers, amounts and moments as PostgreSQL prints them."""

import datetime as dt
import math
import re
import struct
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from awslabs_dsql_mcp.migration.values.syntax import NotConverted

_AMOUNT: Final = re.compile(r"\s*(-|\()?\s*(-)?\$?\s*(\d[\d,]*(?:\.\d*)?|\.\d+)\s*(\))?(-)?\s*")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?")
_TIMESTAMPTZ: Final = re.compile(r"(.*\d)\s*(?:([Zz])|([+-]\d\d)(?::?(\d\d))?)")
_TIME: Final = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?")
_MIN_PLACE, _MAX_PLACE = -4, 15  # of the first digit, in what PostgreSQL prints without an exponent
_MAX_DIGITS: Final = 17


def money(text: str) -> str:
    """Write an amount of money, under the locales C and en_US, as a number.

    Raises:
        NotConverted: It is none.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None or (match[1] == "(") != bool(match[4]):
        raise NotConverted(f"{text!r} is no amount in dollars: write it as a number")
    amount = Decimal(match[3].replace(",", "")).quantize(Decimal("0.01"), ROUND_HALF_UP)
    is_negative = bool(match[1] or match[2] or match[5]) and amount
    return str(-amount if is_negative else amount)


def numeric(text: str) -> Decimal:
    """Read a number.

    Raises:
        NotConverted: It is none, or not finite.
    """
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        raise NotConverted(f"{text!r} is no number") from None
    if not found.is_finite() or "_" in text:
        raise NotConverted(f"{text!r}: it is not finite, which no number of a fixed precision is")
    return found


def float_text(value: float) -> str:
    """Write a double precision number."""
    return _shortest(value, "d", "q")


def real_text(value: float) -> str:
    """Write a number of single precision."""
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        raise NotConverted(f"{value} is out of range") from None
    return _shortest(single, "f", "i")


def _shortest(value: float, form: str, integer: str) -> str:
    """Write a float as PostgreSQL does: with the fewest digits that are nearer to it than to any other."""
    if not math.isfinite(value):
        raise NotConverted("it is not finite")
    if not value:
        return "-0" if math.copysign(1, value) < 0 else "0"
    (bits,) = struct.unpack(integer, struct.pack(form, abs(value)))
    exact = Fraction(abs(value))
    below, above = (struct.unpack(form, struct.pack(integer, bits + step))[0] for step in (-1, 1))
    low = (exact + Fraction(below)) / 2
    high = (exact + Fraction(above)) / 2 if math.isfinite(above) else 2 * exact - low
    text = repr(abs(value))
    for digits in range(_MAX_DIGITS):
        candidate = Decimal(f"{abs(value):.{digits}e}")
        if Fraction(candidate) <= low:
            candidate += Decimal((0, (1,), candidate.adjusted() - digits))
        if low < Fraction(candidate) < high:
            text = f"{candidate:.{digits}e}"
            break
    mantissa, _, exponent = text.partition("e")
    return ("-" if value < 0 else "") + _positional(mantissa.replace(".", "").rstrip("0"), int(exponent))


def _positional(digits: str, place: int) -> str:
    """Write digits, the first of which stands for so many powers of ten."""
    if not _MIN_PLACE <= place < _MAX_PLACE:
        mantissa = digits[0] + (f".{digits[1:]}" if digits[1:] else "")
        return f"{mantissa}e{'-' if place < 0 else '+'}{abs(place):02}"
    if place < 0:
        return f"0.{'0' * (-place - 1)}{digits}"
    whole, rest = digits[: place + 1].ljust(place + 1, "0"), digits[place + 1 :]
    return whole + (f".{rest}" if rest else "")


def date(text: str) -> str:
    """Write an ISO date.

    Raises:
        NotConverted: It is none.
    """
    found = text.strip()
    try:
        if _DATE.fullmatch(found):
            return dt.date.fromisoformat(found).isoformat()
    except ValueError:
        pass
    raise NotConverted(f"{text!r}: write it as YYYY-MM-DD")


def time(text: str) -> str:
    """Write a time of day.

    Raises:
        NotConverted: It is none.
    """
    match = _TIME.fullmatch(text.strip())
    try:
        if match is not None:
            dt.time.fromisoformat(match[1])
            return match[1] + _fraction(match[2])
    except ValueError:
        pass
    raise NotConverted(f"{text!r}: write it as HH:MM:SS")


def timestamp(text: str, separator: str = " ") -> str:
    """Write an ISO timestamp without time zone.

    Raises:
        NotConverted: It is none.
    """
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        raise NotConverted(f"{text!r}: write it as YYYY-MM-DD HH:MM:SS")
    moment = time(match[2] + (f".{match[3]}" if match[3] else ""))
    return f"{date(match[1])}{separator}{moment}"


def timestamptz(text: str, separator: str = " ", *, minutes: bool = False) -> str:
    """Write an ISO timestamp with an offset in UTC, which is the time zone of Aurora DSQL.

    Raises:
        NotConverted: It is none.
    """
    match = _TIMESTAMPTZ.fullmatch(text.strip())
    if match is None or not (match[2] or match[3]):
        raise NotConverted(f"{text!r}: write it with its offset, as YYYY-MM-DD HH:MM:SS+00")
    local = timestamp(match[1])
    offset = dt.timedelta(0)
    if match[3]:
        sign = -1 if match[3].startswith("-") else 1
        offset = sign * dt.timedelta(hours=int(match[3][1:]), minutes=int(match[4] or 0))
    whole, _, fraction = local.partition(".")
    try:
        moment = dt.datetime.fromisoformat(whole) - offset
    except OverflowError:
        raise NotConverted(f"{text!r}: write it in UTC") from None
    zone = "+00:00" if minutes else "+00"
    return moment.isoformat(separator) + (f".{fraction}" if fraction else "") + zone


def _fraction(digits: str | None) -> str:
    kept = (digits or "").rstrip("0")
    return f".{kept}" if kept else ""
