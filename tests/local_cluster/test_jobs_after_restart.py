"""Jobs as a client of the local cluster sees them: the daemon runs them."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest_asyncio

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from support.local_cluster.logins import conninfo


@pytest_asyncio.fixture(loop_scope="session")
async def where(tmp_path: Path) -> AsyncGenerator[str]:
    """A cluster of the test's own, as libpq is told of it."""
    async with local_cluster(tmp_path / "data") as cluster:
        yield conninfo(cluster)


async def built(client: psycopg.AsyncConnection, index: str) -> object:
    job = await (await client.execute(index.encode())).fetchone()
    waited = await client.execute("CALL sys.wait_for_job(%s)", job)
    return await waited.fetchone()


async def connect_in_the_end(where: str) -> psycopg.AsyncConnection:
    while True:
        with suppress(psycopg.OperationalError):
            return await psycopg.AsyncConnection.connect(where, autocommit=True)


async def test_the_daemon_runs_jobs_also_after_postgresql_has_recovered(where: str) -> None:
    client = await psycopg.AsyncConnection.connect(where, autocommit=True)
    await client.execute("CREATE TABLE t (v bigint)")
    assert await built(client, "CREATE INDEX ASYNC ON t (v)") == (True,)
    psutil.Process(client.info.backend_pid).kill()
    await client.close()
    async with await connect_in_the_end(where) as client:
        assert await built(client, "CREATE INDEX ASYNC ON t ((v + 1))") == (True,)
