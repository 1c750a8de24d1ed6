"""Faults on demand: drawn from a seed, so that a test meets the same ones again, and without I/O.

Each connection draws its own, and each kind of fault by itself: what one connection does, or whether
it is also cut, changes nothing of another's conflicts.
"""

from enum import Enum, auto
from random import Random

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig


class Disconnect(Enum):
    """Where a connection is cut: the client cannot tell which it was."""

    BEFORE = auto()
    """Before PostgreSQL got the message."""
    AFTER = auto()
    """After PostgreSQL got it, before its answer."""


class FaultInjector:
    """The faults of one connection.

    Args:
        config: How often they come, and the seed.
        connection: The connection's number since the cluster's start.
    """

    def __init__(self, config: ClusterConfig, connection: int) -> None:
        self._config = config
        self._conflicts = _stream(config.seed, connection, "conflict")
        self._cuts = _stream(config.seed, connection, "cut")

    def conflict(self) -> bool:
        """Say whether this commit conflicts."""
        return self._conflicts.random() < self._config.conflict_rate

    def disconnect(self) -> Disconnect | None:
        """Say whether the connection is cut at this message, and where."""
        drawn = self._cuts.random()
        if drawn >= self._config.disconnect_rate:
            return None
        return Disconnect.BEFORE if drawn * 2 < self._config.disconnect_rate else Disconnect.AFTER

    def delay(self) -> float:
        """Give the seconds that this round trip takes longer."""
        return self._config.latency_ms / 1000


def _stream(seed: int | None, connection: int, kind: str) -> Random:
    return Random(None if seed is None else f"{seed} {connection} {kind}")  # noqa: S311  faults, not secrets
