"""Rows of a source in their order, each with a hash of all up to it; read ahead, and asked for again."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from awslabs_dsql_mcp.bulk.loading.cells import RowText
from awslabs_dsql_mcp.bulk.loading.insert_plan import InsertPlan
from awslabs_dsql_mcp.bulk.loading.rows import IncompleteRow, InvalidRow, NumberedRow
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.errors import RequestInvalid

_MAX_MESSAGE: Final = 4 << 20  # bytes of a batch: a message of more than 10 MiB ends the connection
_DIGEST_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row with its place, its size in bytes, the hash of all rows up to it, and the keys that it lacks."""

    number: int
    line: int
    cells: RowText | InvalidRow
    size: int
    digest: bytes
    lacking: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """Its number, and its line where there are lines."""
        return place_of(self.number, self.line)

    @property
    def position(self) -> Position:
        """The position behind it."""
        return (str(self.number), self.digest.hex())


class RowStream:
    """Rows on their way, as a plan writes them.

    Args:
        plan: Which columns they fill.
        rows: They, by line.

    Attributes:
        before: The last row that is passed; its number is 0 before the first.
    """

    def __init__(self, plan: InsertPlan, rows: Iterator[NumberedRow]) -> None:
        self.before = PlacedRow(0, 0, (), 0, b"")
        self._plan = plan
        self._coming = self._placed(rows)
        self._ahead: deque[PlacedRow] = deque()

    def go_on_behind(self, after: Position | None) -> None:
        """Pass over the rows that are loaded.

        Raises:
            RequestInvalid: They are others than those that were loaded.
        """
        done = int(after[0]) if after else 0
        while self.before.number < done and (self._ahead or self._look_ahead()):
            self.before = self._ahead.popleft()
        if after and self.before.position != after:
            raise RequestInvalid(
                f"Rows 1 to {done:,}, which are loaded, are not the same here; nothing was loaded now.",
                code="resume_mismatch",
                hint="Change only rows behind them, and nothing about columns, null, delimiter and encoding. "
                "To load all rows again beside those: resume='new'.",
            )

    def take(self, rows: int) -> list[PlacedRow]:
        """Read rows that fit in a transaction; they stay ahead, since they may be asked for again."""
        taken: list[PlacedRow] = []
        heavy = 0
        while len(taken) < rows and (len(self._ahead) > len(taken) or self._look_ahead()):
            row = self._ahead[len(taken)]
            heavy += row.size
            if taken and (
                heavy > _MAX_MESSAGE or keyset.rows_that_fit(2, heavy, self._plan.table.indexes) < 2  # noqa: PLR2004 - fits or not
            ):
                break
            taken.append(row)
        return taken

    def ends_with(self, taken: Sequence[PlacedRow]) -> bool:
        """Tell if no row comes behind those that were taken."""
        return len(self._ahead) == len(taken) and not self._look_ahead()

    def rest(self) -> Iterator[PlacedRow]:
        """Give all rows that are left; nothing is taken then."""
        return chain(self._ahead, self._coming)

    def _look_ahead(self) -> bool:
        found = next(self._coming, None)
        if found is not None:
            self._ahead.append(found)
        return found is not None

    def _placed(self, rows: Iterator[NumberedRow]) -> Iterator[PlacedRow]:
        digest = b""
        for number, (line, row) in enumerate(rows, 1):
            converted = row if isinstance(row, InvalidRow) else self._plan.cells(row)
            cells, size = (converted, 0) if isinstance(converted, InvalidRow) else converted
            text = digest + repr(cells).encode("utf-8", "surrogatepass")
            digest = hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()
            lacking = row.lacking if isinstance(row, IncompleteRow) else ()
            yield PlacedRow(number, line, cells, size, digest, lacking)


def cells_of(rows: Sequence[PlacedRow]) -> list[RowText]:
    """Give the cells of the rows that can be read."""
    return [row.cells for row in rows if not isinstance(row.cells, InvalidRow)]


def place_of(number: int, line: int) -> str:
    """Name a row: its number, and its line where there are lines."""
    return f"{number:,}" + (f" (line {line:,})" if line else "")
