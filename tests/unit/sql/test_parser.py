"""Texts that PostgreSQL takes and libpg_query, as it is, does not."""

import pytest

from awslabs_dsql_mcp.sql.parse_tree import constant
from awslabs_dsql_mcp.sql.parser import ParseError, parse


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT 'a' -- note\n'b'", "ab"),
        ("SELECT 'a'\n-- it's\n\t-- another\n 'b'", "ab"),
        ("SELECT 'ä--' -- é\n'b' -- c\n'd'", "ä--bd"),
        ("SELECT E'a\\'' -- x\n'b'", "a'b"),
    ],
)
def test_a_literal_goes_on_behind_a_comment(sql: str, value: str) -> None:
    (tree,) = parse(sql)
    assert constant(tree.root["targetList"][0]["ResTarget"]["val"]) == value


@pytest.mark.parametrize(
    ("sql", "offset"),
    [
        ("SELECT 'a' /* note */\n'b'", 22),
        ("SELECT 'a' -- note\n'b' 'c'", 19),
        ("SELECT -- note\n 1 FRM t u", 22),
    ],
)
def test_what_postgresql_refuses_is_refused_at_its_place(sql: str, offset: int) -> None:
    with pytest.raises(ParseError) as refused:
        parse(sql)
    assert (refused.value.code, refused.value.offset) == ("syntax", offset)
