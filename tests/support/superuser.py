"""Sessions past the local cluster's endpoint: what is asked there is PostgreSQL's own answer."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from awslabs_dsql_mcp.local_cluster.postgres import connect, job_worker
from awslabs_dsql_mcp.local_cluster.postgres import server as postgres

Connection = psycopg.AsyncConnection[Any]
Rows = list[tuple[Any, ...]]


@asynccontextmanager
async def connected(server: postgres.Server, user: str = "admin") -> AsyncGenerator[Connection, None]:
    await connect.set_password(server.address, user)
    where = make_conninfo(**_where(server.address), user=user, dbname="postgres", options="-c lock_timeout=0")
    async with await psycopg.AsyncConnection.connect(where, autocommit=True) as connection:
        yield connection


def _where(address: postgres.Address) -> dict[str, str]:
    if isinstance(address, postgres.UnixSocket):
        return {"host": str(address.path.parent)}
    return {"host": "127.0.0.1", "port": str(address.port), "password": address.password}


@asynccontextmanager
async def working(server: postgres.Server) -> AsyncGenerator[list[str], None]:
    """Runs jobs meanwhile, and gathers what they tell of the catalog."""
    told: list[str] = []
    async with job_worker.running(job_worker.Jobs(server.address, lambda: told.append("changed"), seconds=0)):
        yield told


async def rows(connection: Connection, statement: str, *values: object) -> Rows:
    return await (await connection.execute(statement.encode(), values)).fetchall()


async def value(connection: Connection, statement: str, *values: object) -> object:
    return (await rows(connection, statement, *values))[0][0]


async def index(connection: Connection, ddl: str) -> object:
    return await value(connection, "SELECT pg_catalog._dsql_create_index_async(%s, NULL, NULL)", ddl)


async def wait(connection: Connection, job: object) -> object:
    return await value(connection, "CALL sys.wait_for_job(%s)", job)


async def refusal(attempt: Awaitable[object]) -> tuple[str | None, str | None, str | None]:
    """The SQLSTATE, message and detail with which a statement fails."""
    with pytest.raises(psycopg.Error) as raised:
        await attempt
    return raised.value.sqlstate, raised.value.diag.message_primary, raised.value.diag.message_detail
