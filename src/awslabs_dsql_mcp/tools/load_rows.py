"""``load_rows``: rows from the call or from a file into a table, any number of them."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, cast

from awslabs_dsql_mcp.bulk import keyset, table_info
from awslabs_dsql_mcp.bulk.keyset import Position
from awslabs_dsql_mcp.bulk.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.resume_token import fingerprint, fingerprint_in
from awslabs_dsql_mcp.bulk.rows import (
    InsertPlan,
    InvalidRow,
    OnConflict,
    Row,
    RowFiles,
    RowSource,
    RowText,
    find_rejected_rows,
    plan_insert,
    to_row,
    weight,
)
from awslabs_dsql_mcp.bulk.runner import Batch, BatchRunner, ProgressCallback
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementFailed
from awslabs_dsql_mcp.output.marks import new_nonce
from awslabs_dsql_mcp.output.tool_output import ToolOutput, untrusted_notice, wrap_untrusted
from awslabs_dsql_mcp.sql.identifiers import parse_name
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.batch_write import answer
from awslabs_dsql_mcp.tools.confirmation import BatchConfirmation

# What a server says of one row rather than of the statement: data exception, integrity constraint violation,
# cardinality violation (PostgreSQL documentation, appendix A).
_OF_A_ROW: Final = ("22", "23", "21")
_WAY_ON: Final = (
    "Leave it out with skip_bad_rows=true, which tells of each. A mended file is another one: load only its "
    "rows from here on, or all with on_conflict='skip'."
)
_MAX_BAD: Final = 100  # in one batch
_MAX_SHOWN: Final = 20
_REASON: Final = 300


@dataclass(frozen=True)
class LoadRequest:
    """What an agent asks of ``load_rows``.

    Attributes:
        table: Where to.
        rows: The rows: objects, or arrays in the order of ``columns``.
        path: Or a file of the operator's folder.
        columns: Names of the columns.
        on_conflict: What happens to a row whose key is there.
        skip_bad_rows: Leave out what cannot be stored, and tell of it, instead of stopping there.
        null: The text of a CSV file's field that is NULL.
        dry_run: Only try the first batch, and count.
        dry_run_token: What a dry run of the same gave.
        resume: A handle.
    """

    table: str
    rows: Sequence[object] | None = None
    path: str = ""
    columns: Sequence[str] | None = None
    on_conflict: OnConflict = "error"
    skip_bad_rows: bool = False
    null: str = ""
    dry_run: bool = False
    dry_run_token: str | None = None
    resume: str = ""
    rows_per_second: int | None = None


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
        work: The work's fingerprint.
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


class LoadRows:
    """Loads rows.

    Args:
        database: Where.
        batches: What runs jobs.
        approval: What wants a yes.
        files: The operator's folder.
        where: Names the cluster: a handle is good on no other.
    """

    def __init__(
        self,
        database: Database,
        batches: BatchRunner,
        approval: BatchConfirmation,
        files: RowFiles,
        where: str,
    ) -> None:
        self._where = where
        self._database = database
        self._batches = batches
        self._approval = approval
        self._files = files

    def prompt(self, request: LoadRequest, *, can_ask: bool) -> str | None:
        """Word what the user must be asked; ``None`` for nothing.

        Raises:
            NotConfirmed: A yes is demanded for each change, and nobody can be asked.
        """
        if request.dry_run or request.dry_run_token is not None:
            return None
        if self._batches.has_unfinished(fingerprint_in(request.resume)):
            return None  # it had its yes when it began
        insert = StatementInfo("INSERT", "dml")
        return self._approval.prompt_for("load_rows", [_asked(request)], [insert], can_ask=can_ask)

    async def load_rows(self, request: LoadRequest, tell: ProgressCallback) -> ToolOutput:
        """Load rows, or try to.

        Args:
            request: What to load.
            tell: Is told of progress.

        Raises:
            RequestInvalid: An argument, a file, a name or a row is wrong.
            NotConfigured: No folder is allowed, or nothing reads the file.
            DsqlError: What stopped it.
        """
        if request.dry_run_token is not None:
            self._approval.redeem(request.dry_run_token, [_asked(request)])
        with closing(await self._source(request)) as source:
            job = await self._job(request, source)
            if request.dry_run:
                return await self._tried(job, request)
            stopped = await self._batches.run(job, request.resume, tell, request.rows_per_second)
        return _with_bad_rows(answer(stopped, job.progress_table), job.bad)

    async def _source(self, request: LoadRequest) -> RowSource:
        if (request.rows is None) == (not request.path):
            raise RequestInvalid("Give either rows or path.", hint="rows for a few, path for a file.")
        if request.rows is None:
            return await asyncio.to_thread(self._files.open, request.path, request.columns, request.null)
        first = request.rows[0] if request.rows else None
        names = request.columns or (list(cast("dict[str, object]", first)) if isinstance(first, dict) else ())
        if not names:
            raise RequestInvalid("rows has no names of columns.", hint="Give objects, or columns too.")
        return InlineRows([str(name) for name in names], fingerprint(request.rows), request.rows)

    async def _job(self, request: LoadRequest, source: RowSource) -> RowLoadJob:
        name = str(parse_name(request.table))
        report = await self._database.run(UnitOfWork((table_info.table_info_query(name),), read_only=True))
        table = table_info.parse_table_info(report.results[0])
        if table is None:
            raise RequestInvalid(
                f"There is no table {name}.", hint="Call get_schema for the tables there are."
            )
        plan = plan_insert(table, source.columns, request.on_conflict)
        columns = [column.name for column in plan.columns]
        what = (table.full_name, columns, request.on_conflict, source.identity)
        work = fingerprint([self._where, "load_rows", *what])
        return RowLoadJob(self._database, plan, source, work, skip_bad_rows=request.skip_bad_rows)

    async def _tried(self, job: RowLoadJob, request: LoadRequest) -> ToolOutput:
        batch = await job.next_batch(None, keyset.MAX_BATCH_ROWS)
        fault = await job.first_rejected() if batch else ""
        rows = await job.all_rows()
        batches = -(-rows // keyset.MAX_BATCH_ROWS)
        token = self._approval.token([_asked(request)])
        found = wrap_untrusted(fault, kind="rows", nonce=new_nonce()) + "\n" if fault else ""
        text = (
            f"dry run, nothing was stored: {pluralize(rows, 'row')}, in about {batches:,} batches; "
            "of the first "
            f"{'this cannot be stored' if fault else 'all can be stored'}.\n{found}"
            f"To load them, send the same with dry_run_token={token} (once, in 10 min)."
        )
        return ToolOutput(
            text, {"status": "dry_run", "rows": rows, "batches": batches, "dry_run_token": token}
        )


def _asked(request: LoadRequest) -> Query:
    what = request.path or f"{pluralize(len(request.rows or ()), 'row')} given"
    sql = f"load_rows into {request.table} from {what}, on_conflict={request.on_conflict}"
    return Query(sql, (fingerprint([request.columns, request.null, request.rows]),))


def _with_bad_rows(told: ToolOutput, bad: Mapping[int, str]) -> ToolOutput:
    if not bad:
        return told
    listed = [{"row": number, "reason": bad[number]} for number in sorted(bad)[:_MAX_SHOWN]]
    mark = new_nonce()
    lines = "\n".join(f"row {one['row']:,}: {one['reason']}" for one in listed)
    more = f" (the first {_MAX_SHOWN} of them)" if len(bad) > _MAX_SHOWN else ""
    fenced = wrap_untrusted(lines, kind="rows", nonce=mark)
    text = f"{pluralize(len(bad), 'row')} left out in this call, not stored{more}:\n{fenced}"
    facts = {"bad_rows": len(bad), "data": untrusted_notice(mark), "reasons": listed, "end": mark}
    return ToolOutput(f"{text}\n{told.text}", {**told.structured, **facts})
