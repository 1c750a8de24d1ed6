"""``create_cluster``: one cluster or a multi-Region pair, empty or from a recovery point."""

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import BeforeValidator, Field

from awslabs_dsql_mcp.tools.cluster_status import MARGIN, MAX_WAIT
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation, ConfirmPolicy
from awslabs_dsql_mcp.tools.spec import ToolSpec, client_of, progress_of, search_hint, to_text_result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from awslabs_dsql_mcp.clusters.account import Account
    from awslabs_dsql_mcp.clusters.changes.registry import Registry
    from awslabs_dsql_mcp.clusters.model import Cluster


def _listed(given: object) -> object:
    """Take Regions that are separated by commas or spaces, as models write them, for a list."""
    return given.replace(",", " ").split() if isinstance(given, str) else given


def create_cluster_tool(
    account: "Callable[[], Awaitable[Account]]",
    registry: "Registry",
    *,
    policy: ConfirmPolicy,
    confirmation: ChangeConfirmation,
    call_time: float,
    use: "Callable[[Cluster], None]",
) -> ToolSpec:
    """Describe the tool.

    Args:
        account: Gives the AWS account at the first need.
        registry: Counts what this server has made.
        policy: The operator's policy of confirmation.
        confirmation: Gives tokens of dry runs, and takes them.
        call_time: Longest a call may take, in seconds.
        use: Called with each cluster that may be used from now on.
    """
    longest = max(0.0, min(MAX_WAIT, call_time - MARGIN))

    async def default_region(point: str) -> list[str]:
        from awslabs_dsql_mcp.clusters.changes.order import read_point  # noqa: PLC0415 - as below

        region = read_point(point).region if point else (await account()).region
        return [region] if region else []

    async def create_cluster(  # noqa: PLR0913, PLR0917 - a tool's arguments
        ctx: Context[None, Any],
        name: Annotated[str, Field(description="Its Name tag; the same name again goes on with it.")],
        regions: Annotated[
            list[str],
            BeforeValidator(_listed),
            Field(description="AWS Region, two for a pair; else this server's."),
        ] = [],  # noqa: B006 - nothing changes it, and the schema shows it
        witness_region: Annotated[str, Field(description="Third Region, for a pair.")] = "",
        recovery_point_arn: Annotated[str, Field(description="Restore this recovery point.")] = "",
        tags: Annotated[dict[str, str] | None, Field(description="More tags.")] = None,
        deletion_protection: bool = True,  # noqa: FBT001, FBT002 - clients pass arguments by name
        dry_run_token: Annotated[str | None, Field(description="Of the answer that asks for it.")] = None,
    ) -> CallToolResult | InputRequiredResult:
        from awslabs_dsql_mcp.clusters.changes.creation.create import (  # noqa: PLC0415 - most sessions ask nothing of AWS
            CreateCluster,
        )
        from awslabs_dsql_mcp.clusters.changes.order import read_order  # noqa: PLC0415 - as above
        from awslabs_dsql_mcp.tools.consent.cluster_approval import (  # noqa: PLC0415 - as above
            CallEnded,
            ClusterApproval,
        )

        where = regions or await default_region(recovery_point_arn)
        order = read_order(
            name, where, witness_region, recovery_point_arn, tags, is_protected=deletion_protection
        )
        approval = ClusterApproval(ctx, policy, confirmation, dry_run_token)
        work = CreateCluster(account, registry)
        try:
            answer, clusters = await work.create(order, client_of(ctx), approval, progress_of(ctx), longest)
        except CallEnded as ended:
            return ended.result
        for cluster in clusters:
            use(cluster)
        return to_text_result(answer)

    return ToolSpec(
        "create_cluster",
        create_cluster,
        "Create cluster",
        "Create an Aurora DSQL cluster or multi-Region pair, empty or from a backup; it costs money. Ready "
        "in about a "
        "minute, else it says how to wait. Then give its id as `cluster` to other tools. The user is asked "
        "for pairs, "
        "restores and unprotected ones.",
        reads=False,
        adds=True,
        open_world=True,
        family="clusters",
        meta=search_hint("create new cluster multi-region pair restore backup"),
    )
