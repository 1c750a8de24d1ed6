"""Every value survives: PostgreSQL's text for it, our cell as JSON, and back to a value of the same text."""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.output.json_values import to_json

_TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'so so', 'he said \"ok\"', 'null')",
    "CREATE TYPE pair AS (a int, b text)",
    "CREATE TYPE nested AS (p pair, l int[])",
)


@pytest.fixture(scope="module")
def server(postgres16: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        for sql in _TYPES:
            connection.execute(sql.encode())
        yield connection


def told(server: psycopg.Connection, literal: str | None, kind: str) -> tuple[str | None, int]:
    """The server's own text for a value, and its type's object id."""
    cursor = server.execute(f"SELECT %s::text::{kind}".encode(), (literal,))
    result = cursor.pgresult
    assert result is not None
    value = result.get_value(0, 0)
    return None if value is None else bytes(value).decode(), result.ftype(0)


def is_same_document(server: psycopg.Connection, one: str | None, other: str | None) -> bool:
    """True if two texts are the same JSON: of the same keys and values, whatever the white space."""
    return server.execute("SELECT %s::jsonb = %s::jsonb", (one, other)).fetchone() == (True,)


def read_back(value: object) -> str | None:
    """What an agent that knows the type reads in a cell, as a literal of that type."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def microseconds() -> st.SearchStrategy[str]:
    return st.integers(0, 999_999).map(lambda n: f"{n:06}")


def years() -> st.SearchStrategy[tuple[int, str]]:
    return st.tuples(st.integers(1, 9999) | st.integers(10_000, 290_000), st.just("")) | st.tuples(
        st.integers(1, 4712), st.just(" BC")
    )


def dates() -> st.SearchStrategy[str]:
    days = st.integers(0, 364).map(lambda n: (date(2001, 1, 1) + timedelta(n)).strftime("%m-%d"))

    def written(year: tuple[int, str], day: str) -> str:
        return f"{year[0]:04}-{day}{year[1]}"

    return st.builds(written, years(), days) | st.sampled_from(
        ["infinity", "-infinity", "5874897-12-31", "2024-02-29"]
    )


def times() -> st.SearchStrategy[str]:
    clock = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), microseconds())
    return clock.map(lambda t: f"{t[0]:02}:{t[1]:02}:{t[2]:02}.{t[3]}") | st.just("24:00:00")


def offsets() -> st.SearchStrategy[str]:
    hours = st.integers(-14, 14).map(lambda n: f"{n:+03}")
    return st.builds(str.__add__, hours, st.sampled_from([":00", ":30", ":45"]))


def timestamps(zone: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(year: tuple[int, str], clock: str, offset: str) -> str:
        return f"{year[0]:04}-07-09 {clock}{offset}{year[1]}"

    return st.builds(written, years(), times(), zone) | st.sampled_from(["infinity", "-infinity"])


def numbers() -> st.SearchStrategy[str]:
    return st.decimals(allow_nan=False, allow_infinity=False, places=None).map(str) | st.sampled_from(
        ["NaN", "Infinity", "-Infinity", "0.00", "-0.0", "1" * 100 + "." + "2" * 50]
    )


def documents() -> st.SearchStrategy[str]:
    text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    number = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    values = st.recursive(
        st.none() | st.booleans() | number | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=8,
    )
    odd = ["1.10", '{"a": 0.1234567890123456789012}', '{"a":1e30}', '[1, {"b": -0.0}]', '"null"', " null "]
    return values.map(json.dumps) | st.sampled_from(odd)


def array(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def quoted(item: str | None) -> str:
        return "NULL" if item is None else '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'

    flat = st.lists((st.none() | items).map(quoted), min_size=1, max_size=4)
    one = flat.map(lambda parts: "{" + ",".join(parts) + "}")
    bounds = flat.map(lambda parts: f"[-1:{len(parts) - 2}]={{{','.join(parts)}}}")
    two = flat.map(lambda parts: "{" + ",".join(["{" + ",".join(parts) + "}"] * 2) + "}")
    return st.just("{}") | one | bounds | two


def pair(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def row(number: int | None, word: str | None) -> str:
        said = "" if word is None else '"' + word.replace("\\", "\\\\").replace('"', '""') + '"'
        return f"({'' if number is None else number},{said})"

    return st.builds(row, st.none() | st.integers(-9, 9), st.none() | text)


def interval_of(low: int, high: int) -> str:
    return f"[{min(low, high)},{max(low, high)})"


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
int4 = st.integers(-(2**31), 2**31 - 2)
ranges = st.builds(interval_of, int4, int4) | st.sampled_from(["empty", "(,)", "[5,)", "(,-3]"])
VALUES: dict[str, st.SearchStrategy[str]] = {
    "bool": st.sampled_from(["t", "f"]),
    "int2": st.integers(-(2**15), 2**15 - 1).map(str),
    "int4": int4.map(str),
    "int8": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": numbers(),
    "float4": st.floats(width=32).map(repr),
    "float8": st.floats().map(repr),
    "text": texts,
    "varchar(40)": texts.map(lambda text: text[:40]),
    "bytea": st.binary().map(lambda data: "\\x" + data.hex()),
    "date": dates(),
    "time": times(),
    "timetz": st.builds(str.__add__, times(), offsets()),
    "timestamp": timestamps(st.just("")),
    "timestamptz": timestamps(offsets()),
    "interval": st.tuples(
        st.integers(-9999, 9999), st.integers(-99_999, 99_999), st.integers(-(10**15), 10**15)
    ).map(lambda parts: "{} months {} days {} microseconds".format(*parts)),
    "uuid": st.uuids().map(str),
    "json": documents(),
    "jsonb": documents(),
    "int4[]": array(int4.map(str)),
    "text[]": array(texts),
    "numeric[]": array(numbers()),
    "mood": st.sampled_from(["sad", "so so", 'he said "ok"', "null"]),
    "mood[]": array(st.sampled_from(["sad", "so so", "null"])),
    "pair": pair(texts),
    "pair[]": array(pair(texts)),
    "nested": pair(texts).map(lambda p: '("' + p.replace("\\", "\\\\").replace('"', '""') + '","{1,NULL}")'),
    "inet": st.tuples(st.ip_addresses(v=4).map(str), st.integers(0, 32).map(str)).map("/".join)
    | st.ip_addresses(v=6).map(str),
    "cidr": st.ip_addresses().map(str),
    "bit(12)": st.text("01", min_size=12, max_size=12),
    "varbit": st.text("01", max_size=70),
    "int4range": ranges,
    "tstzrange": st.sampled_from(
        ["[-infinity,infinity)", '["2026-01-01 00:00+00","2026-01-02 03:04:05.000006+00"]']
    ),
    "int4multirange": st.lists(ranges, max_size=3).map(lambda some: "{" + ",".join(some) + "}"),
}


@pytest.mark.parametrize("kind", VALUES)
@settings(max_examples=settings().max_examples * 2 // 5)
@given(data=st.data())
def test_a_value_survives(server: psycopg.Connection, kind: str, data: st.DataObject) -> None:
    theirs, oid = told(server, data.draw(VALUES[kind]), kind)
    ours = json.loads(json.dumps(to_json(theirs, oid), allow_nan=False))
    back, _ = told(server, read_back(ours), kind)
    assert back == theirs or (isinstance(ours, dict | list) and is_same_document(server, back, theirs))
    assert (ours is None) == (theirs is None)


@pytest.mark.parametrize("kind", VALUES)
def test_null_is_null_of_any_type(server: psycopg.Connection, kind: str) -> None:
    text, oid = told(server, None, kind)
    assert to_json(text, oid) is None


def test_void_is_an_empty_text(server: psycopg.Connection) -> None:
    result = server.execute("SELECT pg_sleep(0)").pgresult
    assert result is not None
    assert to_json(bytes(result.get_value(0, 0) or b"").decode(), result.ftype(0)) == ""
