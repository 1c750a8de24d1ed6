"""The MCP Inspector lists every tool and calls each, on a cluster that it may write to."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ServerOn

Run = Callable[..., str]
Inspect = Callable[..., dict[str, Any]]
PAGE = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/what-is-aurora-dsql.html"
# In this order: tool, arguments, what its answer says. JOB stands for the job that the index starts.
CALLS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("transact", {"sql_list": '["CREATE TABLE inspected (id int PRIMARY KEY, note text)"]'}, "committed"),
    ("transact", {"sql_list": '["CREATE INDEX ASYNC ON inspected (note)"]'}, "job_id"),
    ("job_status", {"job_id": "JOB"}, "completed"),
    ("get_schema", {"table_name": "inspected"}, "note"),
    ("readonly_query", {"sql": "SELECT 40 + 2 AS n"}, "42"),
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
    server = on_cluster("--allow-writes")
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
    job = ""
    for tool, arguments, told in CALLS:
        given = [f"{name}={value.replace('JOB', job)}" for name, value in arguments.items()]
        flags = [part for pair in given for part in ("--tool-arg", pair)]
        answer = inspect("tools/call", "--tool-name", tool, *flags)
        text = "\n".join(part["text"] for part in answer["content"])
        assert not answer.get("isError"), text
        assert told in text, text
        job = found[1] if (found := re.search(r"job_id\W+([a-z0-9]{20,})", text)) else job
