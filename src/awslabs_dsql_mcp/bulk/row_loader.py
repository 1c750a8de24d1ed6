"""Rows on their way into a table, as a job of many transactions."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from awslabs_dsql_mcp.bulk import keyset
from awslabs_dsql_mcp.bulk.keyset import Position
from awslabs_dsql_mcp.bulk.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.rows import (
    InsertPlan,
    InvalidRow,
    Row,
    RowSource,
    RowText,
    find_rejected_rows,
    to_row,
    weight,
)
from awslabs_dsql_mcp.bulk.runner import Batch
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
_MAX_BAD: Final = 100  # in one batch
_REASON: Final = 300


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
        """Find the rows that the server does not take.

        Raises:
            StatementFailed: They are not to be left out, or it is not the rows' fault.
        """
        if not (error.sqlstate or "").startswith(_OF_A_ROW):
            raise error
        found = await self._unstorable(_MAX_BAD if self._skip else 1)
        if not found:
            return batch  # it has passed by itself
        if not self._skip:
            index = min(found)
            number = self._batch[index][0]
            error.message = f"Row {number:,}: {found[index]}"
            error.hint = _WAY_ON
            raise error
        self.bad |= {self._batch[index][0]: reason for index, reason in found.items()}
        self._batch = [row for index, row in enumerate(self._batch) if index not in found]
        return replace(batch, query=self._query(), rows=len(self._batch))

    async def all_rows(self) -> int:
        """Count all rows from the beginning on; for a dry run, which reads no more then."""
        return len(self._ahead) + await asyncio.to_thread(lambda: sum(1 for _ in self._coming))

    async def first_rejected(self) -> str:
        """Try the batch that was cut, and say what is wrong with it."""
        found = await self._unstorable(1)
        return "".join(f"row {self._batch[index][0]:,}: {reason}" for index, reason in found.items())

    async def _unstorable(self, most: int) -> Mapping[int, str]:
        search = find_rejected_rows(len(self._batch), most)
        try:
            rows = next(search)
            while True:
                rows = search.send(await self._try(rows))
        except StopIteration as ended:
            return ended.value

    async def _try(self, indexes: tuple[int, ...]) -> str | None:
        query = self._plan.insert([self._batch[index][1] for index in indexes])
        try:
            await self._database.run(UnitOfWork((query,), read_only=False, dry_run=True))
        except StatementFailed as error:
            if not (error.sqlstate or "").startswith(_OF_A_ROW):
                raise
            return error.message[:_REASON]
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
