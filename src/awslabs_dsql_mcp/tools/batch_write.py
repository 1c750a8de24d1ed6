"""``batch_write``: one UPDATE, DELETE or INSERT … SELECT over any number of rows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.bulk import keyset, split_rules, table_info
from awslabs_dsql_mcp.bulk.keyset import Key, Position
from awslabs_dsql_mcp.bulk.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.resume_token import fingerprint
from awslabs_dsql_mcp.bulk.runner import RESTART, Batch, BatchRunner, ProgressCallback, RunResult
from awslabs_dsql_mcp.bulk.split_rules import SplitContext
from awslabs_dsql_mcp.bulk.splitter import SplitStatement, split
from awslabs_dsql_mcp.bulk.table_info import TableInfo
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementFailed, StatementRefused
from awslabs_dsql_mcp.guard.refusal import Violation, locate
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.confirmation import BatchConfirmation
from awslabs_dsql_mcp.tools.prepare import PreparedStatements, Value, prepare


@dataclass(frozen=True)
class WriteRequest:
    """What an agent asks of ``batch_write``.

    Attributes:
        sql: The statement.
        params: Values for its ``%s``.
        dry_run: Only say how much there is to do.
        dry_run_token: What a dry run of the same gave.
        resume: A handle.
        rows_per_second: How fast at most.
    """

    sql: str
    params: Sequence[Value] | None = None
    dry_run: bool = False
    dry_run_token: str | None = None
    resume: str = ""
    rows_per_second: int | None = None


@dataclass(frozen=True)
class StatementJob:
    """A statement that is cut by a key: a job of `BatchRunner`."""

    database: Database
    query: Query
    parts: SplitStatement
    key: Key
    indexes: int
    fingerprint: str
    progress_table: ProgressTable | None

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Find the next rows, and give the statement for them."""
        while True:
            query = keyset.next_range_query(self.query, self.parts, self.key, after, rows)
            report = await self.database.run(UnitOfWork((query,), read_only=True))
            found = keyset.parse_range(report.results[0])
            if found is None:
                return None
            fitting = keyset.rows_that_fit(found.rows, found.weight, self.indexes)
            if fitting >= found.rows:
                last = found.rows < rows
                statement = keyset.batch_query(self.query, self.parts, self.key, after, found.last_key)
                return Batch(statement, found.last_key, found.rows, last=last)
            rows = fitting

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:  # noqa: ARG002 - a job's form
        """Raise the error: no part of a statement is left out."""
        raise error


class BatchWrite:
    """Runs big changes.

    Args:
        database: Where.
        batches: What runs jobs.
        approval: What wants a yes.
        where: Names the cluster: a handle is good on no other.
    """

    def __init__(
        self, database: Database, batches: BatchRunner, approval: BatchConfirmation, where: str
    ) -> None:
        self._database = database
        self._where = where
        self._batches = batches
        self._approval = approval

    async def prompt(self, request: WriteRequest, *, can_ask: bool) -> str | None:
        """Word what the user must be asked; ``None`` for nothing, and for what will be refused.

        Raises:
            NotConfirmed: A yes is demanded for each change, and nobody can be asked.
        """
        if request.dry_run or request.dry_run_token is not None:
            return None
        try:
            judged = await self._check(request)
        except (RequestInvalid, StatementRefused):
            return None
        if request.resume not in ("", RESTART) and self._batches.has_unfinished(_work(judged, self._where)):
            return None  # it had its yes when it began
        return self._approval.prompt_for("batch_write", judged.queries, judged.statements, can_ask=can_ask)

    async def batch_write(self, request: WriteRequest, tell: ProgressCallback) -> ToolOutput:
        """Run a change in batches, or say how much it would be.

        Args:
            request: What to do.
            tell: Is told of progress.

        Raises:
            RequestInvalid: The values, the handle or the token do not fit.
            StatementRefused: It may not run, or cannot be cut.
            DsqlError: What stopped it.
        """
        judged = await self._check(request)
        if request.dry_run_token is not None:
            self._approval.redeem(request.dry_run_token, judged.queries)
        statement = await self._statement(judged)
        if request.dry_run:
            return await self._estimate(statement, judged)
        return answer(
            await self._batches.run(statement, request.resume, tell, request.rows_per_second),
            statement.progress_table,
        )

    async def _check(self, request: WriteRequest) -> PreparedStatements:
        return await prepare([request.sql], [request.params], writes=True)

    async def _statement(self, judged: PreparedStatements) -> StatementJob:
        (query,) = judged.queries
        parts = await asyncio.to_thread(split, query.sql)
        if isinstance(parts, Violation):
            raise _refused(parts, query.sql)
        names = dict.fromkeys((parts.target, parts.driving, *parts.reads))
        asked = [table_info.table_info_query(name) for name in names]
        report = await self._database.run(
            UnitOfWork((*asked, table_info.aggregates_query(parts.calls)), read_only=True)
        )
        found = [table_info.parse_table_info(result) for result in report.results[:-1]]
        tables = {name: _known(name, facts) for name, facts in zip(names, found, strict=True)}
        target, driving = tables[parts.target], tables[parts.driving]
        aggregates = [str(row[0]) for row in report.results[-1].rows]
        reads = [tables[name] for name in parts.reads]
        known = SplitContext(parts, target, driving, reads, aggregates)
        if (objection := split_rules.check(known)) is not None:
            raise _refused(objection, query.sql)
        if driving.key is None:
            raise TypeError("a table without a key passed the rules")
        # What a column is computed from may be what is set.
        repeatable = parts.repeatable and not any(column.is_generated for column in target.columns)
        ledger = None if repeatable else ProgressTable(target.schema)
        work = _work(judged, self._where)
        return StatementJob(self._database, query, parts, driving.key, target.indexes, work, ledger)

    async def _estimate(self, statement: StatementJob, judged: PreparedStatements) -> ToolOutput:
        query = keyset.count_query(statement.query, statement.parts)
        report = await self._database.run(UnitOfWork((query,), read_only=True))
        rows = int(report.results[0].rows[0][0] or 0)
        first = await statement.next_batch(None, keyset.MAX_BATCH_ROWS)
        batches = -(-rows // first.rows) if first else 0
        token = self._approval.token(judged.queries)
        key = ", ".join(statement.key.columns)
        text = (
            f"dry run, nothing was changed: {pluralize(rows, 'row')} now, in about {batches:,} batches by "
            f"the key ({key}) of {statement.parts.driving}. {_safety(statement.progress_table)}\n"
            f"To run it, send the same with dry_run_token={token} (once, in 10 min)."
        )
        return ToolOutput(
            text, {"status": "dry_run", "rows": rows, "batches": batches, "dry_run_token": token}
        )


def answer(stopped: RunResult, ledger: ProgressTable | None, more: str = "") -> ToolOutput:
    """Tell how a call of a bulk tool ended.

    Args:
        stopped: How.
        ledger: Where its batches are marked.
        more: What else is to be told, first of all.
    """
    at = stopped.progress
    done = f"{pluralize(at.rows, 'row')} in {at.batches:,} batches committed"
    facts: dict[str, object] = {"rows": at.rows, "batches": at.batches}
    if stopped.resume_token is None:
        return ToolOutput(
            f"{more}finished: {done}.{_with_progress_note(ledger, at.batches)}",
            {"status": "finished", **facts},
        )
    text = (
        f"{more}paused, not finished: {done}; {stopped.reason}.\n"
        f"Next: make the same call with resume='{stopped.resume_token}', and again until it is finished."
    )
    return ToolOutput(text, {"status": "paused", **facts, "resume": stopped.resume_token})


def _with_progress_note(ledger: ProgressTable | None, batches: int) -> str:
    if ledger is None or not batches:
        return ""
    return f" Its batches are marked in {ledger.name}, which may be dropped while nothing runs."


def _safety(ledger: ProgressTable | None) -> str:
    if ledger is None:
        return "A batch of it can be repeated without harm."
    return f"Each batch is marked in {ledger.name} (made if need be), so that none is done twice."


def _work(judged: PreparedStatements, where: str) -> str:
    (query,) = judged.queries
    return fingerprint([where, "batch_write", query.sql.strip(), query.params])


def _known(name: str, facts: TableInfo | None) -> TableInfo:
    if facts is None:
        raise RequestInvalid(f"There is no table {name}.", hint="Call get_schema for the tables there are.")
    return facts


def _refused(objection: Violation, sql: str) -> StatementRefused:
    return StatementRefused(str(locate(objection, sql)), code=objection.rule)
