"""The parser's JSON is read as `json` reads it, in small steps however large and deep it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.sql.parse_tree import loads

WORDS = st.text("abcXYZ_", min_size=1, max_size=9)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=60,
)


@given(st.dictionaries(WORDS, VALUES, min_size=1))
def test_what_json_reads_is_read(tree: dict[str, object]) -> None:
    assert loads(json.dumps(tree, separators=(",", ":"))) == tree


@pytest.mark.parametrize("depth", [10, 1_000, 20_000])
def test_depth_is_read_without_recursion(depth: int) -> None:
    tree = loads('{"a":' * depth + "[1,[],{}]" + "}" * depth)
    for _ in range(depth):
        tree = tree["a"]
    assert tree == [1, [], {}]


def test_what_is_deep_and_large_is_refused() -> None:
    with pytest.raises(RecursionError):
        loads('{"a":' * 900_000 + "1" + "}" * 900_000)
