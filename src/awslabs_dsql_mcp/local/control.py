"""The superuser's connection, opened when it is first needed."""

import asyncio

from awslabs_dsql_mcp.local.postgres import Address
from awslabs_dsql_mcp.local.superuser import Superuser, connect


class LateSuperuser:
    """A `sessions.Control` that connects at the first question.

    Args:
        address: Where PostgreSQL listens.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._opening: asyncio.Task[Superuser] | None = None

    async def is_mapped(self, role: str) -> bool:
        """Say whether an IAM identity may connect as a role."""
        return await (await self._superuser()).is_mapped(role)

    async def blockers(self, process: int) -> list[int]:
        """Name the processes that another waits for."""
        return await (await self._superuser()).blockers(process)

    async def cancel(self, process: int) -> bool:
        """End what a process is doing."""
        return await (await self._superuser()).cancel(process)

    async def _superuser(self) -> Superuser:
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Superuser:
        return Superuser(await connect(self._address))
