"""Views are announced to clients that show them, in both eras; all others get the same as without any."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.views.extension import EXTENSION, MIME_TYPE, VIEW
from awslabs_dsql_mcp.views.table import VIEWS
from conftest import ServerOn
from support.direct_connection import run
from support.line_client import LEGACY, MODERN, line_client

SHOWS: Final[Mapping[str, object]] = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE, "text/html"]}}}
# Nearly the same.
SHOWS_NOT: Final[Mapping[str, Mapping[str, object]]] = {
    "nothing": {},
    "no types": {"extensions": {EXTENSION: {}}},
    "other types": {"extensions": {EXTENSION: {"mimeTypes": ["text/html"]}}},
    "another extension": {"extensions": {"io.example/ui": {"mimeTypes": [MIME_TYPE]}}},
    "a text": {"extensions": {EXTENSION: {"mimeTypes": MIME_TYPE}}},
}
SQL: Final = "SELECT g AS n, 'text ' || g AS t FROM generate_series(1, 150) g ORDER BY g"
ERAS = pytest.mark.parametrize("era", [LEGACY, MODERN])


async def say(on_cluster: ServerOn, era: str, capabilities: Mapping[str, object]) -> dict[str, Any]:
    """Ask a server for all that it says of itself, and for an answer; the random marks are taken out."""
    said: dict[str, Any] = {}
    async with line_client(on_cluster("--allow-writes"), era, capabilities) as client:
        if era == MODERN:
            said["server/discover"] = (await client.ask("server/discover"))["result"]
        for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
            said[method] = (await client.ask(method))["result"]
        answer = (await client.call("readonly_query", sql=SQL))["result"]
        mark = answer["structuredContent"]["end"]
        said["answer"] = json.loads(json.dumps(answer).replace(mark, "MARK"))
        said["page"] = await client.ask("resources/read", uri=VIEWS[0].uri)
        said["page"].pop("id")
    return said


@ERAS
async def test_a_client_that_shows_views_is_told_of_them(on_cluster: ServerOn, era: str) -> None:
    said = await say(on_cluster, era, SHOWS)
    tools = {tool["name"]: tool.get("_meta", {}).get("ui") for tool in said["tools/list"]["tools"]}
    assert {tool: ui["resourceUri"] for tool, ui in tools.items() if ui} == {
        tool: view.uri for view in VIEWS for tool in view.tools
    }
    (content,) = said["page"]["result"]["contents"]
    assert content["mimeType"] == MIME_TYPE
    assert content["text"].startswith("<!doctype html>")
    assert "<!-- include" not in content["text"]
    assert content["_meta"] == {"ui": {"permissions": {"clipboardWrite": {}}, "prefersBorder": True}}
    pages = [page for page in said["resources/list"]["resources"] if page["uri"].startswith("ui://")]
    assert [page["uri"] for page in pages] == [view.uri for view in VIEWS]
    assert {page["mimeType"] for page in pages} == {MIME_TYPE}
    if era == MODERN:
        assert said["server/discover"]["capabilities"]["extensions"] == {EXTENSION: {}}


@pytest.mark.parametrize("capabilities", SHOWS_NOT.values(), ids=SHOWS_NOT)
@ERAS
async def test_all_others_lose_and_pay_nothing(
    on_cluster: ServerOn, era: str, capabilities: Mapping[str, object]
) -> None:
    shown = await say(on_cluster, era, SHOWS)
    said = await say(on_cluster, era, capabilities)
    assert "ui://" not in json.dumps(said | {"page": None})
    assert EXTENSION not in json.dumps(said)
    assert said["page"]["error"]["message"].startswith(f"There is no resource {VIEWS[0].uri}.")
    # What a view shows is the answer that everybody gets.
    assert said["answer"] == shown["answer"]
    assert said == without_views(shown) | {"page": said["page"]}


def without_views(said: Mapping[str, Any]) -> dict[str, Any]:
    """Take out of what a server says all that it says of views."""
    rest: dict[str, Any] = json.loads(json.dumps(said))
    for tool in rest["tools/list"]["tools"]:
        tool.get("_meta", {}).pop("ui", None)
        if tool.get("_meta") == {}:
            del tool["_meta"]
    listed = rest["resources/list"]
    listed["resources"] = [one for one in listed["resources"] if not one["uri"].startswith("ui://")]
    if "server/discover" in rest:
        del rest["server/discover"]["capabilities"]["extensions"]
    return rest


@pytest.mark.parametrize("capabilities", [SHOWS, SHOWS_NOT["no types"]], ids=["shows", "does not"])
async def test_a_handshake_names_the_extension_to_who_declares_it(
    on_cluster: ServerOn, capabilities: Mapping[str, object]
) -> None:
    about = {"protocolVersion": LEGACY, "clientInfo": {"name": "lines", "version": "1"}}
    async with line_client(on_cluster(), MODERN, {}) as client:
        client.send({"id": 1, "method": "initialize", "params": {**about, "capabilities": capabilities}})
        told = (await client.read())["result"]["capabilities"]
    assert told.get("extensions") == ({EXTENSION: {}} if capabilities is SHOWS else None)


@pytest.mark.parametrize(
    "tool",
    [
        ("explain_query", {"sql": "SELECT 1 AS n"}),
        ("get_schema", {}),
        ("get_schema", {"detail": "summary"}),
        ("get_schema", {"detail": "full", "limit": 2}),
        ("get_schema", {"table_name": "views_seen"}),
        ("job_status", {}),
        ("cluster_status", {}),
        ("cluster_status", {"days": 7}),
    ],
    ids=lambda tool: tool[0],
)
@ERAS
async def test_what_a_view_draws_beside_the_answer_is_for_views_alone(
    cluster: LocalCluster, on_cluster: ServerOn, era: str, tool: tuple[str, Mapping[str, object]]
) -> None:
    await run(cluster, "CREATE TABLE IF NOT EXISTS views_seen (id int PRIMARY KEY)")
    answers: list[dict[str, Any]] = []
    for capabilities in (SHOWS, SHOWS_NOT["nothing"]):
        async with line_client(on_cluster("--allow-writes"), era, capabilities) as client:
            answers.append((await client.call(tool[0], None, **tool[1]))["result"])
    shown, plain = (json.loads(re.sub(r"\b\d{12}\b", "MARK", json.dumps(answer))) for answer in answers)
    assert shown["_meta"].pop(VIEW)
    if not shown["_meta"]:
        del shown["_meta"]
    assert shown == plain


async def test_of_several_clusters_a_tool_has_one_view(on_cluster: ServerOn, tmp_path: Path) -> None:
    start = on_cluster()
    config = tmp_path / "clusters.toml"
    data = start.args[start.args.index("--local-data") + 1]
    config.write_text("".join(f'[clusters.{name}]\nlocal = true\nlocal-data = "{data}"\n' for name in "ab"))
    server = start.model_copy(update={"args": ["-m", "awslabs_dsql_mcp", "--config", str(config)]})
    async with line_client(server, MODERN, SHOWS) as client:
        tools = (await client.ask("tools/list"))["result"]["tools"]
        answer = (await client.call("readonly_query", cluster="a", sql="SELECT 1 AS n"))["result"]
    found = next(tool for tool in tools if tool["name"] == "readonly_query")
    assert found["_meta"]["ui"] == {"resourceUri": VIEWS[0].uri}
    assert answer["structuredContent"]["cluster"] == "a"
