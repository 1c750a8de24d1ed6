"""Results: columns, rows up to the limits or in a sink, the command tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import Self


class TruncatedText(str):
    """The beginning of a text.

    Args:
        text: The part that was kept.
        length: Characters of the whole text.
    """

    __slots__ = ("length",)

    def __new__(cls, text: str, length: int) -> Self:
        """Create the text with the length of the whole."""
        self = super().__new__(cls, text)
        self.length = length
        return self


def truncate_value(text: str | None, limit: int) -> str | None:
    """Truncate a text to a number of characters."""
    if text is None or len(text) <= limit:
        return text
    return TruncatedText(text[:limit], text.length if isinstance(text, TruncatedText) else len(text))


@dataclass(frozen=True)
class Field:
    """A column as the server describes it (PostgreSQL documentation, "RowDescription").

    Attributes:
        name: Its name; names may repeat.
        oid: Object id of the type.
        modifier: Type modifier, such as a length; -1 for none.
    """

    name: str
    oid: int
    modifier: int


class RowSink(Protocol):
    """Receiver of all rows of a statement as they arrive; the result then has none."""

    def begin(self, fields: Sequence[Field]) -> None:
        """Take the columns. It is called again, and all begins anew, if the statement is sent again."""
        ...

    def add(self, rows: Sequence[tuple[str | None, ...]]) -> None:
        """Take rows in the server's text form; ``None`` is NULL."""
        ...

    @property
    def is_full(self) -> bool:
        """True if `flush` has to be awaited before more rows are received."""
        ...

    async def flush(self) -> None:
        """Make room for more rows."""
        ...


@dataclass(frozen=True)
class Column:
    """One column of a result.

    Attributes:
        name: Its name; names may repeat.
        type: Its type as PostgreSQL writes it, such as ``numeric(12,2)``.
        oid: Object id of the type.
    """

    name: str
    type: str
    oid: int


@dataclass(frozen=True)
class Result:
    """Result of one statement.

    Attributes:
        command: The server's command tag, such as ``INSERT 0 3``.
        rows_affected: Number of rows changed or returned; ``None`` for a command without a count.
        columns: Columns of the rows; empty for a statement without rows, and for rows without columns.
        rows: The cells in the server's text form; ``None`` is NULL.
        returned: Number of rows that the server sent, kept or not; ``None`` for a statement without rows.
        notices: Notices and warnings of the server.
    """

    command: str
    rows_affected: int | None
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    returned: int | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResultLimits:
    """Limits of the part of a result that is kept and shown.

    Attributes:
        rows: Maximum number of rows.
        characters: Maximum number of characters of all rows; the first row is always shown, truncated to fit.
        cell: Maximum number of characters of one value.
    """

    rows: int = 100
    characters: int = 30_000
    cell: int = 2_000


class RowBuffer:
    """Rows as they arrive, kept up to the limits.

    Args:
        limits: The limits; ``None`` for none.
    """

    def __init__(self, limits: ResultLimits | None) -> None:
        self.limits = limits
        self._characters = 0
        self.rows: list[tuple[str | None, ...]] = []

    @property
    def is_full(self) -> bool:
        """True if no further row is kept."""
        limits = self.limits
        return limits is not None and (len(self.rows) >= limits.rows or self._characters > limits.characters)

    def add(self, row: Sequence[str | None]) -> None:
        """Keep a row, its long values truncated."""
        limits = self.limits
        cells = tuple(row) if limits is None else tuple(truncate_value(text, limits.cell) for text in row)
        self._characters += sum(len(text or "") for text in cells)
        self.rows.append(cells)
