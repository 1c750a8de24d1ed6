"""Scripts cut into statements, psql meta-commands and rows of COPY."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.sql.scripts import split_script

STATEMENTS = st.sampled_from(
    [
        "SELECT 1",
        "SELECT ';'",
        "SELECT E'\\'; ' /* ; */, 'é€😀;'",
        "SELECT $$ ; $$, $é1$ ; $é1$",
        'SELECT $1, a$1, "a"";", été;'.removesuffix(";"),
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "BEGIN",
        "SELECT -- ;\n 2",
    ]
)
GAPS = st.sampled_from([";\n", ";;\n", " ;\n\n", "\r\n;\r\n", "-- ;\n;", "/* ; /* */ */ ; -- ' $$\n"])


@given(st.lists(st.tuples(STATEMENTS, GAPS), max_size=5), st.sampled_from(["", "\ufeff", " -- x\n"]))
def test_statements_are_cut_apart_as_they_were_put_together(
    parts: list[tuple[str, str]], beginning: str
) -> None:
    script = beginning + "".join(statement + gap for statement, gap in parts)
    items = list(split_script(script))
    assert [item.text for item in items] == [statement for statement, _ in parts]
    for item in items:
        assert script.startswith(item.text, item.start)
        assert item.line == 1 + script.count("\n", 0, item.start)


@given(st.text())
def test_any_text_is_cut_in_order(script: str) -> None:
    at = 0
    for item in split_script(script):
        assert item.text
        assert item.start >= at
        assert script.startswith(item.text, item.start)
        at = item.start + len(item.text)


def test_a_blank_is_what_postgresql_takes_for_one() -> None:
    assert [item.text for item in split_script("\xa0\n;\u2003;\f\v;")] == ["\xa0", "\u2003"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_rows_belong_to_their_copy(newline: str) -> None:
    lines = [
        "\\restrict é",
        "COPY t (a) FROM stdin;",
        "it's $$\t\\N",
        "\\\\.",
        "\\.",
        "SELECT 1;",
        "\\connect x",
    ]
    restrict, copy, select, connect = split_script(newline.join(lines))
    assert (restrict.text, restrict.meta, connect.meta) == ("\\restrict é", True, True)
    assert copy.data == f"it's $$\t\\N{newline}\\\\.{newline}"
    assert (copy.framed, copy.data_line) == (True, 3)
    assert (select.text, select.line, connect.line) == ("SELECT 1", 6, 7)
