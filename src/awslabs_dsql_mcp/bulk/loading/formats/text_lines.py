"""Lines of a text file in any encoding, with the place of each byte that is no text.

Bytes that cannot be decoded become lone surrogates (Python documentation, "surrogateescape"), so that only
the rows that have them are unreadable.
"""

import codecs
import re
from collections.abc import Iterator
from io import SEEK_SET, TextIOWrapper
from typing import BinaryIO, Final

from awslabs_dsql_mcp.errors import RequestInvalid

MAX_PIECE: Final = 1 << 20
"""Characters of a line that are read at once."""

MAX_RECORD: Final = 16 << 20
"""Bytes of a row; the message of a transaction has 10 MiB."""

_SAMPLE: Final = 1 << 20
_NOT_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class TextLines(Iterator[str]):
    """Lines of a file with their ends, from its beginning; a long one comes in pieces.

    Args:
        file: The file.
        encoding: Name of its encoding; empty for what its byte order mark says, or UTF-8.

    Attributes:
        encoding: The encoding that is used.
        start: Where the text begins, in bytes.
        number: Number of the line that was given last, from 1.
        offset: Where it begins, in bytes from the beginning of the file.

    Raises:
        RequestInvalid: The encoding is unknown, or another than the file's byte order mark says.
    """

    def __init__(self, file: BinaryIO, encoding: str = "") -> None:
        file.seek(0)
        head = file.read(4)
        mark, marked = next((pair for pair in _BYTE_ORDER_MARKS if head.startswith(pair[0])), (b"", ""))
        self._has_mark = bool(mark)
        self.encoding = _checked(encoding, marked)
        self.number = 0
        self.start = self.offset = self._next_offset = len(mark)
        self._is_wide = self.encoding.startswith(("utf-16", "utf-32"))
        self._errors = "surrogatepass" if self._is_wide else "surrogateescape"
        self._file = file
        self._text: TextIOWrapper | None = None
        self._ended = True

    def notes(self) -> list[str]:
        """Tell the encoding, where the byte order mark alone says it."""
        if self._has_mark and self.encoding != "utf-8":
            return [f"Read as {self.encoding.upper()}, as its byte order mark says."]
        return []

    def sample(self) -> str:
        """Give the beginning of the text."""
        self._file.seek(self.offset, SEEK_SET)
        decoder = codecs.getincrementaldecoder(self.encoding)(self._errors)
        return decoder.decode(self._file.read(_SAMPLE))

    def split_at(self, end: str) -> None:
        """Choose the character that ends lines: a line feed, or a carriage return."""
        self._file.seek(self.offset, SEEK_SET)
        self._text = TextIOWrapper(self._file, self.encoding, self._errors, newline=end)

    def _opened(self) -> TextIOWrapper:
        if self._text is None:
            self.split_at("\n")
        assert self._text is not None  # noqa: S101 - just set
        return self._text

    def __next__(self) -> str:
        """Give the next line or piece of one.

        Raises:
            UnicodeDecodeError: What follows cannot be read in this encoding at all.
        """
        piece = self._opened().readline(MAX_PIECE)
        if not piece:
            raise StopIteration
        if self._ended:
            self.number += 1
        self.offset = self._next_offset
        self._next_offset += self.size(piece)
        self._ended = len(piece) < MAX_PIECE or piece.endswith(("\n", "\r"))
        return piece

    def size(self, text: str) -> int:
        """Count the bytes of a text in the file."""
        if text.isascii() and not self._is_wide:
            return len(text)
        return len(text.encode(self.encoding, self._errors))

    def restart(self) -> None:
        """Begin at the first line again."""
        if self._text is not None:
            self._text.detach()
            self._text = None
        self.number, self._ended = 0, True
        self.offset = self._next_offset = self.start

    def read(self) -> str:
        """Read on without regard to lines; give a piece of text, empty at the end.

        Raises:
            UnicodeDecodeError: What follows cannot be read in this encoding at all.
        """
        return self._opened().read(MAX_PIECE)

    def fault(self, text: str, offset: int) -> str | None:
        """Find the first character that is no text.

        Args:
            text: A part of the file.
            offset: Where it begins, in bytes.
        """
        found = None if text.isascii() and "\0" not in text else _NOT_TEXT.search(text)
        if found is None:
            return None
        at = offset + self.size(text[: found.start()])
        if found[0] == "\0":
            return f"it has a NUL character, which text cannot contain, at offset {at:,} of the file"
        if self._is_wide:
            return f"it has a lone surrogate at offset {at:,} of the file"
        return (
            f"byte 0x{ord(found[0]) & 0xFF:02X}, at offset {at:,} of the file, is not {self.encoding.upper()}"
        )


def _checked(encoding: str, marked: str) -> str:
    if not encoding:
        return marked or "utf-8"
    try:
        name = codecs.lookup(encoding).name
        "a".encode(name)  # some codecs are no encodings of text
    except (LookupError, ValueError, TypeError):
        raise RequestInvalid(
            f"There is no encoding {encoding[:40]!r}.",
            hint="Name one such as latin-1, cp1252, utf-16, shift_jis.",
        ) from None
    family = name.removesuffix("-sig")
    if marked and family not in (marked, marked[:-3]):
        raise RequestInvalid(
            f"encoding says {encoding}, and the file begins with the byte order mark of {marked}.",
            hint="Leave encoding out: the mark says it.",
        )
    if family in ("utf-16", "utf-32") and not marked:
        raise RequestInvalid(
            f"The file has no byte order mark, so {encoding} has two meanings.",
            hint=f"Say {family}-le or {family}-be.",
        )
    return marked or family
