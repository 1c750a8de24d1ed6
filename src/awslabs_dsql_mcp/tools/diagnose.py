"""``diagnose``: what stands out in the connected cluster, and what to do about it."""

from typing import TYPE_CHECKING, Annotated

from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.database.activity import MAX_MINUTES, ActivityRecord
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.spec import ToolSpec, search_hint, to_text_result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from awslabs_dsql_mcp.clusters.account import Account


def diagnose_tool(
    database: Database,
    activity: ActivityRecord,
    account: "Callable[[], Awaitable[Account]]",
    offered: OfferedTools,
) -> ToolSpec:
    """Describe the tool.

    Args:
        database: The cluster.
        activity: What this server saw on it.
        account: Gives the AWS account at the first need.
        offered: The tools that the next steps may name.
    """

    async def diagnose(
        minutes: Annotated[int, Field(description="How far back.", ge=1, le=MAX_MINUTES)] = 15,
    ) -> CallToolResult:
        from awslabs_dsql_mcp.diagnosis import report  # noqa: PLC0415 - most sessions need no diagnosis

        answer = await report.diagnose(database, activity, account, minutes, offered.advise)
        return to_text_result(answer)

    return ToolSpec(
        "diagnose",
        diagnose,
        "Diagnosis",
        "What is wrong with the connected cluster, each with its next step: conflicts (40001) with "
        "tables, rows and cause, slow statements, connections, failed jobs, invalid or redundant indexes, "
        "sequence caches, limits.",
        open_world=True,
        family="clusters",
        meta=search_hint("diagnose conflicts retries contention slow hot row health"),
    )
