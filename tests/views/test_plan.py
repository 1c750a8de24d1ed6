"""The view of plans in a real browser: the tree, the costly node, the index that helps."""

import json
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.explain.findings import dpu_text, findings
from awslabs_dsql_mcp.explain.plan import parse_plan
from awslabs_dsql_mcp.explain.plan_view import plan_view
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.views.extension import VIEW
from support.direct_connection import run
from views.browser import ViewClient
from views.test_rows import clean

pytestmark = pytest.mark.timeout(400)  # the first test brings a browser

NAME: Final = "<img src=x onerror=window.hurt=1>"
OPEN: Final = "SELECT id, total FROM plan_sales WHERE state = 'open'"
JOIN: Final = (
    "SELECT b.name, sum(s.total) FROM plan_sales s JOIN plan_buyers b ON b.id = s.buyer "
    "WHERE s.state = %s GROUP BY b.name ORDER BY 2 DESC LIMIT 5"
)
# Of a cluster's: "Reading EXPLAIN plans" and "Understanding DPUs" in the Aurora DSQL user guide.
OF_A_CLUSTER: Final = """\
Index Only Scan using test_table_pkey on public.test_table  (cost=125100.05..171100.05 rows=1000000 width=36)\
 (actual time=2.973..4.482 rows=120 loops=1)
  -> Storage Scan on test_table_pkey (cost=125100.05..171100.05 rows=1000000 width=36)\
 (actual rows=120 loops=1)
      Projections: id, context
      -> B-Tree Scan on test_table_pkey (cost=125100.05..171100.05 rows=1000000 width=36)\
 (actual rows=120 loops=1)
Statement DPU Estimate:
  Compute: 0.01607 DPU
  Read: 0.04312 DPU (Transaction minimum: 0.00375)
  Write: 0.00000 DPU (Transaction minimum: 0.05000)
  Total: 0.05919 DPU
"""


@pytest.fixture(scope="module", autouse=True)
async def tables(cluster: LocalCluster) -> None:
    """3,000 sales, of which 30 are open."""
    await run(
        cluster,
        "CREATE TABLE plan_sales (id bigint PRIMARY KEY, buyer int, state text, total numeric)",
        "CREATE TABLE plan_buyers (id int PRIMARY KEY, name text)",
        f'CREATE TABLE "{NAME}" (id int PRIMARY KEY, "{NAME}" text)',
        "INSERT INTO plan_buyers SELECT i, 'b' || i FROM generate_series(1, 500) i",
        "INSERT INTO plan_sales SELECT i, i % 500 + 1, CASE i % 100 WHEN 0 THEN 'open' ELSE 'done' END, i"
        " FROM generate_series(1, 3000) i",
        f"INSERT INTO \"{NAME}\" SELECT g, 'x' FROM generate_series(1, 2000) g",  # noqa: S608 - a test's own
        "ANALYZE plan_sales",
        "ANALYZE plan_buyers",
    )


async def show(views: ViewClient, sql: str, theme: str = "light", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Explain a statement, and wait for its tree."""
    answer = await views.open("explain_query", {"sql": sql, **more}, context={"theme": theme})
    await views.wait("document.querySelector('tbody tr, #error:not([hidden])')")
    return answer


async def lines(views: ViewClient) -> list[list[str]]:
    """Give the texts of the tree's cells."""
    return await views.evaluate(
        "[...document.querySelectorAll('tbody tr')].map(line => [...line.cells].map(cell => cell.innerText))"
    )


async def test_a_plan_that_was_run_has_rows_times_and_the_costliest_node(views: ViewClient) -> None:
    answer = await show(views, JOIN, params=["open"], analyze=True)
    assert await views.text("#badge") == "Measured"
    nodes = answer["_meta"][VIEW]["nodes"]
    told = await lines(views)
    assert len(told) == len(nodes)
    limit = told[0]
    assert "Limit" in limit[0]
    assert limit[2] == "5"
    assert limit[3].endswith(" ms")
    shares = [node["share"] for node in nodes if node["share"] is not None]
    assert sum(shares) == pytest.approx(1)
    costly = await views.text("tr.costly th")
    assert "costliest" in costly
    assert max(nodes, key=lambda node: node["share"] or 0)["kind"] in costly
    assert "plan_sales: filters drop 2,970 rows" in await views.text("#plan")
    assert "Compute" in await views.text(".costs")
    assert "simulated by the local cluster" in await views.text("#plan")
    await clean(views)


async def test_the_index_is_copied_as_a_statement_that_runs(views: ViewClient) -> None:
    await show(views, OPEN)
    assert await views.text("#badge") == "Estimated, nothing was run"
    assert len((await lines(views))[0]) == 3
    await views.evaluate("document.querySelector('.statement button').focus()")
    await views.press("Enter")
    await views.wait("document.querySelector('.statement button').textContent === 'Copied'")
    statement = await views.do("inHost", script="navigator.clipboard.readText()")
    assert statement == "CREATE INDEX ASYNC plan_sales_state_idx ON public.plan_sales (state) INCLUDE (total)"
    assert "It makes writes cost more; INCLUDE answers" in await views.text("#plan")
    await clean(views)


async def test_a_plan_of_a_cluster_is_drawn_with_its_storage_and_dpus(views: ViewClient) -> None:
    plan = parse_plan(OF_A_CLUSTER)
    shown = plan_view(plan, findings(plan), (), dpu_text(plan.dpus))
    given: dict[str, Any] = {"content": [], "_meta": {VIEW: json.loads(json.dumps(shown))}}
    await views.open("explain_query", {"sql": "SELECT", "analyze": True}, given=given)
    await views.wait("document.querySelectorAll('tbody tr').length === 3")
    first, storage, _ = await lines(views)
    assert first[1:3] == ["1,000,000", "120\n1 of 8,333"]
    assert first[4] == "100 %"
    assert storage[3:] == ["", ""]
    assert "0.05919 DPU" in await views.text(".costs")
    assert "not a bill" in await views.text("#plan")
    await clean(views)


async def test_names_and_values_are_texts(views: ViewClient) -> None:
    value = "'<script>window.hurt=1</script>\u202e'"
    await show(views, f'SELECT * FROM "{NAME}" WHERE "{NAME}" = {value}')  # noqa: S608 - a test's own
    told = await views.text("#plan")
    assert NAME in told
    assert "⟨U+202E⟩" in told
    assert await views.evaluate("document.querySelectorAll('img, script[src]').length") == 0
    assert await views.evaluate("window.hurt ?? null") is None
    await clean(views)


async def test_an_error_and_a_plan_of_one_node_are_told(views: ViewClient) -> None:
    answer = await show(views, "SELECT nope")
    assert await views.text("#error") == answer["content"][0]["text"].strip()
    assert await views.text("#badge") == "No plan"
    await clean(views)
    await show(views, "SELECT 1", theme="dark")
    assert await views.evaluate("document.querySelector('.costly')") is None
    assert "Nothing." in await views.text("#plan")
    await clean(views)


async def test_shares_are_seen_in_forced_colours(views: ViewClient) -> None:
    await show(views, OPEN, analyze=True)
    await views.do("media", features=[{"name": "forced-colors", "value": "active"}])
    try:
        assert await views.evaluate("matchMedia('(forced-colors: active)').matches")
        script = (
            "['.track', '.track b'].map(one => getComputedStyle(document.querySelector(one)).backgroundColor)"
        )
        bar, part = await views.evaluate(script)
        assert bar != part
    finally:
        await views.do("media", features=[])
    assert not await views.evaluate("matchMedia('(forced-colors: active)').matches")
