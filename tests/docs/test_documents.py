"""What the documents say is what the program takes."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.arguments import read_settings
from awslabs_dsql_mcp.settings import OPTIONS
from docs.local_cluster_page import PAGE, page
from docs.options_table import README, between, table
from local.requirements import load

TOML: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
EXAMPLES = README.parent / "config-examples"


def entry(file: Path) -> dict[str, Any]:
    if file.suffix == ".toml":
        return TOML.loads(file.read_text())["mcp_servers"]["aurora-dsql"]
    return json.loads(file.read_text())["mcpServers"]["aurora-dsql"]


def commands_of_readme() -> list[list[str]]:
    text = README.read_text().replace("\\\n", " ")
    return [line.split()[1:] for line in re.findall(r"uvx awslabs-dsql-mcp@latest .*", text)]


def test_the_readme_lists_the_options_as_they_are() -> None:
    assert between(README.read_text()) == table()


def test_the_guide_lists_the_local_clusters_differences_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(load())


def test_there_is_an_example_for_each_client() -> None:
    assert {file.name.split(".")[0] for file in EXAMPLES.iterdir()} >= {
        "claude-code",
        "cursor",
        "kiro",
        "codex",
    }


@pytest.mark.parametrize("file", sorted(EXAMPLES.iterdir()), ids=lambda file: file.name)
def test_an_example_starts_the_server_on_a_cluster(file: Path) -> None:
    configured = entry(file)
    assert configured["command"] == "uvx"
    package, *flags = configured["args"]
    assert package == "awslabs-dsql-mcp@latest"
    settings = read_settings(flags, configured.get("env", {}), version="")
    assert settings.cluster_endpoint == "CLUSTER.dsql.us-east-1.on.aws"
    assert settings.region == "us-east-1"
    assert not settings.allow_writes


@pytest.mark.parametrize("file", sorted(EXAMPLES.iterdir()), ids=lambda file: file.name)
def test_an_example_sets_only_variables_that_are_read(file: Path) -> None:
    known = {variable for option in OPTIONS for variable in option.variables}
    assert set(entry(file).get("env", {})) <= known


@pytest.mark.parametrize("command", commands_of_readme())
def test_a_command_of_the_readme_has_flags_that_exist(command: list[str]) -> None:
    assert read_settings(command[1:], {}, version="").cluster_endpoint
