"""Results as the driver keeps them: columns, rows up to the caps, the command tag."""

from collections.abc import Sequence
from dataclasses import dataclass

from typing_extensions import Self


class TruncatedText(str):
    """The beginning of a text.

    Args:
        text: As much of it as was kept.
        length: Characters of the whole.
    """

    __slots__ = ("length",)

    def __new__(cls, text: str, length: int) -> Self:
        """Make one."""
        made = super().__new__(cls, text)
        made.length = length
        return made


def truncate_value(text: str | None, characters: int) -> str | None:
    """Cut a text that is longer than so many characters."""
    if text is None or len(text) <= characters:
        return text
    return TruncatedText(text[:characters], text.length if isinstance(text, TruncatedText) else len(text))


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
    """What one statement gave.

    Attributes:
        command: The server's command tag, such as ``INSERT 0 3``.
        rows_affected: Rows that the command changed or returned; ``None`` where it has no count.
        columns: Columns of the rows; empty for a statement without rows, and for rows without columns.
        rows: The cells in the server's text form; ``None`` is NULL.
        returned: Rows that the server sent, kept in ``rows`` or not; ``None`` for a statement without rows.
        notices: What the server remarked: that it skipped something, or did more than was written.
    """

    command: str
    rows_affected: int | None
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    returned: int | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResultLimits:
    """How much of a result is kept and shown.

    Attributes:
        rows: Rows at most.
        characters: Characters of all rows at most; one row is shown in any case, its cells cut to fit.
        cell: Characters of one value at most.
    """

    rows: int = 100
    characters: int = 30_000
    cell: int = 2_000


class RowBuffer:
    """Rows as they arrive: kept up to the caps, then only counted, so that no result is too large.

    Args:
        caps: How much to keep; ``None`` for all.
    """

    def __init__(self, caps: ResultLimits | None) -> None:
        self._caps = caps
        self._characters = 0
        self.rows: list[tuple[str | None, ...]] = []

    @property
    def is_full(self) -> bool:
        """Whether no further row is kept."""
        caps = self._caps
        return caps is not None and (len(self.rows) >= caps.rows or self._characters > caps.characters)

    def add(self, row: Sequence[str | None]) -> None:
        """Keep a row, its long values cut."""
        caps = self._caps
        cells = tuple(row) if caps is None else tuple(truncate_value(text, caps.cell) for text in row)
        self._characters += sum(len(text or "") for text in cells)
        self.rows.append(cells)
