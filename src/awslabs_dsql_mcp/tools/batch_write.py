"""``batch_write``: one UPDATE, DELETE or INSERT … SELECT over any number of rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import Field

from awslabs_dsql_mcp.tools.large_changes.resumable import BatchResult, Resume, Token
from awslabs_dsql_mcp.tools.prepare import Value
from awslabs_dsql_mcp.tools.spec import Answer, ToolSpec, client_shows_views, search_hint

_DESCRIPTION: Final = (
    "Run one UPDATE, DELETE or INSERT … SELECT over any number of rows, in transactions of under 3,000 rows "
    "cut by primary key. Not atomic: batches stay committed if a later one fails. Each row is done once: "
    "batches that must not repeat (n = n + 1, INSERT) are recorded beside the target, in dsql_mcp_progress, "
    "for a day, and the same call again needs resume='new'. Stops at the first error, or paused when the "
    "call's time is up: call again with resume until finished. Refuses what cannot be cut: no primary key, "
    "reads of the changed table, aggregates."
)


@dataclass(frozen=True)
class WriteRequest:
    """The arguments of a call.

    Attributes:
        sql: The statement.
        params: Values for its ``%s``.
        dry_run: Only say how much there is to do.
        dry_run_token: What a dry run of the same gave.
        resume: A handle.
        rows_per_second: How fast at most.
        previews: The client shows views: the token of a dry run is for its user alone.
    """

    sql: str
    params: Sequence[Value] | None = None
    dry_run: bool = False
    dry_run_token: str | None = None
    resume: str = ""
    rows_per_second: int | None = None
    previews: bool = False


def batch_write_tool(
    call: Callable[[Context[None, Any], WriteRequest], Awaitable[Answer]],
) -> ToolSpec:
    """Describe the tool; for servers that may write.

    Args:
        call: Answers a call.
    """

    async def batch_write(
        ctx: Context[None, Any],
        sql: Annotated[str, Field(description="The statement; %s where a value goes.")],
        params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
        dry_run: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool, Field(description="Only count rows and batches; gives a dry_run_token.")
        ] = False,
        dry_run_token: Token = None,
        resume: Resume = "",
        rows_per_second: Annotated[int | None, Field(description="Go no faster.", ge=1)] = None,
    ) -> Annotated[CallToolResult, BatchResult] | InputRequiredResult:
        previews = client_shows_views(ctx)
        request = WriteRequest(sql, params, dry_run, dry_run_token, resume, rows_per_second, previews)
        return await call(ctx, request)

    return ToolSpec(
        "batch_write",
        batch_write,
        "Change many rows",
        _DESCRIPTION,
        reads=False,
        family="bulk",
        meta=search_hint("update delete insert select many rows"),
    )
