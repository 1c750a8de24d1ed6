"""Ranges of keys of all types, as PostgreSQL takes them: together they are all rows, and none twice."""

from collections.abc import Iterator, Sequence

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.bulk.splitting.keyset import Key, Position
from awslabs_dsql_mcp.bulk.splitting.splitter import SplitStatement, split
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query

TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
) | st.sampled_from(["", "0", " ", "''", "\\", '"', "NULL", "infinity", "\U0001f600", "é"])
NUMBERS = st.sampled_from(["NaN", "Infinity", "-Infinity", "-0", "0", "1.10", "1.1", "1e-300", "-1e300"])
TIMES = st.sampled_from(["infinity", "-infinity", "4713-01-01 BC", "0001-01-01", "2024-02-29", "1999-12-31"])
CLOCKED = TIMES | st.datetimes().map(str)
KEYS: dict[str, st.SearchStrategy[str]] = {
    "text": TEXTS,
    "varchar": TEXTS,
    "bpchar": TEXTS,
    "int2": st.integers(-(2**15), 2**15 - 1).map(str),
    "int8": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": NUMBERS
    | st.decimals(allow_nan=False, allow_infinity=False)
    .map("{:f}".format)
    .filter(lambda text: len(text) < 1000),
    "float8": st.floats(allow_nan=True).map(repr) | st.sampled_from(["NaN", "Infinity", "-0", "5e-324"]),
    "bool": st.sampled_from(["t", "f"]),
    "uuid": st.uuids().map(str),
    "date": TIMES | st.dates().map(str),
    "timestamp": CLOCKED,
    "timestamptz": CLOCKED,
    "time": st.times().map(str),
    "interval": st.sampled_from(["1 mon", "30 days", "720:00:00", "-1 day 2:03:04.000005", "0"]),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """Types of a key, and rows of it."""
    types = draw(st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=3))
    return types, draw(st.lists(st.tuples(*(KEYS[kind] for kind in types)).map(list), max_size=12))


@pytest.fixture(scope="module")
def session(postgres16: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        yield connection


def run(session: psycopg.Connection, query: Query) -> Result:
    """Run a query as the server does: values as text, of types that PostgreSQL infers."""
    params = [str(value).encode() for value in query.params]
    result = session.pgconn.exec_params(query.sql.encode(), params)
    assert not result.error_message, (query, result.error_message)
    cells = [[result.get_value(row, at) for at in range(result.nfields)] for row in range(result.ntuples)]
    rows = tuple(tuple(None if cell is None else bytes(cell).decode() for cell in row) for row in cells)
    return Result("", result.command_tuples, rows=rows)


@example((["text"], [[""], ["0"]]), 1)
@example((["text", "numeric"], [["", "NaN"], ["", "-0"], ["a", "NaN"]]), 1)
@given(tables(), st.integers(1, 4))
def test_all_rows_are_in_one_range_each(
    session: psycopg.Connection, table: tuple[list[str], list[list[str]]], size: int
) -> None:
    types, rows = table
    stored = fill(session, types, rows)
    key = Key(tuple(f"c{n}" for n in range(len(types))), tuple(f"pg_catalog.{kind}" for kind in types))
    statement = Query("UPDATE k SET n = n + 1")
    parts = split(statement.sql)
    assert isinstance(parts, SplitStatement)
    after: Position | None = None
    counts: list[int] = []
    while found := keyset.parse_range(
        run(session, keyset.next_range_query(statement, parts, key, after, size))
    ):
        batch = keyset.batch_query(statement, parts, key, after, found.last_key)
        counts.append(run(session, batch).rows_affected or 0)
        assert counts[-1] == found.rows <= size
        assert found.last == (sum(counts) == stored)
        after = found.last_key
    assert run(session, Query("SELECT count(*) FROM k WHERE n = 1")).rows == ((str(stored),),)
    assert sum(counts) == stored


def fill(session: psycopg.Connection, types: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Make the table ``k``; return the number of its rows, which is less if some keys are equal."""
    columns = [f"c{n}" for n in range(len(types))]
    made = ", ".join(f"{column} {kind}" for column, kind in zip(columns, types, strict=True))
    run(session, Query("DROP TABLE IF EXISTS k"))
    run(session, Query(f"CREATE TABLE k ({made}, n int DEFAULT 0, PRIMARY KEY ({', '.join(columns)}))"))
    places = ", ".join(f"${n}" for n in range(1, len(types) + 1))
    insert = f"INSERT INTO k VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608 - placeholders
    return sum(run(session, Query(insert, tuple(row))).rows_affected or 0 for row in rows)
