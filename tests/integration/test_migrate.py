"""``migrate`` as an agent meets it: what PostgreSQL's own pg_dump wrote, on a cluster with DSQL's rules."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from mcp import Client
from psycopg import conninfo

from awslabs_dsql_mcp.local_cluster.postgres import discovery
from awslabs_dsql_mcp.local_cluster.postgres import server as postgres
from conftest import ServerOn
from support.client_helpers import Reply, call, rows, write

SOURCE: Final = Path(__file__).parent.parent / "data" / "migrate" / "shop.sql"
TABLES: Final = 12
FOREIGN_KEYS: Final = 11


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What pg_dump writes of the shop."""
    installation = discovery.find()
    server = installation.start(
        tmp_path_factory.mktemp("source") / "pg", meanwhile=lambda: None, loopback=True, one_database=False
    )
    try:
        assert isinstance(server.address, postgres.Loopback)
        address = conninfo.make_conninfo(
            host="127.0.0.1",
            port=server.address.port,
            user=postgres.SUPERUSER,
            password=server.address.password,
            dbname="postgres",
        )
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE shop")
        shop = conninfo.make_conninfo(address, dbname="shop")
        with psycopg.connect(shop, autocommit=True) as connection:
            connection.execute(SOURCE.read_bytes())
        program = installation.root / "bin" / "pg_dump"
        yield subprocess.run([program, shop], check=True, capture_output=True, text=True).stdout
    finally:
        server.stop()


@pytest.fixture(autouse=True)
async def nothing_there(writer: Client) -> None:
    """Each test begins without the shop."""
    await nothing_left(writer)


async def nothing_left(writer: Client) -> None:
    """Drop the shop."""
    for (view,) in await rows(writer, "SELECT viewname FROM pg_views WHERE schemaname = 'public'"):
        await write(writer, f'DROP VIEW "{view}"')
    for (table,) in await rows(writer, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        await write(writer, f'DROP TABLE "{table}" CASCADE')
    await write(writer, "DROP FUNCTION IF EXISTS with_tax(numeric)")


async def migrated(client: Client, script: str, resume_from: str | None = None) -> Reply:
    """Go on until the migration is done."""
    reply = await call(client, "migrate", statements=script, resume_from=resume_from)
    while reply.facts.get("state") == "paused":
        reply = await call(client, "migrate", statements=script, resume_from=reply.facts["resume_from"])
    return reply


async def shape(client: Client) -> dict[str, list[list[object]]]:
    """What the shop's schema and data are."""
    return {
        name: await rows(client, sql)
        for name, sql in {
            "columns": "SELECT table_name, column_name, data_type, is_nullable, is_identity, column_default "
            "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
            "constraints": "SELECT conname, contype::text, convalidated FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace ORDER BY 1",
            "indexes": "SELECT c.relname, i.indisvalid, i.indisunique FROM pg_index i JOIN pg_class c ON "
            "c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1",
            "data": "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), "
            "(SELECT string_agg(line, '|' ORDER BY id) FROM addresses), (SELECT what ->> 'a' FROM audit)",
        }.items()
    }


async def test_a_dump_becomes_a_working_schema(writer: Client, dump: str) -> None:
    plan = await call(writer, "migrate", statements=dump, dry_run=True)
    assert not plan.is_error, plan.text
    assert "Left out, needs a human:" in plan.text
    assert "USING gin" in plan.text
    assert "LANGUAGE plpgsql" in plan.text
    assert "no triggers" in plan.text
    assert await rows(writer, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [[0]]
    reply = await migrated(writer, dump, plan.facts["resume_from"])
    assert not reply.is_error, reply.text
    assert reply.facts["state"] == "done"
    await write(writer, "DROP TABLE dsql_mcp_progress")  # where the run is recorded
    assert await rows(writer, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [[TABLES]]
    found = await shape(writer)
    assert found["data"] == [[1500, 2, "back\\slash\ttab\nline||\\N", "x\\y"]]
    assert all(valid for _, valid, _ in found["indexes"])
    assert all(validated for _, _, validated in found["constraints"])
    kinds = [kind for _, kind, _ in found["constraints"]]
    assert kinds.count("f") == FOREIGN_KEYS
    assert kinds.count("p") == TABLES
    await write(writer, "INSERT INTO orders (customer_id) VALUES (3)")
    assert await rows(writer, "SELECT id, status FROM orders WHERE customer_id = 3") == [[3, "open"]]
    refused = await call(
        writer, "transact", sql_list=["INSERT INTO orders (customer_id, status) VALUES (1, 'lost')"]
    )
    assert "orders_status_check" in refused.text
    assert await rows(writer, "SELECT with_tax(10)") == [["12.0"]]


async def cut_off(client: Client, script: str, resume_from: str | None) -> str | None:
    """Call, and cancel the call when it begins its second step; give the handle that was told with that.

    Returns:
        ``None`` when there was no second step.
    """
    told: list[str] = []
    reached = asyncio.Event()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        if found := re.search(r"resume_from=(\S+)", message or ""):
            told.append(found.group(1))
        if len(told) == 2:
            assert progress < (total or 0)
            reached.set()

    arguments = {"statements": script, "resume_from": resume_from}
    calling = asyncio.ensure_future(client.call_tool("migrate", arguments, progress_callback=hear))
    waiting = asyncio.ensure_future(reached.wait())
    await asyncio.wait({calling, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if calling.done():
        assert not calling.result().is_error, calling.result()
        return None
    calling.cancel()
    await asyncio.wait({calling})
    return told[-1]


@pytest.mark.timeout(240)
async def test_cut_off_at_each_step_and_resumed_it_ends_the_same(
    writer: Client, on_cluster: ServerOn, dump: str
) -> None:
    whole = await migrated(writer, dump)
    assert whole.facts["state"] == "done", whole.text
    expected = await shape(writer)
    await nothing_left(writer)
    handle: str | None = None
    cuts = 0
    others = await sessions(writer) | await sessions(writer, looking=True)
    async with Client(on_cluster("--allow-writes", "--max-connections", "1")) as client:
        while (cut := await cut_off(client, dump, handle)) is not None:
            handle = cut
            while await sessions(client) - others:
                pass
            cuts += 1
    assert cuts > whole.facts["steps"] // 2
    assert await shape(writer) == expected


async def test_steps_that_ran_before_the_server_heard_of_the_end_are_not_run_again(writer: Client) -> None:
    script = "CREATE TABLE a (id int PRIMARY KEY); CREATE VIEW v AS SELECT id FROM a; CREATE TABLE b (id int)"
    told: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert progress <= (total or 0)
        told.extend(re.findall(r"resume_from=(\S+)", message or ""))

    await writer.call_tool("migrate", {"statements": script}, progress_callback=hear)
    assert len(told) == 3
    reply = await call(writer, "migrate", statements=script, resume_from=told[0])
    assert reply.facts["state"] == "done", reply.text
    assert reply.text.count("was there already") == 3


async def sessions(client: Client, *, looking: bool = False) -> set[int]:
    """The servers' sessions but the one that looks, or that one alone."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'awslabs-dsql-mcp/%'"
    return {pid for (pid,) in await rows(client, f"{query} AND (query LIKE '%{query[:32]}%') = {looking}")}


async def test_an_index_without_a_name_is_waited_for_by_its_job(writer: Client) -> None:
    script = (
        "CREATE TABLE shop_unnamed (id int PRIMARY KEY, a int); CREATE INDEX ON shop_unnamed (a);"
        " INSERT INTO shop_unnamed VALUES (1, 1);"
    )
    try:
        reply = await migrated(writer, script)
        assert "All 3 steps are applied." in reply.text
    finally:
        await write(writer, "DROP TABLE IF EXISTS shop_unnamed")


async def test_a_job_that_failed_is_told_again_in_any_schema(writer: Client) -> None:
    script = (
        "CREATE SCHEMA shop_failed; CREATE TABLE shop_failed.t (id int PRIMARY KEY, a int);"
        " INSERT INTO shop_failed.t VALUES (1, 1), (2, 1); CREATE UNIQUE INDEX twins ON shop_failed.t (a);"
    )
    try:
        failed = await call(writer, "migrate", statements=script)
        assert failed.facts["code"] == "job_failed", failed.text
        handle = failed.text.split("resume_from=")[1].split()[0].rstrip(".,;")
        again = await call(writer, "migrate", statements=script, resume_from=handle)
        assert again.facts["code"] == "job_failed", again.text
    finally:
        await write(writer, "DROP SCHEMA IF EXISTS shop_failed CASCADE")


async def test_the_statement_that_fails_in_a_step_of_several_is_named_by_its_line(writer: Client) -> None:
    script = (
        "CREATE TABLE failing (id int PRIMARY KEY, n text);\n"
        "INSERT INTO failing VALUES (1, 'a');\n\nINSERT INTO failing VALUES (2, 'b');\n"
        "INSERT INTO failing VALUES (1, 'c');\n"
    )
    try:
        stopped = await migrated(writer, script)
        assert "Step 2 of 2, line 5, INSERT INTO failing VALUES (1, 'c'): duplicate key" in stopped.text
    finally:
        await write(writer, "DROP TABLE IF EXISTS failing")


async def test_the_servers_own_record_is_not_counted_among_a_steps_statements(writer: Client) -> None:
    try:
        stopped = await migrated(
            writer, "CREATE TABLE failing (id int PRIMARY KEY);\nINSERT INTO failing VALUES (1), (1);"
        )
        assert "Step 2 of 2, line 2, INSERT INTO failing VALUES (1), (1): duplicate key" in stopped.text
    finally:
        await write(writer, "DROP TABLE IF EXISTS failing")


async def test_a_dry_run_says_that_it_compares_nothing(writer: Client) -> None:
    script = "CREATE TABLE planned (id int)"
    plan = await call(writer, "migrate", statements=script, dry_run=True, verify=True)
    assert "verify=true compares behind the last step" in plan.text


UNCHECKED: Final = """
SET check_function_bodies = off;
CREATE TABLE fits (a int, b text);
INSERT INTO fits VALUES (1, 'x');
CREATE FUNCTION last_of_a() RETURNS int LANGUAGE sql AS 'SELECT max(a) + b FROM fits';
CREATE FUNCTION fits_well() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM fits';
"""


async def test_a_body_that_does_not_fit_stops_where_the_plan_says_and_can_be_left_out(writer: Client) -> None:
    plan = await call(writer, "migrate", statements=UNCHECKED, dry_run=True)
    assert "- steps 3, 4 make functions under check_function_bodies = off" in plan.text
    stopped = await migrated(writer, UNCHECKED, plan.facts["resume_from"])
    assert stopped.is_error
    assert "Step 3 of 4" in stopped.text
    assert "operator does not exist" in stopped.text
    without = re.search(r"resume_from=(4-\S+) without this function", stopped.text)
    assert without is not None, stopped.text
    done = await migrated(writer, UNCHECKED, without[1])
    assert not done.is_error, done.text
    assert "Step 3 was not run" in done.text
    assert await rows(writer, "SELECT fits_well(), (SELECT count(*) FROM fits)") == [[1, 1]]
    assert await rows(writer, "SELECT proname FROM pg_proc WHERE proname = 'last_of_a'") == []
