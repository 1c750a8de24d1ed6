"""Rows on their way into a table, as a job of many transactions.

A position is the number of a row, and a hash of all rows up to it: so a load goes on only where the rows
before are those that were loaded, whatever was mended behind.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.bulk.jobs.batch_job import Batch
from awslabs_dsql_mcp.bulk.jobs.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.loading.bad_rows import BadRow, encoding_advice, others, rejection_advice, way_on
from awslabs_dsql_mcp.bulk.loading.cells import RowText
from awslabs_dsql_mcp.bulk.loading.insert_plan import InsertPlan
from awslabs_dsql_mcp.bulk.loading.load_counts import BAD, GIVEN, UNREAD, lacking_counts, value_counts
from awslabs_dsql_mcp.bulk.loading.load_sizes import LoadSizes
from awslabs_dsql_mcp.bulk.loading.rejected_rows import first_rejected, likely_row
from awslabs_dsql_mcp.bulk.loading.row_stream import PlacedRow, RowStream, cells_of
from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow, RowSource
from awslabs_dsql_mcp.bulk.loading.value_changes import changes_of
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.dsql.dpu import Work
from awslabs_dsql_mcp.errors import RequestInvalid, StatementFailed

# What a server says of one row rather than of the statement: data exception, integrity constraint violation,
# cardinality violation (PostgreSQL documentation, appendix A).
_OF_A_ROW: Final = ("22", "23", "21")
_OF_TWO_ROWS: Final = "21000"
_TOO_LARGE: Final = "54000"

_STATEMENT: Final = re.compile(r"^Statement \d+: ")


@dataclass
class Counted:
    """What the rows of a source are.

    Attributes:
        rows: Their number, with those that cannot be loaded.
        values: Counts of the values of the others.
        work: What is read and written to load these.
    """

    rows: int = 0
    values: Counter[str] = field(default_factory=Counter[str])
    work: Work = field(default_factory=Work)

    def add(self, values: Counter[str], work: Work) -> None:
        """Add the rows of a transaction."""
        self.values += values
        self.work += work


class RowLoadJob:
    """Rows on their way into a table: a job of `BatchRunner`.

    Args:
        database: Where.
        plan: Which columns they fill.
        source: Where they come from.
        fingerprint: Fingerprint of the job.
        skip_bad_rows: Leave out what cannot be stored, and remember it.

    Attributes:
        plan: As it was given.
        skip_bad_rows: As it was given.
        bad: The rows that were left out in this call, by number.
        keys: Names of the source's columns, in the order of the table's.
        skipped_rows: Numbers of rows that were not stored in this call, since their key exists, as far as
            they are known.
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
        self.content = source.name
        self.progress_table = ProgressTable(plan.table.schema)
        self.correction = ""  # corrected rows go on with the handle of the first ones
        self.repeatable = plan.repeatable
        self.fails_if_repeated = plan.has_key
        self.bad: dict[int, BadRow] = {}
        self.skipped_rows: list[int] = []
        self._database = database
        self.plan = plan
        self._changes = [changes_of(column) for column in plan.columns]
        self.skip_bad_rows = skip_bad_rows
        self._stream = RowStream(plan, source.rows())
        self._batch: list[PlacedRow] = []
        self.keys = source.choice.sources

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Read the next rows.

        Raises:
            RequestInvalid: One of them is none, and is not to be left out; or those before are not the rows
                that were loaded.
        """
        return await asyncio.to_thread(self._cut, after, rows)

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:
        """Find the first row that the server rejects, and give the batch of the rows before it.

        Raises:
            StatementFailed: No row is to be left out, or it is not a row's fault.
        """
        if not _is_of_a_row(error, batch):
            raise error
        error.message = _STATEMENT.sub("", error.message)
        found = await self._first_rejected(self._cells(), error)
        if found is None:
            return batch  # it has passed by itself
        index, rejection = found
        row = self._batch[index]
        if rejection.sqlstate == _OF_TWO_ROWS and index:
            row = self._batch[index - 1]  # once the row of the same key is stored, the other updates it
        elif self.skip_bad_rows:
            self.bad[row.number] = BadRow(row.number, row.line, rejection.text, is_rejected=True)
        else:
            rejection.message = f"Row {row.place}: {rejection.message}"
            stored = self._stream.before.number
            advice = rejection_advice(self.plan, self.keys, row, rejection)
            rejection.hint = f"{advice}{way_on(is_rest=False, stored=stored)}"
            rejection.outcome = error.outcome
            raise rejection
        self._batch = self._batch[:index]
        last = batch.last and row.position == batch.last_key
        return await asyncio.to_thread(self._made, row.position, last=last)

    def stored(self, batch: Batch, result: Result) -> None:  # noqa: ARG002 - a job's form
        """Take the result of a batch that was committed: find the rows that it did not store."""
        rows = self._cells()
        if self.plan.on_conflict == "skip" and (result.rows_affected or 0) < len(rows):
            self._find_skipped(rows, result)

    def describe(self, position: Position) -> str:
        """Describe a position: a row of the source."""
        return f"row {int(position[0]):,}"

    def batch_rows(self) -> tuple[list[int], list[RowText]]:
        """Give the rows of the last batch with their numbers, as it was read."""
        return [row.number for row in self._batch], self._cells()

    def value_counts(self, rows: Sequence[RowText]) -> Counter[str]:
        """Count the values of rows; see `load_counts.value_counts`."""
        return value_counts(rows, self._changes)

    async def count(self, after: Position | None = None) -> Counted:
        """Count all rows behind a position, their values and what is written: the job reads no more then.

        Raises:
            RequestInvalid: The rows up to the position are not those that were loaded.
        """
        return await asyncio.to_thread(self._count, after)

    async def find_rejected(self, limit: int, is_over: Callable[[], bool]) -> bool:
        """Try the batch that was cut, and remember what the server rejects as bad: as `repair` would.

        Args:
            limit: Most rows that are looked for.
            is_over: Tells that the time is used up.

        Returns:
            True if all of them were found.
        """
        rows, found = list(self._batch), 0
        while rows and (error := await self._try(cells_of(rows))) is not None:
            if found == limit or is_over():
                return False
            rejected = await self._first_rejected(cells_of(rows), error)
            if rejected is None:
                break
            index, rejection = rejected
            if rejection.sqlstate == _OF_TWO_ROWS and index:
                rows = rows[index:]  # a run stores those before in a transaction of their own
                continue
            row = rows.pop(index)
            self.bad[row.number] = BadRow(row.number, row.line, rejection.text, is_rejected=True)
            found += 1
        return True

    def _count(self, after: Position | None) -> Counted:
        self._stream.go_on_behind(after)
        sizes, counted = LoadSizes(self.plan), Counted()
        rows: list[PlacedRow] = []
        for row in self._stream.rest():
            counted.rows += 1
            if isinstance(row.cells, InvalidRow):
                self.bad[row.number] = BadRow(row.number, row.line, row.cells.reason, row.cells.is_rest)
            elif row.number not in self.bad:
                rows.append(row)
            if len(rows) == keyset.MAX_BATCH_ROWS:
                counted.add(self._counts(rows), sizes.work(cells_of(rows)))
                rows = []
        counted.add(self._counts(rows), sizes.work(cells_of(rows)))
        return counted

    def _counts(self, rows: Sequence[PlacedRow]) -> Counter[str]:
        return self.value_counts(cells_of(rows)) + lacking_counts(row.lacking for row in rows)

    def _find_skipped(self, rows: Sequence[RowText], result: Result) -> None:
        """Find the rows that were not stored, where keys come back as they were given."""
        skipped = len(rows) - (result.rows_affected or 0)
        stored = Counter(tuple(row) for row in result.rows)
        numbers: list[int] = []
        for row, cells in zip(self._batch, rows, strict=True):
            key = tuple(cells[index] for index in self.plan.identifying)
            if stored[key] > 0:
                stored[key] -= 1
            else:
                numbers.append(row.number)
        if len(numbers) == skipped:
            self.skipped_rows += numbers

    async def _first_rejected(
        self, rows: Sequence[RowText], error: StatementFailed
    ) -> tuple[int, StatementFailed] | None:
        search = first_rejected(len(rows), error, lambda told, low, high: likely_row(told, rows, low, high))
        try:
            count = next(search)
            while True:
                count = search.send(await self._try(rows[:count]))
        except StopIteration as ended:
            return ended.value

    async def _try(self, rows: Sequence[RowText]) -> StatementFailed | None:
        query = self.plan.insert(rows)
        try:
            await self._database.run(UnitOfWork((query,), read_only=False, dry_run=True))
        except StatementFailed as error:
            if not (error.sqlstate or "").startswith(_OF_A_ROW):
                raise
            error.message = _STATEMENT.sub("", error.message)
            return error
        return None

    def _cut(self, after: Position | None, rows: int) -> Batch | None:
        self._stream.go_on_behind(after)
        taken = self._stream.take(rows)
        if not taken:
            return None
        self._batch = []
        unreadable = [row for row in taken if isinstance(row.cells, InvalidRow)]
        for row in taken:
            if not isinstance(row.cells, InvalidRow):
                self._batch.append(row)
            elif self.skip_bad_rows:
                self.bad[row.number] = BadRow(row.number, row.line, row.cells.reason, row.cells.is_rest)
            else:
                advice = way_on(is_rest=row.cells.is_rest, stored=self._stream.before.number)
                raise RequestInvalid(
                    f"Row {row.place} cannot be loaded: {row.cells.reason}.",
                    details=others(unreadable),
                    code="bad_row",
                    hint=f"{encoding_advice(row.cells.reason)}{advice}",
                    outcome="rolled_back",
                )
        last = self._stream.ends_with(taken)
        return self._made(taken[-1].position, last=last)

    def _made(self, position: Position, *, last: bool) -> Batch:
        """Make the batch up to a position, and count what is in it."""
        cells = self._cells()
        counts = self._counts(self._batch)
        first, last_one = self._stream.before.number + 1, int(position[0])
        bad = [row for number, row in self.bad.items() if first <= number <= last_one]
        counts[BAD] = sum(not row.is_rest for row in bad)
        counts[UNREAD] = sum(row.number for row in bad if row.is_rest)  # there is one rest
        if self.plan.on_conflict == "skip":
            counts[GIVEN] = len(cells)
        return Batch(self._query(), position, len(cells), last, +counts)

    def _cells(self) -> list[RowText]:
        return cells_of(self._batch)

    def _query(self) -> Query | None:
        return self.plan.insert(self._cells()) if self._batch else None


def _is_of_a_row(error: StatementFailed, batch: Batch) -> bool:
    state = error.sqlstate or ""
    return state.startswith(_OF_A_ROW) or (state == _TOO_LARGE and batch.rows == 1)
