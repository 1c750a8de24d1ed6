"""Linting, jobs and families of tools, through a real client."""

import asyncio
from pathlib import Path

import pytest
from mcp import Client

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.lint.program import LintProgram
from awslabs_dsql_mcp.tools.spec import facts_of
from conftest import ServerOn
from support.client_helpers import call, write

SCRIPT = "CREATE TABLE t (id serial PRIMARY KEY,\n  tags text[]);\nCREATE INDEX i ON t (id);\n"


async def test_lint_tells_line_fault_and_remedy(reader: Client) -> None:
    reply = await call(reader, "dsql_lint", sql=SCRIPT)
    found = [(finding["line"], finding["fix"]) for finding in reply.facts["findings"]]
    assert found == [(1, "fixed"), (2, "fixed_with_warning"), (3, "fixed")]
    assert "- line 2 (fixable, mind): tags: an array" in reply.text
    assert "3 found: 2 fixable, 1 fixable with something to mind." in reply.text
    assert "fixed_sql" not in reply.facts


async def test_lint_fixes_what_can_be_fixed(reader: Client) -> None:
    reply = await call(reader, "dsql_lint", sql=SCRIPT, fix=True)
    assert "CREATE INDEX ASYNC i ON t" in reply.facts["fixed_sql"]
    assert "AS IDENTITY" in reply.text
    again = await call(reader, "dsql_lint", sql=reply.facts["fixed_sql"], fix=True)
    assert again.text.startswith("Nothing found.")


@pytest.mark.parametrize(
    ("sql", "line", "told"),
    [
        ("SELECT 1;\n\nCREATE TABLE t (price money);", 3, "numeric(19,4)"),
        ("CREATE TABLE t (id int);\nSELECT * INTO u\nFROM t;", 2, "makes a table from a query"),
        ("SELECT setval('s', 3);\nDROP INDEX CONCURRENTLY i;", 2, "CONCURRENTLY left out"),
        ("SELECT 1;\nSELEC 2;", 2, "syntax error"),
    ],
)
async def test_there_is_one_finding_for_a_fault(reader: Client, sql: str, line: int, told: str) -> None:
    reply = await call(reader, "dsql_lint", sql=sql)
    (finding,) = reply.facts["findings"]
    assert finding["line"] == line
    assert told in reply.text


async def test_what_dsql_lint_alone_finds_is_told_as_its_own(reader: Client) -> None:
    reply = await call(reader, "dsql_lint", sql="SELECT 1;\nDEALLOCATE p;")
    assert [(finding["line"], finding["fix"]) for finding in reply.facts["findings"]] == [(2, "unfixable")]
    assert "(dsql-lint, unsupported_deallocate)" in reply.text


async def test_clean_sql_has_no_findings(reader: Client) -> None:
    reply = await call(reader, "dsql_lint", sql="CREATE TABLE t (id uuid PRIMARY KEY); SELECT 1;")
    assert reply.facts["findings"] == []


async def test_too_much_and_no_text_are_refused(reader: Client) -> None:
    assert "1,000,000" in (await call(reader, "dsql_lint", sql="-" * 1_000_001)).text
    assert (await call(reader, "dsql_lint", sql=" ")).is_error


async def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="does not start"):
        await LintProgram(tmp_path / "gone").lint("SELECT 1", timeout=5)


async def test_a_refusal_shows_the_fixed_form(writer: Client) -> None:
    reply = await call(writer, "transact", sql_list=["CREATE INDEX chores_i ON chores (id)"])
    assert reply.is_error
    assert "CREATE INDEX ASYNC chores_i ON chores" in reply.text.partition("Next:")[2]


async def test_a_job_is_followed(writer: Client, reader: Client) -> None:
    await write(writer, "CREATE TABLE chores (id bigint PRIMARY KEY, label text)")
    started = await write(writer, "CREATE INDEX ASYNC chores_label ON chores (label)")
    job = started.facts["job_id"]
    assert f'job_status(job_id="{job}")' in started.text
    told: list[float] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        assert message
        assert total == 2
        told.append(progress)

    result = await reader.call_tool("job_status", {"job_id": job, "wait_s": 2}, progress_callback=heard)
    facts = facts_of(result)
    (seen,) = facts["jobs"]
    assert seen["job_id"] == job
    assert seen["object_name"].endswith("chores_label")
    if seen["status"] == "completed":
        assert seen["index_valid"] is True
    else:
        assert told == sorted(set(told))
        assert told
        assert f'job_status(job_id="{job}")' in facts["next"]
    listed = await call(reader, "job_status")
    assert job in listed.text


async def test_an_unknown_job_is_told(reader: Client) -> None:
    assert "There is no job" in (await call(reader, "job_status", job_id="a" * 26)).text
    assert "26 characters" in (await call(reader, "job_status", job_id="7")).text


async def test_operators_choose_families(on_cluster: ServerOn) -> None:
    async with Client(on_cluster("--tools", "docs,schema-changes")) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"dsql_lint", "job_status", "dsql_recommend"} <= names
        assert not {"transact", "get_schema"} & names
        assert "readonly_query" not in (client.instructions or "")
        assert (await asyncio.wait_for(call(client, "transact", sql_list=["SELECT 1"]), 20)).is_error
