"""Each fenced block of the documents is used by a test as what it is."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from mcp import Client

from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.sql.scripts import split_script
from conftest import held, server
from docs.blocks import BLOCKS, TOP, block, commands, lines
from support.client_helpers import call, rows, write
from support.local_cluster.logins import connect

DOCUMENTS_RUN_AS_COMMANDS: Final = {"README.md", *(f"docs/{path.name}" for path in TOP.glob("docs/*.md"))}
TAKEN: Final = {
    ("README.md", "toml"): "test_a_file_of_clusters_is_taken_as_it_stands",
    ("docs/clusters.md", "toml"): "test_a_file_of_clusters_is_taken_as_it_stands",
    ("docs/aws.md", "sql"): "test_the_role_of_the_agent_reads_its_schema_and_no_more",
    ("docs/audit-log.md", "json"): "test_a_line_of_the_audit_log_is_as_shown",
    ("packaging/README.md", "json"): "test_docker_takes_its_commands",
    ("packaging/README.md", "sh"): "test_docker_takes_its_commands",
    ("CONTRIBUTING.md", ""): "test_the_way_of_a_call_leads_through_what_is_there",
}
"""The test in this module that uses a block, by its document and language."""

PLUGIN: Final = re.compile(r"(claude|codex|copilot) plugin ")  # tests/clients/test_packages.py runs them
CLUSTER: Final = "abcdefghijklmnopqrstuvwxyz"


def test_every_block_is_used() -> None:
    shown = {(each.document, each.language) for each in BLOCKS}
    of_commands = {(document, "sh") for document in DOCUMENTS_RUN_AS_COMMANDS}
    assert shown - of_commands == TAKEN.keys()
    assert [name for name in TAKEN.values() if name not in globals()] == []
    once = [key for key in TAKEN if sum((b.document, b.language) == key for b in BLOCKS) != 1]
    assert once == [("packaging/README.md", "sh")]
    assert len(commands()) > 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a cluster of these tests' own: the blocks say which names there are."""
    return tmp_path_factory.mktemp("shown")


@pytest.fixture(scope="module")
async def own(folder: Path) -> AsyncIterator[LocalCluster]:
    """That cluster, running."""
    async with held(local_cluster(folder)) as running:
        yield running


@pytest.mark.parametrize("document", ["README.md", "docs/clusters.md"])
async def test_a_file_of_clusters_is_taken_as_it_stands(
    document: str, own: LocalCluster, folder: Path, tmp_path: Path
) -> None:
    assert own.port
    text = block(document, "toml").replace("CLUSTER.", f"{CLUSTER}.")
    file = tmp_path / "clusters.toml"
    file.write_text(text.replace("local = true", f"local = true\nlocal-data = {json.dumps(str(folder))}"))
    async with Client(server("--config", str(file))) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["transact"].input_schema["properties"]["cluster"]["enum"] == ["dev", "prod"]
        statements = ["CREATE TABLE IF NOT EXISTS shown (id int PRIMARY KEY)"]
        done = await call(client, "transact", sql_list=statements, cluster="dev")
        assert not done.is_error, done.text
        refused = await call(client, "transact", sql_list=statements, cluster="prod")
        assert refused.is_error
        assert "allow-writes" in refused.text
        unnamed = await call(client, "readonly_query", sql="TABLE shown")
        assert unnamed.is_error is ("default = " not in text)


async def test_the_role_of_the_agent_reads_its_schema_and_no_more(own: LocalCluster, folder: Path) -> None:
    with connect(own) as admin:
        admin.execute("CREATE SCHEMA shop")
        for table in ("shop.orders", "private"):
            admin.execute(f"CREATE TABLE {table} (id int PRIMARY KEY)".encode())
        for statement in split_script(block("docs/aws.md", "sql")):
            admin.execute(statement.text.encode())
    where = ("--local", "--local-data", str(folder), "--database_user", "agent", "--allow-writes")
    async with Client(server(*where)) as client:
        assert await rows(client, "SELECT current_user, count(*) FROM shop.orders") == [["agent", 0]]
        for sql in ("INSERT INTO shop.orders VALUES (1)", "INSERT INTO private VALUES (1)"):
            refused = await call(client, "transact", sql_list=[sql])
            assert refused.facts["sqlstate"] == psycopg.errors.InsufficientPrivilege.sqlstate


async def test_a_line_of_the_audit_log_is_as_shown(own: LocalCluster, folder: Path, tmp_path: Path) -> None:
    assert own.port
    shown = json.loads(block("docs/audit-log.md", "json"))
    log = tmp_path / "calls"
    where = ("--local", "--local-data", str(folder), "--allow-writes", "--confirm", "never")
    async with Client(server(*where, "--audit-log", str(log))) as client:
        await write(client, "CREATE TABLE t (id int PRIMARY KEY, n int)")
        await write(client, "INSERT INTO t SELECT generate_series(1, 7)")
        await call(client, shown["tool"], sql_list=shown["sql"], params_list=[[1]])
    told: dict[str, Any] = json.loads(log.read_text().splitlines()[-1])
    measured = ("time", "attempts", "ms")
    assert list(told) == list(shown)
    assert {name: type(value) for name, value in told.items()} == {n: type(v) for n, v in shown.items()}
    assert {n: v for n, v in told.items() if n not in measured} == {
        n: v for n, v in shown.items() if n not in measured
    }
    assert re.sub(r"\d", "0", told["time"]) == re.sub(r"\d", "0", shown["time"])


@pytest.mark.skipif(sys.platform == "win32", reason="commands for the shell")
def test_docker_takes_its_commands(tmp_path: Path) -> None:
    """Docker reads all flags before it looks for its daemon; here there is none."""
    entry = json.loads(block("packaging/README.md", "json"))
    sh = [
        line
        for each in BLOCKS
        if (each.document, each.language) == ("packaging/README.md", "sh")
        for line in lines(each.text)
    ]
    (run,) = [line for line in sh if line.startswith("docker ")]
    assert [line for line in sh if line != run and not PLUGIN.match(line)] == []
    started = shlex.join([entry["command"], *entry["args"]])
    known = {variable for option in OPTIONS for variable in option.variables}
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    build = re.search(r"`(docker build [^`]+)`", (TOP / "packaging/README.md").read_text())
    assert build
    assert shlex.split(build[1])[shlex.split(build[1]).index("--file") + 1] == "packaging/Dockerfile"
    for command in (run, started):
        words = shlex.split(command)
        handed_on = [words[at + 1] for at, word in enumerate(words) if word == "--env"]
        assert {name.partition("=")[0] for name in handed_on} <= known
        assert words[-1] == shlex.split(build[1])[-2]
    if shutil.which("docker") is None:
        pytest.skip("no docker on this machine: its flags are not tried")
    nowhere = {**os.environ, **entry["env"], "DOCKER_HOST": f"unix://{tmp_path}/none", "HOME": str(tmp_path)}
    for command in (run, started, f"{run.replace('--rm', '--rm --no-such-flag')}"):
        done = subprocess.run(
            ["sh", "-c", command], env=nowhere, capture_output=True, text=True, check=False, timeout=60
        )
        is_wrong = "--no-such-flag" in command
        assert ("unknown flag" in done.stderr) is is_wrong, done.stderr
        assert is_wrong or "docker daemon" in done.stderr.lower() or "docker API" in done.stderr, done.stderr


def test_the_way_of_a_call_leads_through_what_is_there() -> None:
    package = TOP / "src/awslabs_dsql_mcp"
    named = set(re.findall(r"\b[a-z_]+/(?:[a-z_/]+\.py)?", block("CONTRIBUTING.md", "")))
    assert {"server/app.py", "tools/", "guard/", "output/"} <= named
    assert [path for path in named if not (package / path).exists()] == []
