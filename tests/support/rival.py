"""A rival: another session that changes a row again and again, so that transactions on it conflict."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
from typing_extensions import LiteralString

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.direct_connection import connect

SLOWLY: LiteralString = "SELECT count(*) FROM generate_series(1, 1500000)"
"""A statement that keeps a transaction open while a rival commits."""


class Rival:
    """Counts what it has committed."""

    def __init__(self) -> None:
        self._committed = 0
        self._changed = asyncio.Condition()

    async def note(self) -> None:
        """Note a commit."""
        async with self._changed:
            self._committed += 1
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Go on until a condition holds, which is looked at behind each commit."""
        while not condition():
            await self.commits(1)

    async def commits(self, number: int) -> None:
        """Wait until it has committed so many times more."""
        async with self._changed:
            until = self._committed + number
            await self._changed.wait_for(lambda: self._committed >= until)


def attempts_in(log: Path, statement: str) -> int:
    """Count the attempts of transactions with a statement in a server's log of level DEBUG."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return sum("run BEGIN" in line and statement in line for line in lines)


@asynccontextmanager
async def rival(cluster: LocalCluster, statement: LiteralString) -> AsyncGenerator[Rival]:
    """Run a statement again and again, each in a transaction of its own."""
    self = Rival()

    async def run() -> None:
        async with await connect(cluster) as connection:
            while True:
                with suppress(psycopg.errors.SerializationFailure):
                    await connection.execute(statement)
                    await self.note()

    task = asyncio.ensure_future(run())
    try:
        await self.commits(1)
        yield self
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
