"""``readonly_query`` and ``transact``."""

from typing import Annotated, Any

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.types import CallToolResult
from pydantic import BaseModel, Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.errors import NotConfirmed
from awslabs_dsql_mcp.tools import elicitation
from awslabs_dsql_mcp.tools.spec import ToolSpec, result_of
from awslabs_dsql_mcp.tools.sql import SqlTools, TransactRequest

_TRANSACT = (
    "Run statements in one transaction: all are committed, or none. One DDL statement alone, or up to "
    "3,000 changed rows. A conflict is retried as a whole. Returns the outcome (committed, rolled_back, "
    "unknown), the attempts, and each statement's command, rows affected and rows."
)
_TRANSACT_READS = (
    "Run several reads in one READ ONLY transaction, all from one snapshot. This server does not allow "
    "writes. Returns each statement's rows."
)


class RowsResult(TypedDict):
    """Rows of one statement."""

    data: NotRequired[str]
    notice: NotRequired[str]
    command: str
    row_count: int | None
    columns: NotRequired[list[str]]
    rows: NotRequired[list[list[Any]]]
    end: NotRequired[str]


class TransactResult(TypedDict):
    """What became of a transaction."""

    outcome: str
    attempts: int
    dry_run_token: NotRequired[str]
    job_id: NotRequired[str]
    next: NotRequired[str]
    data: NotRequired[str]
    statements: list[RowsResult]


class Confirmation(BaseModel):
    """What the user is asked."""

    run: bool = Field(description="Run it?")


SqlList = Annotated[list[str], Field(description="Statements in order, one each.")]
ParamsList = Annotated[
    list[list[Any] | None] | None, Field(description="For each statement its values, or null.")
]


def sql_tools(sql: SqlTools, *, allow_writes: bool) -> tuple[ToolSpec, ...]:
    """Describe the SQL tools.

    Args:
        sql: What runs the statements.
        allow_writes: Whether ``transact`` is announced as writing.
    """
    return (_readonly_query(sql), _transact(sql) if allow_writes else _transact_reads(sql))


def _readonly_query(tools: SqlTools) -> ToolSpec:
    async def readonly_query(
        sql: Annotated[str, Field(description="One statement; %s where a value goes.")],
        params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
        limit: Annotated[int | None, Field(description="Show at most so many rows.", ge=1)] = None,
    ) -> Annotated[CallToolResult, RowsResult]:
        return result_of(await tools.readonly_query(sql, params, limit))

    return ToolSpec(
        "readonly_query",
        readonly_query,
        "Query (read-only)",
        "Run one SELECT, VALUES, TABLE, SHOW or EXPLAIN in a READ ONLY transaction. "
        "Returns columns with types, then one JSON array a row, "
        f"at most {tools.max_rows:,} rows: filter and aggregate in SQL.",
    )


def _transact_reads(tools: SqlTools) -> ToolSpec:
    async def transact(
        sql_list: SqlList, params_list: ParamsList = None
    ) -> Annotated[CallToolResult, TransactResult]:
        return result_of(await tools.transact(TransactRequest(sql_list, params_list)))

    return ToolSpec("transact", transact, "Transaction", _TRANSACT_READS)


def _transact(tools: SqlTools) -> ToolSpec:
    async def ask(
        ctx: Context[None, Any],
        sql_list: list[str],
        params_list: list[list[Any] | None] | None,
        dry_run: bool,  # noqa: FBT001 - resolvers take tools' arguments by name
        dry_run_token: str | None,
    ) -> Confirmation | Elicit[Confirmation]:
        capabilities = ctx.client_capabilities
        can_ask = capabilities is not None and capabilities.elicitation is not None
        request = TransactRequest(sql_list, params_list, dry_run, dry_run_token)
        question = await tools.prompt(request, can_ask=can_ask)
        return Confirmation(run=True) if question is None else elicitation.ask(question, Confirmation)

    async def transact(
        sql_list: SqlList,
        answer: Annotated[ElicitationResult[Confirmation], Resolve(ask)],
        params_list: ParamsList = None,
        dry_run: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool,
            Field(description="Run all, report, roll back (sequences stay moved); gives a dry_run_token."),
        ] = False,
        dry_run_token: Annotated[
            str | None, Field(description="Of a dry run of the same, in place of the user's yes.")
        ] = None,
        max_rows_affected: Annotated[
            int | None,
            Field(description="Roll back if more changed rows are reported; cascades are not.", ge=0),
        ] = None,
    ) -> Annotated[CallToolResult, TransactResult]:
        require_confirmation(answer)
        request = TransactRequest(sql_list, params_list, dry_run, dry_run_token, max_rows_affected)
        return result_of(await tools.transact(request))

    return ToolSpec("transact", transact, "Transaction", _TRANSACT, reads=False)


def require_confirmation(answer: ElicitationResult[Confirmation]) -> None:
    """Stop where the user was asked and did not agree.

    Raises:
        NotConfirmed: The user said no, or nothing.
    """
    if not (isinstance(answer, AcceptedElicitation) and answer.data.run):
        raise NotConfirmed(
            "The user did not approve this transaction; nothing was run.",
            hint="Ask the user what to do instead.",
        )
