"""Context that all connections to one cluster share, and what runs behind it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.endpoint.connection_limits import ConnectionLimits
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials
from awslabs_dsql_mcp.local_cluster.postgres.server import Address
from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal
from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry


@dataclass(frozen=True)
class Backend:
    """A running PostgreSQL and its sessions.

    Attributes:
        address: Address of PostgreSQL.
        sessions: Open sessions.
    """

    address: Address
    sessions: SessionRegistry


@dataclass(frozen=True)
class EndpointContext:
    """Context of the connections to one cluster.

    Attributes:
        names: The cluster's names, in lower case.
        credentials: The keys that sign tokens, and the cluster's Region.
        config: Configuration of the cluster.
        connection_limits: Counts the connections.
        now: Current time with a time zone, for tokens.
        backend: Returns what runs behind the endpoint; raises `OSError` if that cannot be started.
        spawn: Runs a coroutine as a task and keeps a reference to it.
        clients: Transports of the counted connections.
    """

    names: frozenset[str]
    credentials: Credentials
    config: ClusterConfig
    connection_limits: ConnectionLimits
    now: Callable[[], datetime]
    backend: Callable[[], Awaitable[Backend]]
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    clients: set[asyncio.BaseTransport] = field(default_factory=set[asyncio.BaseTransport])


Router = Callable[[str, EndpointContext], EndpointContext | Refusal]
"""Finds the cluster of a name, in lower case, given the context of the first one."""
