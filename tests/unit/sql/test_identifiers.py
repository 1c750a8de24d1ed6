"""Names as PostgreSQL folds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.dsql.limits import MAX_IDENTIFIER_BYTES
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import TableName, closest, parse_name, suggestion


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("orders", TableName(None, "orders")),
        ("Orders", TableName(None, "orders")),
        (" shop.Orders ", TableName("shop", "orders")),
        ('"Order Lines"', TableName(None, "Order Lines")),
        ('shop."Order.Lines"', TableName("shop", "Order.Lines")),
        ('"a""b".c', TableName('a"b', "c")),
        ("ÉTÉ.Ün", TableName("ÉtÉ", "Ün")),
    ],
)
def test_a_name_is_read(text: str, name: TableName) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize("text", ["", "a.b.c", ".a", "a.", '"a', '"a"b', "a..b", '""'])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(RequestInvalid, match="is not a table's name"):
        parse_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 64,
        "ü" * 32,
        f'a."{"x" * 64}"',
        f"{'x' * 64}.a",
        "x" * (10 << 20),
        '"' * (10 << 20),
        "." * (10 << 20),
    ],
)
def test_a_name_that_is_too_long_is_refused_with_the_limit(text: str) -> None:
    with pytest.raises(RequestInvalid, match="a name has at most 63 bytes") as refused:
        parse_name(text)
    assert len(str(refused.value)) < 200


def test_a_name_may_have_all_its_bytes() -> None:
    assert parse_name("x" * 63 + '."' + '""' * 63 + '"') == TableName("x" * 63, '"' * 63)


_NAMES = st.text(min_size=1, max_size=63).filter(lambda name: len(name.encode()) <= MAX_IDENTIFIER_BYTES)


@given(_NAMES, _NAMES)
def test_a_name_written_as_sql_is_read_again(schema: str, table: str) -> None:
    name = TableName(schema, table)
    assert parse_name(str(name)) == name
    assert parse_name(str(TableName(None, table))) == TableName(None, table)


def test_the_nearest_names_are_found_whatever_their_case() -> None:
    assert closest("ordrs", ["Orders", "order_lines", "x"]) == ["Orders", "order_lines"]
    assert closest("lines", ["order_lines", "x"]) == ["order_lines"]
    assert closest("zzz", ["orders"]) == []


def test_a_suggestion_names_the_schema() -> None:
    known = [("shop", "orders"), ("old", "orders"), ("shop", "Select")]
    assert suggestion("order", known) == "Did you mean shop.orders, old.orders?"
    assert suggestion("zzz", known) == 'There are: shop.orders, old.orders, shop."Select".'
    assert suggestion("zzz", [("s", f"t{n}") for n in range(9)]).endswith("and 4 more: call get_schema.")
    assert suggestion("x", []) == "The database has no tables yet."
