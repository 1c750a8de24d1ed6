"""What models read before they do anything: its length, and whether its examples run."""

import json
import re
from pathlib import Path

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.types import TextContent

from awslabs_dsql_mcp.server.instructions import instructions
from awslabs_dsql_mcp.views.extension import EXTENSION, MIME_TYPE
from conftest import ServerOn
from support.client_helpers import call

LONGEST = 2_048
EXAMPLE = re.compile(r"`([A-Z]+ [^`]+)`")
ARGUMENTS = {"sql": "SELECT 1", "purpose": "Orders.", "who": "The reporting job."}


async def prompt(client: Client, name: str) -> str:
    """Render a prompt."""
    asked = next(one for one in (await client.list_prompts()).prompts if one.name == name)
    given = {one.name: ARGUMENTS[one.name] for one in asked.arguments or () if one.required}
    (message,) = (await client.get_prompt(name, given)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


async def texts(client: Client) -> dict[str, str]:
    """All texts, by what they belong to."""
    found = {tool.name: tool.description or "" for tool in (await client.list_tools()).tools}
    found |= {one.name: await prompt(client, one.name) for one in (await client.list_prompts()).prompts}
    return found | {"instructions": client.instructions or ""}


async def test_texts_are_whole_where_clients_cut_them(reader: Client, writer: Client) -> None:
    for client in (reader, writer):
        assert {name for name, text in (await texts(client)).items() if not 0 < len(text) < LONGEST} == set()


async def test_every_example_runs(writer: Client, reader: Client) -> None:
    examples = [example for text in (await texts(writer)).values() for example in EXAMPLE.findall(text)]
    examples += EXAMPLE.findall(instructions(allow_writes=False))
    assert len(examples) >= 4
    for sql in examples:
        params = ["x"] * sql.count("%s")
        if sql.startswith("SELECT"):
            reply = await call(reader, "readonly_query", sql=sql, params=params)
        else:
            reply = await call(writer, "transact", sql_list=[sql], params_list=[params])
        assert not reply.is_error, f"{sql}: {reply.text}"


def test_instructions_say_whether_writes_are_allowed() -> None:
    assert "only reads" in instructions(allow_writes=False)
    assert "dry_run" in instructions(allow_writes=True)
    assert "dry_run" not in instructions(allow_writes=False)


# Characters of the list of tools, all of it: each conversation pays for them. A token of o200k_base is 4.2 of
# them here (benchmarks/tokens.py).
BUDGET = {"core": 4_250, "docs": 1_350, "schema-changes": 2_050, "bulk": 4_650, "clusters": 1_400}
WITH_ALL = 18_000
"""With every gate open, and views: 4,300 tokens."""
GATES = ("--allow-writes", "--allow-cluster-changes", "all")
VIEWS = [advertise(EXTENSION, {"mimeTypes": [MIME_TYPE]})]


async def listed(client: Client) -> int:
    """Count the characters of the list of tools."""
    tools = [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        for tool in (await client.list_tools()).tools
    ]
    return len(json.dumps(tools, separators=(",", ":"), ensure_ascii=False))


@pytest.mark.parametrize("family", BUDGET)
async def test_each_family_of_tools_is_short(on_cluster: ServerOn, family: str) -> None:
    async with Client(on_cluster("--allow-writes", "--tools", family)) as client:
        assert await listed(client) < BUDGET[family]


async def test_the_whole_list_of_tools_is_short(on_cluster: ServerOn, writer: Client, tmp_path: Path) -> None:
    assert await listed(writer) < sum(BUDGET.values())
    folders = ("--load-dir", str(tmp_path), "--export-dir", str(tmp_path))
    async with Client(on_cluster(*GATES, *folders), extensions=VIEWS) as client:
        assert len((await client.list_tools()).tools) == 17
        assert await listed(client) < WITH_ALL


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("explore_databse", {}, "Did you mean 'explore_database'?"),
        ("explain_slow_query", {}, "needs the argument 'sql'"),
        ("explore_database", {"topik": "x"}, "takes no argument 'topik'. Next: Did you mean 'topic'?"),
    ],
)
async def test_a_wrong_prompt_is_told_in_our_words(
    reader: Client, name: str, arguments: dict[str, str], told: str
) -> None:
    with pytest.raises(Exception, match=re.escape(told)):
        await reader.get_prompt(name, arguments)


async def test_a_prompt_carries_what_the_user_gave(reader: Client) -> None:
    (message,) = (await reader.get_prompt("explain_slow_query", {"sql": "SELECT {x}"})).messages
    assert isinstance(message.content, TextContent)
    assert "\nSELECT {x}\n</sql-" in message.content.text
