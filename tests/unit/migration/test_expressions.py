"""Expressions of scripts beside those that PostgreSQL prints."""

import pytest

from awslabs_dsql_mcp.migration.verification.expressions import same
from awslabs_dsql_mcp.sql.dsql_syntax import trees


def value(sql: str) -> object:
    (tree,) = trees(f"SELECT {sql}")
    return tree.root["targetList"][0]["ResTarget"]["val"]


@pytest.mark.parametrize(
    ("meant", "stored", "is_same"),
    [
        (
            "a IN ('x', 'y')",
            "((a)::text = ANY ((ARRAY['x'::character varying, 'y'::varchar])::text[]))",
            True,
        ),
        ("a NOT IN (1, 2)", "(a <> ALL (ARRAY[1, 2]))", True),
        ("a IN (1, 2)", "(a <> ALL (ARRAY[1, 2]))", False),
        ("a IN (1, 2)", "(a = ANY (ARRAY[1, 3]))", False),
        ("a BETWEEN 1 AND 9 AND b", "((a >= 1) AND (a <= 9) AND b)", True),
        ("a BETWEEN 1 AND 9", "((a >= 1) OR (a <= 9))", False),
        ("a LIKE 'x%'", "(a ~~ 'x%'::text)", True),
        ("a LIKE 'x%'", "(a ~~* 'x%'::text)", False),
        ("a != b", "(a <> b)", True),
        ("a IS NOT DISTINCT FROM b", "(NOT (a IS DISTINCT FROM b))", True),
        ("CASE WHEN a THEN 'x' END", "CASE WHEN a THEN 'x'::text ELSE NULL::text END", True),
        ("CASE WHEN a THEN 'x' END", "CASE WHEN a THEN 'x'::text ELSE 'y'::text END", False),
        ("CASE a WHEN 1 THEN 2 END", "CASE a WHEN 1 THEN 2 ELSE NULL::integer END", True),
        ("-1", "'-1'::integer", True),
        ("'1.50'", "1.5", True),
        ("'true'", "true", True),
        ("'no'", "true", False),
        ("lower(a)", "pg_catalog.lower(a)", True),
        ("lower(a)", "upper(a)", False),
        ("nextval('public.s')", "nextval('s'::regclass)", True),
        ("nextval('other')", "nextval('s'::regclass)", False),
        ("t.a", "a", True),
        ("a::int", "a", False),
        ("a", "(a)::text", True),
        ("'2024-1-1'", "'2024-01-01'::date", None),
        ("'x'", "'y'::text", False),
        ("NULL", "''::text", False),
        ("now()", "CURRENT_TIMESTAMP", False),
    ],
)
def test_expressions_are_the_same_in_other_words(meant: str, stored: str, is_same: bool | None) -> None:  # noqa: FBT001 - a column of a table
    assert same(value(meant), value(stored)) is is_same


def test_an_expression_that_is_too_deep_is_not_judged() -> None:
    deep = value("+".join(["a"] * 3000))
    assert same(deep, deep) is None
