"""A connection to the tests' cluster without the server in between: for what its guard would refuse."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.iam_token import Credentials
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase


async def connect(cluster: LocalCluster, user: str = "admin") -> psycopg.AsyncConnection[TupleRow]:
    """Connect to the cluster as a role."""
    keys = Credentials(cluster.access_key, cluster.secret_key, cluster.region)
    return await psycopg.AsyncConnection.connect(
        host=cluster.host,
        port=cluster.port,
        user=user,
        dbname="postgres",
        password=iam_token.issue(cluster.host, user, keys, datetime.now(timezone.utc)),
        sslmode="verify-full",
        sslrootcert=str(cluster.ca_file),
        autocommit=True,
    )


async def run(cluster: LocalCluster, *statements: str, user: str = "admin") -> None:
    """Run statements, each by itself."""
    async with await connect(cluster, user) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


async def drop_schemas(cluster: LocalCluster) -> None:
    """Drop all schemas of the cluster but its own and ``public``, with what they hold."""
    async with await connect(cluster) as connection:
        found = await connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'"
            " AND nspname NOT IN ('information_schema', 'public', 'sys')"
        )
        for (name,) in await found.fetchall():
            await connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


async def has_done(cluster: LocalCluster, statement: str) -> bool:
    """Run a statement that starts a job, wait for the job, and tell whether it succeeded."""
    async with await connect(cluster, "admin") as connection:
        job = await (await connection.execute(statement.encode())).fetchone()
        assert job is not None
        succeeded = await (await connection.execute("CALL sys.wait_for_job(%s)", job)).fetchone()
        return succeeded == (True,)


async def run_inside(folder: Path, *statements: str) -> None:
    """Run statements on the PostgreSQL inside of a cluster, where they may do what Aurora DSQL refuses."""
    connection = await psycopg.AsyncConnection.connect(
        host=str(DataDir.of(folder).postgres), user=SUPERUSER, dbname="postgres", autocommit=True
    )
    async with connection:
        for statement in statements:
            await connection.execute(statement.encode())


class CountedDatabase:
    """The real database, with a count of the units that it was given: a read unit is one round trip."""

    def __init__(self, database: LazyDatabase) -> None:
        self._database = database
        self.units = 0

    async def run(self, unit: UnitOfWork) -> Report:
        self.units += 1
        return await self._database.run(unit)


@asynccontextmanager
async def counted(folder: Path) -> AsyncGenerator[CountedDatabase]:
    """Open the database behind the tools, on the tests' cluster."""
    async with AsyncExitStack() as stack:
        yield CountedDatabase(LazyDatabase(Settings(local=True, local_data=folder), stack))
