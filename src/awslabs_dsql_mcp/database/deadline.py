"""Operations on a connection with a deadline; after it, or after a cancellation, the connection is closed.

psycopg reacts to a cancelled task by waiting until the server ends the query, which Aurora DSQL does not do
early. The operation therefore runs in a task of its own that is not cancelled.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

import anyio

from awslabs_dsql_mcp.database.failure import DatabaseError, Failure

T = TypeVar("T")

# PostgreSQL ends the query on a cancel request; Aurora DSQL ignores it.
_CANCEL_TIME = 0.6
_CLOSE_TIME = 0.3


class Interruptible(Protocol):
    """A connection whose operation can be interrupted."""

    async def cancel(self, time_limit: float) -> None:
        """Request that the server cancel the running query."""
        ...

    def shutdown(self) -> None:
        """Shut the socket down."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


async def run_with_deadline(
    work: Awaitable[T],
    connection: Interruptible,
    limit: float,
    timeout_message: str,
    *,
    patience: float = 0.0,
) -> T:
    """Await an operation on a connection, at most for a time limit; close the connection if it is not done.

    Args:
        work: The operation.
        connection: The connection that it uses.
        limit: Time limit in seconds; closing takes up to one second more.
        timeout_message: Message of the failure when the limit is exceeded.
        patience: Seconds for which the operation may still end by itself after a cancellation.

    Raises:
        DatabaseError: The operation failed, or was not done within the limit.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            try:
                if patience:
                    await asyncio.wait({task}, timeout=patience)
            finally:  # a second cancellation ends the patience alone
                if not task.done():
                    await _abandon(task, connection)
                elif not task.cancelled():
                    task.exception()  # nobody waits for it: else asyncio would log its text
        raise
    if task.done():
        return task.result()
    with anyio.CancelScope(shield=True):
        await _abandon(task, connection)
    raise DatabaseError(Failure(timeout_message, session_lost=True, timed_out=True))


async def _abandon(task: "asyncio.Future[Any]", connection: Interruptible) -> None:
    """Request a cancel, then shut the socket down and close the connection."""
    await connection.cancel(_CANCEL_TIME)
    await asyncio.wait({task}, timeout=_CLOSE_TIME)
    connection.shutdown()
    await asyncio.wait({task}, timeout=_CLOSE_TIME)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()
