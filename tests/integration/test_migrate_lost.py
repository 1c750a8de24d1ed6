"""``migrate`` whose session is lost at each of its units of work: the catalog decides what is applied."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from mcp import Client

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, OutcomeUnknown, RequestInvalid
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation
from awslabs_dsql_mcp.tools.large_changes.migrate import Migrate
from awslabs_dsql_mcp.tools.migrate import MigrateRequest
from support.client_helpers import rows, write

SCRIPT: Final = (
    "CREATE TABLE lost_t (id int PRIMARY KEY, a int); CREATE INDEX lost_i ON lost_t (a); "
    "INSERT INTO lost_t VALUES (1, 1);"
)
HANDLE: Final = re.compile(r"resume_from=(\S+?)[.,;]?(?:\s|$)")
INDEXES: Final = (
    "SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = to_regclass('lost_t') AND NOT indisprimary"
)


class Losing:
    """The real database, whose session is lost at one unit of work.

    Args:
        database: The database.
        at: Number of the unit, from 1.
        late: Its work is done before.
    """

    def __init__(self, database: Database, at: int, *, late: bool) -> None:
        self._database = database
        self._left = at
        self._late = late

    @property
    def has_struck(self) -> bool:
        """The session was lost."""
        return self._left <= 0

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit, or lose the session."""
        self._left -= 1
        if self._left != 0:
            return await self._database.run(unit)
        if self._late:
            await self._database.run(unit)
        if self._late and not unit.read_only:
            raise OutcomeUnknown("The connection was lost during COMMIT.")
        raise ConnectionFailed("The connection was lost.")


class Conflicting:
    """The real database, where each transaction takes a second attempt.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit."""
        return replace(await self._database.run(unit), attempts=2)


@pytest.fixture
async def database(cluster: LocalCluster, cluster_folder: Path) -> AsyncIterator[LazyDatabase]:
    """The tests' cluster, as the tools use it."""
    assert cluster.port
    async with AsyncExitStack() as stack:
        yield LazyDatabase(Settings(local=True, local_data=cluster_folder), stack)


async def migrate(database: Database, handle: str | None) -> ToolOutput:
    """Run the script, from a handle on."""
    tool = Migrate(database, confirmation=ChangeConfirmation("never"), call_time=60.0, sleep=_short_sleep)
    return await tool.migrate(MigrateRequest(SCRIPT, resume_from=handle), _ignore)


async def _short_sleep(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.05))


async def _ignore(done: float, total: float | None, message: str | None) -> None:
    del done, total, message


async def resumed(database: Database, error: DsqlError, client: Client) -> ToolOutput:
    """Go on as an error says; of rows, of which the catalog cannot tell, as they are seen to be stored."""
    handles = HANDLE.findall(error.hint or "")
    if error.code == "step_in_doubt":
        stored = await rows(client, "SELECT 1 FROM lost_t")
        return await migrate(database, handles[1 if stored else 0])
    try:
        return await migrate(database, handles[0] if handles else None)
    except RequestInvalid as doubt:
        return await resumed(database, doubt, client)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_session_lost_at_any_unit_leaves_each_step_applied_once(
    writer: Client, database: LazyDatabase, *, late: bool
) -> None:
    at, struck = 0, True
    while struck:
        at += 1
        await write(writer, "DROP TABLE IF EXISTS lost_t")
        losing = Losing(database, at, late=late)
        try:
            done = await migrate(losing, None)
        except DsqlError as error:
            done = await resumed(database, error, writer)
        struck = losing.has_struck
        assert done.structured["state"] == "done"
        assert await rows(writer, "SELECT id, a FROM lost_t") == [[1, 1]], f"lost at unit {at}"
        assert await rows(writer, INDEXES) == [[1]], f"lost at unit {at}"
    assert at > 5


async def test_a_second_attempt_is_said_where_sequences_may_have_been_drawn_from(
    writer: Client, database: LazyDatabase
) -> None:
    await write(writer, "DROP TABLE IF EXISTS lost_t")
    done = await migrate(Conflicting(database), None)
    said = [line for line in done.text.splitlines() if "in attempt 2: a sequence" in line]
    assert len(said) == 1
    assert "INSERT INTO lost_t" in said[0]
