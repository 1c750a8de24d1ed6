"""The viewer's door: whom it answers, what it lets them do, what it tells of itself, and its end."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import ServerOn, held, server
from support.viewer import Viewer, running_viewer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C for one process")

SLOW: Final = "SELECT count(*) FROM generate_series(1, 20000) a, generate_series(1, 20000) b"


@pytest.fixture(scope="module")
async def viewer(on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Viewer]:
    """A viewer that only reads, and logs all it can."""
    log = tmp_path_factory.mktemp("own") / "log"
    async with held(running_viewer(on_cluster("--log-level", "DEBUG"), log)) as running:
        yield running


async def request(
    viewer: Viewer, method: str, path: str, headers: Mapping[str, str | None], body: object = None
) -> httpx.Response:
    """Send a request as the page does, but for some headers; ``None`` leaves one out."""
    usual: dict[str, str | None] = {"host": viewer.authority, "origin": f"http://{viewer.authority}"}
    given = {name: value for name, value in {**usual, **headers}.items() if value is not None}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://{viewer.authority}{path}", headers=given, json=body)


async def session(viewer: Viewer) -> dict[str, str | None]:
    """Open a tab; give the header that it sends from then on."""
    opened = await request(viewer, "POST", "/open", {"authorization": f"Bearer {viewer.key}"})
    assert opened.status_code == 200
    await viewer.next_url()
    return {"authorization": f"Bearer {opened.text}"}


async def call(viewer: Viewer, secret: dict[str, str | None], tool: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
    body = {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    answer = await request(viewer, "POST", "/mcp", secret, body)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("path", ["/", "/page.js", "/views/rows.html", "/open", "/mcp"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "attacker.example"},
        {"host": "localhost"},
        {"host": "127.0.0.1:1"},
        {"origin": "http://attacker.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
    ],
)
async def test_no_other_site_is_answered(viewer: Viewer, path: str, wrong: dict[str, str | None]) -> None:
    secret = await session(viewer)
    method = "POST" if path in ("/open", "/mcp") else "GET"
    assert (await request(viewer, method, path, secret | wrong)).status_code == 403


async def test_without_the_secret_nothing_is_answered(viewer: Viewer) -> None:
    used = viewer.key
    secret = await session(viewer)
    body = {"method": "tools/list"}
    wrong: list[dict[str, str | None]] = [
        {},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {used}"},
        {"authorization": f"Bearer {viewer.key}"},
        {"cookie": f"session={secret['authorization']}"},
        secret | {"origin": None},
    ]
    for headers in wrong:
        assert (await request(viewer, "POST", "/mcp", headers, body)).status_code == 403, headers
    for headers in ({}, {"authorization": f"Bearer {used}"}, secret):
        refused = await request(viewer, "POST", "/open", headers)
        assert (refused.status_code, "terminal" in refused.text) == (403, True)
    assert (await request(viewer, "POST", "/mcp", secret, body)).status_code == 200


async def test_its_pages_need_no_secret_and_hold_no_data(viewer: Viewer) -> None:
    for path in ("/", "/page.js", "/page.css", "/views/rows.html", "/views/transaction.html"):
        page = await request(viewer, "GET", path, {"origin": None})
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers
        assert viewer.key not in page.text
    for path in ("/views/none.html", "/views/..%2findex.html", "/page/index.html"):
        assert (await request(viewer, "GET", path, {"origin": None})).status_code == 404


async def test_it_answers_as_the_tools_do_and_changes_nothing_unasked(viewer: Viewer) -> None:
    secret = await session(viewer)
    answer = await call(viewer, secret, "readonly_query", sql="SELECT NULL AS a, '\U0001f40d' AS b")
    assert answer["result"]["structuredContent"]["rows"] == [[None, "\U0001f40d"]]
    for tool, arguments in (
        ("readonly_query", {"sql": "CREATE TABLE viewed (id int)"}),
        ("transact", {"sql_list": ["CREATE TABLE viewed (id int)"]}),
    ):
        refused = await call(viewer, secret, tool, **arguments)
        assert refused["result"]["isError"]
        assert "--allow-writes" in refused["result"]["content"][0]["text"]


@pytest.mark.parametrize(
    "body", [None, [], {}, {"method": 1}, {"method": "tools/call"}, {"method": "prompts/list"}, "x"]
)
async def test_what_it_cannot_read_it_says(viewer: Viewer, body: object) -> None:
    answer = await request(viewer, "POST", "/mcp", await session(viewer), body)
    assert (answer.status_code, answer.json().keys()) == (200, {"error"})


async def test_a_script_is_cut_into_statements(viewer: Viewer) -> None:
    secret = await session(viewer)
    script = "SELECT ';' AS a; -- no;\nSELECT $$;$$;"
    answer = await request(
        viewer, "POST", "/mcp", secret, {"method": "statements", "params": {"sql": script}}
    )
    assert answer.json() == {"result": ["SELECT ';' AS a", "SELECT $$;$$"]}
    answer = await request(viewer, "POST", "/mcp", secret, {"method": "statements", "params": {"sql": "\\d"}})
    assert answer.json() == {"error": "Line 1 is for psql, and is no statement."}


async def test_of_several_clusters_each_says_what_it_may(
    cluster: LocalCluster, cluster_folder: Path, tmp_path: Path
) -> None:
    assert cluster.port
    file = tmp_path / "clusters.toml"
    local = f'local = true\nlocal-data = "{cluster_folder}"'
    file.write_text(
        f'default = "prod"\n[clusters.dev]\n{local}\nallow-writes = true\n[clusters.prod]\n{local}\n'
    )
    async with running_viewer(server("--config", str(file)), tmp_path / "log") as viewer:
        secret = await session(viewer)
        answer = await request(viewer, "POST", "/mcp", secret, {"method": "clusters"})
        known = [{"name": "dev", "writes": True}, {"name": "prod", "writes": False}]
        assert answer.json() == {"result": {"default": "prod", "all": known}}
        read = await call(viewer, secret, "readonly_query", cluster="dev", sql="SELECT 1")
        assert read["result"]["structuredContent"]["cluster"] == "dev"


async def test_what_a_person_asks_is_in_the_audit_log(on_cluster: ServerOn, tmp_path: Path) -> None:
    file = tmp_path / "audit"
    start = on_cluster("--allow-writes", "--audit-log", str(file))
    async with running_viewer(start, tmp_path / "log") as viewer:
        secret = await session(viewer)
        await call(viewer, secret, "readonly_query", sql="SELECT 1 AS one")
        await call(viewer, secret, "transact", sql_list=["CREATE TABLE IF NOT EXISTS of_viewer (id int)"])
        await viewer.interrupt()
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record["tool"] for record in records] == ["readonly_query", "transact"]
    assert [record["outcome"] for record in records] == ["done", "committed"]


async def test_it_listens_on_loopback_alone(viewer: Viewer) -> None:
    port = int(viewer.authority.partition(":")[2])
    assert viewer.authority.startswith("127.0.0.1:")
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))  # would be refused beside a socket on all addresses


async def test_a_wish_for_another_protocol_is_no_matter_for_its_log(viewer: Viewer) -> None:
    page = await request(viewer, "GET", "/", {"connection": "Upgrade", "upgrade": "websocket"})
    assert page.status_code == 200
    assert "WebSocket" not in viewer.log.read_text()


async def test_ctrl_c_ends_it_and_its_log_has_no_secret(on_cluster: ServerOn, tmp_path: Path) -> None:
    async with running_viewer(on_cluster("--log-level", "DEBUG"), tmp_path / "log") as viewer:
        keys = [viewer.key]
        secret = await session(viewer)
        keys.append(viewer.key)
        slow = asyncio.create_task(call(viewer, secret, "readonly_query", sql=SLOW))
        await asyncio.sleep(1)
        assert not slow.done()
        assert await viewer.interrupt() == 130
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        log = viewer.log.read_text()
        assert "readonly_query" in log
        assert not any(word in log for word in (*keys, str(secret["authorization"]).split()[1]))
