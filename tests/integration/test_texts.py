"""What models read before they do anything: its length, and whether its examples run."""

import json
import re

import pytest
from mcp import Client
from mcp.types import TextContent

from awslabs_dsql_mcp.server.instructions import instructions
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


# Characters of what a model reads of the tools: each conversation pays for them. A token of o200k_base is 4.2
# of them here (benchmarks/tokens.py), so all families together stay under 2,200 tokens.
BUDGET = {"core": 3_100, "docs": 1_050, "schema-changes": 1_650, "bulk": 3_350, "clusters": 1_050}


async def listed(client: Client, *fields: str) -> int:
    """Count the characters of the list of tools, of these fields alone if any are named."""
    tools = [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        for tool in (await client.list_tools()).tools
    ]
    fed = [{key: tool[key] for key in fields or tool} for tool in tools]
    return len(json.dumps(fed, separators=(",", ":"), ensure_ascii=False))


@pytest.mark.parametrize("family", BUDGET)
async def test_each_family_of_tools_is_short(on_cluster: ServerOn, family: str) -> None:
    async with Client(on_cluster("--allow-writes", "--tools", family)) as client:
        assert await listed(client, "name", "description", "inputSchema") < BUDGET[family]


async def test_the_whole_list_of_tools_is_short(on_cluster: ServerOn, writer: Client) -> None:
    assert await listed(writer, "name", "description", "inputSchema") < sum(BUDGET.values())
    async with Client(on_cluster("--allow-writes", "--tools", "core,docs")) as client:
        assert await listed(client) < 9_500


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
