"""The MCP Inspector lists every tool and calls each, on a cluster that it may write to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ServerOn

Run = Callable[..., str]
Inspect = Callable[..., dict[str, Any]]
PAGE = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/what-is-aurora-dsql.html"
SCRIPT = "CREATE TABLE inspected (id int PRIMARY KEY, note text); CREATE INDEX ASYNC ON inspected (note)"
# In this order: tool, arguments, what its answer says.
CALLS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("migrate", {"statements": SCRIPT}, "CREATE INDEX ASYNC"),
    ("job_status", {}, "completed"),
    ("cluster_status", {}, "us-east-1: 1 cluster"),
    ("diagnose", {"minutes": "30"}, "Looked at:"),
    ("load_rows", {"table": "inspected", "rows": '[{"id": 1, "note": "a"}, {"id": 2}]'}, "2"),
    ("transact", {"sql_list": '["INSERT INTO inspected VALUES (3)"]'}, "committed"),
    ("batch_write", {"sql": "UPDATE inspected SET note = 'b' WHERE note IS NULL"}, "2"),
    ("readonly_query", {"sql": "SELECT 40 + count(*) AS n FROM inspected WHERE note = 'b'"}, "42"),
    ("export_query", {"sql": "TABLE inspected", "path": "inspected.csv"}, "3 rows"),
    ("get_schema", {"table_name": "inspected"}, "note"),
    ("explain_query", {"sql": "SELECT note FROM inspected WHERE id = 1"}, "inspected"),
    ("dsql_lint", {"sql": "CREATE TABLE t (id serial)"}, "serial"),
    ("dsql_search_documentation", {"search_phrase": "rows of a transaction"}, "limits"),
    ("dsql_read_documentation", {"url": "dsql://guide/limits"}, "3,000"),
    ("dsql_recommend", {"url": PAGE}, "guide"),
)
pytestmark = pytest.mark.timeout(400)  # the first test brings the clients


@pytest.fixture
def inspect(programs: Path, run: Run, on_cluster: ServerOn, tmp_path: Path) -> Inspect:
    """Runs a method with the Inspector, each time on a new server."""
    server = on_cluster("--allow-writes", "--export-dir", str(tmp_path))
    entry = {"command": server.command, "args": server.args}
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"aurora-dsql": entry}}))

    def run_method(method: str, *flags: str) -> dict[str, Any]:
        chosen = ("--cli", "--config", config, "--server", "aurora-dsql", "--method", method)
        return json.loads(run(programs / "mcp-inspector", *chosen, *flags))

    return run_method


def test_the_inspector_lists_every_tool_and_calls_each(inspect: Inspect) -> None:
    listed = {tool["name"] for tool in inspect("tools/list")["tools"]}
    assert listed == {tool for tool, _, _ in CALLS}
    for tool, arguments, told in CALLS:
        flags = [part for name, value in arguments.items() for part in ("--tool-arg", f"{name}={value}")]
        answer = inspect("tools/call", "--tool-name", tool, *flags)
        text = "\n".join(part.get("text", "") for part in answer["content"])
        assert not answer.get("isError"), text
        assert told in text, text
    refused = inspect("tools/call", "--tool-name", "readonly_query", "--tool-arg", "sql=TABLE inspect")
    assert refused["isError"] is True
    text = refused["content"][0]["text"]
    assert "42P01" in text
    assert "inspected" in text  # the name that is near
