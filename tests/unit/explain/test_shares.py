"""What each node of a plan does itself."""

import pytest

from awslabs_dsql_mcp.explain.plan import parse_plan
from awslabs_dsql_mcp.explain.plan_view import plan_view
from awslabs_dsql_mcp.explain.shares import shares
from unit.explain.test_plan import ANALYZED, BATCHED, FULL_SCAN, LOOKUPS


def test_what_the_storage_does_belongs_to_the_scan_above_it() -> None:
    for text in (FULL_SCAN, ANALYZED):
        assert shares(parse_plan(text)) == [1, None, None]


def test_times_of_all_loops_count_where_a_plan_was_run() -> None:
    join, customers, orders, *storage = shares(parse_plan(LOOKUPS.format(count=40)))
    # 900 ms in all, of which 1 ms and 500 times 1.7 ms below.
    assert [join, customers, orders] == [pytest.approx(part / 900) for part in (49, 1, 850)]
    assert storage == [None, None]


def test_costs_count_where_it_was_not() -> None:
    join, cte, scan, *_ = shares(parse_plan(BATCHED))
    assert join == pytest.approx((193.40 - 1.28 - 177.14) / 193.40)
    assert cte == pytest.approx(1.28 / 193.40)
    assert scan == pytest.approx(177.14 / 193.40)


def test_a_child_that_a_limit_cuts_short_has_no_negative_parent() -> None:
    text = "Limit  (cost=0.00..1.00 rows=1 width=4)\n  ->  Seq Scan on t  (cost=0.00..99.00 rows=99 width=4)"
    assert shares(parse_plan(text)) == [0, 1]


@pytest.mark.parametrize("cost", ["...", "1.2.3", "0.00", "9" * 400])
def test_any_text_gives_a_plan_that_can_be_drawn(cost: str) -> None:
    view = plan_view(parse_plan(f"Seq Scan on t  (cost=0.00..{cost} rows=1 width=4)"), (), (), "")
    assert isinstance(view["nodes"], list)


def test_a_statement_is_apart_from_what_is_said_of_it() -> None:
    advice = ("CREATE INDEX ASYNC i ON t (c) -- makes writes cost more; INCLUDE x", "none for t: all match.")
    assert plan_view(parse_plan(""), (), advice, "")["advice"] == [
        {"statement": "CREATE INDEX ASYNC i ON t (c)", "remark": "makes writes cost more; INCLUDE x"},
        {"remark": "none for t: all match."},
    ]
