"""Names as PostgreSQL folds them."""

import pytest

from awslabs_dsql_mcp.core.names import TableName, parse_name
from awslabs_dsql_mcp.errors import RequestInvalid


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("orders", TableName(None, "orders")),
        ("Orders", TableName(None, "orders")),
        (" shop.Orders ", TableName("shop", "orders")),
        ('"Order Lines"', TableName(None, "Order Lines")),
        ('shop."Order.Lines"', TableName("shop", "Order.Lines")),
        ('"a""b".c', TableName('a"b', "c")),
    ],
)
def test_a_name_is_read(text: str, name: TableName) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize("text", ["", "a.b.c", ".a", "a.", '"a', '"a"b', "a..b", '""'])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(RequestInvalid, match="is not a table's name"):
        parse_name(text)
