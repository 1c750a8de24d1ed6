"""Scripts cut into statements, and what only our own rules find in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.lint.model import UNPARSED, Diagnostic
from awslabs_dsql_mcp.lint.own_rules import DSQL_RULES, own_diagnostics, pieces

STATEMENTS = st.sampled_from(
    [
        "SELECT 1",
        "SELECT ';'",
        "SELECT $$ ; $$",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
        "BEGIN",
        "SELECT /* ; */ 2",
    ]
)


def test_pieces_know_their_lines() -> None:
    script = "SELECT 1;\n\n-- ; not here\nSELECT\n  ';';;\n"
    assert [(piece.text, piece.line, piece.last_line) for piece in pieces(script)] == [
        ("SELECT 1", 1, 1),
        ("SELECT\n  ';'", 4, 5),
    ]


def test_letters_of_more_bytes_do_not_shift_the_cut() -> None:
    assert [piece.text for piece in pieces("SELECT 'é€😀'; SELECT 2")] == ["SELECT 'é€😀'", "SELECT 2"]


@given(st.lists(STATEMENTS, max_size=5), st.sampled_from([";\n", ";;\n", " ;\n\n"]))
def test_statements_are_cut_apart_as_they_were_put_together(statements: list[str], between: str) -> None:
    cut = pieces(between.join(statements))
    assert [piece.text for piece in cut] == statements


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_is_cut_in_order(script: str) -> None:
    cut = pieces(script)
    lines = [line for piece in cut for line in (piece.line, piece.last_line)]
    assert lines == sorted(lines)
    assert all(piece.text and piece.text in script for piece in cut)


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("CREATE TABLE t (price money)", "column-type"),
        ("SELECT * INTO u FROM t", "create-from-query"),
        ("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE", "merge"),
        ("LOCK TABLE t", "lock-table"),
    ],
)
def test_our_rules_find_what_was_passed(sql: str, rule: str) -> None:
    (found,) = own_diagnostics(f"SELECT 1;\n{sql};", [])
    assert (found.rule, found.line, found.fix) == (rule, 2, "unfixable")
    assert found.message
    assert found.rule in DSQL_RULES


def test_a_statement_that_dsql_lint_spoke_of_is_not_judged_again() -> None:
    script = "CREATE TABLE t (\n  price money,\n  tags text[]\n);"
    assert not own_diagnostics(script, [Diagnostic("array_type", 3, "No arrays.")])
    assert own_diagnostics(script, [Diagnostic(UNPARSED, 1, "?")])
    assert own_diagnostics(script, [Diagnostic("array_type", 5, "Of the next statement.")])


@pytest.mark.parametrize("sql", ["SET TIME ZONE 'UTC'", "CREATE ROLE r PASSWORD 'x'", "COPY t FROM STDIN"])
def test_what_only_this_server_refuses_is_no_finding(sql: str) -> None:
    assert not own_diagnostics(sql, [])
