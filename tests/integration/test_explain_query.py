"""explain_query against PostgreSQL's own plans, over a real client."""

import asyncio
import time
from pathlib import Path

import pytest
from mcp import Client

from awslabs_dsql_mcp.errors import StatementRefused
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.tools.explain_query import ExplainQuery
from support.client_helpers import call, rows
from support.direct_connection import counted, run


@pytest.fixture(scope="module", autouse=True)
async def tables(cluster: LocalCluster) -> None:
    """3,000 sales, of which 30 are open."""
    await run(
        cluster,
        "CREATE TABLE sales (id bigint PRIMARY KEY, buyer int NOT NULL, state text, total numeric(12,2))",
        "CREATE TABLE buyers (id int PRIMARY KEY, name text)",
        "INSERT INTO buyers SELECT i, 'b' || i FROM generate_series(1, 500) i",
        "INSERT INTO sales SELECT i, i % 500 + 1, CASE i % 100 WHEN 0 THEN 'open' ELSE 'done' END, i"
        " FROM generate_series(1, 3000) i",
        "CREATE VIEW few AS SELECT buyer FROM sales WHERE id < 9",
        "ANALYZE sales",
    )


EMPTY: list[object] = []
OPEN = "SELECT id, total FROM sales WHERE state = 'open'"


@pytest.mark.parametrize("analyze", [False, True])
async def test_a_full_scan_is_told_with_the_index_that_helps(reader: Client, *, analyze: bool) -> None:
    reply = await call(reader, "explain_query", sql=OPEN, analyze=analyze)
    assert "Index Only Scan using sales_pkey on public.sales" in reply.text
    assert "Output:" not in reply.text
    assert f"- Index Only Scan {'reads' if analyze else 'would read'} all of public.sales" in reply.text
    assert ("What costs, estimated (nothing was run):" in reply.text) is not analyze
    assert (
        "- index: CREATE INDEX ASYNC sales_state_idx ON public.sales (state) INCLUDE (total) -- makes"
    ) in reply.text
    assert ("filters drop 2,970 rows of 3,000 read (99 %)" in reply.text) is analyze
    assert reply.text.endswith(
        "Next: This server only reads: the operator chose so, who alone can allow writes (--allow-writes)."
    )


async def test_each_included_column_has_its_reason(reader: Client) -> None:
    reply = await call(reader, "explain_query", sql=OPEN)
    assert "; INCLUDE answers the query without the table: total is shown" in reply.text


async def test_a_system_column_is_in_no_index_that_is_advised(reader: Client) -> None:
    reply = await call(reader, "explain_query", sql="DELETE FROM sales WHERE state = 'open'")
    assert "ctid" not in reply.text.partition("- index:")[2]


async def test_a_tool_that_an_option_offers_is_named_with_it(reader: Client) -> None:
    reply = await call(reader, "export_query", sql="SELECT 1", path="a.csv")
    assert "--export-dir" in reply.text


async def test_the_local_clusters_dpus_are_the_same_twice_and_said_to_be_simulated(reader: Client) -> None:
    estimates: list[str] = []
    for _ in range(2):
        reply = await call(reader, "explain_query", sql=OPEN, analyze=True)
        estimates += [line for line in reply.text.splitlines() if line.startswith("DPU")]
    assert len(estimates) == 2
    assert estimates[0] == estimates[1]
    assert estimates[0].startswith("DPUs simulated by the local cluster, ")


async def test_a_placeholder_takes_its_value(reader: Client) -> None:
    reply = await call(
        reader,
        "explain_query",
        sql="SELECT total FROM sales WHERE state = %s AND id < %s",
        params=["open", 9],
    )
    assert not reply.is_error, reply.text
    assert "'open'::text" in reply.text


async def test_a_change_is_planned_but_never_run(writer: Client) -> None:
    change = "DELETE FROM sales WHERE total > 5"
    reply = await call(writer, "explain_query", sql=change)
    assert "Delete on public.sales" in reply.text
    assert "dry_run=true" in reply.text
    inside = "WITH gone AS (DELETE FROM sales RETURNING id) SELECT * FROM gone"
    for sql in (change, inside, "SELECT pg_sleep(60)"):
        reply = await call(writer, "explain_query", sql=sql, analyze=True)
        assert reply.is_error
        assert reply.text.startswith("Refused")
    assert await rows(writer, "SELECT count(*) FROM sales") == [[3000]]


async def test_analyze_runs_read_only(cluster: LocalCluster, writer: Client) -> None:
    await run(
        cluster,
        "CREATE FUNCTION sell() RETURNS bigint LANGUAGE sql AS"
        " $$ INSERT INTO sales VALUES (-1, 1, 'x', 1) RETURNING id $$",
    )
    reply = await call(writer, "explain_query", sql="SELECT sell()", analyze=True)
    assert reply.facts["sqlstate"] == "25006"
    assert await rows(writer, "SELECT count(*) FROM sales") == [[3000]]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("EXPLAIN SELECT 1", "EXPLAIN has no plan"),
        ("SHOW timezone", "SHOW has no plan"),
        ("CREATE TABLE x (i int)", "CREATE TABLE has no plan"),
        ("SELECT 1; DELETE FROM sales", "holds 2 statements"),
        ("ANALYZE DELETE FROM sales", "does not parse"),
        ("(ANALYZE) DELETE FROM sales", "does not parse"),
        ("SELECT %s", "placeholder"),
    ],
)
async def test_what_cannot_be_explained_is_told(reader: Client, sql: str, told: str) -> None:
    params = [1, 2] if "%s" in sql else None
    reply = await call(reader, "explain_query", sql=sql, params=params)
    assert reply.is_error
    assert told in reply.text


@pytest.mark.parametrize("analyze", [False, True])
@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT total, nowhere FROM sales", "(line 1: SELECT total, ▸nowhere FROM sales)"),
        ("SELECT *\nFROM nowhere", "(line 2: FROM ▸nowhere)"),
        (
            "\ufeffSELECT 1 FROM sales WHERE %s = nowhere",
            "(line 1: SELECT 1 FROM sales WHERE $1 = ▸nowhere)",
        ),
    ],
)
async def test_an_error_shows_its_place_in_the_callers_own_text(
    reader: Client, sql: str, place: str, *, analyze: bool
) -> None:
    params = [1] if "%s" in sql else None
    reply = await call(reader, "explain_query", sql=sql, params=params, analyze=analyze)
    assert place in reply.text
    assert "EXPLAIN" not in reply.text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT b.name, max(total) FROM sales JOIN buyers b ON b.id = buyer GROUP BY 1 ORDER BY 2 LIMIT 3",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n",
        "SELECT * FROM sales s WHERE EXISTS (SELECT 1 FROM buyers b WHERE b.id = s.buyer AND b.name > 'b4')",
        "SELECT (SELECT max(total) FROM sales), x FROM generate_series(1, 3) x WHERE x NOT IN (TABLE few)",
        "SELECT row_number() OVER (PARTITION BY buyer ORDER BY id) FROM sales WHERE id BETWEEN 5 AND 90",
        "SELECT * FROM sales WHERE id = 7 UNION SELECT * FROM sales WHERE state = 'x -> y: z'",
        "SELECT * FROM sales, LATERAL (SELECT * FROM buyers WHERE buyers.id = sales.buyer LIMIT 1) b LIMIT 5",
        "VALUES (1), (2)",
        "TABLE buyers",
    ],
)
@pytest.mark.parametrize("analyze", [False, True])
async def test_postgresqls_plans_are_understood(reader: Client, sql: str, *, analyze: bool) -> None:
    reply = await call(reader, "explain_query", sql=sql, analyze=analyze)
    assert not reply.is_error, reply.text
    assert "\nWhat costs, " in reply.text


async def test_a_plan_is_one_round_trip_and_an_index_one_more(
    cluster: LocalCluster, cluster_folder: Path
) -> None:
    assert cluster.port
    async with counted(cluster_folder) as database:
        await ExplainQuery(database).explain_query("SELECT * FROM sales WHERE id = 5")
        assert database.units == 1
        await ExplainQuery(database).explain_query(OPEN)
        assert database.units == 3


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT * FROM sales WHERE id = %s", None),
        ("SELECT * FROM sales WHERE id = %s", [1, 2]),
        ("SELECT * FROM sales WHERE id IN %s", [[1, 2]]),
        ("SELECT * FROM %s", ["sales"]),
        ("SELECT id % 2 FROM sales WHERE id = %s", [1]),
        ("SELECT '100%' FROM sales WHERE id = %s", [1]),
        ("SELECT %s", [EMPTY]),
    ],
)
async def test_placeholders_are_explained_as_in_readonly_query(
    reader: Client, sql: str, params: list[object] | None
) -> None:
    run_it = await call(reader, "readonly_query", sql=sql, params=params)
    explained = await call(reader, "explain_query", sql=sql, params=params)
    assert explained.is_error
    assert explained.text == run_it.text


async def test_a_long_statement_leaves_the_event_loop_free(cluster_folder: Path) -> None:
    done = asyncio.Event()

    async def longest_gap() -> float:
        gaps: list[float] = []
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(time.perf_counter() - began)
        return max(gaps)

    async with counted(cluster_folder) as database:
        tool = ExplainQuery(database)
        await tool.explain_query("SELECT 1")
        beats = asyncio.ensure_future(longest_gap())
        await asyncio.sleep(0)  # the first beat begins
        began = time.perf_counter()
        with pytest.raises(StatementRefused, match="at end of input"):
            await tool.explain_query(f"SELECT {'1 + (2), ' * 19_000}3 FROM")
        took = time.perf_counter() - began
        done.set()
    assert await beats < took / 2
