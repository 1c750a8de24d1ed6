"""DPUs by day as a view draws them: what has no figure is no 0."""

from datetime import date
from typing import Any

from awslabs_dsql_mcp.views.status import dpu_chart

ONE, TWO = date(2026, 2, 27), date(2026, 2, 28)
FOUR = date(2026, 3, 2)


def test_days_without_figures_stand_between_the_others() -> None:
    chart = dpu_chart([("Read", {ONE: 2.0, FOUR: 0.0}), ("Write", {ONE: 1.0})])
    assert chart is not None
    assert chart["parts"] == ["Read", "Write"]
    assert chart["days"] == [
        ("2026-02-27", 3.0, [2.0, 1.0]),
        ("2026-02-28", None, [None, None]),
        ("2026-03-01", None, [None, None]),
        ("2026-03-02", 0.0, [0.0, None]),
    ]
    figures: Any = chart["figures"]
    assert figures["heads"] == ("Day, in UTC", "DPU", "Read", "Write")
    assert figures["lines"][1:4:2] == [
        ["2026-02-28", "no figure", "no figure", "no figure"],
        ["2026-03-02", "0", "0", "no figure"],
    ]


def test_a_day_has_its_own_total_and_its_cost_where_they_are_known() -> None:
    chart = dpu_chart([("Read", {ONE: 2.0, TWO: 1.0})], {ONE: 5.0}, lambda dpu: f"${dpu}")
    assert chart is not None
    figures: Any = chart["figures"]
    assert figures["heads"] == ("Day, in UTC", "DPU", "Read", "Cost")
    assert figures["lines"] == [["2026-02-27", "5", "2", "$5.0"], ["2026-02-28", "1", "1", "$1.0"]]


def test_without_any_figure_there_is_no_chart() -> None:
    assert dpu_chart([("Read", {})]) is None
