"""What clients of both protocol eras see, from two independent implementations and from raw JSON-RPC."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from fastmcp import Client as OtherClient
from fastmcp.client.transports import StdioTransport
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.tools.spec import facts_of
from conftest import ServerOn, server
from support.client_helpers import call, hints_of, write

TOOLS = {
    "dsql_lint",
    "job_status",
    "readonly_query",
    "transact",
    "get_schema",
    "explain_query",
    "cluster_status",
    "diagnose",
    "dsql_search_documentation",
    "dsql_read_documentation",
    "dsql_recommend",
}


@pytest.mark.parametrize(("mode", "version"), [("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_both_eras_are_served(on_cluster: ServerOn, mode: str, version: str) -> None:
    async with Client(on_cluster(), mode=mode) as client:
        assert client.protocol_version == version
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        reply = await call(client, "readonly_query", sql="SELECT 1 AS one")
        assert reply.facts["rows"] == [[1]]
        failed = await call(client, "readonly_query", sql="SELECT nope")
        assert failed.facts["sqlstate"] == "42703"


async def test_another_client_gets_the_same(on_cluster: ServerOn, tmp_path: Path) -> None:
    start = on_cluster("--allow-writes", "--export-dir", str(tmp_path))
    transport = StdioTransport(start.command, start.args, env=start.env)
    async with OtherClient(transport) as client:
        listed = {tool.name for tool in await client.list_tools()}
        assert listed == TOOLS | {"batch_write", "load_rows", "migrate", "export_query"}
        result = await client.call_tool("transact", {"sql_list": ["SELECT 1", "SELECT 2"]})
        assert (result.structured_content or {})["outcome"] == "committed"


async def test_two_clients_find_in_answers_what_is_announced(on_cluster: ServerOn, tmp_path: Path) -> None:
    start = on_cluster("--allow-writes", "--export-dir", str(tmp_path), "--max-dpu", "1000")
    rows = [{"id": 1, "n": None}, {"id": 2, "n": "two"}, {"id": "x"}]
    calls: list[tuple[str, dict[str, object]]] = [
        ("transact", {"sql_list": ["CREATE TABLE announced (id int PRIMARY KEY, n text)"]}),
        ("load_rows", {"table": "announced", "rows": rows, "skip_bad_rows": True, "verify": True}),
        ("readonly_query", {"sql": "SELECT * FROM announced", "limit": 1}),
        ("transact", {"sql_list": ["SELECT n FROM announced", "DELETE FROM announced"], "dry_run": True}),
        ("batch_write", {"sql": "UPDATE announced SET n = 'x'", "dry_run": True}),
        ("export_query", {"sql": "SELECT * FROM announced", "path": "announced.csv", "overwrite": True}),
        ("transact", {"sql_list": ["DROP TABLE announced"]}),
    ]
    transport = StdioTransport(start.command, start.args, env=start.env)
    async with Client(start) as one, OtherClient(transport) as other:
        announced = {tool.name: tool.output_schema or {} for tool in (await one.list_tools()).tools}
        await other.list_tools()  # either checks what it gets by what it was told
        told: dict[str, set[str]] = {}
        for client in (one, other):
            for name, arguments in calls:
                answer = (await client.call_tool(name, arguments)).structured_content or {}
                told.setdefault(name, set()).update(answer)
    assert {name: keys - set(announced[name]["properties"]) for name, keys in told.items()} == {
        name: set[str]() for name in told
    }
    assert told["load_rows"] >= {"reasons", "verified", "nulls", "data"}
    assert "forecast" in told["batch_write"]


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_a_raw_client_of_the_handshake_is_served(on_cluster: ServerOn, version: str) -> None:
    hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    first, second = raw(
        on_cluster().args,
        {"id": 1, "method": "initialize", "params": hello},
        {
            "id": 2,
            "method": "tools/call",
            "params": {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}},
        },
    )
    assert first["result"]["protocolVersion"] == version
    assert first["result"]["serverInfo"]["version"] == __version__
    assert first["result"]["serverInfo"]["title"] == "Amazon Aurora DSQL"
    assert first["result"]["serverInfo"]["websiteUrl"].startswith("https://")
    (icon,) = first["result"]["serverInfo"]["icons"]
    kind, _, drawing = icon["src"].partition(",")
    assert (kind, icon["mimeType"], icon["sizes"]) == ("data:image/svg+xml", "image/svg+xml", ["any"])
    assert ET.fromstring(unquote(drawing)).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - the server's own
    assert second["result"]["structuredContent"]["rows"] == [[1]]


def test_a_raw_client_may_discover(on_cluster: ServerOn) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    (found,) = raw(on_cluster().args, {"id": 1, "method": "server/discover", "params": {"_meta": meta}})
    assert "2026-07-28" in found["result"]["supportedVersions"]
    assert len(found["result"]["instructions"]) < 2048
    assert "true" not in json.dumps(found["result"]["capabilities"])


def test_a_lone_surrogate_gets_an_answer() -> None:
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    }
    arguments = {"name": "readonly_query", "arguments": {"sql": "SELECT '\ud800'"}}
    _, answer = raw(
        server().args,
        {"id": 1, "method": "initialize", "params": hello},
        {"id": 2, "method": "tools/call", "params": arguments},
    )
    assert answer["result"]["isError"]
    assert "lone surrogate" in answer["result"]["content"][0]["text"]


def raw(arguments: list[str], *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """Send requests one by one, and give the answers."""
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        answers: list[dict[str, Any]] = []
        for request in requests:
            print(json.dumps({"jsonrpc": "2.0", **request}), file=process.stdin, flush=True)
            answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.wait(10) == 0
    return answers


async def test_tools_have_titles_hints_and_schemas(
    reader: Client, writer: Client, on_cluster: ServerOn, tmp_path: Path
) -> None:
    async with Client(on_cluster("--export-dir", str(tmp_path))) as exporter:
        exporting = (await exporter.list_tools()).tools
        assert "export_query writes all rows to a file" in (exporter.instructions or "")
    assert {tool.name for tool in exporting} == TOOLS | {"export_query"}
    offers = ((await reader.list_tools()).tools, (await writer.list_tools()).tools, exporting)
    for writes, tools in zip((False, True, False), offers, strict=True):
        for tool in tools:
            hints = hints_of(tool)
            assert hints.title
            assert (tool.output_schema is not None) is (tool.name in ROW_TOOLS)
            assert tool.description
            assert len(tool.description) < 2048
            changes = writes and tool.name in ("transact", "migrate", "batch_write", "load_rows")
            changes = changes or tool.name == "export_query"  # it may replace a file
            assert hints.reads is not changes
            assert hints.is_destructive is changes
            assert hints.is_idempotent is not changes
            # Claude Code takes a destructive or open world that is not told for none.
            assert (tool.annotations and tool.annotations.destructive_hint) is (changes or None)
            beyond = tool.name in ("cluster_status", "diagnose") or (
                tool.name.startswith("dsql_") and tool.name != "dsql_lint"
            )
            assert (tool.annotations and tool.annotations.open_world_hint) is beyond


ROW_TOOLS = {"readonly_query", "transact", "batch_write", "load_rows", "export_query"}
FAILING: list[tuple[str, dict[str, object]]] = [
    ("readonly_query", {"sql": "SELECT nope"}),
    ("readonly_query", {"sql": "SELECT pg_sleep(9)"}),
    ("transact", {"sql_list": []}),
    ("batch_write", {"sql": "DELETE FROM there_is_no_table"}),
    ("load_rows", {"table": "there_is_no_table", "rows": [{"a": 1}]}),
    ("get_schema", {"table_name": "there_is_no_table"}),
    ("job_status", {"job_id": "no"}),
    ("migrate", {"statements": ""}),
]


@pytest.mark.parametrize(("tool", "arguments"), FAILING)
async def test_an_error_is_whole_in_its_text_and_has_no_structured_content(
    writer: Client, tool: str, arguments: dict[str, object]
) -> None:
    # Clients on the TypeScript SDK 1.x check it against the output schema, and throw the answer away.
    result = await writer.call_tool(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    facts = facts_of(result)
    (content,) = result.content
    text = content.model_dump()["text"]
    assert facts["code"] in text
    assert (facts["sqlstate"] or "") in text
    assert (facts["hint"] or "") in text


async def test_tools_whose_answer_is_read_answer_in_text_alone(writer: Client) -> None:
    script = "CREATE TABLE t (id serial PRIMARY KEY, tags text[]);"
    calls: list[tuple[str, dict[str, object]]] = [
        ("get_schema", {}),
        ("explain_query", {"sql": "SELECT 1"}),
        ("dsql_lint", {"sql": script}),
        ("job_status", {}),
        ("migrate", {"statements": script, "dry_run": True}),
    ]
    for tool, arguments in calls:
        result = await writer.call_tool(tool, arguments)
        assert (result.is_error, result.structured_content) == (False, None), tool
    plan = await call(writer, "migrate", statements=script, dry_run=True)
    assert "To be looked at by a human: 1 change of meaning" in plan.text
    assert f"resume_from={plan.facts['resume_from']}" in plan.text


async def test_a_dry_run_says_in_both_halves_that_nothing_is_stored(writer: Client) -> None:
    reply = await call(writer, "transact", sql_list=["CREATE TABLE dry (id int)"], dry_run=True)
    assert "dry run, rolled back" in reply.text
    assert reply.facts["next"].startswith("Dry run, nothing was stored")
    assert reply.facts["dry_run_token"] in reply.facts["next"]
    assert reply.facts["dry_run_token"] in reply.text


async def test_what_a_session_begins_with_is_always_loaded(writer: Client) -> None:
    loaded = {
        tool.name
        for tool in (await writer.list_tools()).tools
        if (tool.meta or {}).get("anthropic/alwaysLoad")
    }
    assert loaded == {"readonly_query", "get_schema"}


def test_params_that_no_request_has_are_refused_and_nothing_is_promised(on_cluster: ServerOn) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "r", "version": "1"}}
    first, cursor, meta, prompt, template, topic = raw(
        on_cluster().args,
        {"id": 1, "method": "initialize", "params": hello},
        {"id": 2, "method": "tools/list", "params": {"cursor": "x"}},
        {"id": 3, "method": "tools/list", "params": {"_meta": "x"}},
        {"id": 4, "method": "completion/complete", "params": _completion("ref/prompt", "name", "nope")},
        {
            "id": 5,
            "method": "completion/complete",
            "params": _completion("ref/resource", "uri", "dsql://x/{y}"),
        },
        {"id": 6, "method": "completion/complete", "params": _completion("ref/prompt", "name", PROMPT)},
    )
    capabilities = first["result"]["capabilities"]
    assert not any(
        capabilities[kind].get(promise)
        for kind in ("tools", "prompts", "resources")
        for promise in ("listChanged", "subscribe")
    )
    assert [answer["error"]["code"] for answer in (cursor, meta, prompt, template)] == [-32602] * 4
    assert "values" in topic["result"]["completion"]


PROMPT = "explore_database"


def _completion(kind: str, key: str, name: str) -> dict[str, object]:
    return {"ref": {"type": kind, key: name}, "argument": {"name": "topic", "value": ""}}


async def test_without_a_cluster_the_database_tools_say_how_to_configure_one() -> None:
    async with Client(server("--knowledge-timeout", "1")) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        reply = await call(client, "readonly_query", sql="SELECT 1")
        assert reply.facts["code"] == "no_cluster"
        assert "--cluster_endpoint" in reply.text
        assert "--local" in reply.text


async def asked(on_cluster: ServerOn, answer: ElicitResult, *flags: str, mode: str) -> tuple[str, list[str]]:
    """Try to drop a table with a client whose user answers; give the code or outcome and the questions."""
    questions: list[str] = []

    async def user(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context
        questions.append(params.message)
        return answer

    start = on_cluster("--allow-writes", *flags)
    async with Client(start, mode=mode, elicitation_callback=user) as client:
        await write(client, "CREATE TABLE IF NOT EXISTS doomed (id int)")
        reply = await call(client, "transact", sql_list=["DROP TABLE doomed"])
        return str(reply.facts.get("code", reply.facts.get("outcome"))), questions


YES = ElicitResult(action="accept", content={"run": True})
NO = ElicitResult(action="decline")
UNTICKED = ElicitResult(action="accept", content={"run": False})


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
@pytest.mark.parametrize(
    ("answer", "told"), [(YES, "committed"), (NO, "not_confirmed"), (UNTICKED, "not_confirmed")]
)
async def test_a_drop_asks_the_user(on_cluster: ServerOn, mode: str, answer: ElicitResult, told: str) -> None:
    outcome, questions = await asked(on_cluster, answer, mode=mode)
    assert outcome == told
    assert len(questions) == 1
    assert "DROP TABLE doomed" in questions[0]


async def test_the_user_sees_the_values(on_cluster: ServerOn) -> None:
    questions: list[str] = []

    async def user(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context
        questions.append(params.message)
        return NO

    start = on_cluster("--allow-writes", "--confirm", "always")
    async with Client(start, elicitation_callback=user) as client:
        await call(client, "transact", sql_list=["SELECT set_it(%s)"], params_list=[["it's"]])
    assert len(questions) == 1
    assert 'SELECT set_it($1)\n  $1 = "it\'s"' in questions[0]


async def test_no_long_text_hides_what_is_asked(on_cluster: ServerOn) -> None:
    questions: list[str] = []

    async def user(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context
        questions.append(params.message)
        return NO

    async with Client(on_cluster("--allow-writes"), elicitation_callback=user) as client:
        harmless = "INSERT INTO t VALUES ('{}')".replace("{}", "x" * 2000)
        hidden = "/* {} */ DELETE FROM t".replace("{}", "harmless " * 200)
        await call(client, "transact", sql_list=[harmless, hidden])
    lines = questions[0].splitlines()
    assert lines[1:3] == ["- DELETE every row of t (no WHERE) [2]", "- INSERT into t [1]"]
    assert lines[4].startswith("2. /* harmless")
    assert lines[4].endswith("*/ DELETE FROM t")
    assert "characters left out" in lines[4]


async def test_with_confirm_never_nobody_is_asked(on_cluster: ServerOn) -> None:
    assert await asked(on_cluster, NO, "--confirm", "never", mode="auto") == ("committed", [])


def test_a_client_that_can_only_open_pages_is_not_asked(on_cluster: ServerOn) -> None:
    hello: dict[str, Any] = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"elicitation": {"url": {}}},
        "clientInfo": {"name": "raw", "version": "1"},
    }
    arguments = {"sql_list": ["CREATE TABLE IF NOT EXISTS confirmed (id int)"]}
    _, answer = raw(
        on_cluster("--allow-writes", "--confirm", "always").args,
        {"id": 1, "method": "initialize", "params": hello},
        {"id": 2, "method": "tools/call", "params": {"name": "transact", "arguments": arguments}},
    )
    assert "(not_confirmed)" in answer["result"]["content"][0]["text"]


def test_a_request_for_input_has_a_plain_key(on_cluster: ServerOn) -> None:
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    }
    arguments = {"sql_list": ["DROP TABLE IF EXISTS confirmed"]}
    call_it: dict[str, Any] = {"name": "transact", "arguments": arguments, "_meta": meta}
    (answer,) = raw(on_cluster("--allow-writes").args, {"id": 1, "method": "tools/call", "params": call_it})
    assert list(answer["result"]["inputRequests"]) == ["confirm:transact"]


async def test_with_confirm_always_a_client_that_cannot_ask_needs_a_dry_run(on_cluster: ServerOn) -> None:
    async with Client(on_cluster("--allow-writes", "--confirm", "always")) as client:
        change = {"sql_list": ["CREATE TABLE IF NOT EXISTS confirmed (id int)"]}
        refused = await call(client, "transact", **change)
        assert refused.facts["code"] == "not_confirmed"
        dry = await call(client, "transact", dry_run=True, **change)
        done = await call(client, "transact", dry_run_token=dry.facts["dry_run_token"], **change)
        assert done.facts["outcome"] == "committed"
