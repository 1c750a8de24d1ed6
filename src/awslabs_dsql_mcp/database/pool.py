"""The sessions of one server: opened at the first need, reused, never older than the cluster allows.

Why not a library's pool: those open connections in background tasks and keep the reason of a refused
login to themselves, open new ones that nobody asked for (which wakes a sleeping cluster), open them one
after another, and hand out old ones unseen. What is left is this page.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio

from awslabs_dsql_mcp.errors import Busy

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class PooledSession(Generic[Opened]):
    """A connection and when it was opened, by the pool's clock."""

    connection: Opened
    opened_at: float


class ConnectionPool(Generic[Opened]):
    """At most so many sessions; each serves one call at a time.

    Args:
        open: Opens a connection, or raises what was wrong.
        close: Closes one.
        limit: Sessions open at once at most.
        max_age: Age in seconds up to which a session is handed out.
        idle_time: Seconds after which an idle session is closed while another one is idle too.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        open: Callable[[], Awaitable[Opened]],  # noqa: A002 - the word for it
        close: Callable[[Opened], Awaitable[None]],
        *,
        limit: int,
        max_age: float,
        idle_time: float,
        clock: Callable[[], float],
    ) -> None:
        self._open = open
        self._close = close
        self._limit = limit
        self._max_age = max_age
        self._idle_time = idle_time
        self._clock = clock
        self._turns = anyio.Semaphore(limit)
        self._idle: deque[tuple[PooledSession[Opened], float]] = deque()
        self._closed = False

    async def acquire(self, patience: float) -> PooledSession[Opened]:
        """Get a session of one's own.

        Args:
            patience: Longest wait for a turn, in seconds.

        Raises:
            Busy: No turn came.
        """
        try:
            with anyio.fail_after(patience):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy(
                f"All {self._limit} connections were busy for {patience:.3g} s; nothing was stored.",
                code="no_turn",
                hint="Ask again when other calls have ended; the operator can raise --max-connections.",
            ) from None
        try:
            return await self._youngest_idle() or PooledSession(await self._open(), self._clock())
        except BaseException:
            self._turns.release()
            raise

    async def release(self, session: PooledSession[Opened]) -> None:
        """Give back a session that is clean."""
        if self._closed:
            return await self.discard(session)
        now = self._clock()
        self._idle.append((session, now))
        self._turns.release()
        while len(self._idle) > 1 and now - self._idle[0][1] > self._idle_time:
            await self._close(self._idle.popleft()[0].connection)
        return None

    async def discard(self, session: PooledSession[Opened]) -> None:
        """Close a session that is not, or may not be, clean."""
        self._turns.release()
        await self._close(session.connection)

    async def close_idle(self) -> None:
        """Close every idle session: where one was lost, the others may be dead as well."""
        while self._idle:
            await self._close(self._idle.pop()[0].connection)

    async def close(self) -> None:
        """Close every session: the idle ones now, those in use when they are given back."""
        self._closed = True
        await self.close_idle()

    async def _youngest_idle(self) -> PooledSession[Opened] | None:
        while self._idle:
            session, _ = self._idle.pop()
            if self._clock() - session.opened_at < self._max_age:
                return session
            await self._close(session.connection)
        return None
