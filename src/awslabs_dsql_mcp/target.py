"""The cluster that the settings name: an Aurora DSQL cluster or the local one."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import certifi

from awslabs_dsql_mcp.aws.api import AwsApi
from awslabs_dsql_mcp.aws.credentials import Identity, configured_region
from awslabs_dsql_mcp.aws.environment import local_endpoints
from awslabs_dsql_mcp.clusters.account import Account, Sizes
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.daemon_thread import run_in_daemon_thread
from awslabs_dsql_mcp.database.activity import ActivityRecord
from awslabs_dsql_mcp.database.connector import Connector, Target
from awslabs_dsql_mcp.database.executor import Limits, PooledDatabase
from awslabs_dsql_mcp.database.transaction import RetryPolicy
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName, name_in, region_of
from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster.extra import require_extra

if TYPE_CHECKING:
    from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster


async def resolve_target(settings: Settings, stack: AsyncExitStack) -> Target:
    """Resolve the address and the identity for a cluster; the local one is started if it does not run.

    Args:
        settings: The settings of the cluster.
        stack: Disconnects from the local cluster when it is closed.

    Raises:
        NotConfigured: No cluster is configured, or the local one cannot be started.
    """
    if settings.local:
        return await _local(settings, stack)
    if settings.cluster_endpoint is None:
        raise NotConfigured(
            "No cluster is configured; only dsql_lint and the documentation tools work.",
            code="no_cluster",
            hint="Start the server with --cluster_endpoint <id>.dsql.<region>.on.aws, or with --local "
            "for a cluster on this machine.",
        )
    return Target(
        settings.cluster_endpoint,
        settings.database_user,
        Identity(settings.region, settings.profile),
        settings.ssl_root_cert or certifi.where(),
        # Any other name may belong to a proxy or a private link that expects libpq's request for TLS.
        direct_tls=region_of(settings.cluster_endpoint) is not None,
    )


@dataclass(frozen=True)
class OpenDatabase:
    """A database, with what opens its connections."""

    connector: Connector
    database: PooledDatabase


async def open_database(
    settings: Settings, stack: AsyncExitStack, activity: ActivityRecord | None = None
) -> OpenDatabase:
    """Make the pool of a cluster; no connection is opened yet.

    Args:
        settings: The settings of the cluster.
        stack: Closes the connections.
        activity: Takes a note of each unit of work.

    Raises:
        NotConfigured: What `resolve_target` raises.
    """
    target = await resolve_target(settings, stack)
    connector = Connector(target, timeout=settings.connect_timeout)
    database = PooledDatabase(
        connector.connect,
        policy=RetryPolicy(settings.retry_attempts, settings.retry_time, settings.retry_delay),
        limits=Limits(settings.statement_timeout, settings.call_timeout, settings.max_connections),
        activity=activity,
    )
    stack.push_async_callback(database.aclose)
    return OpenDatabase(connector, database)


async def resolve_account(settings: Settings, stack: AsyncExitStack) -> Account:
    """Resolve the AWS account for a cluster, or for none; the local cluster's is on this machine.

    Args:
        settings: The settings of the cluster.
        stack: Disconnects from the local cluster when it is closed.

    Raises:
        NotConfigured: The profile is unknown, or the local cluster cannot be started.
    """
    if settings.local:
        local = await _join(settings, stack)
        api = AwsApi(_identity_of(local), dict.fromkeys(("dsql", "backup"), local.api_url))
        await api.call("dsql", "ListClusters", local.region)  # the account begins with the first question
        this = name_in(settings.cluster_endpoint or "") or _default_cluster(settings, local.region)
        return Account(
            api,
            this.region if this else local.region,
            this,
            _sizes(settings),
            ("--local", *(("--local-data", str(settings.local_data)) if settings.local_data else ())),
        )
    identity = Identity(settings.region, settings.profile)
    endpoint = settings.cluster_endpoint or ""
    region, problem = settings.region or region_of(endpoint), ""
    if region is None:
        found = await run_in_daemon_thread(lambda: configured_region(identity))
        region, problem = found.name, found.problem
    options = ("--profile", settings.profile) if settings.profile else ()
    api = AwsApi(identity, local_endpoints(os.environ))  # noqa: TID251 - botocore reads it itself
    return Account(api, region, name_in(endpoint), options=options, no_region=problem)


async def _local(settings: Settings, stack: AsyncExitStack) -> Target:
    local = await _join(settings, stack)
    identity = _identity_of(local)
    if settings.cluster_endpoint is not None:  # another cluster of the local account
        identity = replace(identity, region=region_of(settings.cluster_endpoint) or identity.region)
    return Target(
        settings.cluster_endpoint or local.host,
        settings.database_user,
        identity,
        str(local.ca_file),
        port=local.port,
        address="127.0.0.1",
        direct_tls=True,
    )


def _identity_of(local: "LocalCluster") -> Identity:
    return Identity(local.region, None, local.access_key, local.secret_key)


def _default_cluster(settings: Settings, region: str) -> ClusterName | None:
    from awslabs_dsql_mcp.local_cluster.cluster import (  # noqa: PLC0415 - only with --local
        default_identifier,
    )

    identifier = default_identifier(settings.local_data)
    return ClusterName(identifier, region) if identifier else None


def _sizes(settings: Settings) -> Sizes:
    async def sizes() -> Mapping[str, int]:
        from awslabs_dsql_mcp.local_cluster.cluster import stored_bytes  # noqa: PLC0415 - only with --local

        return await asyncio.to_thread(stored_bytes, settings.local_data)

    return sizes


async def _join(settings: Settings, stack: AsyncExitStack) -> "LocalCluster":
    require_extra()
    from awslabs_dsql_mcp.local_cluster.cluster import local_cluster  # noqa: PLC0415 - only with --local
    from awslabs_dsql_mcp.local_cluster.config import ClusterConfig  # noqa: PLC0415 - only with --local

    minutes = settings.local_session_minutes
    config = ClusterConfig(session_minutes=minutes) if minutes is not None else None
    return await stack.enter_async_context(local_cluster(settings.local_data, config))
