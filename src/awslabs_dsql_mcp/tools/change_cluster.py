"""``change_cluster``: a cluster protected, tagged, backed up or deleted."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import Field

from awslabs_dsql_mcp.tools.cluster_status import MARGIN, MAX_WAIT
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation, ConfirmPolicy
from awslabs_dsql_mcp.tools.spec import ToolSpec, progress_of, search_hint, to_text_result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from awslabs_dsql_mcp.clusters.account import Account
    from awslabs_dsql_mcp.clusters.changes.change import Inside
    from awslabs_dsql_mcp.clusters.changes.registry import Registry


def change_cluster_tool(  # noqa: PLR0913 - parts of a server
    account: "Callable[[], Awaitable[Account]]",
    registry: "Registry",
    *,
    gate: Literal["own", "all"],
    inside: "Inside",
    is_only: bool,
    policy: ConfirmPolicy,
    confirmation: ChangeConfirmation,
    call_time: float,
) -> ToolSpec:
    """Describe the tool.

    Args:
        account: Gives the AWS account at the first need.
        registry: Counts what this server has made.
        gate: Which clusters may be changed.
        inside: Connects to a cluster.
        is_only: This server is connected to one cluster.
        policy: The operator's policy of confirmation.
        confirmation: Gives tokens of dry runs, and takes them.
        call_time: Longest a call may take, in seconds.
    """
    longest = max(0.0, min(MAX_WAIT, call_time - MARGIN))

    async def change_cluster(
        ctx: Context[None, Any],
        cluster_id: Annotated[str, Field(description="Id, ARN or endpoint.")],
        action: Literal["protect", "unprotect", "tag", "untag", "back_up", "delete"],
        tags: Annotated[
            dict[str, str] | None, Field(description="To set; of untag, the keys to remove.")
        ] = None,
        without_backup: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool, Field(description="Delete without a recovery point: its data is lost for good.")
        ] = False,
        dry_run_token: Annotated[str | None, Field(description="Of the answer that asks for it.")] = None,
    ) -> CallToolResult | InputRequiredResult:
        from awslabs_dsql_mcp.clusters.changes.change import (  # noqa: PLC0415 - most sessions ask nothing of AWS
            ChangeCluster,
        )
        from awslabs_dsql_mcp.clusters.changes.rules import Request  # noqa: PLC0415 - as above
        from awslabs_dsql_mcp.clusters.status import named  # noqa: PLC0415 - as above
        from awslabs_dsql_mcp.tools.consent.cluster_approval import (  # noqa: PLC0415 - as above
            CallEnded,
            ClusterApproval,
        )

        approval = ClusterApproval(ctx, policy, confirmation, dry_run_token)
        work = ChangeCluster(account, gate, inside, registry, is_only=is_only)
        request = Request(action, tags or {}, without_backup)
        try:
            answer = await work.change(
                lambda known: named(cluster_id, known, []),
                cluster_id,
                request,
                approval,
                progress_of(ctx),
                longest,
            )
        except CallEnded as ended:
            return ended.result
        return to_text_result(answer)

    which = "Clusters made by this server alone" if gate == "own" else "Clusters of the account"
    return ToolSpec(
        "change_cluster",
        change_cluster,
        "Change cluster",
        f"Protect from deletion, tag, back up or delete. {which}. To delete: unprotect, then delete, each "
        "when the "
        "user wants it; both are confirmed by the user. The answer has the state as read back.",
        reads=False,
        open_world=True,
        family="clusters",
        meta=search_hint("cluster protect tag backup delete"),
    )
