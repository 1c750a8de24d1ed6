"""``batch_write`` and ``load_rows``."""

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.types import CallToolResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.surface.spec import ToolSpec, result_of
from awslabs_dsql_mcp.surface.sql import Yes, require_yes
from awslabs_dsql_mcp.tools.batch_write import WriteRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.tools.batch_write import BatchWrite
    from awslabs_dsql_mcp.tools.batches import Tell

_BATCH_WRITE = (
    "Run one UPDATE, DELETE or INSERT … SELECT over any number of rows, in transactions of under 3,000 rows "
    "cut by primary key. Not atomic: batches stay committed if a later one fails. Each row is done once: "
    "where repeating a batch could change more (n = n + 1, INSERT), batches are marked in a table made beside "
    "the target, dsql_mcp_progress. Stops at the first error, or paused when the call's time is up: call "
    "again with resume until finished. Refuses what cannot be cut: no primary key, reads of the changed table, "
    "aggregates."
)


class Done(TypedDict):
    """How far a long change is."""

    status: str
    rows: int
    batches: int
    resume: NotRequired[str]
    dry_run_token: NotRequired[str]


Resume = Annotated[
    str,
    Field(description="Handle that an earlier call gave; 'new' to begin again beside an unfinished run."),
]
Token = Annotated[str | None, Field(description="Of a dry run of the same, in place of the user's yes.")]


def bulk_tools(batch_write: "Callable[[], BatchWrite]") -> tuple[ToolSpec, ...]:
    """Describe the tools for many rows; for servers that may write.

    Args:
        batch_write: Gives what runs big changes.
    """
    return (_batch_write(batch_write),)


def can_ask(ctx: Context[None, Any]) -> bool:
    """Whether the client can put a question to its user."""
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def _teller(ctx: Context[None, Any]) -> "Tell":
    async def tell(rows: int, told: str) -> None:
        await ctx.report_progress(rows, None, told)

    return tell


def _batch_write(tools: "Callable[[], BatchWrite]") -> ToolSpec:
    async def ask(
        ctx: Context[None, Any],
        sql: str,
        params: list[Any] | None,
        dry_run: bool,  # noqa: FBT001 - as above
        dry_run_token: str | None,
        resume: str,
    ) -> Yes | Elicit[Yes]:
        request = WriteRequest(sql, params, dry_run, dry_run_token, resume)
        question = await tools().question(request, can_ask=can_ask(ctx))
        return Yes(run=True) if question is None else Elicit(question, Yes)

    async def batch_write(  # noqa: PLR0913, PLR0917 - a tool's arguments
        ctx: Context[None, Any],
        sql: Annotated[str, Field(description="The statement; %s where a value goes.")],
        answer: Annotated[ElicitationResult[Yes], Resolve(ask)],
        params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
        dry_run: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool, Field(description="Only count rows and batches; gives a dry_run_token.")
        ] = False,
        dry_run_token: Token = None,
        resume: Resume = "",
        rows_per_second: Annotated[int | None, Field(description="Go no faster.", ge=1)] = None,
    ) -> Annotated[CallToolResult, Done]:
        require_yes(answer)
        request = WriteRequest(sql, params, dry_run, dry_run_token, resume, rows_per_second)
        return result_of(await tools().batch_write(request, _teller(ctx)))

    return ToolSpec("batch_write", batch_write, "Change many rows", _BATCH_WRITE, reads=False)
