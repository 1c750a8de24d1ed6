"""Imports of a server that starts: what it offers, and none of the libraries that are slow to import."""

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys
from contextlib import AsyncExitStack
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import read_clusters
from awslabs_dsql_mcp.server.factory import create_server
settings = read_settings(sys.argv[1:], {}, version="")
create_server(settings, read_clusters(settings), AsyncExitStack())
print(json.dumps(sorted(sys.modules)))
"""


def modules_of(*options: str) -> set[str]:
    """Modules of a process that has put a server together."""
    command = [sys.executable, "-c", CODE, "--local", *options]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """Modules of a server that offers every tool."""
    return modules_of("--allow-writes", "--export-dir", ".")


@pytest.mark.parametrize(
    "library",
    [
        *("postgast", "psycopg", "boto3", "botocore", "httpx", "pyarrow", "certifi"),
        *("awslabs_dsql_mcp.aws.api", "awslabs_dsql_mcp.clusters.status"),
    ],
)
def test_a_slow_library_is_imported_at_its_first_use(imported: set[str], library: str) -> None:
    assert library not in imported


def test_every_tool_is_imported_at_the_start(imported: set[str]) -> None:
    tools = {name.rpartition(".")[2] for name in imported if name.startswith("awslabs_dsql_mcp.tools.")}
    assert {"readonly_query", "transact", "migrate", "load_rows", "export_query", "documentation"} <= tools


def test_what_changes_much_is_imported_at_its_first_call(imported: set[str]) -> None:
    packages = {name.split(".")[1] for name in imported if name.startswith("awslabs_dsql_mcp.")}
    assert "catalog" in packages
    assert not packages & {"bulk", "migration"}


def test_a_server_that_exports_nothing_imports_no_export() -> None:
    assert "awslabs_dsql_mcp.export" not in modules_of("--allow-writes")
