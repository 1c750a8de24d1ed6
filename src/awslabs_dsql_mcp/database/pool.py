"""Pool of connections that are opened on demand, reused, and closed before the cluster's age limit.

psycopg_pool is not used: it opens connections in background tasks and hides why a login failed, opens
connections without demand (which wakes an inactive cluster), one after another, and returns old ones.
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
    """A pool of a limited number of sessions; each serves one call at a time.

    Args:
        open: Opens a connection, or raises the reason.
        close: Closes a connection.
        limit: Maximum number of open sessions.
        max_age: Maximum age of a session that is reused, in seconds.
        idle_time: Seconds after which an idle session is closed while another one is idle too.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        open: Callable[[], Awaitable[Opened]],  # noqa: A002 - the term for it
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
        self._slots = anyio.Semaphore(limit)
        self._idle: deque[tuple[PooledSession[Opened], float]] = deque()
        self._closed = False

    @property
    def has_idle(self) -> bool:
        """True if a session waits to be used."""
        return bool(self._idle)

    async def acquire(self, time_limit: float) -> PooledSession[Opened]:
        """Acquire a session for exclusive use.

        Args:
            time_limit: Maximum time to wait for a free slot, in seconds.

        Raises:
            Busy: No slot became free.
        """
        try:
            self._slots.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait_for_slot(time_limit)
        try:
            return await self._youngest_idle() or PooledSession(await self._open(), self._clock())
        except BaseException:
            self._slots.release()
            raise

    async def _wait_for_slot(self, time_limit: float) -> None:
        try:
            with anyio.fail_after(time_limit):
                await self._slots.acquire()
        except TimeoutError:
            raise Busy(
                f"All {self._limit} connections were busy for {time_limit:.3g} s; nothing was stored.",
                code="no_turn",
                hint="Try again when other calls have ended; the operator can raise --max-connections.",
            ) from None

    async def release(self, session: PooledSession[Opened]) -> None:
        """Return a clean session to the pool."""
        if self._closed:
            return await self.discard(session)
        now = self._clock()
        self._idle.append((session, now))
        self._slots.release()
        while len(self._idle) > 1 and now - self._idle[0][1] > self._idle_time:
            await self._close(self._idle.popleft()[0].connection)
        return None

    async def discard(self, session: PooledSession[Opened]) -> None:
        """Close a session that is not, or may not be, clean."""
        self._slots.release()
        await self._close(session.connection)

    async def close_idle(self) -> None:
        """Close every idle session, for instance after one was lost: the others may be dead as well."""
        while self._idle:
            await self._close(self._idle.pop()[0].connection)

    async def close(self) -> None:
        """Close every session: the idle ones now, those in use when they are released."""
        self._closed = True
        await self.close_idle()

    async def _youngest_idle(self) -> PooledSession[Opened] | None:
        while self._idle:
            session, _ = self._idle.pop()
            if self._clock() - session.opened_at < self._max_age:
                return session
            await self._close(session.connection)
        return None
