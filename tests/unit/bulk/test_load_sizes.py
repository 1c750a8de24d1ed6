"""What is counted of rows that are loaded: the row, and an entry of each index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.loading.column_choice import choose
from awslabs_dsql_mcp.bulk.loading.insert_plan import OnConflict, plan_insert
from awslabs_dsql_mcp.bulk.loading.load_sizes import LoadSizes
from awslabs_dsql_mcp.bulk.splitting.table_info import ColumnInfo, TableInfo
from awslabs_dsql_mcp.dsql.prices import MIN_ROW_BYTES, READ_DPU, WRITE_DPU

COLUMNS = (
    ColumnInfo("id", "pg_catalog.int8", 1, is_generated=False),
    ColumnInfo("name", "pg_catalog.text", None, is_generated=False),
    ColumnInfo("note", "pg_catalog.text", None, is_generated=False),
    ColumnInfo("made", "pg_catalog.timestamptz", None, is_generated=False, has_default=True),
)


def sizes(*secondary: tuple[str, ...], on_conflict: OnConflict = "error") -> LoadSizes:
    """Sizes of rows of id, name and note."""
    table = TableInfo(
        "t", "1", "s", "t", is_table=True, columns=COLUMNS, indexes=1 + len(secondary), secondary=secondary
    )
    return LoadSizes(plan_insert(table, choose(["id", "name", "note"], None), on_conflict))


ROW = ("1", "x" * 300, "y" * 1_000)


@pytest.mark.parametrize(
    ("secondary", "written"),
    [
        ((), 8 + 300 + 1_000 + 8),
        ((("name",),), 1_316 + 308),
        ((("name",), ("id",)), 1_316 + 308 + 128),
        ((("name", "note", "made"),), 1_316 + 1_316),
    ],
)
def test_an_index_has_the_sizes_of_its_columns_and_of_the_key(
    secondary: tuple[tuple[str, ...], ...], written: int
) -> None:
    assert sizes(*secondary).work([ROW]).write == written * WRITE_DPU


@pytest.mark.parametrize(
    ("index", "gone"), [(("name",), 1), (("id", "note"), 1), (("id",), 0), (("made",), 0)]
)
def test_a_row_that_may_be_there_loses_its_entry_of_an_index_that_is_set(
    index: tuple[str, ...], gone: int
) -> None:
    new, upsert = (sizes(index, on_conflict=what).work([ROW] * 50) for what in ("error", "update"))
    assert upsert.write - new.write == pytest.approx(50 * gone * MIN_ROW_BYTES * WRITE_DPU)


def test_null_is_no_bytes_and_no_row_is_less_than_128() -> None:
    work = sizes().work([("1", None, None)] * 100)
    assert work.write == 100 * MIN_ROW_BYTES * WRITE_DPU
    assert work.read == 100 * MIN_ROW_BYTES * READ_DPU


@given(st.lists(st.tuples(st.just("1"), st.text(), st.none() | st.text()), max_size=30))
def test_indexes_add_and_never_take_away(rows: list[tuple[str, str, str | None]]) -> None:
    alone, indexed = sizes().work(rows), sizes(("name",), ("note",)).work(rows)
    assert indexed.write >= alone.write
    assert indexed.read == alone.read
