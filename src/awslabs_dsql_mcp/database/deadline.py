"""Work on a connection that somebody may stop waiting for: then the connection goes, come what may.

psycopg answers a cancelled task by waiting for the server to end the query, which Aurora DSQL never does
early: so the work is a task of its own that only ever ends by itself.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

import anyio

from awslabs_dsql_mcp.database.failure import DatabaseError, Failure

T = TypeVar("T")

# A cancel request is worth a moment: a server that takes it ends the query, Aurora DSQL ignores it.
_CANCEL_TIME = 0.6
_CLOSE_TIME = 0.3


class Interruptible(Protocol):
    """A connection that can be given up."""

    async def cancel(self, within: float) -> None:
        """Ask the server to end the query under way."""
        ...

    def shutdown(self) -> None:
        """Cut the network."""
        ...

    async def close(self) -> None:
        """Close it."""
        ...


async def run_with_deadline(work: Awaitable[T], connection: Interruptible, limit: float, too_late: str) -> T:
    """Do work on a connection, but no longer than the limit; who leaves early closes the connection.

    Args:
        work: What to wait for.
        connection: What it is done on.
        limit: Longest wait, in seconds; giving up takes a second at most besides.
        too_late: What to say when it is over.

    Raises:
        DatabaseFailed: The work failed, or was not done within the limit.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            await _abandon(task, connection)
        raise
    if task.done():
        return task.result()
    with anyio.CancelScope(shield=True):
        await _abandon(task, connection)
    raise DatabaseError(Failure(too_late, session_lost=True, timed_out=True))


async def _abandon(task: "asyncio.Future[Any]", connection: Interruptible) -> None:
    """End work that nobody waits for: ask the server to stop, then cut the connection."""
    await connection.cancel(_CANCEL_TIME)
    await asyncio.wait({task}, timeout=_CLOSE_TIME)
    connection.shutdown()
    await asyncio.wait({task}, timeout=_CLOSE_TIME)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()
