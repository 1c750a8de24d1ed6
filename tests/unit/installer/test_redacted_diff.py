"""What is shown of a change holds nobody's secrets."""

import json

import pytest

from awslabs_dsql_mcp.installer.formats import Format
from awslabs_dsql_mcp.installer.formats.jsonc import JSON
from awslabs_dsql_mcp.installer.formats.toml import TOML
from awslabs_dsql_mcp.installer.formats.yaml import YAML
from awslabs_dsql_mcp.installer.launch import ServerEntry
from awslabs_dsql_mcp.installer.merge import with_entry, without_entry
from awslabs_dsql_mcp.installer.redacted_diff import redacted_diff

PATH = ("servers", "aurora-dsql")
ENTRY = ServerEntry(
    {
        "command": "uvx",
        "args": ["awslabs-dsql-mcp[local]", "--region", "us-east-1"],
        "env": {"AWS_PROFILE": "prod", "AWS_SECRET_ACCESS_KEY": "s3cret", "NOTE": "s3cret two"},
    }
)
OTHER = {"servers": {"other": {"env": {"KEY": "s3cret"}, "url": "https://u:s3cret@h"}}}
TEXTS = {
    "one line": (JSON, json.dumps(OTHER)),
    "a comment on the changed line": (JSON, '{"servers": {\n "a": {} /* s3cret */ // s3cret\n}}'),
    "lines": (JSON, json.dumps(OTHER, indent=2)),
    "toml": (TOML, "[servers.other]\nkey = 's3cret' # s3cret"),
    "yaml": (YAML, "servers: {a: {key: s3cret}} # s3cret\n"),
    "yaml, lines": (YAML, "servers:\n  a:\n    key: s3cret\n"),
}


@pytest.mark.parametrize(("fmt", "text"), TEXTS.values(), ids=TEXTS)
def test_no_secret_is_shown(fmt: Format, text: str) -> None:
    after = with_entry(text, fmt, PATH, ENTRY)
    shown = (*PATH, ENTRY.full)
    assert "s3cret" in after
    installing = redacted_diff(text, after, "f", shown)
    removing = redacted_diff(after, without_entry(after, fmt, PATH), "f", shown)
    for change in (installing, removing):
        assert "s3cret" not in change
        assert "AWS_SECRET_ACCESS_KEY" in change
        for word in ("uvx", "awslabs-dsql-mcp[local]", "--region", "us-east-1", "prod"):
            assert word in change


def test_it_is_a_unified_diff() -> None:
    assert redacted_diff("a\n", "a\nb\n", "f", ["b"]) == "--- f\n+++ f\n@@ -1,0 +2 @@\n+b"
