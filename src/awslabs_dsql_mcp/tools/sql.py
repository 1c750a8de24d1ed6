"""The SQL tools: a read, and a transaction."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from awslabs_dsql_mcp.catalog.jobs import JOB_KINDS
from awslabs_dsql_mcp.database.model import ResultLimits
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementFailed, StatementRefused
from awslabs_dsql_mcp.output import rows as results
from awslabs_dsql_mcp.output.marks import new_nonce
from awslabs_dsql_mcp.output.rows import FormattedRows
from awslabs_dsql_mcp.output.tool_output import ToolOutput, untrusted_notice, wrap_untrusted
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools import confirmation_tokens
from awslabs_dsql_mcp.tools.confirmation import TransactionConfirmation
from awslabs_dsql_mcp.tools.confirmation_tokens import ConfirmPolicy
from awslabs_dsql_mcp.tools.prepare import PreparedStatements, Value, prepare, takes_limit

if TYPE_CHECKING:
    from awslabs_dsql_mcp.sql.statements import StatementInfo
    from awslabs_dsql_mcp.tools.dsql_lint import LintAdvice


@dataclass(frozen=True)
class TransactRequest:
    """What an agent asks of ``transact``.

    Attributes:
        sql_list: The statements in order.
        params_list: The values for each statement's ``%s``, in the same order.
        dry_run: Run everything, report, roll back.
        dry_run_token: What a dry run of the same statements gave.
        max_rows_affected: Roll back when more rows would change.
    """

    sql_list: Sequence[str]
    params_list: Sequence[Sequence[Value] | None] | None = None
    dry_run: bool = False
    dry_run_token: str | None = None
    max_rows_affected: int | None = None


class SqlTools:
    """Runs what agents write.

    Args:
        database: Where.
        allow_writes: Whether ``transact`` may change anything.
        confirm: Which changes want a yes.
        caps: How much of a result is shown.
        linting: Adds dsql-lint's word to refusals; ``None`` for none.
        job_status: Whether there is a tool of that name to follow jobs with.
        clock: Monotonic seconds, for the life of dry runs' tokens.
    """

    def __init__(
        self,
        database: Database,
        *,
        allow_writes: bool,
        confirm: ConfirmPolicy,
        caps: ResultLimits,
        linting: "LintAdvice | None" = None,
        job_status: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._allow_writes = allow_writes
        self._approval = TransactionConfirmation(confirm, clock=clock)
        self._caps = caps
        self._linting = linting
        self._job_status = job_status

    @property
    def max_rows(self) -> int:
        """Rows of a result that are shown, at most."""
        return self._caps.rows

    async def readonly_query(
        self, sql: str, params: Sequence[Value] | None, limit: int | None = None
    ) -> ToolOutput:
        """Run one read-only statement in a READ ONLY transaction.

        Args:
            sql: One statement, with ``%s`` where a value goes.
            params: The values.
            limit: Show fewer rows than the server's own limit.

        Raises:
            RequestInvalid: The values do not fit the placeholders.
            StatementRefused: The guard refused it.
            DsqlError: What `Database.run` raises.
        """
        judged = await prepare([sql], [params], writes=False)
        caps = self._caps if limit is None else replace(self._caps, rows=min(limit, self._caps.rows))
        unit = judged.unit(caps, read_only=True)
        (result,) = (await self._database.run(unit)).results
        limited = takes_limit(judged.statements[0], read_only=True)
        return _rows_answer(results.format_rows(result, caps, limited=limited))

    async def prompt(self, request: TransactRequest, *, can_ask: bool) -> str | None:
        """Word what the user must be asked before a transaction; ``None`` for nothing.

        A request that will be refused wants no question: `transact` says why.

        Args:
            request: What is to run.
            can_ask: Whether the client can put a question to its user.

        Raises:
            NotConfirmed: A yes is demanded for each change, and nobody can be asked.
        """
        try:
            judged = await self._prepare(request)
        except (RequestInvalid, StatementRefused):
            return None
        if not self._allow_writes or request.dry_run or request.dry_run_token is not None:
            return None
        return self._approval.prompt(
            judged.queries,
            judged.statements,
            can_ask=can_ask,
            otherwise="Call transact with dry_run=true, look at what it would change, then call it again "
            "with the dry_run_token that it gave.",
        )

    async def transact(self, request: TransactRequest) -> ToolOutput:
        """Run statements in one transaction, all or nothing.

        Without writes allowed they are reads, all from one snapshot.

        Args:
            request: What to run; where `prompt` has one, the user has said yes to it.

        Raises:
            RequestInvalid: The lists do not fit each other, or the token is not for these statements.
            StatementRefused: The guard refused one.
            DsqlError: What `Database.run` raises.
        """
        try:
            return await self._run(request)
        except (StatementRefused, StatementFailed) as error:
            if self._linting is not None:
                await self._linting.add(error, request.sql_list)
            raise

    async def _run(self, request: TransactRequest) -> ToolOutput:
        judged = await self._prepare(request)
        if request.max_rows_affected is not None:
            _require_counted(judged)
        if request.dry_run_token is not None:
            self._approval.consume(request.dry_run_token)
        unit = replace(
            judged.unit(self._caps, read_only=not self._allow_writes),
            dry_run=request.dry_run,
            max_rows_affected=request.max_rows_affected,
        )
        return self._answer(await self._database.run(unit), unit, judged)

    async def _prepare(self, request: TransactRequest) -> PreparedStatements:
        values = _values(request)
        judged = await prepare(request.sql_list, values, writes=self._allow_writes)
        token = request.dry_run_token
        if token is not None and not self._approval.is_valid(token, judged.queries):
            raise RequestInvalid(
                "dry_run_token is not of a dry run of exactly these statements and values within the last "
                f"{confirmation_tokens.TOKEN_LIFE // 60} minutes, or was used already.",
                code="dry_run_token_invalid",
                hint="Call transact again with dry_run=true, and without dry_run_token.",
            )
        return judged

    def _answer(self, report: Report, unit: UnitOfWork, judged: PreparedStatements) -> ToolOutput:
        tables = self._tables(report, unit, judged)
        attempts = f" after {report.attempts} attempts" if report.attempts > 1 else ""
        said = [f"{_outcome(report, unit)}{attempts}: {pluralize(len(tables), 'statement')}"]
        for number, (table, statement) in enumerate(zip(tables, judged.statements, strict=True), 1):
            said.append(f"{number}. {table.summary}{_remark(statement, unit)}")
        facts: dict[str, object] = {"outcome": report.outcome, "attempts": report.attempts}
        if unit.dry_run:
            token = self._approval.token(judged.queries)
            said.append(f"To run it for real, send the same with dry_run_token={token} (once, in 10 min).")
            facts["dry_run_token"] = token
        elif (job_id := _started_job(report, judged)) is not None:
            step = _follow(job_id, job_status=self._job_status)
            said.append(f"Next: {step}")
            facts |= {"job_id": job_id, "next": step}
        mark = new_nonce()
        rows = "\n".join(f"{number}:\n{t.text}" for number, t in enumerate(tables, 1) if t.text)
        text = "\n".join(said) + ("\n" + wrap_untrusted(rows, kind="rows", nonce=mark) if rows else "")
        if rows:
            facts["data"] = untrusted_notice(mark)
        return ToolOutput(text, {**facts, "statements": [_sealed(table, mark) for table in tables]})

    def _tables(self, report: Report, unit: UnitOfWork, judged: PreparedStatements) -> list[FormattedRows]:
        """Show the results; what one leaves of the answer's characters is the next ones'."""
        tables: list[FormattedRows] = []
        left, share = self._caps.characters, self._caps.characters // len(report.results)
        for result, statement in zip(report.results, judged.statements, strict=True):
            caps = replace(self._caps, characters=max(left, share))
            limited = takes_limit(statement, read_only=unit.read_only)
            tables.append(results.format_rows(result, caps, limited=limited))
            left -= len(tables[-1].text)
        return tables


def _require_counted(judged: PreparedStatements) -> None:
    """Refuse a limit of rows where nobody would count them.

    Raises:
        RequestInvalid: A statement may change rows that the server does not report.
    """
    for number, statement in enumerate(judged.statements, 1):
        if statement.uncounted:
            raise RequestInvalid(
                f"max_rows_affected cannot hold for statement {number}: what a DROP, a WITH, EXPLAIN "
                "ANALYZE or a function changes is not counted by the server; nothing was run.",
                hint="Write the change as a plain INSERT, UPDATE or DELETE, or leave max_rows_affected out.",
            )


def _remark(statement: "StatementInfo", unit: UnitOfWork) -> str:
    if unit.read_only:
        return ""
    if statement.whole_table:
        return " (no WHERE: every row)"
    return " (what it changed inside is not counted)" if statement.uncounted else ""


def _started_job(report: Report, judged: PreparedStatements) -> str | None:
    """Find the id of the job that a statement, which stands alone, has started; none if none was."""
    if judged.statements[0].kind not in JOB_KINDS:
        return None
    rows = report.results[0].rows
    return rows[0][0] if rows else None


def _follow(job_id: str, *, job_status: bool) -> str:
    if job_status:
        return f'job_status(job_id="{job_id}"): only when the job is completed is it done.'
    query = f"SELECT status, details FROM sys.jobs WHERE job_id = '{job_id}'"  # noqa: S608 - an id that the cluster made
    return f"{query}: only when the status is completed is it done."


def _outcome(report: Report, unit: UnitOfWork) -> str:
    if unit.read_only:
        return "read from one snapshot"
    return "dry run, rolled back" if unit.dry_run else report.outcome


def _rows_answer(table: FormattedRows) -> ToolOutput:
    if not table.text:
        return ToolOutput(table.summary, table.structured)
    mark = new_nonce()
    text = f"{table.summary}\n{wrap_untrusted(table.text, kind='rows', nonce=mark)}"
    told = {name: value for name, value in table.structured.items() if name != "rows"}
    return ToolOutput(text, {**told, "data": untrusted_notice(mark), **_sealed(table, mark)})


def _sealed(table: FormattedRows, mark: str) -> dict[str, object]:
    return table.structured | ({"end": mark} if table.text else {})


def _values(request: TransactRequest) -> Sequence[Sequence[Value] | None]:
    if not request.sql_list:
        raise RequestInvalid("sql_list is empty.", hint="Give at least one statement.")
    if request.params_list is None:
        return [None] * len(request.sql_list)
    if len(request.params_list) != len(request.sql_list):
        raise RequestInvalid(
            f"params_list has {len(request.params_list)} entries for {len(request.sql_list)} statements.",
            hint="Give one list of values for each statement; null or [] for one without values.",
        )
    return request.params_list
