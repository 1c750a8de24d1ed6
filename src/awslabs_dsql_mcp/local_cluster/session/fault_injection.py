"""Injected faults, drawn from a seed so that a test can repeat them; without I/O.

Each connection and each kind of fault has a random stream of its own: one does not change another.
"""

from enum import Enum, auto
from random import Random

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig


class Disconnect(Enum):
    """Point at which a connection is cut; the client cannot see which one."""

    BEFORE = auto()
    """Before PostgreSQL got the message."""
    AFTER = auto()
    """After PostgreSQL got it, before its answer."""


class FaultInjector:
    """The faults of one connection.

    Args:
        config: Configuration with the rates and the seed.
        connection: Number of the connection since the start of the cluster.
    """

    def __init__(self, config: ClusterConfig, connection: int) -> None:
        self._config = config
        self._conflicts = _stream(config.seed, connection, "conflict")
        self._cuts = _stream(config.seed, connection, "cut")

    def conflict(self) -> bool:
        """Return true if this commit conflicts."""
        return self._conflicts.random() < self._config.conflict_rate

    def disconnect(self) -> Disconnect | None:
        """Return the point at which this message cuts the connection; `None` if it does not."""
        drawn = self._cuts.random()
        if drawn >= self._config.disconnect_rate:
            return None
        return Disconnect.BEFORE if drawn * 2 < self._config.disconnect_rate else Disconnect.AFTER

    def delay(self) -> float:
        """Return the seconds added to this round trip."""
        return self._config.latency_ms / 1000


def _stream(seed: int | None, connection: int, kind: str) -> Random:
    return Random(None if seed is None else f"{seed} {connection} {kind}")  # noqa: S311  faults, not secrets
