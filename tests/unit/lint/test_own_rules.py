"""Findings of our own rules in scripts."""

import pytest

from awslabs_dsql_mcp.lint.model import UNPARSED, Diagnostic
from awslabs_dsql_mcp.lint.own_rules import DSQL_RULES, own_diagnostics


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


def test_rows_and_meta_commands_hide_no_statement() -> None:
    script = "\\restrict x\nCOPY t (a) FROM stdin;\nit's\n\\.\nLOCK TABLE t;\n\\unrestrict x\nLOCK TABLE u;\n"
    assert [(found.rule, found.line) for found in own_diagnostics(script, [])] == [
        ("lock-table", 5),
        ("lock-table", 7),
    ]
