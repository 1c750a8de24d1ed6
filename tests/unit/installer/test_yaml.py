"""YAML: what is not ours stays, to the byte."""

import json
from typing import Any

import pytest

from awslabs_dsql_mcp.installer.formats import NotEditable
from awslabs_dsql_mcp.installer.formats.yaml import drop, put, read

PATH = ("extensions", "ours")
ENTRY = {"cmd": "uvx", "args": ["a", "b: c"], "envs": {"K": "v"}}
BLOCK = """\
  ours:
    cmd: uvx
    args:
    - a
    - 'b: c'
    envs:
      K: v
"""
OTHERS = """\
# top
GOOSE_MODEL: x   # which
extensions:
  developer:
    enabled: true
    text: |
      extensions:
    # end of developer

# between
last: [1, 2]
"""


def test_an_entry_goes_behind_its_siblings_and_out_again() -> None:
    after = put(OTHERS, PATH, ENTRY)
    assert after == OTHERS.replace("      extensions:\n", "      extensions:\n" + BLOCK)
    assert drop(after, PATH) == OTHERS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"extensions:\n{BLOCK}"),
        ("# mine\n", f"# mine\nextensions:\n{BLOCK}"),
        ("a: 1", f"a: 1\nextensions:\n{BLOCK}"),
        ("extensions:  # none\nb: 2\n", f"extensions:  # none\n{BLOCK}b: 2\n"),
        ("extensions: {}\nb: 2\n", f"extensions:\n{BLOCK}b: 2\n"),
        (
            "extensions: {a: {cmd: x}}\n",
            'extensions: {a: {cmd: x}, "ours": {"cmd": "uvx", "args": ["a", "b: c"], "envs": {"K": "v"}}}\n',
        ),
        (
            '{extensions: {}, b: [{? c : null}, "d\n  e"]}\n',
            f'{{extensions: {json.dumps({"ours": ENTRY})}, b: [{{? c : null}}, "d\n  e"]}}\n',
        ),
    ],
)
def test_an_entry_is_added(before: str, after: str) -> None:
    assert put(before, PATH, ENTRY) == after
    data: Any = read(after)
    assert data.pop("extensions")["ours"] == ENTRY
    assert data == {key: value for key, value in read(before).items() if key != "extensions"}


def test_the_only_entry_leaves_an_empty_mapping() -> None:
    assert drop(f"extensions:\n{BLOCK}# end\n", PATH) == "extensions: {}\n# end\n"


def test_values_are_replaced_in_their_place() -> None:
    text = f"extensions:\n{BLOCK}# end\n"
    assert put(text, (*PATH, "cmd"), "py") == text.replace("cmd: uvx", 'cmd: "py"')
    assert put(text, (*PATH, "args"), ["z"]) == text.replace("    - a\n    - 'b: c'\n", "    - z\n")
    assert put(text, (*PATH, "envs", "L"), "w") == text.replace("      K: v\n", "      K: v\n      L: w\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "it is not YAML"),
        ("- a\n", "it is not a YAML mapping"),
        ("extensions: 3\n", "'extensions' in it is not a mapping"),
        ("extensions:\n  ours: 1\n  ours: 2\n", "it has 'ours' twice"),
        ("a: !python/object:x.y {}\n", "it is not YAML"),
    ],
)
def test_what_cannot_be_edited_is_refused(text: str, reason: str) -> None:
    with pytest.raises(NotEditable, match=reason):
        put(text, PATH, ENTRY)
