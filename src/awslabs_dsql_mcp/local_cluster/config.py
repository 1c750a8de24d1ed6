"""Configuration of a local cluster: injected faults, limits, cancel requests.

The defaults are those of Aurora DSQL (user guide, "Cluster quotas and database limits"), without faults.
The process that starts the cluster chooses for all its clients.
"""

import json
from dataclasses import asdict, dataclass, fields, replace

from awslabs_dsql_mcp.dsql import limits

_RESERVED = 10  # connections of the daemon itself
_ENDING = 20  # connections closed by clients that PostgreSQL has yet to end


@dataclass(frozen=True)
class ClusterConfig:
    """Configuration of one cluster.

    Attributes:
        conflict_rate: Share of commits that fail with a conflict, 0 to 1.
        disconnect_rate: Share of messages that cut the connection, 0 to 1.
        latency_ms: Milliseconds added to each round trip.
        seed: Seed of the faults; `None` for different ones in each run.
        session_minutes: Minutes after which a connection ends.
        max_transaction_seconds: Seconds after which a transaction fails.
        max_rows: Rows that a transaction may change.
        max_bytes: Bytes that a transaction may write.
        max_connections: Connections open at once; Aurora DSQL's 10,000 would cost PostgreSQL a third of
            a second of its start and 350 MB.
        connection_rate: New connections a second.
        connection_burst: New connections at once, before that rate holds.
        transition_seconds: Seconds that a cluster is CREATING, UPDATING or DELETING, and a job of AWS Backup
            CREATED and RUNNING.
        port: Port of the endpoint; `None` for the one of the last start, or any that is free.
        honour_cancel: True to pass cancel requests on to PostgreSQL; Aurora DSQL ignores them.
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
    transition_seconds: float = 1.0
    port: int | None = None
    honour_cancel: bool = False

    @classmethod
    def from_json(cls, text: str) -> "ClusterConfig":
        """Read the JSON of `to_json`.

        Raises:
            ValueError: The text is not JSON.
            TypeError: The JSON is not a configuration.
        """
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Format the configuration as one line of JSON."""
        return json.dumps(asdict(self))

    def accepts(self, running: "ClusterConfig", port: int) -> bool:
        """Check that a cluster which runs is as this configuration has it.

        Args:
            running: Its configuration.
            port: The port of its endpoint.
        """
        return self.port in (None, port) and replace(self, port=None) == replace(running, port=None)

    def choices(self) -> dict[str, object]:
        """Return the fields that differ from the defaults."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    def postgres_settings(self) -> dict[str, str]:
        """Return the settings of PostgreSQL for the limits that it enforces (see ``sys.sql``)."""
        return {
            "dsql.max_rows": str(self.max_rows),
            "dsql.max_bytes": str(self.max_bytes),
            "max_connections": str(self.max_connections + _ENDING + _RESERVED),
            "superuser_reserved_connections": str(_RESERVED),
        }
