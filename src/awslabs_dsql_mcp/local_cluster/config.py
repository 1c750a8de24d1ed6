"""How a local cluster behaves where its user may choose: faults on demand, limits, cancel requests.

The defaults are Aurora DSQL's (user guide, "Cluster quotas and database limits"), without faults.
Whoever starts the cluster chooses for all who join it.
"""

import json
from dataclasses import asdict, dataclass, fields

from awslabs_dsql_mcp.dsql import limits

_OUR_OWN = 10  # connections to PostgreSQL that no client has
_LEAVING = 20  # that clients have left, and PostgreSQL still has to end


@dataclass(frozen=True)
class ClusterConfig:
    """What was chosen.

    Attributes:
        conflict_rate: Share of commits that fail as if another transaction had been first, 0 to 1.
        disconnect_rate: Share of messages at which the connection is cut, 0 to 1.
        latency_ms: Milliseconds that each round trip takes longer.
        seed: What the faults follow from; `None` for others in each run.
        session_minutes: Minutes after which a connection ends.
        max_transaction_seconds: Seconds after which a transaction cannot go on.
        max_rows: Rows that a transaction may change.
        max_bytes: Bytes that a transaction may write.
        max_connections: Connections open at once; Aurora DSQL's 10,000 would cost PostgreSQL a third of
            a second of its start and 350 MB.
        connection_rate: New connections a second, on the long run.
        connection_burst: New connections at once, after a rest.
        honour_cancel: Whether cancel requests reach PostgreSQL; Aurora DSQL ignores them.
    """

    conflict_rate: float = 0.0
    disconnect_rate: float = 0.0
    latency_ms: float = 0.0
    seed: int | None = None
    session_minutes: float = limits.MAX_SESSION_SECONDS / 60
    max_transaction_seconds: float = float(limits.MAX_TRANSACTION_SECONDS)
    max_rows: int = limits.MAX_ROWS
    max_bytes: int = limits.MAX_BYTES
    max_connections: int = 500
    connection_rate: float = float(limits.CONNECTIONS_PER_SECOND)
    connection_burst: int = limits.CONNECTION_BURST
    honour_cancel: bool = False

    @classmethod
    def from_json(cls, text: str) -> "ClusterConfig":
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is no JSON.
            TypeError: It is something else.
        """
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Write it on one line."""
        return json.dumps(asdict(self))

    def choices(self) -> dict[str, object]:
        """Give what differs from the defaults."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    def postgres_settings(self) -> dict[str, str]:
        """Give the limits that are PostgreSQL's part to keep, as its settings (see ``sys.sql``)."""
        return {
            "dsql.max_rows": str(self.max_rows),
            "dsql.max_bytes": str(self.max_bytes),
            "max_connections": str(self.max_connections + _LEAVING + _OUR_OWN),
            "superuser_reserved_connections": str(_OUR_OWN),
        }
