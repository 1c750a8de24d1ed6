"""Output of dsql-lint, read."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.lint.model import Diagnostic, parse

DIAGNOSTIC = {"rule": "index_async", "line": 3, "message": "ASYNC is missing.", "suggestion": "Write it."}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["files", "error", "fixed_sql", "diagnostics", "rule", "line", "message"]),
            inner,
            max_size=4,
        )
    ),
)


def output(*diagnostics: object, error: object = None) -> str:
    return json.dumps({"files": [{"diagnostics": diagnostics, "error": error, "fixed_sql": None}]})


def test_a_diagnostic_is_read() -> None:
    assert parse(output(DIAGNOSTIC)) == (Diagnostic("index_async", 3, "ASYNC is missing.", "Write it."),)
    (told,) = parse(output({**DIAGNOSTIC, "suggestion": None}))
    assert not told.suggestion


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"files": []}', output(error="gone"), output({"rule": "x"}), output(7)]
)
def test_what_is_no_output_of_it_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@given(JSON.map(json.dumps) | st.text())
def test_whatever_a_program_writes_is_read_or_is_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse(text), tuple)


def test_the_line_that_ended_its_reading_is_known() -> None:
    told = "Failed to tokenize SQL: Unterminated string literal at Line: 7, Column: 3"
    assert Diagnostic("parse_error", 1, told).unreadable_line == 7
    assert Diagnostic("parse_error", 1, "Failed to parse SQL: found i at Line: 7").unreadable_line is None
