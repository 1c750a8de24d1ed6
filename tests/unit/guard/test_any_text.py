"""Any text at all: the guard answers, and its parts agree with their models."""

import json
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer

from awslabs_dsql_mcp.guard.guard import check, check_statement
from awslabs_dsql_mcp.sql import parse_tree
from awslabs_dsql_mcp.sql.statements import bind_placeholders, unbound_offset

PIECES = (
    "select", "delete from t", "insert into t values (1)", "(", ")", "[", "]", ",", ";", "'", '"', "$$",
    "$1", "--", "/*", "*/", "\n", "\\", "with", "as", "x", "async", "create", "index", "aws", "iam", "grant",
    "to", "alter", "table", "on", "1", "+", "::int", ".nextval", "from", "f", "é", "\0", "\ud800", "e'",
    'U&"', "explain", "analyze", "set", "local", "validate", "constraint", "union", "for update", "into",
    "values", "%s", "%%", "case", "when",
)  # fmt: skip

SQL_LIKE = st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join) | st.lists(
    st.sampled_from(PIECES)
).map("".join)


@settings(max_examples=settings().max_examples * 8)
@given(st.text() | SQL_LIKE)
def test_any_text_is_answered(text: str) -> None:
    for writes in (False, True):
        verdict = check_statement(text, writes=writes)
        assert (verdict.statement is None) <= (verdict.refusal is not None)
        if refusal := verdict.refusal:
            str(refusal).encode()
            lines = text.split("\n")
            assert 1 <= refusal.line <= len(lines)
            assert 1 <= refusal.column <= len(lines[refusal.line - 1]) + 1
        else:
            assert check(f"{text}\n;", writes=writes) is None


@settings(max_examples=settings().max_examples * 3)
@given(SQL_LIKE)
def test_what_a_read_may_do_a_write_may_too(text: str) -> None:
    if check(text, writes=False) is None:
        assert check(text, writes=True) is None


@given(
    st.lists(st.sampled_from(("%s", "%%", "a", "'", "é", "$", "\n", "%", "s", "%(x)s", "%b"))).map("".join)
)
def test_placeholders_are_those_of_psycopg(text: str) -> None:
    count = text.replace("%%", "").count("%s")
    query = PostgresQuery(Transformer())
    try:
        query.convert(text.encode(), [1] * count)
    except (psycopg.Error, UnicodeError):  # it cuts what follows % by bytes
        expected = None
    else:
        expected = query.query.decode()
    try:
        bound = bind_placeholders(text, count)
    except ValueError:
        bound = None
    if "%(" not in text and "%b" not in text:
        assert bound == expected
    else:
        assert bound in (None, expected)


@given(st.lists(st.sampled_from(("%s", "%%", "a", "é\n", "$1"))))
def test_every_position_in_the_bound_text_has_its_own_in_the_given_one(pieces: list[str]) -> None:
    given_text = "".join(pieces)
    bound = bind_placeholders(given_text, pieces.count("%s"))
    ends = [unbound_offset(given_text, offset) for offset in range(len(bound) + 1)]
    assert ends == sorted(ends)
    assert all(
        given_text[ends[at]] == character
        for at, character in enumerate(bound)
        if character in "aé\n" and ends[at] < len(given_text)
    )


KEYS = st.sampled_from(("A_Expr", "lexpr", "location", "sval", "stmt_len"))
JSON = st.recursive(
    st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


@given(st.lists(JSON) | st.dictionaries(KEYS, JSON))
def test_the_decoder_for_deep_trees_is_json_s(value: Any) -> None:  # noqa: ANN401 - any JSON
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    assert parse_tree.loads(text) == json.loads(text)
