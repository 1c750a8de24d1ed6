"""Calls as tests write them, and what came back."""

from dataclasses import dataclass
from typing import Any

from mcp import Client
from mcp.types import TextContent

from awslabs_dsql_mcp.tools.spec import facts_of


@dataclass(frozen=True)
class Reply:
    """A tool's answer: its text, and its values for programs (structured content, or in ``_meta``)."""

    text: str
    facts: dict[str, Any]
    is_error: bool


async def call(client: Client, tool: str, **arguments: object) -> Reply:
    """Call a tool, whatever comes of it."""
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    return Reply(text, dict(facts_of(result)), result.is_error)


async def rows(client: Client, sql: str, *params: object) -> list[list[Any]]:
    """Read rows."""
    reply = await call(client, "readonly_query", sql=sql, params=list(params))
    assert not reply.is_error, reply.text
    return reply.facts["rows"]


async def write(client: Client, *statements: str) -> Reply:
    """Run statements in one transaction that must commit."""
    reply = await call(client, "transact", sql_list=list(statements))
    assert not reply.is_error, reply.text
    return reply
