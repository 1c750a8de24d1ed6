"""``transact``: statements in one transaction, all or nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.catalog.uncounted_rows import uncounted_rows_query
from awslabs_dsql_mcp.database.model import ResultLimits
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementFailed, StatementRefused
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.sql import dsql_syntax
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.answers.transact import answer
from awslabs_dsql_mcp.tools.consent.confirmation import (
    TOKEN_LIFE,
    Change,
    ChangeConfirmation,
    Question,
)
from awslabs_dsql_mcp.tools.consent.elicitation import confirm, supports_elicitation
from awslabs_dsql_mcp.tools.consent.preview import PREVIEW, preview, returning_unit, without_rows
from awslabs_dsql_mcp.tools.dsql_lint import LintAdvice
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.prepare import PreparedStatements, Value, prepare
from awslabs_dsql_mcp.tools.spec import RowsResult, ToolSpec, client_shows_views, search_hint, to_result

_ALL: Final = OfferedTools()
_WRITES: Final = (
    "Run statements in one transaction: all are committed, or none. One DDL statement alone, or up to "
    "3,000 changed rows. A conflict is retried as a whole. Returns the outcome (committed, rolled_back, "
    "unknown), the attempts, and each statement's command, rows affected and rows."
)
_READS: Final = (
    "Run several reads in one READ ONLY transaction, all from one snapshot. This server does not allow "
    "writes. Returns each statement's rows."
)
_OF_CHANGES: Final = frozenset({"dry_run", "dry_run_token", "max_rows_affected"})
"""Arguments that only changes need."""


class TransactResult(TypedDict):
    """Result of a transaction."""

    outcome: str
    attempts: int
    notice: NotRequired[str]
    dry_run_token: NotRequired[str]
    job_id: NotRequired[str]
    next: NotRequired[str]
    data: NotRequired[str]
    statements: list[RowsResult]


SqlList = Annotated[list[str], Field(description="Statements in order, one each.")]
ParamsList = Annotated[
    list[list[Any] | None] | None, Field(description="For each statement its values, or null.")
]


@dataclass(frozen=True)
class TransactRequest:
    """The arguments of a call.

    Attributes:
        sql_list: The statements in order.
        params_list: The values for each statement's ``%s``, in the same order.
        dry_run: Run everything, report, roll back.
        dry_run_token: Token of a dry run of the same statements.
        max_rows_affected: Roll back when more rows would change.
        previews: The client shows views: the token of a dry run is for its user alone.
    """

    sql_list: Sequence[str]
    params_list: Sequence[Sequence[Value] | None] | None = None
    dry_run: bool = False
    dry_run_token: str | None = None
    max_rows_affected: int | None = None
    previews: bool = False


class Transact:
    """Runs transactions.

    Args:
        database: Where statements run.
        allow_writes: True if ``transact`` may change anything.
        confirmation: Asks for confirmation, and checks tokens of dry runs.
        limits: Largest result that is shown.
        lint_advice: Adds dsql-lint's advice to refusals; ``None`` for none.
        offered: The tools that the next step may name.
    """

    def __init__(
        self,
        database: Database,
        *,
        allow_writes: bool,
        confirmation: ChangeConfirmation,
        limits: ResultLimits,
        lint_advice: LintAdvice | None = None,
        offered: OfferedTools = _ALL,
    ) -> None:
        self._database = database
        self._allow_writes = allow_writes
        self._confirmation = confirmation
        self._limits = limits
        self._lint_advice = lint_advice
        self._offered = offered

    def spec(self) -> ToolSpec:
        """The tool as it is announced: without writes allowed, it takes no arguments for them."""
        return self._writing_spec() if self._allow_writes else self._reading_spec()

    def _reading_spec(self) -> ToolSpec:
        async def transact(
            sql_list: SqlList, params_list: ParamsList = None
        ) -> Annotated[CallToolResult, TransactResult]:
            return to_result(await self.transact(TransactRequest(sql_list, params_list)))

        return ToolSpec(
            "transact",
            transact,
            "Transaction",
            _READS,
            meta=search_hint("sql transaction snapshot"),
            withheld=_OF_CHANGES,
        )

    def _writing_spec(self) -> ToolSpec:
        async def transact(
            ctx: Context[None, Any],
            sql_list: SqlList,
            params_list: ParamsList = None,
            dry_run: Annotated[  # noqa: FBT002 - clients pass arguments by name
                bool,
                Field(
                    description="Run all, report, roll back (sequences stay moved); gives a dry_run_token."
                ),
            ] = False,
            dry_run_token: Annotated[
                str | None, Field(description="Of a dry run of the same: replaces the user's confirmation.")
            ] = None,
            max_rows_affected: Annotated[
                int | None,
                Field(description="Roll back if more rows change, or if not all of them are counted.", ge=0),
            ] = None,
        ) -> Annotated[CallToolResult, TransactResult] | InputRequiredResult:
            previews = client_shows_views(ctx)
            request = TransactRequest(
                sql_list, params_list, dry_run, dry_run_token, max_rows_affected, previews
            )
            question = await self.question(request, can_ask=supports_elicitation(ctx))
            asking = await confirm(ctx, question, self._confirmation)
            if asking is not None:
                return asking
            return to_result(await self.transact(request))

        return ToolSpec(
            "transact",
            transact,
            "Transaction",
            _WRITES,
            reads=False,
            meta=search_hint("sql insert update delete create alter drop"),
        )

    async def question(self, request: TransactRequest, *, can_ask: bool) -> Question | None:
        """Give the question for the user before a transaction; ``None`` for no question.

        A request that will be refused needs no question: `transact` says why.

        Args:
            request: What is to run.
            can_ask: True if the client can put a question to its user.

        Raises:
            NotConfirmed: Each change needs confirmation, and the client cannot ask its user.
        """
        if not self._allow_writes or request.dry_run or request.dry_run_token is not None:
            return None
        try:
            prepared = await self._prepare(request)
        except (RequestInvalid, StatementRefused):
            return None
        return self._confirmation.question(_change(prepared), can_ask=can_ask, previews=request.previews)

    async def transact(self, request: TransactRequest) -> ToolOutput:
        """Run statements in one transaction, all or nothing.

        Without writes allowed they are reads, all from one snapshot.

        Args:
            request: What to run; where `question` has one, the user has agreed.

        Raises:
            RequestInvalid: The lists do not fit each other, or the token is not for these statements.
            StatementRefused: The guard refused one.
            DsqlError: What `Database.run` raises.
        """
        try:
            return await self._run(request)
        except (StatementRefused, StatementFailed) as error:
            if self._lint_advice is not None:
                await self._lint_advice.add(error, request.sql_list)
            raise

    async def _run(self, request: TransactRequest) -> ToolOutput:
        prepared = await self._prepare(request)
        if request.max_rows_affected is not None:
            _require_counted(prepared)
        if request.dry_run_token is not None:
            self._confirmation.redeem(request.dry_run_token, _change(prepared))
        unit = replace(
            prepared.unit(self._limits, read_only=not self._allow_writes),
            dry_run=request.dry_run,
            max_rows_affected=request.max_rows_affected,
            uncounted=await _uncounted(request, prepared),
        )
        if request.dry_run and request.previews:
            return await self._preview(unit, prepared)
        return self._answer(await self._database.run(unit), unit, prepared)

    async def _preview(self, unit: UnitOfWork, prepared: PreparedStatements) -> ToolOutput:
        """Answer a dry run of a client with views: token and changed rows are for its user alone."""
        returning, changes = await returning_unit(unit)
        try:
            report = await self._database.run(returning)
        except StatementFailed:  # also where the role may change rows that it may not read
            changes = [None] * len(unit.queries)
            report = await self._database.run(unit)
        token = self._confirmation.token(_change(prepared))
        shown = await preview(
            self._database, token, TOKEN_LIFE, prepared.statements, (report.results, changes)
        )
        report = replace(report, results=without_rows(report.results, changes))
        answer = self._answer(report, unit, prepared, previews=True)
        return replace(answer, for_person={PREVIEW: shown})

    async def _prepare(self, request: TransactRequest) -> PreparedStatements:
        values = _values(request)
        prepared = await prepare(request.sql_list, values, writes=self._allow_writes)
        token = request.dry_run_token
        if token is not None:
            self._confirmation.check(token, _change(prepared))
        return prepared

    def _answer(
        self, report: Report, unit: UnitOfWork, prepared: PreparedStatements, *, previews: bool = False
    ) -> ToolOutput:
        token = self._confirmation.token(_change(prepared)) if unit.dry_run and not previews else None
        return answer(report, unit, prepared.statements, self._limits, token, offered=self._offered)


def _change(prepared: PreparedStatements) -> Change:
    return Change("transact", prepared.queries, prepared.statements)


def _require_counted(prepared: PreparedStatements) -> None:
    """Refuse a limit of rows where nobody would count them.

    Raises:
        RequestInvalid: A statement may change rows that the server does not report.
    """
    for number, statement in enumerate(prepared.statements, 1):
        if statement.uncounted or statement.category == "ddl":
            raise RequestInvalid(
                f"max_rows_affected cannot hold for statement {number}: the database does not report the "
                "rows that DDL, a WITH, EXPLAIN ANALYZE or a function changes. Nothing was run.",
                hint="Write the change as a plain INSERT, UPDATE or DELETE, or leave max_rows_affected out.",
            )


async def _uncounted(request: TransactRequest, prepared: PreparedStatements) -> Query | None:
    """Query for what changes rows that nobody counts, where a limit is to hold."""
    if request.max_rows_affected is None:
        return None

    def query() -> Query:
        return uncounted_rows_query(tree for one in prepared.queries for tree in dsql_syntax.trees(one.sql))

    return await asyncio.to_thread(query)


def _values(request: TransactRequest) -> Sequence[Sequence[Value] | None]:
    if not request.sql_list:
        raise RequestInvalid("sql_list is empty.", hint="Give at least one statement.")
    if request.params_list is None:
        return [None] * len(request.sql_list)
    if len(request.params_list) != len(request.sql_list):
        raise RequestInvalid(
            f"sql_list has {pluralize(len(request.sql_list), 'statement')}, and params_list values for "
            f"{len(request.params_list):,}. Nothing was run.",
            hint="Give one list of values for each statement; null or [] for one without values.",
        )
    return request.params_list
