"""TOML: what is not ours stays, to the byte."""

import pytest

from awslabs_dsql_mcp.installer.formats import NotEditable
from awslabs_dsql_mcp.installer.formats.toml import drop, put, read

PATH = ("mcp_servers", "ours")
ENTRY = {"command": "uvx", "args": ["a", "b"], "env": {"K": "v"}}
TABLE = """\
[mcp_servers.ours]
command = "uvx"
args = [
  "a",
  "b",
]

[mcp_servers.ours.env]
K = "v"
"""
OTHERS = """\
# top
model = "x" # inline

[mcp_servers.a]  # a's
command = '''
[mcp_servers.ours]
'''
args = [ "[", # why
  "]" ]
"""


@pytest.mark.parametrize(
    ("before", "gap"),
    [("", ""), (OTHERS, "\n"), ("a = 1", "\n\n"), ("a = 1\n\n", ""), ("[mcp_servers]\n", "\n")],
)
def test_a_table_is_added_at_the_end_and_taken_out_again(before: str, gap: str) -> None:
    after = put(before, PATH, ENTRY)
    assert after == before + gap + TABLE
    assert read(after)["mcp_servers"]["ours"] == ENTRY  # pyright: ignore[reportIndexIssue] - the test's own data
    assert drop(after, PATH) == before + gap


def test_remarks_above_the_next_table_stay_when_ours_goes() -> None:
    text = f"{TABLE}# still ours\n\n# of the next\n[mcp_servers.b]\ncommand = 'b'\n"
    assert drop(text, PATH) == "# still ours\n\n# of the next\n[mcp_servers.b]\ncommand = 'b'\n"


def test_a_value_is_replaced_in_its_place() -> None:
    text = f"{OTHERS}\n{TABLE}\n# of the next\n[z]\n"
    assert put(text, (*PATH, "command"), "python") == text.replace('command = "uvx"', 'command = "python"')
    assert put(text, (*PATH, "args"), ["c"]) == text.replace('  "a",\n  "b",\n', '  "c",\n')
    assert put(text, (*PATH, "env", "K"), "w") == text.replace('"v"', '"w"')


def test_inline_tables_are_kept_inline() -> None:
    text = 'mcp_servers = { a = { command = "a" } } # all\n'
    after = put(text, PATH, {"command": "uvx"})
    assert after.endswith("# all\n")
    assert read(after) == {"mcp_servers": {"a": {"command": "a"}, "ours": {"command": "uvx"}}}
    assert read(drop(after, PATH)) == read(text)


def test_a_dotted_entry_is_taken_out() -> None:
    text = '[mcp_servers]\nours.command = "uvx"\nother.command = "x" # kept\n'
    assert "ours" not in drop(text, PATH)
    assert 'other.command = "x" # kept' in drop(text, PATH)


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2\n", "{}", "[a"])
def test_what_is_not_toml_is_refused(text: str) -> None:
    with pytest.raises(NotEditable, match="it is not TOML"):
        put(text, PATH, ENTRY)


def test_a_setting_of_the_file_stands_before_its_tables() -> None:
    after = put(OTHERS, ("limit",), 25)
    assert read(after) == {**read(OTHERS), "limit": 25}
    assert [line for line in OTHERS.splitlines() if line] == [
        line for line in after.splitlines() if line and line != "limit = 25"
    ]
