"""The simulated DPU estimate follows the plan's rows and costs, not the time that a run took."""

from awslabs_dsql_mcp.local_cluster.session.dpu_estimate import HEADING, lines

SCAN = (
    "Seq Scan on public.t  (cost=0.00..{cost} rows=5 width=36) (actual time={time} rows={rows} loops=1)",
    "  Output: id, v",
    "  Filter: (t.v = 'x'::text)",
    "  Rows Removed by Filter: {removed}",
)


def scan(time: str = "0.010..0.012", rows: int = 5, removed: int = 0, cost: str = "22.70") -> list[str]:
    return [line.format(time=time, rows=rows, removed=removed, cost=cost) for line in SCAN]


def amounts(plan: list[str], *, writes: bool = False) -> dict[str, float]:
    written = lines(plan, writes=writes)
    assert written[0] == HEADING
    return {line.split(":")[0].strip(): float(line.split()[1]) for line in written[1:]}


def test_the_same_plan_gives_the_same_figure_however_long_it_took() -> None:
    assert lines(scan("0.010..0.012"), writes=False) == lines(scan("99.010..123.456"), writes=False)


def test_more_rows_read_cost_more_and_the_total_is_the_sum() -> None:
    few, many = amounts(scan(rows=5)), amounts(scan(rows=5, removed=100_000))
    assert few["Read"] == 0.00375  # the least of a transaction: 2,048 bytes
    assert many["Read"] > 1000 * few["Read"]
    assert many["Total"] == round(many["Compute"] + many["Read"] + many["Write"], 5)
    assert few["Write"] == 0


def test_a_change_costs_what_it_writes() -> None:
    insert = [
        "Insert on public.t  (cost=0.00..0.01 rows=0 width=0) (actual time=0.1..0.1 rows=0 loops=1)",
        "  ->  Result  (cost=0.00..0.01 rows=1 width=36) (actual time=0.1..0.1 rows=1 loops=1)",
    ]
    assert amounts(insert, writes=True)["Write"] == 0.05
    insert[1] = insert[1].replace("rows=1 loops", "rows=1000 loops")
    assert amounts(insert, writes=True)["Write"] == round(128_000 * 0.00004883, 5)
    assert lines(insert, writes=True)[3].endswith(" DPU (Transaction minimum: 0.05000)")
