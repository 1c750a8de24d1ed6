"""``diagnose``, and errors of conflicts that repeat themselves, as an agent reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from conftest import ServerOn, server
from support.client_helpers import Reply, call, write
from support.direct_connection import has_done, run
from support.rival import SLOWLY, attempts_in, rival

COUNT = "UPDATE tally SET n = n + 1 WHERE id = %s"


async def count(client: Client, key: int = 1) -> Reply:
    """Count up, and be slow before COMMIT."""
    return await call(client, "transact", sql_list=[COUNT, SLOWLY], params_list=[[key], None])


@pytest.fixture
async def tally(writer: Client) -> None:
    """A table of counters, with its rows as they were at the beginning."""
    await write(writer, "CREATE TABLE IF NOT EXISTS tally (id int PRIMARY KEY, n bigint NOT NULL)")
    await write(
        writer, "INSERT INTO tally VALUES (1, 0), (2, 0) ON CONFLICT (id) DO UPDATE SET n = excluded.n"
    )


async def test_a_hot_row_is_named_with_its_statement_and_what_to_change(
    tally: None, on_cluster: ServerOn, cluster: LocalCluster
) -> None:
    del tally
    async with Client(on_cluster("--allow-writes", "--retry-attempts", "3")) as client:
        async with rival(cluster, "UPDATE tally SET n = n + 1 WHERE id = 1"):
            failed = await count(client)
        told = await call(client, "diagnose")
    assert failed.is_error
    error, stored, step = failed.text.splitlines()
    assert error.startswith("Error (transaction_conflict, SQLSTATE 40001): ")
    assert stored == "Nothing was stored: rolled back."
    assert step.startswith(
        "Next: Try again later. To have fewer of them: INSERT a row for each change into a table of its own "
    )
    assert failed.facts["remedy"] == "retry_transaction"
    assert "As this server saw: 3 conflicts in the last 15 min, all on the row id = 1 of public.tally" in step
    first = told.text.splitlines()[1]
    assert first.startswith(
        "1. 3 conflicts in transactions that change public.tally, all on the row id = 1 of "
    )
    assert "1 of 1 that met a conflict failed in the end. (S1) Next: INSERT a row for each change" in first
    assert f"\nS1 {COUNT.replace('+ 1', '+ %s')}\n" in told.text
    finding = told.facts["findings"][0]
    assert (finding["kind"], finding["conflicts"], finding["failed"]) == ("counter_row", 3, 1)
    assert finding["rows"] == [{"table": "public.tally", "key": "id = 1", "count": 3}]
    assert told.facts["transactions"] == 1  # not those in which diagnose itself, or the error's advice, looks
    assert "own record of less than a minute: 1 transaction, 3 conflicts." in told.text
    assert told.facts["statements"]["S1"] == COUNT.replace("+ 1", "+ %s")


async def test_of_two_rows_that_each_attempt_touched_none_is_blamed(
    tally: None, on_cluster: ServerOn, cluster: LocalCluster
) -> None:
    del tally
    lock = "SELECT n FROM tally WHERE id = 2 FOR UPDATE"
    async with Client(on_cluster("--allow-writes", "--retry-attempts", "3")) as client:
        async with rival(cluster, "UPDATE tally SET n = n + 1 WHERE id = 1"):
            failed = await call(
                client, "transact", sql_list=[lock, COUNT, SLOWLY], params_list=[None, [1], None]
            )
        told = await call(client, "diagnose")
    both = "each touched id = 2 of public.tally and id = 1 of public.tally; which one conflicted is not known"
    for text in (failed.text, told.text):
        assert both in text
        assert "sum them" not in text
    finding = told.facts["findings"][0]
    assert finding["kind"] == "several_rows"
    assert [(row["key"], row["count"]) for row in finding["rows"]] == [("id = 2", 3), ("id = 1", 3)]


async def test_conflicts_that_a_retry_met_are_told_and_the_first_error_is_short(
    tally: None, on_cluster: ServerOn, cluster: LocalCluster, tmp_path: Path
) -> None:
    del tally
    async with Client(on_cluster("--allow-writes", "--retry-attempts", "1")) as client:
        async with rival(cluster, "UPDATE tally SET n = n + 1 WHERE id = 2"):
            first, second, third = [await count(client, 2) for _ in range(3)]
        for failed in (first, second):
            assert failed.text.splitlines()[2].startswith("Next: Try again later; ")
            assert "As this server saw" not in failed.text
        assert "As this server saw: 3 conflicts in the last 15 min" in third.text
    start, log = (
        on_cluster("--allow-writes", "--retry-attempts", "50", "--log-level", "DEBUG"),
        tmp_path / "log",
    )
    with log.open("w", encoding="utf-8") as errors:
        async with Client(stdio_client(start, errlog=errors)) as client:
            async with rival(cluster, "UPDATE tally SET n = n + 1 WHERE id = 2") as other:
                running = asyncio.ensure_future(count(client, 2))
                await other.until(lambda: attempts_in(log, "UPDATE tally") > 1)
            retried = await running
            told = await call(client, "diagnose")
    assert not retried.is_error, retried.text
    attempts = retried.facts["attempts"]
    assert attempts > 1
    assert f"{attempts - 1} conflict" in told.text
    assert "1 of 1 that met a conflict succeeded when run again" in told.text


async def test_advice_names_no_tool_that_is_not_offered(
    tally: None, on_cluster: ServerOn, cluster: LocalCluster
) -> None:
    del tally
    start = on_cluster("--allow-writes", "--tools", "core", "--retry-attempts", "3")
    async with Client(start) as client, rival(cluster, "UPDATE tally SET n = n + 1 WHERE id = 1"):
        failed = await count(client)
    assert failed.text.endswith("all on the row id = 1 of public.tally, a counter.")


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[tuple[LocalCluster, StdioServerParameters]]:
    """A cluster with nothing of other tests in it, and a server on it that only reads."""
    async with local_cluster(tmp_path / "data") as cluster:
        yield cluster, server("--local", "--local-data", str(tmp_path / "data"))


async def test_what_the_catalog_tells_is_told(alone: tuple[LocalCluster, StdioServerParameters]) -> None:
    cluster, start = alone
    await run(
        cluster,
        "CREATE TABLE parcels (id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1) PRIMARY KEY, "
        "place int NOT NULL, weight int NOT NULL)",
        "INSERT INTO parcels (place, weight) VALUES (1, 1), (1, 2)",
    )
    assert await has_done(cluster, "CREATE INDEX ASYNC parcels_place ON parcels (place)")
    assert await has_done(cluster, "CREATE INDEX ASYNC parcels_both ON parcels (place, weight)")
    assert not await has_done(cluster, "CREATE UNIQUE INDEX ASYNC parcels_once ON parcels (place)")
    async with Client(start) as reader:
        told = await call(reader, "diagnose")
    text = told.text
    assert "INDEX_BUILD public.parcels_once) failed; its index remains" in text.split("Looked at")[0]
    assert "duplicate key(s)" not in text.split("<jobs-")[0]  # a job tells values of rows
    assert "DROP INDEX public.parcels_once, then create it again." in text
    assert "found duplicate key(s)" in text.split("<jobs-")[1]
    assert "The index public.parcels_place (place) begins as public.parcels_both (place, weight) does" in text
    assert "public.parcels_id_seq" in text
    assert "SET CACHE 65536" in text
    assert text.count("parcels_once") == 3  # the failed job, its step, and its line: not as an index besides
    assert "transact" not in text.split("Looked at")[0]  # this server only reads
    assert "CloudWatch: not known. A local cluster has no CloudWatch." in text
    assert {"job_failed", "index_redundant", "sequence_cache"} <= {f["kind"] for f in told.facts["findings"]}


async def test_a_slow_statement_is_told_without_its_literals(on_cluster: ServerOn) -> None:
    slow = "SELECT count(md5(generate_series::text)) FROM generate_series(1, 4000000) WHERE 'l1teral' <> %s"
    async with Client(on_cluster()) as client:
        for _ in range(2):
            assert not (await call(client, "readonly_query", sql=slow, params=["v4lue"])).is_error
        told = await call(client, "diagnose")
    assert "generate_series(%s, %s) WHERE %s <> %s" in told.text
    whole = told.text + json.dumps(told.facts)
    assert "l1teral" not in whole
    assert "v4lue" not in whole
    assert "Next: Call explain_query with it" in told.text


@pytest.mark.parametrize("minutes", [0, 1_441, "an hour"])
async def test_minutes_have_bounds(reader: Client, minutes: object) -> None:
    assert (await call(reader, "diagnose", minutes=minutes)).is_error


async def test_a_cluster_that_cannot_be_reached_is_the_first_finding() -> None:
    nowhere = server(
        *("--cluster_endpoint", "localhost", "--region", "us-east-1"),
        AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY="none",  # noqa: S106 - signs a token that nobody reads
        PGPORT="9",  # the port of discard, where nothing listens
    )
    async with Client(nowhere) as client:
        told = await call(client, "diagnose")
    assert not told.is_error
    assert told.text.splitlines()[1].startswith("1. The catalogs cannot be read (refused): ")
    assert "CloudWatch: not known. The endpoint does not tell the id of the cluster." in told.text
    assert told.facts["findings"][0]["kind"] == "not_reached"
    assert "tables" not in told.text.split("Looked at:")[1].splitlines()[0]


async def test_without_a_cluster_there_is_nothing_to_diagnose() -> None:
    async with Client(server()) as client:
        told = await call(client, "diagnose")
    assert told.facts["code"] == "no_cluster"
