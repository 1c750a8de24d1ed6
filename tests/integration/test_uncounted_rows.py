"""A limit of rows holds or is refused: rows that no command tag counts, by whatever way they change."""

from collections.abc import AsyncIterator

import pytest
from mcp import Client

from support.client_helpers import call, rows, write

_PURGE = "CREATE FUNCTION purge(n int) RETURNS int LANGUAGE sql AS 'DELETE FROM ledger; SELECT n'"
_CHILD = "CREATE TABLE child (id int PRIMARY KEY, entry int REFERENCES entries ON DELETE {} ON UPDATE {})"


@pytest.fixture(autouse=True)
async def tables(writer: Client) -> AsyncIterator[None]:
    """Give two tables, and take away again all that was made of them."""
    for sql in (
        "CREATE TABLE ledger (id int PRIMARY KEY)",
        "INSERT INTO ledger SELECT generate_series(1, 5)",
        "CREATE TABLE entries (id int PRIMARY KEY, n int)",
        "INSERT INTO entries VALUES (1, 0), (2, 0)",
    ):
        await write(writer, sql)
    yield
    for sql in (
        "DROP TABLE ledger CASCADE",
        "DROP TABLE IF EXISTS child CASCADE",
        "DROP TABLE entries CASCADE",
        "DROP TABLE IF EXISTS kept CASCADE",
        "DROP DOMAIN IF EXISTS checked CASCADE",
        "DROP FUNCTION IF EXISTS purge(int) CASCADE",
        "DROP FUNCTION IF EXISTS tidy(int) CASCADE",
        "DROP FUNCTION IF EXISTS lower(int) CASCADE",
        "DROP FUNCTION IF EXISTS gone(entries) CASCADE",
    ):
        await call(writer, "transact", sql_list=[sql])


@pytest.mark.parametrize(
    ("made", "sql", "named"),
    [
        ([_PURGE, "CREATE VIEW shown AS SELECT purge(1) AS n"], "SELECT * FROM shown", "purge(integer)"),
        (
            [_PURGE, "CREATE TABLE kept (id int PRIMARY KEY, n int DEFAULT purge(1))"],
            "INSERT INTO kept (id) VALUES (1)",
            "purge(integer)",
        ),
        (
            [_PURGE, "CREATE TABLE kept (id int PRIMARY KEY CHECK (purge(id) > 0))"],
            "INSERT INTO kept (id) VALUES (1)",
            "purge(integer)",
        ),
        (
            [_PURGE, "CREATE DOMAIN checked AS int CHECK (purge(VALUE) > 0)"],
            "UPDATE entries SET n = 1::checked WHERE id = 1",
            "purge(integer)",
        ),
        (
            ["CREATE FUNCTION lower(n int) RETURNS int LANGUAGE sql AS 'DELETE FROM ledger; SELECT n'"],
            "UPDATE entries SET n = lower(1) WHERE id = 1",
            "lower(integer)",
        ),
        (
            ["CREATE FUNCTION gone(e entries) RETURNS int LANGUAGE sql AS 'DELETE FROM ledger; SELECT 1'"],
            "UPDATE entries SET n = entries.gone WHERE id = 1",
            "gone(entries)",
        ),
        (
            [
                _PURGE,
                "CREATE FUNCTION tidy(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT purge(n)'",
                "CREATE TABLE kept (id int PRIMARY KEY, n int DEFAULT tidy(1))",
            ],
            "INSERT INTO kept (id) VALUES (1)",
            "tidy(integer)",
        ),
        *(
            (
                [
                    _PURGE,
                    f"CREATE FUNCTION tidy(n int) RETURNS int LANGUAGE sql AS 'SELECT {called}(n)'",
                    "CREATE VIEW shown AS SELECT tidy(1) AS n",
                ],
                "SELECT * FROM shown",
                "tidy(integer)",
            )
            for called in ("PURGE", 'U&"\\0070urge"')
        ),
        ([_CHILD.format("CASCADE", "NO ACTION")], "DELETE FROM entries WHERE id = 1", "child_entry_fkey"),
        ([_CHILD.format("SET NULL", "NO ACTION")], "DELETE FROM entries WHERE id = 1", "child_entry_fkey"),
        ([_CHILD.format("NO ACTION", "CASCADE")], "UPDATE entries SET id = 9 WHERE id = 1", "child_entry"),
        (
            [_CHILD.format("NO ACTION", "SET NULL")],
            "INSERT INTO entries VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET id = 7",
            "child_entry",
        ),
        (
            [_CHILD.format("CASCADE", "NO ACTION"), "CREATE VIEW shown AS SELECT id AS k FROM entries"],
            "DELETE FROM shown WHERE k = 1",
            "child_entry_fkey",
        ),
    ],
)
async def test_what_changes_rows_uncounted_is_named_and_rolled_back(
    writer: Client, made: list[str], sql: str, named: str
) -> None:
    for one in made:
        await write(writer, one)
    if "child" in made[0]:
        await write(writer, "INSERT INTO child SELECT n, 1 FROM generate_series(1, 5) AS n")
    before = await _stored(writer)
    reply = await call(writer, "transact", sql_list=[sql], max_rows_affected=1)
    assert reply.is_error
    assert reply.facts["code"] == "rows_not_counted"
    assert named in reply.text
    assert "Rolled back." in reply.text
    assert await _stored(writer) == before
    dry = await call(writer, "transact", sql_list=[sql], max_rows_affected=1, dry_run=True)
    assert dry.is_error


@pytest.mark.parametrize(
    ("made", "sql"),
    [
        ([_PURGE], "UPDATE entries SET n = 1 WHERE id = 1"),
        ([_CHILD.format("CASCADE", "CASCADE")], "UPDATE entries SET n = 1 WHERE id = 1"),
        ([_CHILD.format("CASCADE", "CASCADE")], "INSERT INTO entries VALUES (3, 1)"),
        ([_CHILD.format("NO ACTION", "CASCADE")], "DELETE FROM entries WHERE id = 1"),
        ([_CHILD.format("CASCADE", "CASCADE")], "DELETE FROM ledger WHERE id = 1"),
        (["CREATE VIEW shown AS SELECT lower('A') AS a, id FROM entries"], "DELETE FROM shown WHERE id = 1"),
    ],
)
async def test_what_is_not_touched_is_no_hindrance(writer: Client, made: list[str], sql: str) -> None:
    for one in made:
        await write(writer, one)
    reply = await call(writer, "transact", sql_list=[sql], max_rows_affected=1)
    assert not reply.is_error, reply.text
    assert reply.facts["outcome"] == "committed"


@pytest.mark.parametrize("sql", ["ALTER TABLE entries ADD COLUMN c checked", "CREATE TABLE kept (id int)"])
async def test_no_limit_is_promised_for_ddl(writer: Client, sql: str) -> None:
    await write(writer, _PURGE)
    await write(writer, "CREATE DOMAIN checked AS int CHECK (purge(1) > 0)")
    reply = await call(writer, "transact", sql_list=[sql], max_rows_affected=1)
    assert "max_rows_affected cannot hold for statement 1" in reply.text
    assert await rows(writer, "SELECT count(*) FROM ledger") == [[5]]


async def _stored(writer: Client) -> list[list[object]]:
    counts = (
        "SELECT (SELECT count(*) FROM ledger), (SELECT sum(id) FROM entries), (SELECT sum(n) FROM entries)"
    )
    return await rows(writer, counts)


async def test_a_dropped_table_has_no_rows_that_may_have_changed(writer: Client) -> None:
    gone = "WITH gone AS (DELETE FROM ledger WHERE id > 3 RETURNING id) SELECT 1"
    assert "not counted" in (await write(writer, gone)).text
    await write(writer, "CREATE TABLE dropped (id int PRIMARY KEY)")
    assert "not counted" not in (await write(writer, "DROP TABLE dropped")).text
