"""A part of a long text: where it begins, and where to continue. Positions count characters from 0."""

import re
from dataclasses import dataclass

from awslabs_dsql_mcp.errors import RequestInvalid

# A server that keeps to a length may still put lines of its own around the text.
WRAPPING = 500
_GOES_ON = re.compile(r"start_index\W{1,3}(\d{1,9})")


@dataclass(frozen=True)
class Excerpt:
    """A part of a text.

    Attributes:
        text: The part.
        start: The position of its first character.
        next_start: Position to continue at; ``None`` at the end.
        total: The length of the whole; ``None`` where it is not known.
    """

    text: str
    start: int
    next_start: int | None
    total: int | None

    @property
    def extent(self) -> str:
        """Name the part and where to continue, as half a sentence."""
        of = "" if self.total is None else f" of {self.total}"
        part = f"characters {self.start} to {self.start + len(self.text)}{of}"
        return part if self.next_start is None else f"{part}; continue at start_index={self.next_start}{of}"


def paginate(text: str, start: int, length: int) -> Excerpt:
    """Take at most ``length`` characters of a whole text.

    Raises:
        RequestInvalid: ``start`` is past the end.
    """
    total = len(text)
    if start and start >= total:
        raise RequestInvalid(
            f"start_index {start} is past the end of the page.", hint=f"The page has {total:,} characters."
        )
    end = min(start + length, total)
    return Excerpt(text[start:end], start, end if end < total else None, total)


def page_from_server(text: str, start: int, length: int) -> Excerpt:
    """A part that the server has cut: a note at its end names the next position, or its length does."""
    noted = [int(number) for number in _GOES_ON.findall(text[-WRAPPING:])]
    next_start = max((number for number in noted if number > start), default=None)
    if next_start is None and len(text) >= length:
        next_start = start + length
    return Excerpt(text, start, next_start, start + len(text) if next_start is None else None)
