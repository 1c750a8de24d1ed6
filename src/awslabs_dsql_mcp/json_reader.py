"""JSON of megabytes, read in many small steps.

Python's own reader holds the interpreter's lock from the first byte to the last, so that in another thread
too it would hold the event loop. This one takes a value, or a piece of a long text, at a time. It counts
values and levels as it goes, and ends where there are too many; and it reads bytes, since a `str` with one
emoji takes four bytes for each of its characters.
Source: RFC 8259.
"""

import json
import re
from codecs import getincrementaldecoder
from typing import Any, Final, NoReturn

from awslabs_dsql_mcp import json_text

MAX_VALUES: Final = 100_000
"""Texts, numbers, keys, objects and arrays of one message. A statement has at most 65,535 values
(PostgreSQL documentation, "PostgreSQL Limits"), and a transaction changes at most 3,000 rows.
"""

MAX_DEPTH: Final = 190
"""Objects and arrays inside each other, those of the envelope included; pydantic reads fewer than 200."""

MAX_DIGITS: Final = 150_000
"""Characters of a number; PostgreSQL's numeric has at most 131,072 digits before the point and 16,383 behind
it (PostgreSQL documentation, "Numeric Types").
"""

LARGE: Final = 32 << 10
"""Bytes from which on a text is read off the event loop."""

_STEP: Final = 1 << 18
_BLANKS: Final = re.compile(rb"[ \t\n\r]{0,65536}")
_NUMBER: Final = re.compile(
    rb"(-?(?:0|[1-9][0-9]{0,%d}))(\.[0-9]{1,%d})?([eE][-+]?[0-9]{1,%d})?" % ((MAX_DIGITS,) * 3)
)
_WORDS: Final = ((b"null", None), (b"true", True), (b"false", False))
_PIECE: Final = re.compile(
    rb"""(?:[^"\\\x00-\x1f]{1,256}
    |\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}
    |(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})
    |\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})
    ){0,1000}""",
    re.VERBOSE,
)
_CONTINUATION: Final = range(0x80, 0xC0)  # bytes within a character (RFC 3629, section 3)
_QUOTE: Final = ord('"')


class TooMuch(Exception):
    """A text that is beyond a limit.

    Args:
        reason: What there is too much of, and how much there may be; a clause.
    """


def check_utf8(data: bytes) -> None:
    """Check an encoding in small steps.

    Raises:
        UnicodeDecodeError: It is not UTF-8; its start is counted in all of the data.
    """
    decoder = getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _STEP):
        pending, _ = decoder.getstate()
        end = start + _STEP
        try:
            decoder.decode(data[start:end], final=end >= len(data))
        except UnicodeDecodeError as error:
            at = start - len(pending) + error.start
            raise UnicodeDecodeError("utf-8", data, at, at + 1, error.reason) from None


class JsonReader:
    """One JSON text.

    Args:
        data: The text, which is UTF-8.

    Attributes:
        has_lone_surrogate: True once a text was read that is no Unicode.
    """

    def __init__(self, data: bytes) -> None:
        self.has_lone_surrogate = False
        self._data = data
        self._at = 0
        self._values = 0
        self._keys: dict[str, str] = {}

    def read(self) -> Any:  # noqa: ANN401 - any JSON value
        """Read it, with all digits of its numbers, as `json_text.loads` does.

        Raises:
            ValueError: It is not JSON.
            TooMuch: It is nested too deep, or has too many values.
        """
        value = self._value(0)
        if self._next() is not None:
            self._wrong("Extra data")
        return value

    def _value(self, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        self._count()
        match self._next():
            case 0x7B:  # {
                return self._object(self._deeper(depth))
            case 0x5B:  # [
                return self._array(self._deeper(depth))
            case 0x22:
                return self._text()
            case _:
                return self._scalar()

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._at += 1
        if self._next() == ord("}"):
            self._at += 1
            return found
        while True:
            if self._next() != _QUOTE:
                self._wrong("Expecting property name enclosed in double quotes")
            self._count()
            key = self._text()
            self._take(":", "Expecting ':' delimiter")
            found[self._keys.setdefault(key, key)] = self._value(depth)
            if self._next() == ord("}"):
                self._at += 1
                return found
            self._take(",", "Expecting ',' delimiter")

    def _array(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self._at += 1
        if self._next() == ord("]"):
            self._at += 1
            return found
        while True:
            found.append(self._value(depth))
            if self._next() == ord("]"):
                self._at += 1
                return found
            self._take(",", "Expecting ',' delimiter")

    def _scalar(self) -> Any:  # noqa: ANN401 - any JSON value
        for word, value in _WORDS:
            if self._data.startswith(word, self._at):
                self._at += len(word)
                return value
        number = _NUMBER.match(self._data, self._at)
        if number is None:
            self._wrong("Expecting value")
        if number.end() - number.start() > MAX_DIGITS:
            raise TooMuch(f"has a number of more than {MAX_DIGITS:,} digits")
        self._at = number.end()
        digits = number[0].decode()
        return json_text.ExactNumber(digits) if number[2] or number[3] else json_text.integer(digits)

    def _text(self) -> str:
        pieces: list[str] = []
        start = self._at = self._at + 1
        while True:
            found = _PIECE.match(self._data, start)
            end = found.end() if found else start
            while end < len(self._data) and self._data[end] in _CONTINUATION:
                end -= 1
            if found and found["lone"]:
                self.has_lone_surrogate = True
            piece = self._data[start:end].decode()
            pieces.append(json.loads(f'"{piece}"') if "\\" in piece else piece)
            if end < len(self._data) and self._data[end] == _QUOTE:
                self._at = end + 1
                return "".join(pieces)
            if end == start:
                self._at = end
                at_end = end == len(self._data)
                self._wrong("Unterminated string" if at_end else "Invalid character in string")
            start = end

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise TooMuch(f"has more than {MAX_VALUES:,} values")

    @staticmethod
    def _deeper(depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise TooMuch(f"is nested more than {MAX_DEPTH} levels deep")
        return depth + 1

    def _next(self) -> int | None:
        """Find the next byte that is not blank; ``None`` at the end."""
        while (blanks := _BLANKS.match(self._data, self._at)) and blanks[0]:
            self._at = blanks.end()
        return self._data[self._at] if self._at < len(self._data) else None

    def _take(self, character: str, otherwise: str) -> None:
        if self._next() != ord(character):
            self._wrong(otherwise)
        self._at += 1

    def _wrong(self, what: str) -> NoReturn:
        raise ValueError(f"{what} at byte {self._at}")
