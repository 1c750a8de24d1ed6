"""``explain_query``: a statement's plan, and its costs in words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, cast

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.catalog import model, queries
from awslabs_dsql_mcp.clusters.budget import Budget
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid, StatementRefused
from awslabs_dsql_mcp.explain import findings, index_advisor
from awslabs_dsql_mcp.explain import plan as plans
from awslabs_dsql_mcp.explain.index_advisor import Candidate
from awslabs_dsql_mcp.explain.plan_view import plan_view
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput
from awslabs_dsql_mcp.sql.scripts import without_mark
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import truncate_lines
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.prepare import Value, check, prepare
from awslabs_dsql_mcp.tools.spec import ToolSpec, client_shows_views, search_hint, to_text_result
from awslabs_dsql_mcp.views.extension import VIEW

_DESCRIPTION: Final = (
    "A statement's plan, and in words what costs in it: whole tables read, look-ups, filters that drop most "
    "rows, wrong estimates, and an index as a ready CREATE INDEX ASYNC where the plan supports one. Nothing "
    "is run, except with analyze: that runs a read in a READ ONLY transaction for real rows and DPUs."
)

_ALL: Final = OfferedTools()
_MAX_FINDINGS: Final = 25
_MAX_FOUND: Final = 6_000  # characters of them all
_MAX_TABLES = 2  # that are looked up for advice
_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE")


class ExplainQuery:
    """Explains statements: one round trip, and one more where an index may be worth advising.

    Args:
        database: Where statements run.
        offered: The tools that the next step may name.
        budget: Tells what DPUs cost; by default it knows no prices and no limit.
    """

    def __init__(
        self, database: Database, offered: OfferedTools = _ALL, budget: Budget | None = None
    ) -> None:
        self._database = database
        self._offered = offered
        self._budget = budget or Budget()

    def spec(self) -> ToolSpec:
        """The tool as it is announced."""

        async def explain_query(
            ctx: Context[None, Any],
            sql: Annotated[str, Field(description="One statement, without EXPLAIN; %s where a value goes.")],
            params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
            analyze: Annotated[bool, Field(description="Run it; only for reads.")] = False,  # noqa: FBT002 - clients pass arguments by name
        ) -> CallToolResult:
            views = client_shows_views(ctx)
            return to_text_result(await self.explain_query(sql, params, analyze=analyze, views=views))

        return ToolSpec(
            "explain_query",
            explain_query,
            "Query plan and cost",
            _DESCRIPTION,
            meta=search_hint("slow query plan cost index"),
        )

    async def explain_query(
        self, sql: str, params: Sequence[Value] | None = None, *, analyze: bool = False, views: bool = False
    ) -> ToolOutput:
        """Show a statement's plan and say what costs in it.

        Args:
            sql: One statement, with ``%s`` where a value goes.
            params: The values.
            analyze: Run it, in a READ ONLY transaction, for real figures; only for reads.
            views: Give a view what it draws, too.

        Raises:
            RequestInvalid: It has no plan, or the values do not fit.
            StatementRefused: The guard refused it.
            DsqlError: What `Database.run` raises.
        """
        query, statement = await _prepare(sql, params, analyze=analyze)
        if analyze:
            self._budget.rates.begin()
        traces = analyze and statement.user_functions
        unit = UnitOfWork((query,), read_only=True, may_change_session=traces)
        result = (await self._database.run(unit)).results[0]
        text = "\n".join(row[0] or "" for row in result.rows)
        plan = plans.parse_plan(text)
        found = findings.findings(plan)
        listed = [f"- {finding}" for finding in found] or ["- nothing stands out"]
        said = truncate_lines(listed, _MAX_FINDINGS, "findings", characters=_MAX_FOUND)
        advice = await self._advice(index_advisor.candidates(plan))
        said += [f"- index: {one}" for one in advice]
        advised = any("CREATE INDEX" in line for line in said)
        is_simulated = any("DPUs are simulated" in notice for notice in result.notices)  # a local cluster's
        price = (await self._budget.rates.rate()).price if plan.dpus and not is_simulated else None
        costs = findings.dpu_text(plan.dpus, price, self._budget.limit, is_simulated=is_simulated)
        told = (
            Marked("plan", plans.without_noise(text)),
            "What costs, measured in this run:" if analyze else "What costs, estimated (nothing was run):",
            *said,
            *([costs] if costs else []),
            f"Next: {self._next(statement, analyze=analyze, advised=advised)}",
        )
        shown = {VIEW: plan_view(plan, found[:_MAX_FINDINGS], advice, costs)} if views else {}
        return ToolOutput(told, for_person=shown)

    async def _advice(self, candidates: Sequence[Candidate]) -> list[str]:
        """Look at the tables of possible indexes; without them the plan is worth telling all the same."""
        chosen = candidates[:_MAX_TABLES]
        if not chosen:
            return []
        batches = [queries.table_queries(candidate.table, caches=False) for candidate in chosen]
        try:
            unit = UnitOfWork(tuple(query for batch in batches for query in batch), read_only=True)
            results = (await self._database.run(unit)).results
        except DsqlError:
            return []
        size = len(batches[0])
        found: list[str] = []
        for number, candidate in enumerate(chosen):
            try:
                tables = model.fold_tables(candidate.table, results[number * size : (number + 1) * size])
            except RequestInvalid:  # a function or a CTE, no table
                continue
            found += [advice for table in tables[:1] if (advice := index_advisor.advise(candidate, table))]
        return found

    def _next(self, statement: StatementInfo, *, analyze: bool, advised: bool) -> str:
        if advised:
            step = "create the index with transact, alone, follow its job as that says, then explain again."
        elif statement.kind in _CHANGES:
            step = "transact runs it; with dry_run=true it counts the rows, and changes nothing."
        elif analyze:
            step = "readonly_query runs it; compare another form with explain_query."
        else:
            step = "analyze=true runs it and gives real rows and DPUs; readonly_query gives its rows."
        return self._offered.advise(step)


async def _prepare(sql: str, params: Sequence[Value] | None, *, analyze: bool) -> tuple[Query, StatementInfo]:
    """Check a statement by itself, whose errors the caller understands, and then as it is explained."""
    alone = await check(sql, params, writes=not analyze)
    if alone.statement is not None:
        _require_plan(alone.statement, analyze=analyze)
    if alone.refusal is not None:
        raise alone.refusal.to_error()
    statement = cast("StatementInfo", alone.statement)  # what is not one statement is refused
    explain = "EXPLAIN (ANALYZE, VERBOSE) " if analyze else "EXPLAIN VERBOSE "
    (query,) = (await prepare([explain + without_mark(sql)], [params], writes=False)).queries
    return replace(query, added=len(explain)), statement


def _require_plan(statement: StatementInfo, *, analyze: bool) -> None:
    if statement.kind in ("EXPLAIN", "SHOW") or statement.category in ("ddl", "setting"):
        raise RequestInvalid(
            f"{statement.kind} has no plan.",
            hint="Give SELECT, INSERT, UPDATE or DELETE alone, without EXPLAIN.",
        )
    if analyze and statement.kind in _CHANGES:
        raise StatementRefused(
            f"Refused (analyze-write): analyze runs the statement, and {statement.kind} changes data.",
            code="analyze-write",
            hint="Call explain_query without analyze: it plans the statement, and runs nothing.",
        )
