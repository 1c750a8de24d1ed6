"""Where an installation says that it is from, and what uv is told to install."""

from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.installer.source import requirement, source_in

GIT = {"url": "https://example.com/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}


@pytest.mark.parametrize(
    ("record", "source"),
    [
        ({"url": "file:///a%20b/c", "dir_info": {}}, "/a b/c"),
        ({"url": "file:///a", "dir_info": {"editable": True}}, None),
        (GIT, "git+https://example.com/x.git@abc"),
        ({**GIT, "subdirectory": "y"}, "git+https://example.com/x.git@abc#subdirectory=y"),
        ({"url": "https://example.com/x.whl", "archive_info": {}}, "https://example.com/x.whl"),
        ({}, None),
    ],
)
def test_an_installation_knows_its_source(record: dict[str, Any], source: str | None) -> None:
    assert source_in(record) == source


@pytest.mark.parametrize(
    ("given", "own", "flag", "required"),
    [
        (None, None, "", "awslabs-dsql-mcp"),
        (None, None, "--local", "awslabs-dsql-mcp[local]"),
        (None, ".", "--local", "{0}[local]"),
        ("awslabs-dsql-mcp==0.1.0", ".", "--local", "awslabs-dsql-mcp[local]==0.1.0"),
        ("awslabs-dsql-mcp[parquet]==0.1.0", ".", "--local", "awslabs-dsql-mcp[parquet]==0.1.0"),
        ("awslabs-dsql-mcp-fork==0.1.0", ".", "--local", "awslabs-dsql-mcp-fork==0.1.0"),
        (".[parquet]", None, "--local", "{0}[parquet]"),
        (
            None,
            "git+https://example.com/x@main",
            True,
            "awslabs-dsql-mcp[local] @ git+https://example.com/x@main",
        ),
        (None, "git+https://example.com/x@main", "", "git+https://example.com/x@main"),
    ],
)
def test_uv_is_told_the_source(
    tmp_path: Path, given: str | None, own: str | None, flag: str, required: str
) -> None:
    assert requirement(given, own, tmp_path, local=bool(flag)) == required.format(tmp_path)
