"""What all connections of one running cluster share."""

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
    """What a connection finds when it comes.

    Args:
        address: Where PostgreSQL listens.
        credentials: The keys that sign tokens.
        config: How the cluster behaves.
        connection_limits: Counts the connections.
        now: Gives the time, with its zone, for tokens.
        sessions: Those that were let in.
        spawn: Runs a coroutine as a task that somebody holds on to.
    """

    address: Address
    credentials: Credentials
    config: ClusterConfig
    connection_limits: ConnectionLimits
    now: Callable[[], datetime]
    sessions: SessionRegistry
    spawn: Callable[[Coroutine[Any, Any, None]], object]
