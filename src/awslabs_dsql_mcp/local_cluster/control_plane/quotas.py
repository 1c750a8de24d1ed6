"""The quotas of an account: clusters of a Region. Pure."""

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.errors import over_quota


def check(account: Account, cluster: Cluster, at: Moment) -> None:
    """Check that a Region has room for one more cluster.

    Args:
        account: The account without it.
        cluster: The cluster.
        at: The time.

    Raises:
        ServiceError: It has not.
    """
    is_multi_region = cluster.witness is not None
    most = limits.MAX_MULTI_REGION_CLUSTERS if is_multi_region else limits.MAX_SINGLE_REGION_CLUSTERS
    count = sum(
        other.region == cluster.region and (other.witness is not None) is is_multi_region
        for other in account.existing(at)
    )
    if count >= most:
        kind = "multi-Region" if is_multi_region else "single-Region"
        raise over_quota(f"You have reached the cluster limit: {most} {kind} clusters in {cluster.region}.")
