"""Rows on their way into a table, as a job of many transactions."""

import asyncio
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.bulk import keyset
from awslabs_dsql_mcp.bulk.keyset import Position
from awslabs_dsql_mcp.bulk.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.rejected_rows import first_rejected, likely_row
from awslabs_dsql_mcp.bulk.rows import (
    InsertPlan,
    InvalidRow,
    Row,
    RowSource,
    RowText,
    to_row,
    weight,
)
from awslabs_dsql_mcp.bulk.runner import Batch
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementFailed

# What a server says of one row rather than of the statement: data exception, integrity constraint violation,
# cardinality violation (PostgreSQL documentation, appendix A).
_OF_A_ROW: Final = ("22", "23", "21")
_WAY_ON: Final = (
    "Leave it out with skip_bad_rows=true, which lists each. Mended rows are a new load: load those behind "
    "the committed ones (all, if nothing was stored), or all with on_conflict='skip'."
)
_OF_TWO_ROWS: Final = "21000"
_TOO_LARGE: Final = "54000"
_REASON: Final = 300
_STATEMENT: Final = re.compile(r"^Statement \d+: ")


@dataclass(frozen=True)
class InlineRows:
    """Rows that came with the call: a `RowSource`."""

    columns: Sequence[str]
    identity: str
    listed: Sequence[object]

    def rows(self) -> Iterator[Row]:
        """Give the rows."""
        return (to_row(row, self.columns) for row in self.listed)

    def close(self) -> None:
        """Let go of nothing."""


class RowLoadJob:
    """Rows on their way into a table: a job of `BatchRunner`.

    Args:
        database: Where.
        plan: Which columns they fill.
        source: Where they come from.
        fingerprint: Fingerprint of the job.
        skip_bad_rows: Leave out what cannot be stored, and remember it.
    """

    def __init__(
        self,
        database: Database,
        plan: InsertPlan,
        source: RowSource,
        fingerprint: str,
        *,
        skip_bad_rows: bool,
    ) -> None:
        self.fingerprint = fingerprint
        self.progress_table = None if plan.repeatable else ProgressTable(plan.table.schema)
        self.bad: dict[int, str] = {}
        self._database = database
        self._plan = plan
        self._skip = skip_bad_rows
        self._coming = enumerate(map(self._cells, source.rows()), 1)
        self._ahead: deque[tuple[int, RowText | InvalidRow]] = deque()
        self._batch: list[tuple[int, RowText]] = []

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Read the next rows.

        Raises:
            RequestInvalid: One of them is none, and is not to be left out.
        """
        return await asyncio.to_thread(self._cut, int(after[0]) if after else 0, rows)

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:
        """Find the first row that the server rejects, and give the batch of the rows before it.

        Raises:
            StatementFailed: No row is to be left out, or it is not a row's fault.
        """
        if not _is_of_a_row(error, batch):
            raise error
        error.message = _STATEMENT.sub("", error.message)
        found = await self._first_rejected(error)
        if found is None:
            return batch  # it has passed by itself
        index, rejection = found
        number = self._batch[index][0]
        if _OF_TWO_ROWS in (rejection.sqlstate or "") and index:
            number -= 1  # with the row of the same key stored, this one updates it
        elif self._skip:
            self.bad[number] = rejection.message[:_REASON]
        else:
            rejection.message = f"Row {number:,}: {rejection.message}"
            rejection.hint, rejection.outcome = _WAY_ON, error.outcome
            raise rejection
        self._batch = self._batch[:index]
        ends_here = number == int(batch.last_key[0])
        return Batch(self._query(), (str(number),), index, last=batch.last and ends_here)

    def stored(self, batch: Batch, result: Result) -> None:
        """Take the result of a batch that was committed."""

    def describe(self, position: Position) -> str:
        """Describe a position: a row of the source."""
        return f"row {int(position[0]):,}"

    async def all_rows(self) -> int:
        """Count all rows from the beginning on; for a dry run, which reads no more then."""
        return len(self._ahead) + await asyncio.to_thread(lambda: sum(1 for _ in self._coming))

    async def first_rejected(self) -> str:
        """Try the batch that was cut, and say what is wrong with it."""
        if (error := await self._try(len(self._batch))) is None:
            return ""
        found = await self._first_rejected(error)
        return "" if found is None else f"row {self._batch[found[0]][0]:,}: {found[1].message[:_REASON]}"

    async def _first_rejected(self, error: StatementFailed) -> tuple[int, StatementFailed] | None:
        rows = [cells for _, cells in self._batch]
        search = first_rejected(len(rows), error, lambda told, low, high: likely_row(told, rows, low, high))
        try:
            count = next(search)
            while True:
                count = search.send(await self._try(count))
        except StopIteration as ended:
            return ended.value

    async def _try(self, count: int) -> StatementFailed | None:
        query = self._plan.insert([cells for _, cells in self._batch[:count]])
        try:
            await self._database.run(UnitOfWork((query,), read_only=False, dry_run=True))
        except StatementFailed as error:
            if not (error.sqlstate or "").startswith(_OF_A_ROW):
                raise
            error.message = _STATEMENT.sub("", error.message)
            return error
        return None

    def _cells(self, row: Row) -> RowText | InvalidRow:
        return row if isinstance(row, InvalidRow) else self._plan.cells(row)

    def _cut(self, done: int, rows: int) -> Batch | None:
        taken = self._take(done, rows)
        if not taken:
            return None
        self._batch = []
        for number, cells in taken:
            if not isinstance(cells, InvalidRow):
                self._batch.append((number, cells))
            elif self._skip:
                self.bad[number] = cells.reason
            else:
                raise RequestInvalid(
                    f"Row {number:,} cannot be loaded: {cells.reason}.", code="bad_row", hint=_WAY_ON
                )
        upto = (str(taken[-1][0]),)
        self._ahead.extendleft(reversed(taken))  # they may be asked for again
        last = len(self._ahead) == len(taken) and not self._look_ahead()
        return Batch(self._query(), upto, len(self._batch), last=last)

    def _take(self, done: int, rows: int) -> list[tuple[int, RowText | InvalidRow]]:
        while self._ahead and self._ahead[0][0] <= done:
            self._ahead.popleft()
        taken: list[tuple[int, RowText | InvalidRow]] = []
        heavy = 0
        while len(taken) < rows and (self._ahead or self._look_ahead()):
            number, cells = self._ahead[0]
            if number > done:
                heavy += 0 if isinstance(cells, InvalidRow) else weight(cells)
                if taken and keyset.rows_that_fit(2, heavy, self._plan.table.indexes) < 2:  # noqa: PLR2004 - fits or not
                    break
                taken.append((number, cells))
            self._ahead.popleft()
        return taken

    def _look_ahead(self) -> bool:
        found = next(self._coming, None)
        if found is not None:
            self._ahead.append(found)
        return found is not None

    def _query(self) -> Query | None:
        return self._plan.insert([cells for _, cells in self._batch]) if self._batch else None


def _is_of_a_row(error: StatementFailed, batch: Batch) -> bool:
    state = error.sqlstate or ""
    return state.startswith(_OF_A_ROW) or (state == _TOO_LARGE and batch.rows == 1)
