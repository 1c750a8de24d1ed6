"""Context that all connections of one running cluster share."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.endpoint.connection_limits import ConnectionLimits
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials
from awslabs_dsql_mcp.local_cluster.postgres.server import Address
from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry


@dataclass(frozen=True)
class EndpointContext:
    """Context of the connections of one cluster.

    Args:
        address: Address of PostgreSQL.
        credentials: The keys that sign tokens.
        config: Configuration of the cluster.
        connection_limits: Counts the connections.
        now: Current time with a time zone, for tokens.
        sessions: Open sessions.
        spawn: Runs a coroutine as a task and keeps a reference to it.
    """

    address: Address
    credentials: Credentials
    config: ClusterConfig
    connection_limits: ConnectionLimits
    now: Callable[[], datetime]
    sessions: SessionRegistry
    spawn: Callable[[Coroutine[Any, Any, None]], object]
