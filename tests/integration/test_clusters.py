"""Two clusters behind one server: one that may be written to, and one that may not."""

import json
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequestParams, ElicitResult, Tool

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from conftest import held, server
from support.client_helpers import call, hints_of

CONFIG = """
{default}
[clusters.dev]
local = true
local-data = "{dev}"
allow-writes = true
description = "Scratch"

[clusters.prod]
local = true
local_data = "{prod}"
"""


@pytest.fixture(scope="module")
async def other_folder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """The data folder of a second cluster, kept running."""
    folder = tmp_path_factory.mktemp("other")
    async with held(local_cluster(folder)):
        yield folder


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, cluster_folder: Path, other_folder: Path) -> Path:
    """A file that names both."""
    file = tmp_path_factory.mktemp("config") / "clusters.toml"
    file.write_text(CONFIG.format(default="", dev=cluster_folder, prod=other_folder))
    return file


@pytest.fixture(scope="module")
async def both(cluster: LocalCluster, config: Path) -> AsyncIterator[Client]:
    """A client of a server on both, with an audit log beside the file."""
    assert cluster.port
    async with held(
        Client(server("--config", str(config), "--audit-log", str(config.parent / "calls")))
    ) as it:
        yield it


async def tools_of(client: Client) -> dict[str, Tool]:
    return {tool.name: tool for tool in (await client.list_tools()).tools}


async def test_tools_that_touch_a_database_take_a_cluster(both: Client) -> None:
    tools = await tools_of(both)
    assert not [name for name in tools if "." in name]
    for name in ("readonly_query", "transact", "get_schema", "explain_query", "job_status"):
        schema = tools[name].input_schema
        assert schema["properties"]["cluster"] == {
            "type": "string",
            "enum": ["dev", "prod"],
            "description": "Writes are allowed on: dev.",
        }
        assert "cluster" in schema["required"]
        output = tools[name].output_schema
        assert output is None or "cluster" in output["required"]
    for name in ("dsql_search_documentation", "dsql_lint"):
        assert "cluster" not in tools[name].input_schema["properties"]


async def test_transact_is_announced_as_writing_if_it_may_anywhere(both: Client) -> None:
    hints = hints_of((await tools_of(both))["transact"])
    assert (hints.reads, hints.is_destructive) == (False, True)


async def test_each_cluster_has_its_own_tables_and_its_own_permission(both: Client) -> None:
    made = await call(both, "transact", cluster="dev", sql_list=["CREATE TABLE only_in_dev (id int)"])
    assert made.text.startswith("Cluster: dev\n")
    assert (made.facts["cluster"], made.facts["outcome"]) == ("dev", "committed")
    found = await call(both, "get_schema", cluster="dev", table_name="only_in_dev")
    assert not found.is_error
    missing = await call(both, "get_schema", cluster="prod", table_name="only_in_dev")
    assert missing.text.startswith("Cluster: prod\n")
    assert (missing.is_error, missing.facts["cluster"]) == (True, "prod")
    refused = await call(both, "transact", cluster="prod", sql_list=["CREATE TABLE t (id int)"])
    assert (refused.is_error, refused.facts["cluster"]) == (True, "prod")
    assert "allow-writes = true under [clusters.prod]" in refused.text
    assert "--allow-writes" not in refused.text
    assert refused.facts["remedy"] == "fix_statement"


async def test_what_only_a_writing_cluster_takes_is_refused_on_the_other(both: Client) -> None:
    reply = await call(both, "transact", cluster="prod", sql_list=["SELECT 1"], dry_run=True)
    assert "transact on cluster prod takes no argument 'dry_run'" in reply.text
    assert "allow-writes = true under [clusters.prod]" in reply.text


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (None, "cluster_missing", "There are: dev (writes allowed): Scratch, prod (only reads)."),
        ("prd", "unknown_cluster", "Did you mean 'prod'? There are: dev"),
        (["dev"], "unknown_cluster", "There are: dev"),
    ],
)
async def test_a_missing_or_unknown_cluster_is_told_the_known_ones(
    both: Client, given: object, code: str, told: str
) -> None:
    named = {} if given is None else {"cluster": given}
    reply = await call(both, "readonly_query", sql="SELECT 1", **named)
    assert (reply.is_error, reply.facts["code"]) == (True, code)
    assert told in reply.text


async def test_a_tool_of_one_cluster_has_no_name_of_its_own(both: Client) -> None:
    reply = await call(both, "readonly_query.prod", sql="SELECT 1")
    assert reply.facts["code"] == "request_invalid"


async def test_a_tool_without_a_database_takes_no_cluster(both: Client) -> None:
    reply = await call(both, "dsql_lint", sql="SELECT 1", cluster="dev")
    assert "takes no argument 'cluster'" in reply.text


async def test_instructions_and_resources_list_the_clusters(both: Client) -> None:
    assert both.instructions
    assert len(both.instructions) < 2048
    assert "- dev (writes allowed): Scratch\n- prod (only reads)\n" in both.instructions
    (listed,) = (await both.read_resource("dsql://clusters")).contents
    assert getattr(listed, "text", "") == "dev (writes allowed): Scratch\nprod (only reads)"
    places = {template.uri_template for template in (await both.list_resource_templates()).resource_templates}
    assert "dsql://clusters/{cluster}/schema/{schema}/{table}" in places
    (diagram,) = (await both.read_resource("dsql://clusters/prod/diagram")).contents
    assert "only_in_dev" not in getattr(diagram, "text", "")
    (roles,) = (await both.read_resource("dsql://clusters/prod/roles")).contents
    assert "\nadmin: whoever has dsql:DbConnectAdmin\n" in getattr(roles, "text", "")
    with pytest.raises(MCPError, match="There are: dev, prod"):
        await both.read_resource("dsql://clusters/prd/schema")


async def test_the_audit_log_names_the_cluster(both: Client, config: Path) -> None:
    await call(both, "readonly_query", cluster="prod", sql="SELECT 1")
    last = json.loads((config.parent / "calls").read_text().splitlines()[-1])
    assert (last["tool"], last["cluster"], last["outcome"]) == ("readonly_query", "prod", "done")


async def test_a_default_serves_calls_that_name_none(
    tmp_path: Path, cluster_folder: Path, other_folder: Path
) -> None:
    file = tmp_path / "clusters.toml"
    file.write_text(CONFIG.format(default='default = "prod"', dev=cluster_folder, prod=other_folder))
    async with Client(server("--config", str(file))) as client:
        schema = (await tools_of(client))["get_schema"].input_schema
        assert schema["properties"]["cluster"]["default"] == "prod"
        assert "cluster" not in schema.get("required", [])
        reply = await call(client, "readonly_query", sql="SELECT 1")
        assert (reply.facts["cluster"], reply.facts["rows"]) == ("prod", [[1]])


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_question_to_the_user_names_the_cluster(config: Path, mode: str) -> None:
    questions: list[str] = []

    async def user(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - the callback's shape
        questions.append(params.message)
        return ElicitResult(action="decline")

    async with Client(server("--config", str(config)), mode=mode, elicitation_callback=user) as client:
        reply = await call(client, "transact", cluster="dev", sql_list=["DROP TABLE IF EXISTS nothing_here"])
    assert reply.facts["code"] == "not_confirmed"
    assert questions
    assert questions[0].startswith("On cluster dev:\n")


async def test_one_cluster_in_the_file_is_as_simple_as_one_by_flags(
    tmp_path: Path, cluster_folder: Path
) -> None:
    file = tmp_path / "clusters.toml"
    file.write_text(f'[clusters.dev]\nlocal = true\nlocal-data = "{cluster_folder}"\n')
    async with (
        Client(server("--config", str(file))) as client,
        Client(server("--local", "--local-data", str(cluster_folder))) as plain,
    ):
        assert await tools_of(client) == await tools_of(plain)
        assert client.instructions == plain.instructions
        reply = await call(client, "readonly_query", sql="SELECT 1")
        assert "cluster" not in reply.facts


def test_a_wrong_file_ends_the_server_with_its_line_and_key(tmp_path: Path) -> None:
    file = tmp_path / "clusters.toml"
    file.write_text("[clusters.dev]\nlocal = true\nallow-write = true\n")
    command = [sys.executable, "-m", "awslabs_dsql_mcp", "--config", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f"{file}, line 3: clusters.dev.allow-write: unknown key, expected allow_writes" in ended.stderr
    assert stat.S_ISREG(file.stat().st_mode)
