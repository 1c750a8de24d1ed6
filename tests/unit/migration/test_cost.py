"""What the steps of a migration cost, by the script and what is estimated of the tables that are there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.catalog.estimates import TableEstimate
from awslabs_dsql_mcp.dsql.dpu import transaction
from awslabs_dsql_mcp.dsql.prices import MIN_ROW_BYTES, READ_DPU, WRITE_DPU
from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.cost import PlanCost, plan_cost, tables_before
from awslabs_dsql_mcp.migration.plan import MigrationPlan

ROW, READ = MIN_ROW_BYTES * WRITE_DPU, MIN_ROW_BYTES * READ_DPU
DDL = transaction(1, 1)
TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text);"
BIG = {("public", "t"): TableEstimate(1_000_000.0, {"id": 4.0, "name": 60.0}, (frozenset({"name"}),) * 2)}


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def insert(count: int) -> str:
    """An INSERT of so many small rows."""
    values = ", ".join(f"({n}, 'n')" for n in range(count))
    return f"INSERT INTO t (id, name) VALUES {values};"  # noqa: S608 - a script, which nothing runs


def rows(script: str, first: int = 1) -> PlanCost:
    """The cost of a script on an empty cluster."""
    return plan_cost(planned(script), {}, first)


@pytest.mark.parametrize(
    ("more", "entries"),
    [
        ("", 1),
        ("CREATE INDEX i ON t (name);", 2),
        ("ALTER TABLE t ADD CONSTRAINT u UNIQUE (name);", 2),
    ],
)
@pytest.mark.parametrize("is_before", [True, False])
def test_an_index_costs_an_entry_a_row_before_the_rows_as_behind_them(
    more: str, entries: int, *, is_before: bool
) -> None:
    load = insert(2_500)
    script = f"{TABLE}{more}{load}" if is_before else f"{TABLE}{load}{more}"
    found = rows(script)
    assert found.work.write == pytest.approx(2_500 * entries * ROW, rel=0.02)
    assert not found.uncounted
    assert not found.at_most


def test_inserts_of_one_row_each_count_with_their_own_size() -> None:
    script = TABLE + insert(1) * 49 + insert(1).replace("'n'", f"'{'x' * 5_000}'")
    expected = DDL.write + WRITE_DPU * (49 * MIN_ROW_BYTES + 5_010)
    assert rows(script).work.write == pytest.approx(expected, rel=0.01)


def test_only_the_steps_that_are_left_count() -> None:
    script = f"{TABLE}{insert(900)}CREATE INDEX i ON t (name);"
    plan = planned(script)
    assert len(plan.steps) == 3
    whole, last, none = (plan_cost(plan, {}, first).work for first in (1, 3, 4))
    assert last.write == pytest.approx(900 * ROW + DDL.write, rel=0.001)
    assert whole.write > last.write > none.write == 0


def test_tables_that_are_there_are_asked_for_and_those_that_are_made_are_not() -> None:
    script = TABLE + insert(1) + "CREATE INDEX i ON shop.u (a); UPDATE v SET a = 1 WHERE b;"  # noqa: S608 - a script
    assert tables_before(planned(script)) == [("shop", "u"), ("public", "v")]


def test_an_index_over_a_table_that_is_there_reads_and_writes_all_of_it() -> None:
    found = plan_cost(planned("CREATE INDEX i ON t (name)"), BIG)
    assert found.work.write == pytest.approx(1_000_000 * ROW, rel=0.001)
    assert found.work.read == pytest.approx(1_000_000 * READ, rel=0.001)
    assert not found.uncounted


@pytest.mark.parametrize(
    ("sql", "entries"),
    [
        ("UPDATE t SET name = 'x' WHERE id > 5", 1 + 2 * 2),
        ("DELETE FROM t WHERE id > 5", 1 + 2),
        ("INSERT INTO t SELECT id + 1, name FROM t WHERE id > 5", 1 + 2),
    ],
)
def test_a_change_of_unknown_size_counts_with_the_3_000_rows_of_a_transaction(sql: str, entries: int) -> None:
    found = plan_cost(planned(sql), BIG)
    assert found.at_most == 1
    assert "up to 3,000 rows" in found.note
    assert found.work.write == pytest.approx(3_000 * entries * ROW, rel=0.001)
    assert found.work.read >= 1_000_000 * READ


def test_a_change_of_a_small_table_has_no_more_rows_than_the_table() -> None:
    small = {("public", "t"): TableEstimate(10.0)}
    found = plan_cost(planned("UPDATE t SET name = 'x' WHERE id > 5"), small)
    assert found.work.write == pytest.approx(10 * ROW)


@pytest.mark.parametrize(
    ("script", "named", "remedy"),
    [
        ("CREATE INDEX i ON nowhere (a)", "the rows of public.nowhere", "ANALYZE public.nowhere"),
        ("DELETE FROM nowhere WHERE a = 1", "the rows of public.nowhere", "ANALYZE public.nowhere"),
        ("SELECT own()", "own()", "leave out the calls of functions"),
    ],
)
def test_what_nobody_knows_the_size_of_is_named(script: str, named: str, remedy: str) -> None:
    found = rows(script)
    assert found.uncounted == f"{named} in step 1"
    assert found.remedy.endswith(remedy)


def test_a_row_that_may_be_set_counts_two_entries_of_each_index() -> None:
    load = f"{insert(100).rstrip(';')} ON CONFLICT (id) DO UPDATE SET name = 'x'"
    found = plan_cost(planned(load), BIG)
    assert found.work.write == pytest.approx(100 * (1 + 2 * 2) * ROW, rel=0.02)


def test_an_index_that_includes_wide_columns_counts_their_bytes() -> None:
    wide = {("public", "t"): TableEstimate(1_000.0, {"id": 4.0, "name": 60.0, "note": 700.0})}
    found = plan_cost(planned("CREATE INDEX i ON t (name) INCLUDE (note)"), wide)
    assert found.work.write == pytest.approx(1_000 * 760 * WRITE_DPU, rel=0.01)


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        (insert(100), 100 * 704),
        ("UPDATE t SET note = 'x' WHERE id > 5", 100 * (704 + MIN_ROW_BYTES)),
        ("DELETE FROM t WHERE id > 5", 100 * MIN_ROW_BYTES),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_rows_of_a_table_with_a_wide_index_count_its_bytes(sql: str, written: int, *, is_there: bool) -> None:
    widths = {"id": 4.0, "name": 60.0, "note": 700.0}
    index = frozenset({"id", "note"})
    known = {("public", "t"): TableEstimate(100.0, widths, (index,) if is_there else ())}
    plan = planned(sql if is_there else f"CREATE INDEX i ON t (id, note); {sql}")
    last = plan_cost(plan, known, len(plan.steps)).work.write
    without = plan_cost(planned(sql), {("public", "t"): TableEstimate(100.0, widths)}).work.write
    assert last - without == pytest.approx(written * WRITE_DPU)


def test_many_such_steps_are_counted() -> None:
    found = rows("".join(f"CREATE INDEX i{n} ON t{n} (a);" for n in range(9)))
    assert found.uncounted.endswith("in steps 1, 2, 3 and 6 more")


@given(st.integers(1, 40), st.integers(1, 40))
def test_what_is_done_and_what_is_left_are_the_whole(count: int, first: int) -> None:
    script = "".join(f"CREATE TABLE t{n} (id int PRIMARY KEY);" for n in range(count))
    plan = planned(script)
    left = plan_cost(plan, {}, first).work.write
    assert left == pytest.approx(max(0, count - first + 1) * DDL.write)
