"""Record of the conflicts and slow transactions that this server saw on a cluster: in memory, bounded.

The statements are kept without their literals (see `sql.shapes`), and only of what conflicted or was slow.
"""

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork

if TYPE_CHECKING:
    from awslabs_dsql_mcp.sql.shapes import StatementShape

MAX_MINUTES: Final = 1_440
"""Minutes that the record reaches back."""

SLOW: Final = 1.0
"""Seconds from which a transaction counts as slow, without the waits between its attempts."""

_MAX_CONFLICTED: Final = 500
_MAX_SLOW: Final = 200
_BUCKET: Final = 10  # seconds whose transactions are counted together

MAX_SHAPES: Final = 12
"""Statements of a transaction that are kept."""


@dataclass(frozen=True)
class Attempt:
    """An attempt of a transaction that conflicted.

    Attributes:
        is_schema: The schema had changed (OC001), not a row (OC000).
        seconds: From its first statement to the conflict.
        rows: Rows that it had changed.
    """

    is_schema: bool
    seconds: float
    rows: int = 0


@dataclass
class Attempts:
    """The attempts of a transaction, as they are made.

    Attributes:
        began: When the last one sent its first statement; `None` before that.
        rows: Rows that it has changed.
        longest: Seconds of statements of the one that took longest.
        conflicts: Those that conflicted.
    """

    began: float | None = None
    rows: int = 0
    longest: float = 0.0
    conflicts: list[Attempt] = field(default_factory=list[Attempt])

    def begin(self, now: float) -> None:
        """Note that an attempt sends its first statement."""
        self.began, self.rows = now, 0

    def end(self, now: float) -> None:
        """Note that its statements have ended, or one has failed."""
        self.longest = max(self.longest, self._since(now))

    def conflict(self, failure: Failure, now: float) -> None:
        """Note that it conflicted."""
        is_schema = "OC001" in f"{failure.sqlstate} {failure.message}"
        self.conflicts.append(Attempt(is_schema, self._since(now), self.rows))

    def _since(self, now: float) -> float:
        return 0.0 if self.began is None else now - self.began


@dataclass(frozen=True)
class Conflicted:
    """A transaction that conflicted.

    Attributes:
        at: When it ended, by the record's clock.
        attempts: Its attempts that conflicted.
        succeeded: A later attempt ended well.
        read_only: It only read.
        shapes: Its first statements.
        statements: Number of all its statements.
    """

    at: float
    attempts: tuple[Attempt, ...]
    succeeded: bool
    read_only: bool
    shapes: "tuple[StatementShape, ...]"
    statements: int = 0


@dataclass(frozen=True)
class SlowUnit:
    """A transaction that was slow.

    Attributes:
        at: When it ended.
        seconds: Time of its statements in the attempt that took longest.
        rows: Rows that it returned or changed; `None` if it did not end well.
        shapes: Its statements.
    """

    at: float
    seconds: float
    rows: int | None
    shapes: "tuple[StatementShape, ...]"


@dataclass(frozen=True)
class Seen:
    """What was seen in the last minutes.

    Attributes:
        minutes: So many were asked for.
        recorded: Minutes of them in which this server ran.
        transactions: Number of transactions that ended in them.
        conflicted: Those that conflicted, the oldest first.
        slow: Those that were slow, the oldest first.
        full: What older ones of are no longer known, since there were too many.
    """

    minutes: int
    recorded: float
    transactions: int
    conflicted: tuple[Conflicted, ...]
    slow: tuple[SlowUnit, ...]
    full: tuple[str, ...] = ()

    @property
    def conflicts(self) -> int:
        """Number of attempts that conflicted."""
        return sum(len(each.attempts) for each in self.conflicted)


@dataclass(frozen=True)
class Writes:
    """What a server committed on a cluster.

    Attributes:
        count: Number of the transactions that may have written.
        seconds: How far back they were looked for.
        is_whole: That is as far as was asked for.
    """

    count: int
    seconds: float
    is_whole: bool


@dataclass
class _Count:
    """Transactions that ended in some seconds.

    Attributes:
        bucket: Number of these seconds.
        ended: Number of transactions.
        writes: Number of those that may have written, and are committed.
    """

    bucket: int
    ended: int = 0
    writes: int = 0


class ActivityRecord:
    """What was seen on a cluster.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._key = secrets.token_bytes(16)
        self._conflicted: deque[Conflicted] = deque(maxlen=_MAX_CONFLICTED)
        self._slow: deque[SlowUnit] = deque(maxlen=_MAX_SLOW)
        self._counts: deque[_Count] = deque()

    def note(self, unit: UnitOfWork, observed: Attempts, report: Report | None) -> None:
        """Note a transaction that has ended; nothing if it had no connection, or is not to be recorded.

        Args:
            unit: Its statements.
            observed: Its attempts.
            report: How it ended; `None` if it failed.
        """
        if observed.began is None or unit.unrecorded:
            return
        now = self._clock()
        is_write = report is not None and report.outcome == "committed" and not unit.read_only
        self._count(int(now // _BUCKET), is_write=is_write)
        is_slow = observed.longest >= SLOW
        if not (observed.conflicts or is_slow):
            return
        shapes, ended_well = self.shapes(unit), report is not None
        if observed.conflicts:
            kept = Conflicted(
                now, tuple(observed.conflicts), ended_well, unit.read_only, shapes, len(unit.queries)
            )
            self._conflicted.append(kept)
        if is_slow:
            rows = sum(each.rows_affected or 0 for each in report.results) if report else None
            self._slow.append(SlowUnit(now, observed.longest, rows, shapes))

    def seen(self, minutes: int) -> Seen:
        """Give what was seen in the last minutes."""
        now = self._clock()
        since = now - 60 * minutes
        return Seen(
            minutes,
            min(float(minutes), (now - self._began) / 60),
            sum(each.ended for each in self._counts if each.bucket >= since // _BUCKET),
            tuple(each for each in self._conflicted if each.at >= since),
            tuple(each for each in self._slow if each.at >= since),
            tuple(
                name
                for name, kept in (("conflicts", self._conflicted), ("slow transactions", self._slow))
                if len(kept) == kept.maxlen and kept[0].at >= since
            ),
        )

    def writes(self, seconds: float) -> Writes:
        """Count the transactions that may have written, and are committed, in the last seconds."""
        now = self._clock()
        reach = min(now - self._began, 60.0 * MAX_MINUTES)
        since = (now - seconds) // _BUCKET
        count = sum(each.writes for each in self._counts if each.bucket >= since)
        return Writes(count, min(reach, seconds), is_whole=seconds <= reach)

    def shapes(self, unit: UnitOfWork) -> "tuple[StatementShape, ...]":
        """Give the statements of a unit of work without their literals."""
        from awslabs_dsql_mcp.sql.shapes import shape  # noqa: PLC0415 - most sessions have no conflict

        return tuple(shape(query.sql, query.params, self._digest) for query in unit.queries[:MAX_SHAPES])

    def _count(self, bucket: int, *, is_write: bool) -> None:
        if not self._counts or self._counts[-1].bucket != bucket:
            self._counts.append(_Count(bucket))
        self._counts[-1].ended += 1
        self._counts[-1].writes += is_write
        while self._counts[0].bucket < bucket - MAX_MINUTES * 60 // _BUCKET:
            self._counts.popleft()

    def _digest(self, value: str) -> str:
        return hashlib.blake2b(value.encode(errors="replace"), digest_size=12, key=self._key).hexdigest()
