"""Imports of a server that starts: every tool, and none of the libraries that are slow to import."""

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys
import awslabs_dsql_mcp.server.factory
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """Modules of a process that has imported what a server needs to start."""
    run = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    "library", ["postgast", "psycopg", "boto3", "botocore", "httpx", "pyarrow", "certifi"]
)
def test_a_slow_library_is_imported_at_its_first_use(imported: set[str], library: str) -> None:
    assert library not in imported


def test_every_tool_is_imported_at_the_start(imported: set[str]) -> None:
    tools = {name.rpartition(".")[2] for name in imported if name.startswith("awslabs_dsql_mcp.tools.")}
    assert {"readonly_query", "transact", "migrate", "load_rows", "documentation"} <= tools
