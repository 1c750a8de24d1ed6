"""Plans as Aurora DSQL and PostgreSQL write them: what is read of them, what is said of them."""

import pytest

from awslabs_dsql_mcp.catalog.model import Column, Constraint, Index, Table
from awslabs_dsql_mcp.dsql.prices import Price
from awslabs_dsql_mcp.explain.findings import dpu_text, findings
from awslabs_dsql_mcp.explain.index_advisor import advise, candidates
from awslabs_dsql_mcp.explain.plan import Dpu, parse_plan, without_noise
from awslabs_dsql_mcp.explain.predicates import PredicateColumns, predicate_columns
from awslabs_dsql_mcp.sql.identifiers import TableName

# Both are examples of the Aurora DSQL user guide, "Reading EXPLAIN plans" and "Understanding DPUs".
FULL_SCAN = """\
 Full Scan (btree-table) on transaction  (cost=125100.05..177933.38 rows=33333 width=16)
   Filter: (description ~~ '%external%'::text)
   -> Storage Scan on transaction (cost=12510.05..17793.38 rows=66666 width=16)
        Projections: account_id, description
        Filters: (transaction_date > '2025-01-01 00:00:00'::timestamp without time zone)
        -> B-Tree Scan on transaction (cost=12510.05..17793.38 rows=100000 width=30)
"""
ANALYZED = """\
Index Only Scan using test_table_pkey on public.test_table  (cost=125100.05..171100.05 rows=1000000 width=36)\
 (actual time=2.973..4.482 rows=120 loops=1)
  Output: id, context
  -> Storage Scan on test_table_pkey (cost=125100.05..171100.05 rows=1000000 width=36)\
 (actual rows=120 loops=1)
      Projections: id, context
      -> B-Tree Scan on test_table_pkey (cost=125100.05..171100.05 rows=1000000 width=36)\
 (actual rows=120 loops=1)
Query Identifier: qymgw1m77maoe
Planning Time: 11.415 ms
Execution Time: 4.528 ms
Statement DPU Estimate:
  Compute: 0.01607 DPU
  Read: 0.04312 DPU (Transaction minimum: 0.00375)
  Write: 0.00000 DPU (Transaction minimum: 0.05000)
  Total: 0.05919 DPU
"""
LOOKUPS = """\
Nested Loop  (cost=1.00..9000.00 rows=20000 width=40) (actual time=1.0..900.0 rows=20000 loops=1)
  ->  Seq Scan on shop.customers c  (cost=0.00..9.00 rows=500 width=8) (actual time=0.1..1.0 rows=500 loops=1)
  ->  Index Scan using orders_customer on shop.orders o  (cost=1.00..9.00 rows=40 width=40)\
 (actual time=0.5..1.7 rows=40 loops=500)
        Index Cond: (o.customer_id = c.id)
        -> Storage Lookup on shop.orders o (cost=1.00..9.00 rows=40 width=40) (actual rows={count} loops=500)
            Projections: total
            -> B-Tree Lookup on shop.orders o (cost=1.00..9.00 rows=40 width=40) (actual rows=40 loops=500)
"""

# As clusters write it since the middle of 2026: the storage's costs have their loops.
BATCHED = """\
Nested Loop (Batched Join)  (cost=171.03..193.40 rows=64 width=402)
  Recheck Cond: (id = c.id)
  ->  CTE Scan on c  (cost=0.00..1.28 rows=64 width=26)
  ->  Index Only Scan using t_pkey on t i  (cost=171.03..177.14 rows=64 width=376)
        Index Cond: (id = c.id)
        -> Storage Scan on t_pkey  (cost=171.03..177.14 rows=64 width=376 loops=1)
            Projections: id, v
            -> B-Tree Scan on t_pkey  (cost=171.03..177.14 rows=64 width=376 loops=1)
                Index Cond: (id = c.id)
"""


def test_costs_of_the_storage_may_have_loops() -> None:
    plan = parse_plan(BATCHED)
    assert [node.kind for node in plan.nodes][2:] == ["Index Only Scan", "Storage Scan", "B-Tree Scan"]
    assert [node.estimated for node in plan.nodes] == [64] * 5
    assert plan.nodes[3].relation == "t_pkey"


def test_aurora_dsqls_nodes_are_read_with_their_details() -> None:
    plan = parse_plan(FULL_SCAN)
    assert [node.kind for node in plan.nodes] == ["Full Scan (btree-table)", "Storage Scan", "B-Tree Scan"]
    assert [node.parent for node in plan.nodes] == [None, 0, 1]
    assert [node.estimated for node in plan.nodes] == [33333, 66666, 100000]
    assert plan.nodes[1].details["Projections"] == "account_id, description"
    assert {node.relation for node in plan.nodes} == {"transaction"}
    assert [node.actual for node in plan.nodes] == [None, None, None]


def test_what_a_full_scan_drops_is_said_and_where() -> None:
    whole, dropped = findings(parse_plan(FULL_SCAN))
    assert whole == "Full Scan (btree-table) would read all of transaction: 100,000 rows (estimated)."
    assert dropped.startswith(
        "transaction: filters would drop 66,667 rows of 100,000 read (66 %, estimated), some of them only "
    )
    assert dropped.endswith("after leaving storage (Filter).")


READ_FOR_ANOTHER = """\
{above}  (cost=1.00..9.00 rows={rows} width=8){run}
  Filter: (n > '-1'::integer)
  ->  Full Scan (btree-table) on b1  (cost=1.00..9.00 rows=1072 width=8){run}
        ->  Storage Scan on b1  (cost=1.00..9.00 rows=1072 width=8){run}
              Filters: (g = 2)
              Rows Filtered: 6428
              ->  B-Tree Scan on b1  (cost=1.00..9.00 rows=7500 width=8){whole}
"""


@pytest.mark.parametrize(
    "above", ["Insert on b4", "Update on b1", "Delete on b1", "CTE Scan on x", "Subquery Scan on y"]
)
@pytest.mark.parametrize("is_run", [True, False])
def test_what_is_read_for_another_node_is_told_of_the_scan_alone(above: str, *, is_run: bool) -> None:
    run, whole = (f" (actual time=1.0..2.0 rows={rows} loops=1)" if is_run else "" for rows in (1072, 7500))
    rows = 1072 if "Scan" in above else 0
    told = findings(parse_plan(READ_FOR_ANOTHER.format(above=above, rows=rows, run=run, whole=whole)))
    dropped = [one for one in told if "filters" in one]
    assert len(dropped) == 1
    assert dropped[0].startswith("b1: filters ")
    assert "6,428 rows of 7,500" in dropped[0]


def test_an_analyzed_plan_gives_real_rows_and_dpus() -> None:
    plan = parse_plan(ANALYZED)
    assert all(node.actual is not None for node in plan.nodes)
    assert (plan.nodes[0].index, plan.nodes[0].relation) == ("test_table_pkey", "public.test_table")
    assert plan.nodes[-1].details == {}  # what stands behind the nodes is of the whole plan
    assert plan.dpus == (
        Dpu("Compute", 0.01607, None),
        Dpu("Read", 0.04312, 0.00375),
        Dpu("Write", 0.0, 0.05),
        Dpu("Total", 0.05919, None),
    )
    assert "Read 0.04312 (at least 0.00375 a transaction)" in dpu_text(plan.dpus)
    assert dpu_text(plan.dpus).endswith("A million runs, each a transaction: 59,190 DPU.")
    priced = dpu_text(plan.dpus, Price("us-east-1", 8.0, 0.33, "2026-04"))
    assert "59,190 DPU, $0.47 at $8.00 a million (us-east-1, 2026-04)." in priced


def test_a_run_costs_no_less_than_a_transaction() -> None:
    dpus = (Dpu("Compute", 0.001, None), Dpu("Read", 0.0001, 0.00375), Dpu("Write", 0.0, 0.05))
    assert "A million runs, each a transaction: 4,750 DPU." in dpu_text(dpus)


def test_findings_of_an_analyzed_plan() -> None:
    plan = parse_plan(ANALYZED)
    said = findings(plan)
    assert said[0] == "Index Only Scan reads all of public.test_table: 120 rows."
    assert "estimated 1,000,000 rows, found 120 rows (8,333 times off, severe)" in said[1]


def test_estimates_of_a_handful_of_rows_are_no_finding() -> None:
    few = ANALYZED.replace("rows=1000000", "rows=3").replace("rows=120 ", "rows=20 ")
    assert few != ANALYZED
    assert not any("times off" in said for said in findings(parse_plan(few)))


def test_what_is_told_in_words_is_not_shown() -> None:
    text = without_noise(ANALYZED)
    assert "Execution Time: 4.528 ms" in text
    assert not any(word in text for word in ("Output", "DPU", "Query Identifier"))


@pytest.mark.parametrize("count", [40, 9_999_999_999_999])
def test_lookups_are_counted_over_the_loops_and_absurd_counts_are_not_believed(count: int) -> None:
    said = findings(parse_plan(LOOKUPS.format(count=count)))
    assert (
        "shop.orders: 20,000 rows looked up in storage one by one after index orders_customer;"
        " INCLUDE (total) in the index to avoid this; over 10,000 are slow: narrow the outer side, or"
        " use a hash join."
    ) in said


def test_lookups_of_a_plan_that_was_not_run_are_estimated() -> None:
    plan = "\n".join(line.split(" (actual")[0] for line in LOOKUPS.format(count=40).splitlines())
    assert any("20,000 rows to be looked up (estimated)" in text for text in findings(parse_plan(plan)))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            "((status = 'open'::text) AND (total > '10'::numeric) AND (lower(name) = 'x'::text))",
            PredicateColumns(("status",), ("total",), ("name",)),
        ),
        ("((o.status)::text = ANY ('{a,b}'::text[]))", PredicateColumns(("status",))),
        ("('x'::text = (o.status)::text)", PredicateColumns(("status",))),
        ("((date)::date = '2026-01-01'::date)", PredicateColumns(other=("date",))),
        ("(parent IS NULL)", PredicateColumns(("parent",))),
        ("((a = 1) OR (b = 2))", PredicateColumns(other=("a", "b"))),
        ("(t.a = t.b)", PredicateColumns(other=("a", "b"))),
        ("(NOT (hashed SubPlan 1))", PredicateColumns()),
        ("'", PredicateColumns()),
        ("a = 1; DROP TABLE t", PredicateColumns()),
    ],
)
def test_conditions_tell_the_columns_that_an_index_could_narrow(
    condition: str, expected: PredicateColumns
) -> None:
    assert predicate_columns(condition) == expected


ORDERS = """\
Seq Scan on shop.orders  (cost=0.00..55.38 rows=30 width=24) (actual time=0.0..0.5 rows={kept} loops=1)
  Output: {output}
  Filter: {condition}
  Rows Removed by Filter: {removed}
"""


def scan(
    condition: str = "(orders.status = 'open'::text)",
    *,
    kept: int = 30,
    removed: int = 2970,
    output: str = "id, total",
) -> str:
    return ORDERS.format(condition=condition, kept=kept, removed=removed, output=output)


def orders(*indexes: Index) -> Table:
    columns = tuple(
        Column(name, kind, False, None, None, False, None, None)  # noqa: FBT003 - a column as the catalog has it
        for name, kind in [("id", "bigint"), ("status", "text"), ("total", "numeric"), ("doc", "jsonb")]
    )
    key = Constraint("orders_pkey", "p", "PRIMARY KEY (id)", TableName("shop", "orders"), ("id",), None)
    return Table(
        "shop", "orders", "table", 4, 3000, None, columns=columns, constraints=(key,), indexes=indexes
    )


def index(on: str, *, name: str = "i", valid: bool = True) -> Index:
    definition = f"CREATE INDEX {name} ON shop.orders USING btree_index {on}"
    return Index("1", name, unique=False, primary=False, valid=valid, definition=definition)


def advice(plan: str, table: Table) -> str | None:
    return next((said for one in candidates(parse_plan(plan)) if (said := advise(one, table))), None)


@pytest.mark.parametrize(
    ("plan", "statement"),
    [
        (scan(), "orders_status_idx ON shop.orders (status) INCLUDE (total)"),
        (
            scan("((total > '5'::numeric) AND (status = 'open'::text))"),
            "orders_status_total_idx ON shop.orders (status, total)",
        ),
        (scan(output="count(*)"), "orders_status_idx ON shop.orders (status)"),
        (
            scan("((doc = '{}'::jsonb) AND (status = 'x'::text))", output="id"),
            "orders_status_idx ON shop.orders (status) INCLUDE (doc)",
        ),
    ],
)
def test_an_index_is_advised_as_a_statement(plan: str, statement: str) -> None:
    said = advice(plan, orders())
    assert said is not None
    assert said.split(" -- ")[0] == f"CREATE INDEX ASYNC {statement}"


@pytest.mark.parametrize(
    ("plan", "table"),
    [
        (scan("(id = 5)"), orders()),
        (scan("(doc = '{}'::jsonb)"), orders()),
        (scan("(lower(status) = 'x'::text)"), orders()),
        (scan(), orders(index("(status, total)"))),
    ],
)
def test_no_index_is_advised_where_the_plan_does_not_support_it(plan: str, table: Table) -> None:
    assert advice(plan, table) is None


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (scan(kept=2000, removed=1000), "none for shop.orders: 2,000 of 3,000 rows match."),
        (
            scan(kept=3, removed=97),
            "none for shop.orders: all of its 100 rows are read as fast as an index.",
        ),
    ],
)
def test_it_is_said_why_a_filter_needs_no_index(plan: str, said: str) -> None:
    assert advice(plan, orders()) == said


def test_a_full_table_and_an_index_that_is_being_built_are_said() -> None:
    full = orders(*(index(f"(total, id) -- {n}") for n in range(24)))
    assert "24 indexes, the maximum" in str(advice(scan(), full))
    assert "not valid" in str(advice(scan(), orders(index("(status)", valid=False))))


LIMITED = """\
Limit  (cost=0.00..0.13 rows=5 width=24)
  ->  {above}Seq Scan on shop.orders  (cost=0.00..55.38 rows=3000 width=24)
"""


def test_a_scan_that_a_limit_ends_early_does_not_read_all() -> None:
    assert findings(parse_plan(LIMITED.format(above=""))) == []
    sorted_first = LIMITED.format(above="Sort  (cost=9.00..9.13 rows=3000 width=24)\n        ->  ")
    assert findings(parse_plan(sorted_first)) == [
        "Seq Scan would read all of shop.orders: 3,000 rows (estimated)."
    ]


NEVER = """\
Nested Loop  (cost=0.00..9.00 rows=9 width=8) (actual time=0.1..0.1 rows=0 loops=1)
  ->  Seq Scan on few  (cost=0.00..9.00 rows=900 width=4) (actual time=0.1..0.1 rows=0 loops=1)
  ->  Seq Scan on shop.orders  (cost=0.00..55.38 rows=3000 width=24) (never executed)
        Filter: (status = 'open'::text)
"""
HASHED = """\
Hash Join  (cost=0.00..9.00 rows=1 width=8) (actual time=0.1..0.1 rows=0 loops=1)
  ->  Seq Scan on shop.orders  (cost=0.00..55.38 rows=3000 width=24) (actual time=0.1..0.1 rows=1 loops=1)
  ->  Hash  (cost=0.00..9.00 rows=1 width=4) (actual time=0.1..0.1 rows={hashed} loops=1)
        ->  Seq Scan on few  (cost=0.00..9.00 rows=1 width=4) (actual time=0.1..0.1 rows={hashed} loops=1)
"""
SUBQUERY = """\
Result  (cost=0.00..9.00 rows=1 width=8) (actual time=0.1..0.1 rows=1 loops=1)
  InitPlan 1 (returns $0)
    ->  Seq Scan on shop.orders  (cost=0.00..55.38 rows=3000 width=24) (actual time=0.1..0.1 rows=1 loops=1)
"""
RAN_LIMITED = """\
Limit  (cost=0.00..0.13 rows={limit} width=24) (actual time=0.1..0.1 rows={rows} loops=1)
  ->  Seq Scan on shop.orders  (cost=0.00..5.38 rows=3000 width=24) (actual time=0.1..0.1 rows={rows} loops=1)
"""


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (NEVER, "Seq Scan on shop.orders was never executed in this run."),
        (RAN_LIMITED.format(limit=5, rows=5), "Seq Scan on shop.orders was stopped by LIMIT after 5 rows."),
        (RAN_LIMITED.format(limit=50, rows=7), "Seq Scan reads all of shop.orders: 7 rows."),
        (
            RAN_LIMITED.format(limit=3000, rows=5000),
            "Seq Scan on shop.orders read 5,000 rows; the LIMIT above it may not have needed the rest.",
        ),
        (
            HASHED.format(hashed=0),
            "Seq Scan on shop.orders read 1 row; the Hash Join above it may not have needed the rest.",
        ),
        (HASHED.format(hashed=1), "Seq Scan reads all of shop.orders: 1 row."),
        (
            SUBQUERY,
            "Seq Scan on shop.orders read 1 row; the query around it may not have needed the rest.",
        ),
    ],
)
def test_a_scan_of_a_run_reads_all_only_if_it_surely_came_to_its_end(plan: str, said: str) -> None:
    about = [text for text in findings(parse_plan(plan)) if "shop.orders" in text]
    assert about[0] == said
    assert ("times off" in " ".join(about)) == said.startswith("Seq Scan reads all")


def test_a_plan_that_was_not_run_speaks_of_estimates_only() -> None:
    for plan in (FULL_SCAN, LIMITED.format(above=""), "\n".join(LOOKUPS.format(count=4).splitlines())):
        not_run = "\n".join(line.split(" (actual")[0] for line in plan.splitlines())
        for text in findings(parse_plan(not_run)):
            assert "estimated" in text or "would" in text
