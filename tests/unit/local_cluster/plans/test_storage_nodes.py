"""Scans drawn with the storage below them, and everything else left as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.plans import conditions
from awslabs_dsql_mcp.local_cluster.plans.plan_text import read_plan
from awslabs_dsql_mcp.local_cluster.plans.relations import Index, Relations, Table
from awslabs_dsql_mcp.local_cluster.plans.storage_nodes import draw

T = ("public", "t")
RELATIONS = Relations(
    {
        T: [
            Index("t_pkey", is_primary=True, columns=("id",)),
            Index("by_v", is_primary=False, columns=("v", "w")),
        ]
    },
    {T: Table(1000, frozenset(("id", "v", "w", "x")))},
    joins_in_batches=True,
)


def drawn(*lines: str, verbose: bool = False, relations: Relations = RELATIONS) -> list[str]:
    plan = read_plan(lines)
    assert plan is not None
    return list(draw(plan, relations, verbose=verbose).lines())


def test_an_index_with_all_columns_is_read_alone() -> None:
    assert drawn(
        "Index Scan using by_v on public.t", "  Output: w, id", "  Index Cond: (t.v = 'a'::text)"
    ) == [
        "Index Only Scan using by_v on t",
        "  Index Cond: (v = 'a'::text)",
        "  -> Storage Scan on by_v",
        "      Projections: w, id",
        "      -> B-Tree Scan on by_v",
        "          Index Cond: (v = 'a'::text)",
    ]


def test_filters_stand_where_their_columns_are() -> None:
    figures = "(cost=0.1..8.2 rows=3 width=8) (actual time=0.100..0.200 rows=3 loops=1)"
    assert drawn(
        f"Index Scan using by_v on public.t  {figures}",
        "  Output: x",
        "  Index Cond: (t.v = 'a'::text)",
        "  Filter: ((t.w = 'b'::text) AND (t.x IS NOT NULL))",
        "  Rows Removed by Filter: 4",
    ) == [
        f"Index Scan using by_v on t  {figures}",
        "  Index Cond: (v = 'a'::text)",
        "  -> Storage Scan on by_v  (cost=0.1..8.2 rows=3 width=8 loops=1) (actual rows=7 loops=1)",
        "      Filters: (w = 'b'::text)",
        "      Rows Filtered: 0",
        "      -> B-Tree Scan on by_v  (cost=0.1..8.2 rows=3 width=8 loops=1) (actual rows=7 loops=1)",
        "          Index Cond: (v = 'a'::text)",
        "  -> Storage Lookup on t  (cost=0.1..8.2 rows=3 width=8 loops=1) (actual rows=3 loops=1)",
        "      Projections: x",
        "      Filters: (x IS NOT NULL)",
        "      Rows Filtered: 4",
        "      -> B-Tree Lookup on t  (cost=0.1..8.2 rows=3 width=8 loops=1) (actual rows=7 loops=1)",
    ]


def test_a_node_that_never_ran_has_a_storage_that_never_ran() -> None:
    lines = drawn("Seq Scan on public.t  (cost=0.0..1.0 rows=1 width=4) (never executed)", "  Output: id")
    assert lines[0].endswith(" (never executed)")
    assert lines[1] == "  -> Storage Scan on t_pkey  (cost=0.0..1.0 rows=1 width=4 loops=1) (never executed)"


def test_subqueries_stay_behind_the_storage() -> None:
    lines = drawn(
        "Seq Scan on public.t",
        "  Output: t.id, (SubPlan 1)",
        "  SubPlan 1",
        "    ->  Function Scan on pg_catalog.generate_series g",
        "          Output: t.x",
        "          Function Call: generate_series(1, 3)",
    )
    assert lines[1:4] == [
        "  -> Storage Scan on t_pkey",
        "      Projections: id, x",
        "      -> B-Tree Scan on t_pkey",
    ]
    assert lines[4:] == ["  SubPlan 1", "    ->  Function Scan on generate_series g"]


@pytest.mark.parametrize("verbose", [False, True])
def test_catalogs_functions_and_results_are_left(*, verbose: bool) -> None:
    lines = [
        "Hash Join",
        "  Hash Cond: (c.oid = g.g)",
        "  ->  Seq Scan on pg_catalog.pg_class c",
        "  ->  Hash",
        "        ->  Function Scan on pg_catalog.generate_series g",
    ]
    shown = [line.replace("pg_catalog.", "") for line in lines]
    assert drawn(*lines, verbose=verbose) == (lines if verbose else shown)


@pytest.mark.parametrize(
    ("condition", "is_decided"),
    [
        ("(t.v = 'a'::text)", True),
        ("((t.v)::text = 'it''s'::text)", True),
        ("((t.v)::character varying <> 'a'::text)", True),
        ("(t.x > 3)", True),
        ("(t.at >= '2025-01-01 00:00:00'::timestamp without time zone)", True),
        ("(t.v IS NULL)", True),
        ("t.done", True),
        ("(NOT t.done)", True),
        ("(t.x = $1)", True),
        ("(t.n > '100'::numeric)", False),
        ("(t.n > 100.5)", False),
        ("(t.v ~~ 'a%'::text)", False),
        ("(t.x = t.y)", False),
        ("(lower(t.v) = 'a'::text)", False),
        ("(ROW(t.v, t.x) > ROW('a'::text, 1))", False),
        ("(t.x = ANY ('{1,2}'::integer[]))", False),
        ("(u.x = 3)", False),
        ("(1 = 2)", False),
    ],
)
def test_the_storage_decides_simple_comparisons(condition: str, *, is_decided: bool) -> None:
    assert conditions.is_decided_by_storage(condition, "t") is is_decided


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("(t.a = 1)", ["(t.a = 1)"]),
        ("((t.a = 1) AND (t.b = ' AND '::text) AND t.c)", ["(t.a = 1)", "(t.b = ' AND '::text)", "t.c"]),
        ("((t.a = 1) OR ((t.b = 2) AND t.c))", ["((t.a = 1) OR ((t.b = 2) AND t.c))"]),
        ("t.a", ["t.a"]),
        ("(t.\" AND \" AND (t.b = ')'::text))", ['t." AND "', "(t.b = ')'::text)"]),
    ],
)
def test_a_condition_comes_apart_at_its_outermost_ands(condition: str, parts: list[str]) -> None:
    assert conditions.conjuncts(condition) == parts
    assert conditions.all_of(parts) == condition


_NAMES = st.sampled_from(
    [
        "Seq Scan on public.t",
        "Index Scan using by_v on public.t a",
        "Nested Loop",
        "Sort",
        'Seq Scan on s."T x" "y""z"',
    ]
)
_FIGURES = st.sampled_from(
    ["", "  (cost=0.1..2.0 rows=3 width=4)", "  (cost=0.1..2.0 rows=3 width=4) (never executed)"]
)
_DETAILS = st.sampled_from(
    [
        "Output: t.id",
        "Filter: (t.v = 'a",
        "->  x'::text)",
        "Filter: ((",
        "Index Cond: (a.v = t.w)",
        "SubPlan 1",
        "",
    ]
) | st.text(max_size=20)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans(), _NAMES, _FIGURES, _DETAILS), max_size=12),
    st.booleans(),
)
def test_whatever_the_lines_are_a_plan_is_drawn(
    parts: list[tuple[int, bool, str, str, str]],
    verbose: bool,  # noqa: FBT001
) -> None:
    lines = ["Sort"]
    for depth, is_node, name, figures, detail in parts:
        lines.append(" " * (2 + 6 * depth) + (f"->  {name}{figures}" if is_node else detail))
    plan = read_plan(lines)
    assert plan is not None
    assert "".join("".join(plan.lines()).split()) == "".join("".join(lines).split())
    assert draw(plan, RELATIONS, verbose=verbose).nodes[0].name == "Sort"


def test_a_plan_of_many_levels_is_drawn() -> None:
    lines = [" " * 6 * depth + ("->  " if depth else "") + "Sort" for depth in range(3000)]
    assert len(drawn(*[line.replace(" " * 6, " " * 2) for line in lines])) == 3000
