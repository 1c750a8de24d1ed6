"""JSON with its numbers digit by digit: reading and writing.

A double keeps 17 digits and powers of ten up to 308; JSON's numbers and PostgreSQL's ``numeric`` have no such
bound (RFC 8259, section 6).
"""

import json
from decimal import Decimal
from typing import Any, Final, NoReturn, cast

from typing_extensions import Self, override

_MAX_INT_DIGITS: Final = 4_300
"""Python documentation, "Integer string conversion length limitation"."""


class ExactNumber(float):
    """A number as it was written: a float for those who compute, its digits for those who carry it.

    Args:
        digits: The number in JSON's syntax.
    """

    __slots__ = ("digits",)
    digits: str

    def __new__(cls, digits: str) -> Self:
        """Create the number."""
        self = super().__new__(cls, digits)
        self.digits = str(digits)
        return self

    @override
    def __repr__(self) -> str:
        return self.digits


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON; fractions, exponents and very long integers become `ExactNumber`.

    Raises:
        ValueError: It is not JSON. ``NaN`` and ``Infinity``, which Python's own reader takes, are none.
        RecursionError: It is nested too deep.
    """
    return json.loads(text, parse_float=ExactNumber, parse_int=integer, parse_constant=_refuse)


def dumps(value: object) -> str:
    """Write a value as JSON with all digits of its numbers; what JSON has no form for goes as text.

    Raises:
        ValueError: A number is not finite; or there are bytes, which are no text.
    """
    if isinstance(value, bytes):
        raise ValueError("bytes are no text")  # noqa: TRY004 - of a value, as the others
    if isinstance(value, ExactNumber):
        return value.digits
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return "{" + ", ".join(f"{_text(str(key))}: {dumps(item)}" for key, item in items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dumps, cast("list[object]", value))) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value, allow_nan=False)
    return _text(str(value))


def integer(digits: str) -> int | ExactNumber:
    """Read a whole number; one with more digits than Python converts, and minus zero, as they are written."""
    return ExactNumber(digits) if len(digits) > _MAX_INT_DIGITS or digits == "-0" else int(digits)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")
