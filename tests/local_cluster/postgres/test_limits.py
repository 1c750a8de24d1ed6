"""What a transaction may change, and how much of everything there may be."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from psycopg import sql

from awslabs_dsql_mcp.local_cluster.postgres import server, superuser
from support.superuser import Connection, connected, index, refusal, rows, value


async def test_a_transaction_changes_3000_rows_and_no_more(admin: Connection) -> None:
    await admin.execute("CREATE TABLE many (id int PRIMARY KEY)")
    too_many = ("54000", "transaction row limit exceeded", None)
    some = "INSERT INTO many SELECT * FROM generate_series(%s::int, %s)"
    assert await refusal(admin.execute(some, [1, 3001])) == too_many
    await admin.execute(some, [1, 3000])
    await admin.execute("BEGIN")
    await admin.execute("UPDATE many SET id = -id WHERE id <= 2000")
    await admin.execute("DELETE FROM many WHERE id < -1000")
    assert await refusal(admin.execute("DELETE FROM many WHERE id = -1")) == too_many
    await admin.execute("ROLLBACK")
    await admin.execute("DELETE FROM many")


async def test_copied_rows_count(admin: Connection) -> None:
    await admin.execute("CREATE TABLE copied (id int)")

    async def copy() -> None:
        async with admin.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as stream:
            await stream.write("1\n" * 3001)

    assert (await refusal(copy()))[:2] == ("54000", "transaction row limit exceeded")


async def test_cascades_count(admin: Connection) -> None:
    await admin.execute("CREATE TABLE parent (id int PRIMARY KEY)")
    await admin.execute("CREATE TABLE child (id int, p int REFERENCES parent ON DELETE CASCADE)")
    await admin.execute("INSERT INTO parent VALUES (1)")
    await admin.execute("INSERT INTO child SELECT g, 1 FROM generate_series(1, 3000) AS g")
    assert (await refusal(admin.execute("DELETE FROM parent")))[:2] == (
        "54000",
        "transaction row limit exceeded",
    )
    await admin.execute("DELETE FROM child WHERE id = 1")
    await admin.execute("DELETE FROM parent")


async def test_what_a_savepoint_takes_back_does_not_count(admin: Connection) -> None:
    await admin.execute("CREATE TABLE taken_back (v int)")
    await admin.execute("BEGIN")
    for _ in range(2):
        await admin.execute("SAVEPOINT s")
        await admin.execute("INSERT INTO taken_back SELECT generate_series(1, 3000)")
        await admin.execute("ROLLBACK TO s")
    await admin.execute("COMMIT")


NOISE = """
CREATE OR REPLACE FUNCTION noise(bytes int) RETURNS bytea LANGUAGE sql
RETURN (SELECT string_agg(sha512((random() || ' ' || i)::bytea), '') FROM generate_series(1, bytes / 64) AS i)
"""


async def test_ten_megabytes_are_refused_at_commit(admin: Connection) -> None:
    await admin.execute(NOISE)
    await admin.execute("CREATE TABLE heavy (id int, v bytea)")
    await admin.execute("BEGIN")
    await admin.execute("INSERT INTO heavy SELECT g, noise(960000) FROM generate_series(1, 12) AS g")
    assert await refusal(admin.execute("COMMIT")) == (
        "54000",
        "transaction size limit 10mb exceeded",
        "Current transaction size 11mb > 10mb",
    )
    await admin.execute("INSERT INTO heavy SELECT g, noise(960000) FROM generate_series(1, 10) AS g")
    assert await value(admin, "SELECT count(*) FROM heavy") == 10


async def test_values_and_rows_have_a_size(admin: Connection) -> None:
    await admin.execute(NOISE)
    await admin.execute("CREATE TABLE wide (a bytea, b bytea, c bytea, t text)")
    await admin.execute("INSERT INTO wide (t) VALUES (repeat('compressible ', 200000))")
    column = "INSERT INTO wide (a) SELECT noise(1048640)"
    words = "datatype limit greater than 1048576 bytes not supported for bytea"
    assert await refusal(admin.execute(column)) == ("54000", words, None)
    row = "INSERT INTO wide (a, b, c) SELECT noise(960000), noise(960000), noise(960000)"
    assert await refusal(admin.execute(row)) == ("54000", "maximum row size exceeded", None)


async def test_keys_have_a_size(admin: Connection) -> None:
    await admin.execute("CREATE TABLE keyed (k text PRIMARY KEY, v text)")
    await admin.execute("INSERT INTO keyed VALUES (repeat('k', 1981), repeat('v', 5000))")
    too_long = admin.execute("INSERT INTO keyed VALUES (repeat('k', 1982))")
    assert await refusal(too_long) == ("54000", "key size too large", None)


async def test_limits_show_nowhere(admin: Connection) -> None:
    await admin.execute("CREATE TABLE quiet (v int)")
    assert await rows(admin, "SELECT * FROM information_schema.triggers") == []
    assert (
        await rows(admin, "SELECT FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'quiet'::regclass")
        == []
    )


@asynccontextmanager
async def limited(inner: server.Server, setting: str, limit: int) -> AsyncGenerator[Connection, None]:
    """A session of admin's that began with a limit lowered by the superuser."""
    lower = sql.SQL("ALTER DATABASE postgres SET {} = {}").format(sql.Identifier("dsql", setting), limit)
    async with await superuser.connect(inner.address) as boss:
        await boss.execute(lower)
        try:
            async with connected(inner) as connection:
                yield connection
        finally:
            await boss.execute(
                sql.SQL("ALTER DATABASE postgres RESET {}").format(sql.Identifier("dsql", setting))
            )


@pytest.mark.parametrize(
    ("setting", "made", "words"),
    [
        ("max_schemas", "CREATE SCHEMA one_more", "more than {} schemas not allowed"),
        ("max_tables", "CREATE TABLE one_more (v int)", "creating more than {} tables not allowed"),
        ("max_views", "CREATE VIEW one_more AS SELECT 1", "creating more than {} views not allowed"),
        ("max_sequences", "CREATE SEQUENCE one_more", "creating more than {} sequences is not allowed"),
        ("max_indexes", "CREATE TABLE one_more (a int PRIMARY KEY, b int UNIQUE)", None),
        ("max_view_bytes", "CREATE VIEW one_more AS SELECT 1 AS with_a_name", "view definition too large"),
    ],
)
async def test_there_may_be_so_many(setting: str, made: str, words: str | None, inner: server.Server) -> None:
    limit = 1 if setting in ("max_indexes", "max_view_bytes", "max_schemas") else 0
    expected = (words or "more than {} indexes per table are not allowed").format(limit)
    async with limited(inner, setting, limit) as connection:
        assert await refusal(connection.execute(made.encode())) == ("54000", expected, None)


async def test_an_index_too_many_is_refused(inner: server.Server, admin: Connection) -> None:
    await admin.execute("CREATE TABLE indexed (a int PRIMARY KEY)")
    async with limited(inner, "max_indexes", 1) as connection:
        words = "more than 1 indexes per table are not allowed"
        assert await refusal(index(connection, "CREATE INDEX ON indexed (a)")) == ("54000", words, None)
