"""Dry runs of large changes in clients that show views: the token is for the person, never for the model."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.views.extension import EXTENSION, MIME_TYPE, VIEW
from conftest import ServerOn
from support.direct_connection import run
from support.line_client import LEGACY, MODERN, LineClient, line_client

SHOWS: Final[Mapping[str, object]] = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}}
ALWAYS: Final = ("--allow-writes", "--confirm", "always")
ERAS = pytest.mark.parametrize("era", [LEGACY, MODERN])
TOOLS = pytest.mark.parametrize("tool", ["batch_write", "load_rows", "migrate"])


async def arguments(cluster: LocalCluster, tool: str, name: str) -> dict[str, object]:
    """Make what a tool needs, and give the arguments of a call."""
    if tool == "migrate":
        return {"statements": f"CREATE TABLE {name} (id int PRIMARY KEY)"}
    await run(cluster, f"CREATE TABLE {name} (id int PRIMARY KEY, n int DEFAULT 0)")
    if tool == "load_rows":
        return {"table": name, "rows": [{"id": 1}]}
    await run(cluster, f"INSERT INTO {name} VALUES (1)")  # noqa: S608 - a test's own
    return {"sql": f"UPDATE {name} SET n = 1"}  # noqa: S608 - as above


async def call(client: LineClient, tool: str, given: Mapping[str, object], **more: object) -> dict[str, Any]:
    return (await client.call(tool, None, **given, **more))["result"]


def told(result: Mapping[str, Any]) -> str:
    """Give all that a model may see of a result."""
    return json.dumps([result["content"], result.get("structuredContent"), result["_meta"].get("facts")])


@ERAS
@TOOLS
async def test_the_model_gets_no_token_and_the_person_runs_it_once(
    on_cluster: ServerOn, cluster: LocalCluster, era: str, tool: str
) -> None:
    given = await arguments(cluster, tool, f"person_{tool}_{era[:4]}")
    async with line_client(on_cluster(*ALWAYS), era, SHOWS) as client:
        dry = await call(client, tool, given, dry_run=True)
        go = dry["_meta"][VIEW]["go"]
        (value,) = go.values()
        assert value not in told(dry)
        assert "the user runs it with the button" in dry["content"][0]["text"]
        # Whatever else a model may send after it has seen the dry run is not agreed to.
        by = "resume_from" if tool == "migrate" else "resume"
        for guess in ({}, {by: "new"}, {by: value.partition("~")[0]}):
            refused = await call(client, tool, given, **guess)
            assert refused["isError"], guess
        ran = await call(client, tool, given, **go)
        assert not ran.get("isError"), ran["content"]
        assert ran["_meta"][VIEW]["state"] == ("done" if tool == "migrate" else "finished")
        again = await call(client, tool, given, **go)
        assert "dry_run_token_invalid" in again["content"][0]["text"]


@TOOLS
async def test_a_token_of_another_change_is_refused(
    on_cluster: ServerOn, cluster: LocalCluster, tool: str
) -> None:
    given = await arguments(cluster, tool, f"other_{tool}")
    other = dict(given)
    if tool == "migrate":
        other["statements"] = "CREATE TABLE other_than_shown (id int PRIMARY KEY)"
    elif tool == "load_rows":
        other["rows"] = [{"id": 2}]
    else:
        other["sql"] = "UPDATE other_batch_write SET n = 2"
    async with line_client(on_cluster(*ALWAYS), MODERN, SHOWS) as client:
        dry = await call(client, tool, given, dry_run=True)
        refused = await call(client, tool, other, **dry["_meta"][VIEW]["go"])
        assert "dry_run_token_invalid" in refused["content"][0]["text"]


@ERAS
@TOOLS
async def test_a_client_without_views_goes_on_by_what_the_model_was_given(
    on_cluster: ServerOn, cluster: LocalCluster, era: str, tool: str
) -> None:
    given = await arguments(cluster, tool, f"model_{tool}_{era[:4]}")
    async with line_client(on_cluster(*ALWAYS), era, {}) as client:
        dry = await call(client, tool, given, dry_run=True)
        assert VIEW not in dry.get("_meta", {})
        assert "button" not in json.dumps(dry)
        if tool == "migrate":
            by = {"resume_from": dry["_meta"]["awslabs-dsql-mcp/facts"]["resume_from"]}
        else:
            by = {"dry_run_token": dry["structuredContent"]["dry_run_token"]}
        ((name, value),) = by.items()
        assert f"{name}={value}" in dry["content"][0]["text"]
        ran = await call(client, tool, given, **by)
        assert not ran.get("isError"), ran["content"]
        assert VIEW not in ran.get("_meta", {})
