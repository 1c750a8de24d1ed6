"""``cluster_status``: clusters listed, or one of them with its peers, backups, usage and cost."""

from typing import TYPE_CHECKING, Annotated, Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.clusters import MAX_DAYS
from awslabs_dsql_mcp.tools.spec import ToolSpec, client_shows_views, progress_of, search_hint, to_text_result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from awslabs_dsql_mcp.clusters.account import Account

MAX_WAIT: Final = 45
"""Seconds; many clients cut a call off at 60."""

MARGIN: Final = 10.0
"""Seconds of a call's time that the other questions may take."""


def cluster_status_tool(account: "Callable[[], Awaitable[Account]]", *, call_time: float) -> ToolSpec:
    """Describe the tool.

    Args:
        account: Gives the AWS account at the first need.
        call_time: Longest a call may take, in seconds.
    """
    longest = max(0.0, min(MAX_WAIT, call_time - MARGIN))

    async def cluster_status(
        ctx: Context[None, Any],
        cluster_id: Annotated[
            str, Field(description="Id, ARN or endpoint; `this`: the connected one; empty: a list.")
        ] = "",
        region: Annotated[str, Field(description="AWS Regions, comma-separated.")] = "",
        days: Annotated[
            int | None, Field(description="Also usage and cost of so many days.", ge=1, le=MAX_DAYS)
        ] = None,
        wait_s: Annotated[
            float | None, Field(description="Wait so long while its state changes.", ge=0, le=MAX_WAIT)
        ] = None,
    ) -> CallToolResult:
        from awslabs_dsql_mcp.clusters.status import (  # noqa: PLC0415 - most sessions ask nothing of AWS
            ClusterStatus,
        )

        wait = min(wait_s or 0.0, longest)
        status = ClusterStatus(account, views=client_shows_views(ctx))
        answer = await status.report(cluster_id, region, days, wait, progress_of(ctx))
        return to_text_result(answer)

    return ToolSpec(
        "cluster_status",
        cluster_status,
        "Clusters",
        "Clusters of the AWS account: state, endpoint, protection, peers, tags, backup, storage, quota; "
        "with days: DPUs, cost, transactions, conflicts.",
        open_world=True,
        family="clusters",
        meta=search_hint("aurora dsql clusters regions cost billing backup quota"),
    )
