"""The cluster that the settings name: a real one by its endpoint, or the one on this machine."""

from contextlib import AsyncExitStack

from awslabs_dsql_mcp.aws.credentials import Identity
from awslabs_dsql_mcp.config.settings import Settings, region_of
from awslabs_dsql_mcp.database.connector import Target
from awslabs_dsql_mcp.errors import NotConfigured


async def resolve_target(settings: Settings, stack: AsyncExitStack) -> Target:
    """Say how to reach the cluster; a local one is joined, or started, first.

    Args:
        settings: What the operator decided.
        stack: Leaves the local cluster.

    Raises:
        NotConfigured: None is configured, or the local one cannot be started.
    """
    if settings.local:
        return await _local(settings, stack)
    if settings.cluster_endpoint is None:
        raise NotConfigured(
            "No cluster is configured; only the documentation tools work.",
            code="no_cluster",
            hint="Start the server with --cluster_endpoint <id>.dsql.<region>.on.aws, or with --local "
            "for a cluster on this machine.",
        )
    import certifi  # noqa: PLC0415 - only for a real cluster

    return Target(
        settings.cluster_endpoint,
        settings.database_user,
        Identity(settings.region, settings.profile),
        settings.ssl_root_cert or certifi.where(),
        # Any other name may be a proxy's or a private link's, which may want to be asked first.
        direct_tls=region_of(settings.cluster_endpoint) is not None,
    )


async def _local(settings: Settings, stack: AsyncExitStack) -> Target:
    from awslabs_dsql_mcp.local_cluster.cluster import local_cluster  # noqa: PLC0415 - only with --local
    from awslabs_dsql_mcp.local_cluster.config import ClusterConfig  # noqa: PLC0415 - only with --local

    minutes = settings.local_session_minutes
    behaviour = ClusterConfig(session_minutes=minutes) if minutes is not None else None
    local = await stack.enter_async_context(local_cluster(settings.local_data, behaviour))
    return Target(
        local.host,
        settings.database_user,
        Identity(local.region, None, local.access_key, local.secret_key),
        str(local.ca_file),
        port=local.port,
        address="127.0.0.1",
        direct_tls=True,
    )
