"""Many sessions at once: what they add up to, and that none waits for another."""

import asyncio
from itertools import product
from typing import Any

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import conninfo
from support.local_cluster.waiting import wait_until

SESSIONS, INCREMENTS = 20, 5


async def opened(cluster: LocalCluster) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(conninfo(cluster), autocommit=True)


async def increment(connection: psycopg.AsyncConnection[Any]) -> int:
    """Add one, as often as it takes; give how often it was in vain."""
    for failed in range(1000):
        try:
            await connection.execute("BEGIN")
            await connection.execute("UPDATE counter SET n = n + 1 WHERE id = 1")
            await connection.execute("COMMIT")
        except psycopg.errors.SerializationFailure:  # noqa: PERF203 - each attempt is a transaction
            await connection.execute("ROLLBACK")
        else:
            return failed
    pytest.fail("a transaction never came through")


async def test_a_counter_with_many_writers_loses_nothing(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE TABLE counter (id int PRIMARY KEY, n int)")
    admin.execute("INSERT INTO counter VALUES (1, 0)")
    sessions = await asyncio.gather(*(opened(dsql) for _ in range(SESSIONS)))

    async def count(connection: psycopg.AsyncConnection[Any]) -> int:
        return sum([await increment(connection) for _ in range(INCREMENTS)])

    try:
        failed = sum(await asyncio.gather(*map(count, sessions)))
    finally:
        await asyncio.gather(*(session.close() for session in sessions))
    assert admin.execute("SELECT n FROM counter").fetchone() == (SESSIONS * INCREMENTS,)
    assert failed > 0
    admin.execute("DROP TABLE counter")


CHANGES = (
    "CREATE TABLE IF NOT EXISTS made_{} (id int PRIMARY KEY)",
    "CREATE SEQUENCE IF NOT EXISTS numbers_{} CACHE 65536",
    "CREATE OR REPLACE VIEW shown_{} AS SELECT 1 AS a",
    "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT {}'",
    "GRANT SELECT ON changed TO changes_{}",
    "ALTER TABLE changed ADD COLUMN IF NOT EXISTS c_{} int",
    "CREATE INDEX ASYNC IF NOT EXISTS by_{} ON changed (id)",
    "CREATE SCHEMA IF NOT EXISTS changes_{}",
)


async def test_changes_of_the_schema_at_the_same_moment_conflict_or_are_made(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE TABLE changed (id int PRIMARY KEY)")
    for number in range(2):
        admin.execute(f"CREATE ROLE changes_{number}".encode())
    sessions = await asyncio.gather(*(opened(dsql) for _ in range(6)))
    told: set[str] = set()
    try:
        for change, number in product(CHANGES, range(2)):
            sql = change.format(number).encode()
            ends = await asyncio.gather(*(s.execute(sql) for s in sessions), return_exceptions=True)
            told |= {f"{end.sqlstate} {end}" for end in ends if isinstance(end, psycopg.Error)}
    finally:
        await asyncio.gather(*(session.close() for session in sessions))
    assert {text for text in told if not text.startswith("40001 ")} == set()
    assert told
    for sql in ("TABLE changed", "FUNCTION one()", "VIEW shown_0, shown_1", "SEQUENCE numbers_0, numbers_1"):
        admin.execute(f"DROP {sql}".encode())
    for sql in ("TABLE made_0, made_1", "SCHEMA changes_0", "SCHEMA changes_1", "ROLE changes_0, changes_1"):
        admin.execute(f"DROP {sql}".encode())
    for (job,) in admin.execute(
        "SELECT job_id FROM sys.jobs"
    ).fetchall():  # their ends change the catalog too
        admin.execute("CALL sys.wait_for_job(%s)", [job])


@pytest.mark.parametrize(
    ("sql", "by_itself"),
    [
        ("CREATE TABLE seen_late (id int PRIMARY KEY)", "42P07"),
        ("CREATE VIEW seen_late AS SELECT 1 AS a", "42P07"),
        ("CREATE SEQUENCE seen_late CACHE 65536", "42P07"),
        ("CREATE SCHEMA seen_late", "42P06"),
        ("CREATE DOMAIN seen_late AS int", "42710"),
        ("CREATE FUNCTION seen_late() RETURNS int LANGUAGE sql RETURN 1", "42723"),
        ("ALTER TABLE changing ADD COLUMN seen_late int", "42701"),
        ("DROP VIEW changing_view", "42P01"),
    ],
)
async def test_a_name_that_came_or_went_since_a_transaction_began_is_a_conflict(
    dsql: LocalCluster, admin: psycopg.Connection, sql: str, by_itself: str
) -> None:
    admin.execute("CREATE TABLE changing (id int PRIMARY KEY)")
    admin.execute("CREATE VIEW changing_view AS SELECT 1 AS a")
    late = await opened(dsql)
    try:
        await late.execute("BEGIN")
        await late.execute("SELECT 1")
        admin.execute(sql.encode())
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC001"):
            await late.execute(sql.encode())
        await late.execute("ROLLBACK")
        with pytest.raises(psycopg.Error) as told:
            await late.execute(sql.encode())
        assert told.value.sqlstate == by_itself
    finally:
        await late.close()
        admin.execute("DROP TABLE changing")
        admin.execute("DROP VIEW IF EXISTS changing_view")
        kind = sql.split()[1]
        if "CREATE" in sql:
            admin.execute(f"DROP {kind} seen_late".encode())


async def test_of_many_that_write_one_row_one_commits(dsql: LocalCluster, admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE contended (id int PRIMARY KEY, n int)")
    admin.execute("INSERT INTO contended VALUES (1, 0)")
    sessions = await asyncio.gather(*(opened(dsql) for _ in range(SESSIONS)))
    try:
        for session in sessions:
            await session.execute("BEGIN")
            cursor = await session.execute("UPDATE contended SET n = n + 1 WHERE id = 1 RETURNING n")
            assert await cursor.fetchone() == (1,)
        ends = await asyncio.gather(*(s.execute("COMMIT") for s in sessions), return_exceptions=True)
    finally:
        await asyncio.gather(*(session.close() for session in sessions))
    assert sum(not isinstance(end, BaseException) for end in ends) == 1
    assert sum(isinstance(end, psycopg.errors.SerializationFailure) for end in ends) == SESSIONS - 1
    assert admin.execute("SELECT n FROM contended").fetchone() == (1,)
    admin.execute("DROP TABLE contended")


async def test_who_is_in_the_way_is_interrupted_each_time(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE TABLE in_the_way (id int PRIMARY KEY, n int)")
    admin.execute("INSERT INTO in_the_way VALUES (1, 0)")
    change = "UPDATE in_the_way SET n = n + 1 WHERE id = 1"
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    session = await opened(dsql)
    try:
        for _ in range(3):
            await session.execute("BEGIN")
            await session.execute(change)
            held = asyncio.ensure_future(session.execute("SELECT pg_sleep(60)"))
            await asyncio.to_thread(wait_until, lambda: admin.execute(sleeping).fetchone() == (1,))
            await asyncio.wait_for(asyncio.to_thread(admin.execute, change), 20)
            with pytest.raises(psycopg.errors.SerializationFailure):
                await held
            await session.execute("ROLLBACK")
    finally:
        await session.close()
    assert admin.execute("SELECT n FROM in_the_way").fetchone() == (3,)
    admin.execute("DROP TABLE in_the_way")


async def test_of_many_that_insert_one_key_one_commits(dsql: LocalCluster, admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE claimed (id int PRIMARY KEY)")
    sessions = await asyncio.gather(*(opened(dsql) for _ in range(SESSIONS)))
    try:
        for session in sessions:
            await session.execute("BEGIN")
            await session.execute("INSERT INTO claimed VALUES (1)")
        ends = await asyncio.gather(*(s.execute("COMMIT") for s in sessions), return_exceptions=True)
    finally:
        await asyncio.gather(*(session.close() for session in sessions))
    lost = [end for end in ends if isinstance(end, psycopg.Error)]
    assert {end.sqlstate for end in lost} == {"40001"}
    assert len(lost) == SESSIONS - 1
    admin.execute("DROP TABLE claimed")
