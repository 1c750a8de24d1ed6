"""Drivers and their pools on the local cluster, each as its documentation has it."""

import ssl
from importlib import import_module
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import conninfo, token

# Neither has types that hold.
ASYNCPG: Any = import_module("asyncpg")
PG8000: Any = import_module("pg8000.dbapi")


def for_asyncpg(cluster: LocalCluster) -> dict[str, Any]:
    return {
        "host": cluster.host,
        "port": cluster.port,
        "user": "admin",
        "database": "postgres",
        "password": lambda: token(cluster),
        "ssl": ssl.create_default_context(cafile=cluster.ca_file),
    }


async def reset(connection: Any) -> None:  # noqa: ANN401  asyncpg's
    """What AWS's connector runs in place of asyncpg's reset, which releases advisory locks."""
    await connection.execute("RESET ALL")


def test_the_pool_of_psycopg(dsql: LocalCluster) -> None:
    with ConnectionPool(
        conninfo(dsql), min_size=2, max_size=2, open=True, check=ConnectionPool.check_connection
    ) as pool:
        for number in range(5):
            with pool.connection() as connection:
                assert connection.execute("SELECT %s::int", [number]).fetchone() == (number,)
        with pytest.raises(psycopg.errors.FeatureNotSupported), pool.connection() as connection:
            connection.execute("LISTEN x")
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


async def test_the_asynchronous_pool_of_psycopg(dsql: LocalCluster) -> None:
    pool = AsyncConnectionPool(conninfo(dsql), min_size=1, max_size=2, open=False)
    async with pool, pool.connection() as connection:
        cursor = await connection.execute("SELECT 1")
        assert await cursor.fetchone() == (1,)


async def test_the_pool_of_asyncpg(dsql: LocalCluster) -> None:
    async with ASYNCPG.create_pool(**for_asyncpg(dsql), min_size=1, max_size=2, reset=reset) as pool:
        for number in range(5):
            assert await pool.fetchval("SELECT $1::int", number) == number
        with pytest.raises(ASYNCPG.FeatureNotSupportedError):
            await pool.execute("LISTEN x")
        assert await pool.fetchval("SELECT 1") == 1


async def test_asyncpgs_own_reset_is_refused(dsql: LocalCluster) -> None:
    connection = await ASYNCPG.connect(**for_asyncpg(dsql))
    try:
        with pytest.raises(ASYNCPG.PostgresError):
            await connection.reset()
    finally:
        await connection.close()


async def test_jit_is_not_set_and_asyncpg_takes_arrays_as_text(dsql: LocalCluster) -> None:
    connection = await ASYNCPG.connect(**for_asyncpg(dsql))
    try:
        with pytest.raises(ASYNCPG.FeatureNotSupportedError, match='"jit" not supported'):
            await connection.fetchval("SELECT $1::int[]", [1, 2])
        assert await connection.fetchval("SELECT (($1::text::int[])[2:2])::text", "{1,2}") == "{2}"
    finally:
        await connection.close()


async def test_portals_give_some_rows_at_a_time(dsql: LocalCluster) -> None:
    connection = await ASYNCPG.connect(**for_asyncpg(dsql))
    try:
        async with connection.transaction():
            query = "SELECT g FROM generate_series(1, 100) AS g"
            found = [row["g"] async for row in connection.cursor(query, prefetch=7)]
            assert found == list(range(1, 101))
            portal = await connection.cursor(query)
            assert [row["g"] for row in await portal.fetch(3)] == [1, 2, 3]
            assert await connection.fetchval("SELECT 1") == 1
            assert (await portal.fetchrow())["g"] == 4
    finally:
        await connection.close()


async def test_asyncpg_copies_and_inserts_many(dsql: LocalCluster) -> None:
    connection = await ASYNCPG.connect(**for_asyncpg(dsql))
    try:
        await connection.execute("CREATE TABLE drivers_asyncpg (id int PRIMARY KEY, v text)")
        await connection.executemany("INSERT INTO drivers_asyncpg VALUES ($1, $2)", [(1, "a"), (2, "b")])
        copied = await connection.copy_records_to_table("drivers_asyncpg", records=[(3, "c"), (4, None)])
        assert copied == "COPY 2"
        assert await connection.fetchval("SELECT count(*) FROM drivers_asyncpg") == 4
    finally:
        await connection.execute("DROP TABLE IF EXISTS drivers_asyncpg")
        await connection.close()


def test_pg8000(dsql: LocalCluster) -> None:
    connection = PG8000.connect(
        "admin",
        host=dsql.host,
        port=dsql.port,
        database="postgres",
        password=token(dsql),
        ssl_context=ssl.create_default_context(cafile=dsql.ca_file),
    )
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT %s || 'b', 2", ("a",))
        assert tuple(cursor.fetchone()) == ("ab", 2)
        connection.commit()
        with pytest.raises(PG8000.DatabaseError, match="Listen"):
            cursor.execute("LISTEN x")
        connection.rollback()
        cursor.execute("SELECT 1")
        assert tuple(cursor.fetchone()) == (1,)
    finally:
        connection.close()
