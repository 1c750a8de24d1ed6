"""The simulated DPU estimate follows the plan's rows, not the time that a run took."""

import pytest

from awslabs_dsql_mcp.local_cluster.plans.dpu_estimate import HEADING, estimate
from awslabs_dsql_mcp.local_cluster.plans.plan_text import read_plan
from awslabs_dsql_mcp.local_cluster.plans.relations import NONE, Index, Relations

SCAN = (
    "Seq Scan on public.t  (cost=0.00..{cost} rows=5 width=36) (actual time={time} rows={rows} loops=1)",
    "  Output: id, v",
    "  Filter: (t.v = 'x'::text)",
    "  Rows Removed by Filter: {removed}",
)
INSERT = [
    "Insert on public.t  (cost=0.00..0.01 rows=0 width=0) (actual time=0.1..0.1 rows=0 loops=1)",
    "  ->  Result  (cost=0.00..0.01 rows=1 width=36) (actual time=0.1..0.1 rows=1 loops=1)",
]


def scan(time: str = "0.010..0.012", rows: int = 5, removed: int = 0, cost: str = "22.70") -> list[str]:
    return [line.format(time=time, rows=rows, removed=removed, cost=cost) for line in SCAN]


def lines(plan: list[str], relations: Relations = NONE, *, writes: bool = False) -> list[str]:
    read = read_plan(plan)
    assert read is not None
    return list(estimate(read, relations, writes=writes))


def amounts(plan: list[str], relations: Relations = NONE, *, writes: bool = False) -> dict[str, float]:
    written = lines(plan, relations, writes=writes)
    assert written[0] == HEADING == "Statement DPU Estimate:"
    return {line.split(":")[0].strip(): float(line.split()[1]) for line in written[1:]}


def test_neither_time_nor_cost_is_in_the_figure() -> None:
    assert lines(scan("0.010..0.012")) == lines(scan("99.010..123.456", cost="99999.70"))


def test_more_rows_read_cost_more_and_the_total_is_the_sum() -> None:
    few, many = amounts(scan(rows=5)), amounts(scan(rows=5, removed=100_000))
    assert few["Read"] == 0.00375  # the least of a transaction: 2,048 bytes
    assert many["Read"] > 1000 * few["Read"]
    assert many["Total"] == pytest.approx(many["Compute"] + many["Read"] + many["Write"], abs=0.00002)
    assert few["Write"] == 0


def test_a_change_costs_what_it_writes() -> None:
    assert amounts(INSERT, writes=True)["Write"] == 0.05
    many = [INSERT[0], INSERT[1].replace("rows=1 loops", "rows=1000 loops")]
    assert amounts(many, writes=True)["Write"] == round(128_000 * 0.00004883, 5)
    assert lines(many, writes=True)[3].endswith(" DPU (Transaction minimum: 0.05000)")


def test_a_row_that_comes_is_written_to_each_index() -> None:
    indexes = [Index("t_pkey", True, ("id",)), Index("a", False, ("v",)), Index("b", False, ("v",))]  # noqa: FBT003
    relations = Relations({("public", "t"): indexes}, {}, joins_in_batches=True)
    many = [INSERT[0], INSERT[1].replace("rows=1 loops", "rows=1000 loops")]
    assert amounts(many, relations, writes=True)["Write"] == round(3 * 128_000 * 0.00004883, 5)
    update = [many[0].replace("Insert", "Update"), many[1]]
    assert amounts(update, relations, writes=True)["Write"] == round(128_000 * 0.00004883, 5)
