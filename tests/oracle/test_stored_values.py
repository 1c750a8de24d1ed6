"""Values for converted columns: the JSON that to_jsonb makes of them, the text that PostgreSQL prints."""

import json
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.loading.cells import to_text
from awslabs_dsql_mcp.migration.values.source_types import SourceType, SourceTypes
from awslabs_dsql_mcp.migration.values.stored import is_json, stored
from awslabs_dsql_mcp.migration.values.syntax import NotConverted
from awslabs_dsql_mcp.sql import deparse, parser

_MADE = (
    "CREATE TYPE mood AS ENUM ('sad', 'so so')",
    "CREATE TYPE pair AS (a int, b text)",
    "CREATE TYPE nested AS (p pair, l int[], m mood)",
    "CREATE DOMAIN tags AS text[]",
)


@pytest.fixture(scope="module")
def server(postgres16: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(
            "CREATE SCHEMA stored_values; SET search_path = stored_values; SET timezone = 'UTC'"
        )
        for sql in _MADE:
            connection.execute(sql.encode())
        yield connection


def source(kind: str) -> SourceType:
    """The type of that spelling."""
    types = SourceTypes()
    for sql in _MADE:
        (tree,) = parser.parse(sql)
        types.take(tree.kind, tree.root)
    return types.resolve(deparse.type_name(kind))


def printed(server: psycopg.Connection, text: str, kind: str) -> str | None:
    """The value's text, or its JSON; ``None`` if PostgreSQL refuses the value."""
    value = f"to_jsonb(%s::text::{kind})" if is_json(source(kind)) else f"format('%%s', %s::text::{kind})"
    if kind == "money":
        value = "%s::text::money::numeric"
    try:
        row = server.execute(f"SELECT ({value})::text".encode(), (text,)).fetchone()
    except psycopg.Error:
        return None
    assert row is not None
    return row[0]


def is_same(server: psycopg.Connection, text: str, kind: str) -> None:
    """Check that what is stored is what PostgreSQL prints; what it refuses is refused here too."""
    expected = printed(server, text, kind)
    try:
        found = stored(text, source(kind))
    except NotConverted:
        return
    assert expected is not None, found
    if is_json(source(kind)):
        row = server.execute(
            "SELECT %s::jsonb = %s::jsonb, %s::jsonb::text", (found, expected, found)
        ).fetchone()
        assert row == (True, expected)
    else:
        assert found == expected


ARRAYS = (
    "text[]",
    "varchar(3)[]",
    "int[]",
    "numeric(6,2)[]",
    "bool[]",
    "float8[]",
    "real[]",
    "char(3)[]",
    "tags",
)
PIECES = (
    *(
        "{",
        "}",
        "{",
        "}",
        ",",
        ",",
        '"',
        "\\",
        " ",
        "a",
        "b c",
        "NULL",
        "null",
        "1",
        "-2",
        "3.14159",
        "t",
        "on",
    ),
    *('"a,b"', '"{"', '\\"', "é", "\n", "[1:2]=", "[0:1]=", "1e3", "0.1", "(", ")"),
)


@given(st.sampled_from(ARRAYS), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@example("int[]", "[1:2]={1,2}")
@example("text[]", '{ a b , "NULL" , null,\\N }')
@example("text[]", "{{a,b},{c}}")
@example("float8[]", "{1e3,1e20,1e-5,NaN}")
def test_arrays_of_any_text(server: psycopg.Connection, kind: str, text: str) -> None:
    is_same(server, text, kind)
    is_same(server, f"{{{text}}}", kind)


@given(
    st.sampled_from(["pair", "nested", "pair[]"]), st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
)
@example("pair", '(1,"a""b")')
@example("pair", '(1,a"b"""c)')
@example("nested", '("(1,x)","{1,2}",sad)')
@example("pair[]", '{"(1,\\"x y\\")",NULL}')
def test_rows_of_any_text(server: psycopg.Connection, kind: str, text: str) -> None:
    is_same(server, text, kind)
    is_same(server, f"({text})", kind)


@given(
    st.recursive(
        st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: st.lists(inner, min_size=2, max_size=2),
        max_leaves=4,
    )
)
def test_arrays_that_postgresql_wrote(server: psycopg.Connection, value: object) -> None:
    try:
        row = server.execute("SELECT %s::text[]::text", ([value, value],)).fetchone()
    except psycopg.Error:
        return  # its parts differ
    assert row is not None
    found = stored(row[0], source("text[]"))
    assert json.loads(found or "") == [value, value]


SCALARS = {
    "money": (
        "$1,234.50",
        "-$1,234.50",
        "($1,234.50)",
        "$-2",
        "1234.5",
        ".5",
        "12.345",
        "-0",
        "$",
        "1 000",
        "(5",
    ),
    "inet": (
        "10.0.0.1",
        "10.0.0.1/32",
        "10.0.0.1/8",
        "::1",
        "2001:DB8::1/64",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "1:0:0:2::",
        "10",
        "::2:3",
    ),
    "cidr": ("10.0.0.0/8", "10.1.2.3/32", "10.0.0.1/8", "2001:db8::/32", "10.1", "::/0"),
    "macaddr": (
        "08:00:2b:01:02:03",
        "08-00-2B-01-02-03",
        "08002b:010203",
        "0800.2b01.0203",
        "08002b010203",
        "x",
    ),
    "macaddr8": ("08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03"),
    "bit(3)": ("101", "10", "b101", "x1"),
    "bit": ("1", "10"),
    "varbit(4)": ("101", "", "xF", "10101"),
    "point": ("(1,2)", "(1.0, 2.50)", "1,2", "(1e20,1e-5)", "(1e15,1e14)", "x"),
    "box": ("(1,2),(3,4)", "(3,2),(1,4)"),
    "lseg": ("[(1,2),(3,4)]",),
    "path": ("((1,2),(3,4))", "[(1,2),(3,4)]"),
    "polygon": ("((1,2),(3,4),(5,6))",),
    "circle": ("<(1,2),3>",),
    "line": ("{1,2,3}",),
    "tsvector": ("'a':1 'b':2A,3", "a b", "'b' 'a'", "'a' 'it''s'", "", "'ab' 'b'", "'b' 'ab'"),
    "tsquery": ("'a' & 'b'", "a & b", "!'a'", "'a' <-> 'b' | 'c'"),
    "jsonpath": ("$.a.b", '$."a"', "strict $.a", "lax $", "$.a[*]"),
    "int4range": ("[1,5]", "(1,5)", "[1,5)", "empty", "[,5]", "(,)", "[5,1]", "[1,1)", "(1,2)", "[1,1]"),
    "int8range": ("[1,5]",),
    "numrange": ("[1.50,2]", "(1,1)", "[1,1]", "[,)", '["1",2)'),
    "daterange": ("[2024-01-01,2024-01-31]", "(,2024-01-01]", "[2024-02-30,)"),
    "tsrange": (
        '["2024-01-01 00:00:00","2024-01-02 00:00:00")',
        "[2024-01-01 10:00:00.500,)",
        "[2024-01-01,)",
    ),
    "tstzrange": (
        '["2024-01-01 00:00:00+02",)',
        "[2024-01-01 00:00:00,)",
        "[2024-01-01 00:00:00Z,2024-01-02 00:00:00-05:30]",
    ),
    "int4multirange": ("{[1,3),[5,7)}", "{[1,3],[4,7)}", "{}", "{[5,7),[1,3)}", "{empty,[1,2]}"),
    "nummultirange": ("{[1,3),[5,7]}", "{[1,3],[3,7)}"),
    "oid": ("12", "-1"),
    "name": ("a" * 70, "é" * 40),
    "pg_lsn": ("16/B374D848", "16/b374d848"),
    "tid": ("(1,2)",),
    "uuid[]": ("{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "{x}"),
    "date[]": ("{2024-01-31,NULL}", "{31/1/2024}"),
    "timestamp[]": ('{"2024-01-31 10:00:00.120"}', "{2024-01-31}"),
    "timestamptz[]": ('{"2024-01-31 10:00:00.120+02"}', '{"2024-01-31 10:00:00"}'),
    "time[]": ("{10:00:00.500}",),
    "bytea[]": ('{"\\\\xABcd"}', "{abc}"),
    "jsonb[]": ('{"{\\"a\\": 1.50}",1}', "{x}"),
    "inet[]": ("{10.0.0.1/32}",),
    "int4range[]": ('{"[1,5]"}',),
    "mood[]": ('{sad,"so so"}',),
    "money[]": ('{"$1,000.00"}',),
}


@pytest.mark.parametrize("kind", SCALARS)
def test_values_of_each_type(server: psycopg.Connection, kind: str) -> None:
    for text in SCALARS[kind]:
        is_same(server, text, kind)
    assert stored(SCALARS[kind][0], source(kind)) is not None


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)
def test_numbers(server: psycopg.Connection, double: float, real: float) -> None:
    is_same(server, f"({double!r},{real!r})", "point")
    is_same(server, f"{{{real!r}}}", "real[]")


@given(st.ip_addresses(), st.integers(0, 128))
def test_addresses(server: psycopg.Connection, address: object, length: int) -> None:
    is_same(server, str(address), "inet")
    is_same(server, f"{address}/{length}", "inet")
    is_same(server, f"{address}/{length}", "cidr")


@given(st.timedeltas(timedelta(days=-99_999), timedelta(days=99_999)))
@example(timedelta(milliseconds=-1))
@example(timedelta(days=-2, seconds=5))
def test_a_length_of_time_is_an_interval_of_one_sign(server: psycopg.Connection, length: timedelta) -> None:
    parts = (
        "extract(day FROM i)::int, extract(epoch FROM i - extract(day FROM i) * '1 day'::interval) * 1000000"
    )
    query = f"SELECT {parts} FROM (SELECT %s::interval) AS t (i)"  # noqa: S608
    row = server.execute(query.encode(), (to_text(length, as_json=False),)).fetchone()
    assert row is not None
    days, rest = row
    assert timedelta(days=days, microseconds=int(rest)) == length
    assert days * rest >= 0
