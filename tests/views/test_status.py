"""The view of jobs and clusters in a real browser: of a local cluster and account, and of one of AWS."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.views.extension import VIEW
from awslabs_dsql_mcp.views.status import dpu_chart, state, status_view
from conftest import held, server
from support.aws.account import DENIED, ORDERS, PEER, Asked, account_of, arn
from support.aws.account import cluster as cluster_answer
from support.direct_connection import run
from support.local_cluster.api import client
from support.local_cluster.backups import recovery_point
from views.browser import Absent, ViewClient, view_client
from views.test_rows import clean

pytestmark = pytest.mark.timeout(400)  # the first test brings a browser

TESTS: Final = Path(__file__).parents[1]
NAME: Final = "<img src=x onerror=window.hurt=1>"
INDEX: Final = f"seen_jobs {NAME}"
TABLE: Final = """[...document.querySelectorAll('#body > .scroll:nth-of-type(1) tbody tr')]
  .map(line => [...line.cells].map(cell => cell.innerText))"""
LINES_OF_JOBS: Final = """[...document.querySelectorAll('tbody td:last-child div')].map(cell => {
  const range = document.createRange(); range.selectNodeContents(cell);
  return range.getClientRects().length; })"""


async def show(views: ViewClient, tool: str, theme: str = "light", **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Ask a tool, and wait until its answer is shown."""
    answer = await views.open(tool, arguments, context={"theme": theme})
    await answered(views)
    return answer


async def answered(views: ViewClient) -> None:
    await views.wait("!/Waiting|Asking/.test(document.getElementById('badge').textContent)")


async def refresh(views: ViewClient, key: str = "Enter") -> None:
    """Ask again, by the keyboard."""
    await views.evaluate("document.getElementById('refresh').focus()")
    await views.press(key)
    await answered(views)
    assert await views.evaluate("document.activeElement.id") == "refresh"


async def lines(views: ViewClient) -> list[list[str]]:
    """Give the texts of the first table's cells."""
    return await views.evaluate(TABLE)


async def named(views: ViewClient) -> dict[str, str]:
    """Give the values of a cluster by their names."""
    return dict(await lines(views))


async def is_unhurt(views: ViewClient) -> None:
    """Check that nothing of what somebody else wrote became markup or ran."""
    assert await views.evaluate("document.querySelectorAll('img, script[src]').length") == 0
    assert await views.evaluate("window.hurt ?? null") is None
    await clean(views)


async def test_jobs_are_told_with_what_a_person_has_to_do(views: ViewClient, cluster: LocalCluster) -> None:
    await run(
        cluster,
        "CREATE TABLE seen_jobs (id int PRIMARY KEY, label text)",
        "INSERT INTO seen_jobs VALUES (1, 'same'), (2, 'same')",
    )
    for name, unique in ((INDEX, "UNIQUE"), ("seen_jobs_i", "")):
        await run(cluster, f'CREATE {unique} INDEX ASYNC "{name}" ON seen_jobs (label)')
    await show(views, "job_status")
    while "unfinished" in await views.text("#badge"):
        await refresh(views)
    assert " to be seen to" in await views.text("#badge")
    jobs = await lines(views)
    failed, done = (next(line for line in jobs if name in line[0]) for name in (INDEX, "seen_jobs_i"))
    assert (failed[1], failed[3]) == ("✗ failed", "index build")
    assert "duplicate key" in failed[2]
    assert (
        "Next: fix the cause, drop the index, which stays and is not valid, and create it again." in failed[2]
    )
    assert done[1] == "✓ completed"
    assert done[2] == ""
    assert done[4].endswith(" UTC")
    await views.do("size", width=400, height=640)
    assert await views.evaluate(LINES_OF_JOBS) == [1] * len(jobs)
    await views.do("size", width=900, height=640)
    await is_unhurt(views)
    await run(cluster, f'DROP INDEX "{INDEX}"')
    await refresh(views, " ")
    assert (await views.seen("calls"))[-1] == {"name": "job_status", "arguments": {"wait_s": 0}}
    gone = [line for line in await lines(views) if line[6] == failed[6]]
    assert [(line[0], "Next" in line[2]) for line in gone] == [("(gone)", False)]


async def test_a_job_that_runs_is_under_way_and_what_is_wrong_is_told(views: ViewClient) -> None:
    job: dict[str, Any] = {"head": state("1 unfinished", "dry"), "tables": [], "tool": "job_status"}
    await views.open("job_status", {"job_id": "a" * 26}, given={"content": [], "_meta": {VIEW: job}})
    await answered(views)
    assert await views.text("#badge") == "… 1 unfinished"
    await refresh(views)
    assert f"There is no job {'a' * 26}" in await views.text("#error")
    assert await views.text("#badge") == "✗ Not known"
    assert await lines(views) == []
    await clean(views)


@pytest.fixture(scope="module")
async def account(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ViewClient]:
    """A client that shows views, of a local account: a pair, a cluster that waits for its peer, and a tag."""

    def make(running: LocalCluster) -> None:
        here, there = client(running), client(running, "us-east-2")
        pair = {"witnessRegion": "us-west-2"}
        first = here.create_cluster(
            multiRegionProperties=pair, tags={"Name": "orders", "to": "javascript:alert@1"}
        )
        second = there.create_cluster(multiRegionProperties={**pair, "clusters": [first["arn"]]})
        both = {**pair, "clusters": [second["arn"]]}
        here.update_cluster(identifier=first["identifier"], multiRegionProperties=both)
        recovery_point(client(running, service="backup"), first["arn"])
        here.create_cluster(
            multiRegionProperties=pair, deletionProtectionEnabled=False, tags={"Name": "waiting"}
        )

    folder = tmp_path_factory.mktemp("account") / "data"
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            held(local_cluster(folder, ClusterConfig(transition_seconds=0)))
        )
        await asyncio.to_thread(make, running)
        try:
            start = server("--local", "--local-data", str(folder))
            yield await stack.enter_async_context(held(view_client(start)))
        except Absent as reason:
            pytest.skip(str(reason))


async def test_clusters_of_two_regions_are_listed_and_one_is_opened(account: ViewClient) -> None:
    await show(account, "cluster_status", region="us-east-1,us-east-2")
    assert await account.text("#badge") == "○ 4 clusters"
    by_name = {line[0]: line for line in await lines(account)}
    state_, region, protection, peers = by_name["orders"][1:]
    assert (state_, region, protection) == ("✓ ACTIVE", "us-east-1", "✓ on")
    assert " in us-east-2\nwitness us-west-2" in peers
    assert by_name["waiting"][1:4] == ["○ PENDING_SETUP", "us-east-1", "✗ off"]
    assert "us-east-2: Quotas:" in await account.text("#body")
    await is_unhurt(account)
    button = "[...document.querySelectorAll('td button, th button')].find(b => b.textContent === 'orders')"
    await account.evaluate(f"{button}.focus()")
    await account.press("Enter")
    await account.wait("document.activeElement.id === 'back'")
    assert await account.text("#told") == "orders in us-east-1"
    told = await named(account)
    assert "✓ ACTIVE" in told["Peer"]
    assert "us-east-2" in told["Peer"]
    assert told["Witness"] == "us-west-2"
    assert told["Last recovery point"].endswith(" UTC, 0 min ago")
    assert told["Tag to"] == "javascript:alert@1"
    assert await account.evaluate("document.querySelector('svg')") is None
    await is_unhurt(account)
    await account.press("Enter")
    await account.wait("document.activeElement.id === 'refresh'")
    assert len(await lines(account)) == 4


async def test_what_a_state_means_and_what_is_missing_is_told(account: ViewClient) -> None:
    listed = await show(account, "cluster_status", "dark")
    facts = listed["_meta"]["awslabs-dsql-mcp/facts"]["clusters"]
    waiting = next(each["arn"] for each in facts if each["tags"].get("Name") == "waiting")
    await show(account, "cluster_status", "dark", cluster_id=waiting, days=7)
    told = await named(account)
    assert "it waits for its peer" in told["What the state means"]
    assert told["Peer"] == "none yet; both clusters have to name each other"
    assert told["Last recovery point"] == "✗ none"
    assert "Usage: not known. A local cluster has no CloudWatch." in await account.text("#body")
    assert await account.evaluate("document.querySelector('svg')") is None
    assert await account.evaluate("document.getElementById('usage').hidden")
    await clean(account)


@pytest.fixture(scope="module")
async def on_aws(cluster: LocalCluster, cluster_folder: Path) -> AsyncIterator[ViewClient]:
    """A client that shows views, of a server whose account is the stand-in for AWS."""
    assert cluster.port
    usual = server("--local", "--local-data", str(cluster_folder), PYTHONPATH=str(TESTS))
    start = usual.model_copy(update={"args": ["-m", "support.aws.stdio_server", *usual.args[2:]]})
    try:
        async with held(view_client(start)) as views:
            yield views
    except Absent as reason:
        pytest.skip(str(reason))


async def test_usage_is_drawn_by_day_and_part_with_what_it_cost(on_aws: ViewClient) -> None:
    await show(on_aws, "cluster_status", cluster_id=ORDERS)
    assert await on_aws.evaluate("document.querySelector('svg')") is None
    await on_aws.click("#usage")
    await on_aws.wait("document.querySelector('svg')")
    (asked,) = await on_aws.seen("calls")
    assert asked["arguments"] == {"cluster_id": ORDERS, "days": 30, "wait_s": 0}
    told = await named(on_aws)
    assert (told["Stored"], told["ARN"]) == ("2.0 GB", arn(ORDERS))
    assert told["Last recovery point"].endswith("5 h ago")
    label = await on_aws.evaluate("document.querySelector('svg').getAttribute('aria-label')")
    assert label == "Bar chart of DPU by day: 2 points, from 1,000 to 1,000"
    assert await on_aws.text(".chart") == "ComputeReadWrite"
    heights = await on_aws.evaluate(
        "[...document.querySelectorAll('rect')].slice(0, 4).map(part => part.height.baseVal.value)"
    )
    assert [height / heights[0] for height in heights[1:]] == pytest.approx([0.1, 0.2, 0.7])
    await on_aws.evaluate("document.querySelector('summary').focus()")
    await on_aws.press("Enter")
    figures = await on_aws.evaluate(
        "[...document.querySelectorAll('details tr')].map(tr => [...tr.cells].map(cell => cell.innerText))"
    )
    assert figures[0] == ["Day, in UTC", "DPU", "Compute", "Read", "Write", "Cost"]
    assert [line[1:] for line in figures[1:]] == [["1,000", "700", "200", "100", "under $0.01"]] * 2
    notes = await on_aws.text("#body")
    assert "2,000 DPU ($0.02)" in notes
    assert "organisation are free" in notes
    await clean(on_aws)


async def test_a_client_that_lets_no_view_call_tools_has_no_buttons_for_it(on_aws: ViewClient) -> None:
    await on_aws.open("cluster_status", {}, capabilities={})
    await answered(on_aws)
    assert [line[0] for line in await lines(on_aws)] == ["stock", "orders"]
    assert await on_aws.evaluate("[...document.querySelectorAll('button:not([hidden])')].length") == 0
    await clean(on_aws)


async def test_clusters_are_compared_by_what_they_used(on_aws: ViewClient) -> None:
    await show(on_aws, "cluster_status", days=7)
    orders, stock = await lines(on_aws)
    assert orders[0] == "orders"
    assert orders[5:] == ["2.0 GB", "2,000 DPU ($0.02)", "10,000", "200"]
    assert stock[5:] == ["not known", "10 DPU (under $0.01)", "no figure", "no figure"]
    assert await on_aws.text(".chart") == "ordersstock"
    await clean(on_aws)


async def test_hostile_texts_of_an_account_stay_texts_and_what_it_refuses_is_not_known(
    on_aws: ViewClient,
) -> None:
    peers = {"witnessRegion": "us-west-2", "clusters": [arn(ORDERS), arn(PEER, "us-east-2")]}
    tags = {"Name": NAME, "a\u202eb": "of\nsome"}
    aws = account_of(
        GetCluster=cluster_answer(multiRegionProperties=peers, tags=tags),
        DescribeProtectedResource=DENIED,
        GetMetricData=DENIED,
    )
    aws.say("GetCluster", DENIED, "us-east-2")
    drawing = await Asked(aws).drawing(ORDERS, days=7)
    given: dict[str, Any] = {"content": [], "_meta": {VIEW: json.loads(json.dumps(drawing))}}
    await on_aws.open("cluster_status", {"cluster_id": ORDERS}, given=given)
    await answered(on_aws)
    assert await on_aws.text("#told") == f"{NAME} in us-east-1"
    told = await named(on_aws)
    assert told["Tag a⟨U+202E⟩b"] == "of↵some"
    assert told["Peer"] == f"{PEER} in us-east-2\nnot known"
    assert (told["Last recovery point"], told["Stored"]) == ("not known", "not known")
    notes = await on_aws.text("#body")
    assert "Backup: not known." in notes
    assert "Usage: not known." in notes
    assert await on_aws.evaluate("document.querySelector('svg')") is None
    await is_unhurt(on_aws)


async def test_a_day_without_figures_is_said_and_not_drawn(on_aws: ViewClient) -> None:
    days = {date(2026, 8, day): float(day) for day in (1, 2, 5)}
    chart = dpu_chart([("Compute", days)])
    drawing = status_view("cluster_status", state("ACTIVE", "good"), [], days=7, chart=chart)
    await on_aws.open("cluster_status", {"days": 7}, given={"content": [], "_meta": {VIEW: drawing}})
    await on_aws.wait("document.querySelectorAll('rect.p0').length === 3")
    assert "2 days without a number to draw left out." in await on_aws.text("#body")
    figures = await on_aws.evaluate(
        "[...document.querySelectorAll('details tr')].map(tr => tr.cells[1].textContent)"
    )
    assert figures == ["DPU", "1", "2", "no figure", "no figure", "5"]
    await clean(on_aws)
