"""What must hold of handles, of keys and cuts, whatever the rows are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, decode, encode, fingerprint
from awslabs_dsql_mcp.bulk.loading.column_choice import choose
from awslabs_dsql_mcp.bulk.loading.insert_plan import plan_insert
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.bulk.splitting.keyset import Key
from awslabs_dsql_mcp.bulk.splitting.splitter import SplitStatement, split
from awslabs_dsql_mcp.bulk.splitting.table_info import ColumnInfo, TableInfo
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import RequestInvalid

PROGRESS = st.builds(
    Progress,
    st.text("0123456789abcdef", min_size=1),
    st.integers(0, 2**40),
    st.none() | st.lists(st.text()).map(tuple),
    st.integers(0, 2**60),
    st.booleans(),
)
WORK = fingerprint(["some work"])


@given(PROGRESS)
def test_a_handle_gives_back_what_it_was_made_of(progress: Progress) -> None:
    text = encode(WORK, progress)
    assert decode(f" {text}\n", WORK) == progress
    assert text.isascii()
    with pytest.raises(RequestInvalid, match="belongs to another"):
        decode(text, fingerprint(["other work"]))


@given(PROGRESS, st.data())
def test_a_damaged_handle_is_not_taken(progress: Progress, data: st.DataObject) -> None:
    text = encode(WORK, progress)
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.text(max_size=2).filter(lambda new: new != text[at]))
    damaged = text[:at] + put + text[at + 1 :]
    try:
        assert decode(damaged, WORK) == progress  # base64 ignores what is not in its alphabet
    except RequestInvalid:
        return


@given(st.text())
def test_any_text_is_a_handle_or_refused(text: str) -> None:
    with pytest.raises(RequestInvalid):
        decode(text, WORK)


NAMES = st.sampled_from(["t", "from", "where", "set", 'a "b"', "using", "é"]).map(
    lambda name: '"' + name.replace('"', '""') + '"'
)
CONDITIONS = st.sampled_from(
    [
        "",
        "WHERE a = 1",
        "WHERE a = 1 OR b = $1 -- where",
        "WHERE (a, b) = (1, 2) AND 'from' IS DISTINCT FROM b",
        "WHERE a IN (SELECT x FROM o WHERE y = $1) /* set */",
        "WHERE NOT (a BETWEEN 1 AND 2 AND true)",
    ]
)


@given(NAMES, NAMES, NAMES, CONDITIONS, st.sampled_from(["", "AS x "]))
def test_a_cut_is_a_statement_of_the_same_kind_with_the_same_parts(
    table: str, column: str, other: str, condition: str, alias: str
) -> None:
    for sql in (
        f"UPDATE {table} {alias}SET {column} = 1 IS DISTINCT FROM 2 {condition}\n;",
        f"DELETE FROM {table} {alias}{condition}",  # noqa: S608 - made up
        f"INSERT INTO target ({column}) SELECT a AS {other}, 1 AS from FROM {table} {alias}{condition}",  # noqa: S608 - made up
    ):
        parts = split(sql)
        assert isinstance(parts, SplitStatement), sql
        assert parts.clauses.condition.strip() == condition.removeprefix("WHERE").strip()
        assert parts.qualifier.removeprefix('"').removesuffix('"') == ("x" if alias else table[1:-1])


def test_the_values_of_a_cut_keep_their_places() -> None:
    parts = split("UPDATE t SET n = $1 WHERE m = $2 AND s = '$1'")
    assert isinstance(parts, SplitStatement)
    key = Key(("a", "B"), ("pg_catalog.int4", "pg_catalog.text"))
    statement = Query(parts.clauses.with_range("TRUE"), ("one", "two"))
    reading = keyset.next_range_query(statement, parts, key, ("7", "x"), 10)
    assert reading.params == ("two", "7", "x")
    assert "m = $1 AND s = '$1'" in reading.sql
    assert '(t.a, t."B") > ($2::pg_catalog.int4, $3::pg_catalog.text)' in reading.sql
    batch = keyset.batch_query(statement, parts, key, ("7", "x"), ("9", "y"))
    assert batch.params == ("one", "two", "9", "y", "7", "x")
    assert '(t.a, t."B") <= ($3::pg_catalog.int4, $4::pg_catalog.text)' in batch.sql


@given(st.integers(1, 3000), st.integers(0, 2**31), st.integers(0, 24))
def test_a_batch_fits_by_weight(rows: int, weight: int, indexes: int) -> None:
    fitting = keyset.rows_that_fit(rows, weight, indexes)
    assert 1 <= fitting <= rows
    assert fitting == 1 or weight * fitting / rows * (1 + indexes) <= 10 * 2**20


def table() -> TableInfo:
    columns = (
        ColumnInfo("id", "pg_catalog.int8", 1, is_generated=False),
        ColumnInfo("Note", "pg_catalog.text", None, is_generated=False),
        ColumnInfo("made", "pg_catalog.int4", None, is_generated=True),
    )
    return TableInfo("t", "1", "s", "t", is_table=True, columns=columns, indexes=1)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["id", "noet"], "Did you mean"),
        (["id", "ID"], "occurs twice"),
        (["made"], "accepts no value"),
    ],
)
def test_names_that_do_not_fit_are_refused(names: list[str], why: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        plan_insert(table(), choose(names, None), "error")
    assert why in f"{refused.value.message} {refused.value.hint}"


def test_an_update_needs_the_key() -> None:
    with pytest.raises(RequestInvalid, match="primary key"):
        plan_insert(table(), choose(["note"], None), "update")
    plan = plan_insert(table(), choose(["note", "id"], None), "update")
    assert plan.repeatable
    assert plan.insert([("a", "1")]).sql.endswith('ON CONFLICT (id) DO UPDATE SET "Note" = EXCLUDED."Note"')
