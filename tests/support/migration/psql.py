"""A script run on a cluster as psql runs one: a statement at a time, in one session."""

from dataclasses import dataclass
from typing import Any

import psycopg

from awslabs_dsql_mcp.sql.scripts import ScriptItem, split_script


@dataclass(frozen=True)
class Stopped:
    """A statement that the cluster refused."""

    item: ScriptItem
    error: str

    def __str__(self) -> str:
        return f"line {self.item.line}: {self.item.text}\n{self.error}"


async def run_script(connection: psycopg.AsyncConnection[Any], script: str) -> Stopped | None:
    """Run a script up to the first statement that is refused, and wait for the jobs that it begins."""
    for item in split_script(script):
        if (error := await _refused(connection, item)) is not None:
            return Stopped(item, error)
    return None


async def _refused(connection: psycopg.AsyncConnection[Any], item: ScriptItem) -> str | None:
    try:
        await _run(connection, item)
    except psycopg.Error as error:
        return str(error)
    return None


async def _run(connection: psycopg.AsyncConnection[Any], item: ScriptItem) -> None:
    if item.meta:
        return
    if item.data is not None:
        async with connection.cursor().copy(item.text.encode()) as copy:
            await copy.write(item.data.encode())
        return
    done = await connection.execute(item.text.encode())
    names = [column.name for column in done.description or ()]
    row = await done.fetchone() if names == ["job_id"] else None
    if row is not None and not connection.info.transaction_status:
        await connection.execute(b"CALL sys.wait_for_job('" + str(row[0]).encode() + b"')")
