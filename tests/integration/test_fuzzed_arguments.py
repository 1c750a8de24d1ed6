"""Arguments made up from each tool's input schema: an answer that fits it, or an error that teaches."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import anyio
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.types import TextContent, Tool

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import ServerOn, held
from support.direct_connection import run
from support.fuzzed_arguments import arguments

SECONDS: Final = 60.0  # for what takes milliseconds
LINES_OF_AN_ERROR: Final = 3


@dataclass(frozen=True)
class Called:
    """A client, and the tools that it was told of."""

    client: Client
    tools: dict[str, Tool]


@pytest.fixture(scope="module")
async def called(
    cluster: LocalCluster, on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Called]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "rows.csv").write_text("id,t\n1,a\n2,\n", encoding="utf-8")
    (folder / "rows.jsonl").write_text('{"id": 3, "t": "c"}\n{"id": "x"}\n', encoding="utf-8")
    flags = ("--allow-writes", "--load-dir", str(folder), "--export-dir", str(folder))
    start = on_cluster(*flags, "--knowledge-server", "http://127.0.0.1:9/")
    async with held(Client(start)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert len(tools) > 10
        yield Called(client, tools)
    await run(cluster, "DROP TABLE IF EXISTS made_up, made_too")


@given(st.data())
@settings(
    max_examples=3 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_each_call_has_an_answer_that_fits_or_an_error_that_teaches(
    called: Called, data: st.DataObject
) -> None:
    tool = called.tools[data.draw(st.sampled_from(sorted(called.tools)))]
    given = data.draw(arguments(tool.input_schema))
    note(f"{tool.name} {json.dumps(given)}")
    with anyio.fail_after(SECONDS):
        result = await called.client.call_tool(tool.name, given)
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    assert text, "it says nothing"
    assert "a bug of its own" not in text
    if result.is_error:
        assert result.structured_content is None
        assert len(text.splitlines()) <= LINES_OF_AN_ERROR, text
        return
    if tool.output_schema is not None:
        errors: list[Any] = list(
            Draft202012Validator(tool.output_schema).iter_errors(result.structured_content)  # pyright: ignore[reportUnknownMemberType] - its types are partial
        )
        assert errors == [], json.dumps(result.structured_content)
