"""The superuser's connection, opened when it is first needed, and anew when it was lost.

When one session of PostgreSQL crashes, it ends them all, and takes connections again after a moment.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from awslabs_dsql_mcp.local_cluster.postgres.server import Address
from awslabs_dsql_mcp.local_cluster.postgres.superuser import Superuser, connect

T = TypeVar("T")


class ReconnectingSuperuser:
    """A `sessions.BackendControl` that connects at the first question.

    Args:
        address: Where PostgreSQL listens.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._opening: asyncio.Task[Superuser] | None = None

    async def is_mapped(self, role: str) -> bool:
        """Say whether an IAM identity may connect as a role.

        Raises:
            OSError: PostgreSQL does not answer; so with the other questions.
        """
        return await self._ask(lambda superuser: superuser.is_mapped(role))

    async def blockers(self, process: int) -> list[int]:
        """Name the processes that another waits for."""
        return await self._ask(lambda superuser: superuser.blockers(process))

    async def cancel(self, process: int) -> bool:
        """End what a process is doing."""
        return await self._ask(lambda superuser: superuser.cancel(process))

    async def close(self) -> None:
        """End the connection, if there is one; another question opens one anew."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        from psycopg import OperationalError  # noqa: PLC0415  see superuser.py

        with suppress(OperationalError):  # it was never opened, or is lost
            await (await opening).close()

    async def _ask(self, question: Callable[[Superuser], Awaitable[T]]) -> T:
        """Ask, and once more on a new connection."""
        try:
            return await self._try(question)
        except ConnectionResetError:
            return await self._try(question)

    async def _try(self, question: Callable[[Superuser], Awaitable[T]]) -> T:
        from psycopg import OperationalError  # noqa: PLC0415  see superuser.py

        opening = self._opening = self._opening or asyncio.ensure_future(self._open())
        try:
            return await question(await asyncio.shield(opening))
        except OperationalError as lost:
            if self._opening is opening:
                self._opening = None
            raise ConnectionResetError("PostgreSQL does not answer") from lost

    async def _open(self) -> Superuser:
        return Superuser(await connect(self._address))
