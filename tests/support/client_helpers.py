"""Calls as tests write them, and what came back."""

from dataclasses import dataclass
from typing import Any

from mcp import Client
from mcp.types import TextContent, Tool

from awslabs_dsql_mcp.tools.spec import facts_of


@dataclass(frozen=True)
class Reply:
    """A tool's answer: its text, and its values for programs (structured content, or in ``_meta``)."""

    text: str
    facts: dict[str, Any]
    is_error: bool


@dataclass(frozen=True)
class Hints:
    """What a tool says of itself; what it leaves out is the default (MCP specification, ToolAnnotations)."""

    title: str
    reads: bool
    is_destructive: bool
    is_idempotent: bool
    is_open_world: bool


def hints_of(tool: Tool) -> Hints:
    """Read the annotations of a tool as the specification has it: some count for tools that write alone."""
    told = tool.annotations
    assert told
    reads = bool(told.read_only_hint)
    return Hints(
        tool.title or told.title or "",
        reads,
        not reads and told.destructive_hint is not False,
        reads or bool(told.idempotent_hint),
        told.open_world_hint is not False,
    )


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
