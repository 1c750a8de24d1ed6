"""What all connections of one running cluster share."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awslabs_dsql_mcp.local_cluster.config import Behaviour
from awslabs_dsql_mcp.local_cluster.endpoint.connection_limits import Admission
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials
from awslabs_dsql_mcp.local_cluster.postgres.server import Address
from awslabs_dsql_mcp.local_cluster.session.registry import Sessions


@dataclass(frozen=True)
class Shared:
    """What a connection finds when it comes.

    Args:
        address: Where PostgreSQL listens.
        credentials: The keys that sign tokens.
        behaviour: How the cluster behaves.
        admission: Counts the connections.
        now: Gives the time, with its zone, for tokens.
        sessions: Those that were let in.
        spawn: Runs a coroutine as a task that somebody holds on to.
    """

    address: Address
    credentials: Credentials
    behaviour: Behaviour
    admission: Admission
    now: Callable[[], datetime]
    sessions: Sessions
    spawn: Callable[[Coroutine[Any, Any, None]], object]
