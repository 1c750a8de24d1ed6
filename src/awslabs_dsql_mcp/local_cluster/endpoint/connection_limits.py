"""Limits of new connections: the cluster is awake, within its rate, within its number.

Texts, SQLSTATEs and numbers: Aurora DSQL user guide, "Cluster quotas and database limits" and
"Troubleshooting". The SQLSTATE of a cluster that wakes up is not documented; 08006 is that of similar errors.
"""

from collections.abc import Callable

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal

WAKING = Refusal("08006", "unable to accept connection, waking up cluster, please retry later")
TOO_MANY = Refusal("53300", "Unable to accept connection, too many open connections.")
TOO_FAST = Refusal("53400", "Unable to accept connection, rate exceeded.")

Clock = Callable[[], float]


class TokenBucket:
    """A token bucket: limits a burst, and the rate after it.

    Args:
        rate: Tokens added a second.
        burst: Maximum number of tokens, and the initial one.
        clock: Monotonic time in seconds.
    """

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._filled_at = float(burst), clock()

    def take(self) -> bool:
        """Take a token; false if there is none."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class SleepState:
    """Sleep of an idle cluster, which the first connection ends.

    Args:
        clock: Monotonic time in seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waking_seconds: float | None = None
        self._awake_at = clock()

    def begin(self, waking_seconds: float) -> None:
        """Fall asleep; waking up takes so long from the first connection."""
        self._waking_seconds = waking_seconds

    @property
    def is_asleep(self) -> bool:
        """True until the first connection."""
        return self._waking_seconds is not None

    def wake(self) -> bool:
        """Return true if the cluster is awake; begin to wake it up if it sleeps."""
        now = self._clock()
        if self._waking_seconds is None:
            return now >= self._awake_at
        self._awake_at, self._waking_seconds = now + self._waking_seconds, None
        return False


class ConnectionLimits:
    """Counts the connections of one cluster.

    Args:
        config: Configuration with the limits.
        clock: Monotonic time in seconds.
    """

    def __init__(self, config: ClusterConfig, clock: Clock) -> None:
        self.sleep = SleepState(clock)
        self._arrivals = TokenBucket(config.connection_rate, config.connection_burst, clock)
        self._most = config.max_connections
        self._open = 0

    def enter(self) -> Refusal | None:
        """Count a new connection, which must `leave` later, or return its refusal."""
        if not self.sleep.wake():
            return WAKING
        if not self._arrivals.take():
            return TOO_FAST
        if self._open >= self._most:
            return TOO_MANY
        self._open += 1
        return None

    def leave(self) -> None:
        """Count a closed connection."""
        self._open -= 1
