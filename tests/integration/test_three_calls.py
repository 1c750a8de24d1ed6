"""An agent is asked: which of my clusters costs most, is it backed up, and why are its commits retried?

It has three calls, and goes on by what the answers say. The database is a local cluster, where a rival really
changes the same row; AWS is a stand-in that botocore asks. What the agent reads is the text: these tools
announce no structured content, so a client hands the text alone to its model; programs find the same in
``_meta``.
"""

import asyncio
import re
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import server
from support.client_helpers import call, write
from support.rival import SLOWLY, attempts_in, rival

TESTS = Path(__file__).parents[1]
DEBUG = ("--allow-writes", "--log-level", "DEBUG")


def said(pattern: str, text: str) -> str:
    """What an answer says at a place: the agent has nothing else to go on."""
    found = re.search(pattern, text)
    assert found, text
    return found.group(1)


def on_account(folder: Path) -> StdioServerParameters:
    """A server on the tests' cluster, whose AWS is the stand-in."""
    usual = server("--local", "--local-data", str(folder), *DEBUG, PYTHONPATH=str(TESTS))
    return usual.model_copy(update={"args": ["-m", "support.aws.stdio_server", *usual.args[2:]]})


async def test_three_calls_tell_cost_backup_and_why_commits_are_retried(
    cluster: LocalCluster, cluster_folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as errors:
        opening = stdio_client(on_account(cluster_folder), errlog=errors)
        async with Client(opening) as agent:
            await retry_commits(agent, cluster, log)
            await answer_in_three_calls(agent)


async def retry_commits(agent: Client, cluster: LocalCluster, log: Path) -> None:
    """Let a transaction be retried three times: a rival takes from the same row of the stock."""
    await write(
        agent, "CREATE TABLE IF NOT EXISTS stock_level (sku text PRIMARY KEY, left_over int NOT NULL)"
    )
    await write(agent, "INSERT INTO stock_level VALUES ('key-42', 100000) ON CONFLICT DO NOTHING")
    take = "UPDATE stock_level SET left_over = left_over - %s WHERE sku = %s"
    taking = "UPDATE stock_level SET left_over = left_over - 1 WHERE sku = 'key-42'"
    async with rival(cluster, taking) as other:
        order = call(agent, "transact", sql_list=[take, SLOWLY], params_list=[[3, "key-42"], None])
        running = asyncio.ensure_future(order)
        await other.until(lambda: attempts_in(log, "UPDATE stock_level") > 3)
    ordered = await running
    assert ordered.facts["outcome"] == "committed"
    assert ordered.facts["attempts"] > 3


async def answer_in_three_calls(agent: Client) -> None:
    """Ask as an agent does, and go on by what the answers say."""
    # 1. Which costs most? The list has the costliest first.
    listed = await call(agent, "cluster_status", days=30)
    assert said(r"^us-east-1: (\d) clusters of account", listed.text) == "2"
    costliest = said(r"\n([a-z2-7]{26}) \"orders\"", listed.text)
    assert listed.text.index(costliest) < listed.text.index('"stock"')
    assert float(said(r'"orders" .*? DPU \(\$([\d.]+)\)', listed.text)) > 0
    first = max(listed.facts["clusters"], key=lambda each: each["usage"]["usd"])
    assert first["identifier"] == costliest

    # 2. Is it backed up?
    shown = await call(agent, "cluster_status", cluster_id=costliest)
    assert said(r"Backup: .*?(\d h) ago", shown.text) == "5 h"
    assert shown.facts["last_backup"]

    # 3. Why are its commits retried?
    told = await call(agent, "diagnose")
    cause = said(r"\n(\d+\. \d+ conflicts in transactions that change public\.stock_level.*)", told.text)
    assert "all on the row sku = (the same value) of public.stock_level, a counter" in cause
    statement = said(r"\((S\d)\) Next: INSERT a row for each change", cause)
    kept = said(rf"\n{statement} (.*)", told.text)
    assert kept == "UPDATE stock_level SET left_over = left_over - %s WHERE sku = %s"
    assert "key-42" not in told.text
    assert said(r"CloudWatch, all clients, 15 min: [\d,]+ transactions, (\d+) conflicts", told.text) == "200"
    connections = said(r"\n(Connections: .*)", told.text)
    assert connections.startswith("Connections: 42 at most, of 10,000 by default (Service Quotas not known")
    assert "servicequotas:ListServiceQuotas" in connections

    # Programs find the same.
    finding = next(each for each in told.facts["findings"] if each["kind"] == "counter_row")
    assert f"{finding['text']} ({statement}) Next: {finding['next']}" in cause
    assert told.facts["statements"][statement] == kept
    assert connections in told.facts["notes"]
