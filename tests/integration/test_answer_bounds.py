"""The end of each tool's answer, whatever it lists: both halves stay within what an answer may have."""

# ruff: noqa: S608 - statements are what is tested

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent, TextResourceContents

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.tools.spec import FACTS
from conftest import ServerOn, held
from support.canaries import MAX_ANSWER
from support.direct_connection import run, run_inside

LONG = "n" * 55
WIDE = ", ".join(f'{number} AS "{LONG}{number:04d}"' for number in range(1_600))
COLUMNS = ", ".join(f'"{LONG}{number:04d}" text' for number in range(250))
FEW = ", ".join(f'"{LONG}{number:04d}" text' for number in range(15))
TABLES = 35
SCRIPT = ";\n".join(
    f"CREATE TABLE t{number} ({COLUMNS.replace('text', 'money')}, id serial PRIMARY KEY)"
    for number in range(6)
)


@pytest.fixture(scope="module", autouse=True)
async def tables(cluster: LocalCluster, cluster_folder: Path) -> AsyncIterator[None]:
    """Wide tables with long names, comments and keys, more jobs than an answer lists, and a view."""
    await run(cluster, "CREATE SCHEMA bounds")
    await run_inside(
        cluster_folder,
        "SET ROLE admin",
        *(
            f'CREATE TABLE bounds."{LONG}{number}" ({FEW if number else COLUMNS}, id int PRIMARY KEY, '
            f'other int REFERENCES bounds."{LONG}{max(0, number - 1)}")'
            for number in range(TABLES)
        ),
        *(
            f'COMMENT ON COLUMN bounds."{LONG}0"."{LONG}{number:04d}" IS \'{LONG * 9}\''
            for number in range(250)
        ),
        "CREATE TABLE bounds.loaded (id int PRIMARY KEY, n int CHECK (n > 0))",
        "CREATE TABLE bounds.indexed (n int)",
    )
    await run(cluster, *(f"CREATE INDEX ASYNC i{number} ON bounds.indexed (n)" for number in range(3)))
    yield
    await run_inside(cluster_folder, "SET ROLE admin", "DROP SCHEMA bounds CASCADE")


@pytest.fixture(scope="module")
async def client(on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("files")
    with (folder / "bad.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "n"], *([f"{LONG * 5}{row}", "x"] for row in range(500))])
    with (folder / "wide.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[f"{LONG}{column}" for column in range(2_000)], ["1"] * 2_000])
    flags = ("--allow-writes", "--confirm", "never", "--load-dir", str(folder), "--export-dir", str(folder))
    async with held(Client(on_cluster(*flags))) as opened:
        yield opened


UNION = " UNION ALL ".join(f'SELECT id FROM bounds."{LONG}{n % TABLES}"' for n in range(300))
IN: str = f"n IN ({'1,' * 50_000}1)"
UNKNOWN = ";\n".join(f'CREATE EXTENSION "{LONG}{n}"; \\i {LONG}{n}\nLISTEN a{n}' for n in range(2_000))
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "columns": ("readonly_query", {"sql": f"SELECT {WIDE}"}),
    "columns of text": ("readonly_query", {"sql": f"SELECT {WIDE.replace(' AS', '::text AS')}"}),
    "a document": ("readonly_query", {"sql": "SELECT jsonb_agg(n) FROM generate_series(1, 99999) n"}),
    "statements": ("transact", {"sql_list": ["SELECT 1"] * 4_000}),
    "statements of many columns": ("transact", {"sql_list": [f"SELECT {WIDE}"] * 30}),
    "statements dry run": ("transact", {"sql_list": [f"SELECT {WIDE}"] * 30, "dry_run": True}),
    "an unknown column": ("readonly_query", {"sql": f'SELECT "{"x" * 200_000}"'}),
    "names of tables": ("get_schema", {"detail": "names", "limit": 1000}),
    "lines of tables": ("get_schema", {"detail": "summary", "limit": 1000}),
    "tables in full": ("get_schema", {"detail": "full", "limit": 1000}),
    "one table": ("get_schema", {"table_name": f'bounds."{LONG}0"'}),
    "a plan": ("explain_query", {"sql": UNION}),
    "a plan that was run": ("explain_query", {"sql": UNION, "analyze": True}),
    "jobs": ("job_status", {}),
    "exported columns": ("export_query", {"sql": f"SELECT {WIDE}", "path": "x.csv"}),
    "exported columns of Parquet": ("export_query", {"sql": f"SELECT {WIDE}", "path": "x.parquet"}),
    "rejected rows": ("load_rows", {"table": "bounds.loaded", "path": "bad.csv", "skip_bad_rows": True}),
    "unknown columns": ("load_rows", {"table": "bounds.loaded", "path": "wide.csv"}),
    "a dry run": ("load_rows", {"table": "bounds.loaded", "path": "bad.csv", "dry_run": True}),
    "rows as arguments": (
        "load_rows",
        {"table": "bounds.loaded", "rows": [{"id": LONG * 400, "n": 1}] * 50, "skip_bad_rows": True},
    ),
    "a condition": ("batch_write", {"sql": f"DELETE FROM bounds.loaded WHERE {IN}", "dry_run": True}),
    "findings": ("dsql_lint", {"sql": SCRIPT}),
    "findings, fixed": ("dsql_lint", {"sql": SCRIPT, "fix": True}),
    "a plan of steps": ("migrate", {"statements": SCRIPT, "dry_run": True}),
    "what stops a plan": ("migrate", {"statements": UNKNOWN}),
    "what stops a plan, as a plan": ("migrate", {"statements": UNKNOWN, "dry_run": True}),
    "a search": ("dsql_search_documentation", {"search_phrase": "limits " * 70}),
    "a page": ("dsql_read_documentation", {"url": "dsql://guide/sql", "max_length": 1_000_000}),
    "pages nearby": ("dsql_recommend", {"url": "dsql://guide/sql"}),
}  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments"), CASES.values(), ids=CASES)
async def test_an_answer_has_an_end(client: Client, tool: str, arguments: dict[str, Any]) -> None:
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    halves = (
        text,
        *(json.dumps(half) for half in (result.structured_content, (result.meta or {}).get(FACTS))),
    )
    assert max(map(len, halves)) <= MAX_ANSWER, [(len(half), half[:300]) for half in halves]


async def test_the_steps_of_a_run_have_an_end(client: Client) -> None:
    script = ";\n".join(
        f'CREATE TABLE bounds.made{n} (id serial PRIMARY KEY, "{LONG}" money)' for n in range(40)
    )
    planned = await client.call_tool("migrate", {"statements": script, "dry_run": True})
    handle = str((planned.meta or {})[FACTS]["resume_from"])
    run_through = {"statements": script, "resume_from": handle, "verify": True}
    await test_an_answer_has_an_end(client, "migrate", run_through)


@pytest.mark.parametrize("uri", ["dsql://schema", "dsql://diagram", "dsql://diagram/bounds", "dsql://roles"])
async def test_a_resource_has_an_end(client: Client, uri: str) -> None:
    texts = [
        part.text
        for part in (await client.read_resource(uri)).contents
        if isinstance(part, TextResourceContents)
    ]
    assert len("".join(texts)) <= MAX_ANSWER
