"""An entry goes in, is renewed, and goes out; what the user changed about it stays."""

import pytest

from awslabs_dsql_mcp.installer.formats import NotEditable
from awslabs_dsql_mcp.installer.formats.jsonc import JSON, read
from awslabs_dsql_mcp.installer.launch import ServerEntry
from awslabs_dsql_mcp.installer.merge import with_entry, without_entry

PATH = ("mcpServers", "aurora-dsql")
ENTRY = ServerEntry(
    {"command": "uvx", "args": ["awslabs-dsql-mcp@latest"], "env": {"AWS_PROFILE": "p"}}, {"on": True}
)
OLDER = """{
  "mcpServers": {
    "aurora-dsql": {
      // mine
      "command": "uvx", "args": ["awslabs-dsql-mcp@0.1.0"],
      "env": {"EXTRA": "1", "AWS_PROFILE": "old"},
      "on": false,
      "autoApprove": ["get_schema"]
    }
  }
}
"""


def test_an_entry_is_renewed_and_keeps_what_the_user_added_or_changed() -> None:
    renewed = with_entry(OLDER, JSON, PATH, ENTRY)
    assert renewed == OLDER.replace("@0.1.0", "@latest").replace('"old"', '"p"')


@pytest.mark.parametrize("text", ["", "{}", '\ufeff{\r\n\t"a": 1\r\n}\r\n', OLDER])
def test_a_second_time_changes_nothing(text: str) -> None:
    once = with_entry(text, JSON, PATH, ENTRY)
    assert with_entry(once, JSON, PATH, ENTRY) == once


def test_byte_order_mark_and_line_ends_stay() -> None:
    text = '\ufeff{\r\n\t"a": 1\r\n}\r\n'
    after = with_entry(text, JSON, PATH, ENTRY)
    assert after.startswith("\ufeff{\r\n\t")
    assert after.count("\n") == after.count("\r\n")
    assert read(after.removeprefix("\ufeff"))["a"] == 1
    assert without_entry(after, JSON, PATH) == '\ufeff{\r\n\t"a": 1\r\n}\r\n'


def test_another_server_of_that_name_is_left_alone() -> None:
    text = '{"mcpServers": {"aurora-dsql": {"url": "https://example.com"}}}'
    with pytest.raises(NotEditable, match="does not start this server"):
        with_entry(text, JSON, PATH, ENTRY)
    with pytest.raises(NotEditable, match="does not start this server"):
        without_entry(text, JSON, PATH)


def test_where_nothing_is_there_is_nothing_to_take_out() -> None:
    assert without_entry("// empty\n", JSON, PATH) == "// empty\n"


@pytest.mark.parametrize(("before", "kept"), [("{}", 2), ('{"limit": 1}', 1)])
def test_a_setting_of_the_file_is_written_once_and_only_where_there_is_none(before: str, kept: int) -> None:
    entry = ServerEntry({"command": "uvx", "args": ["awslabs-dsql-mcp@latest"]}, beside={"limit": 2})
    once = with_entry(before, JSON, PATH, entry)
    assert read(once)["limit"] == kept
    assert with_entry(once, JSON, PATH, entry) == once
    assert read(without_entry(once, JSON, PATH))["limit"] == kept
