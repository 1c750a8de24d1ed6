"""What clients of both protocol eras see, from two independent implementations and from raw JSON-RPC."""

import json
import subprocess
import sys
from typing import Any

import pytest
from fastmcp import Client as OtherClient
from fastmcp.client.transports import StdioTransport
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from awslabs_dsql_mcp import __version__
from conftest import ServerOn, server
from support.client_helpers import call, write

TOOLS = {
    "dsql_lint",
    "job_status",
    "readonly_query",
    "transact",
    "get_schema",
    "explain_query",
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


async def test_another_client_gets_the_same(on_cluster: ServerOn) -> None:
    start = on_cluster("--allow-writes")
    transport = StdioTransport(start.command, start.args, env=start.env)
    async with OtherClient(transport) as client:
        listed = {tool.name for tool in await client.list_tools()}
        assert listed == TOOLS | {"batch_write", "load_rows", "migrate"}
        result = await client.call_tool("transact", {"sql_list": ["SELECT 1", "SELECT 2"]})
        assert (result.structured_content or {})["outcome"] == "committed"


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


async def test_tools_have_titles_hints_and_schemas(reader: Client, writer: Client) -> None:
    for client, writes in ((reader, False), (writer, True)):
        for tool in (await client.list_tools()).tools:
            hints = tool.annotations
            assert hints
            assert tool.title
            assert tool.output_schema
            assert tool.description
            assert len(tool.description) < 2048
            changes = writes and tool.name in ("transact", "migrate", "batch_write", "load_rows")
            assert hints.read_only_hint is not changes
            assert hints.destructive_hint is changes
            assert hints.idempotent_hint is not changes
            assert hints.open_world_hint is (tool.name.startswith("dsql_") and tool.name != "dsql_lint")


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
    assert "\n2. DELETE, every row: /* harmless" in questions[0]
    assert questions[0].index("2. DELETE") < questions[0].index("1. INSERT")


async def test_with_confirm_never_nobody_is_asked(on_cluster: ServerOn) -> None:
    assert await asked(on_cluster, NO, "--confirm", "never", mode="auto") == ("committed", [])


async def test_with_confirm_always_a_client_that_cannot_ask_needs_a_dry_run(on_cluster: ServerOn) -> None:
    async with Client(on_cluster("--allow-writes", "--confirm", "always")) as client:
        change = {"sql_list": ["CREATE TABLE IF NOT EXISTS confirmed (id int)"]}
        refused = await call(client, "transact", **change)
        assert refused.facts["code"] == "not_confirmed"
        dry = await call(client, "transact", dry_run=True, **change)
        done = await call(client, "transact", dry_run_token=dry.facts["dry_run_token"], **change)
        assert done.facts["outcome"] == "committed"
