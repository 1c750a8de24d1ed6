"""Big changes through a real server, with a network and a cluster that fail."""

from pathlib import Path

import anyio
from mcp import Client

from awslabs_dsql_mcp.bulk.splitting.keyset import MAX_BATCH_ROWS
from support.client_helpers import call
from support.wire.fault_plans import Opens, insert, kill_while, make_schema, parameters, rain, resume_in
from support.wire.faults import At, Fault, Hold, Often, Say
from support.wire.harness import Harness, until

ROWS = 100_000


def fill(bed: Harness, rows: int) -> None:
    """Make a table with a key of two columns."""
    bed.postgres.query(
        "CREATE TABLE bulk.t (a int, b text, n int NOT NULL DEFAULT 0, s text, PRIMARY KEY (a, b));"
        "ALTER TABLE bulk.t OWNER TO admin"
    )
    insert(bed, "INSERT INTO bulk.t SELECT g % 97, 'k' || g", rows)
    bed.postgres.query("ANALYZE bulk.t")


def counts(bed: Harness) -> dict[object, object]:
    """How many rows have which n."""
    found = bed.postgres.query("SELECT n, count(*) FROM bulk.t GROUP BY n ORDER BY n")
    return {n: rows for n, rows in found}  # noqa: C416 - rows of any width have no pairs


ADD = "UPDATE bulk.t SET n = n + %s"
ADD_ONE = {"sql": ADD, "params": [1]}


async def test_every_row_is_changed_once_in_all_weathers(bed: Harness, opens: Opens) -> None:
    fill(bed, ROWS)
    rain(bed)
    async with opens() as client:
        reply = await call(client, "batch_write", sql=ADD, params=[1])
    assert not reply.is_error, reply.text
    assert reply.facts["status"] == "finished"
    assert reply.facts["rows"] == ROWS
    assert counts(bed) == {1: ROWS}


async def test_a_run_that_is_killed_goes_on_without_doing_anything_twice(
    bed: Harness, certificate: Path
) -> None:
    make_schema(bed)
    fill(bed, 20_000)
    held = bed.proxy.add(Often(At.ANSWERED, Hold(), "COMMIT", every=4))
    kept = parameters(bed, certificate)
    await kill_while(held, kept, "batch_write", ADD_ONE)
    bed.proxy.clear()
    rain(bed)
    async with Client(kept) as client:
        dry = await call(client, "batch_write", sql=ADD, params=[1], dry_run=True)
        assert dry.text.count("Next:") == 1
        assert "Next: To continue it: resume=" in dry.text
        again = await call(client, "batch_write", sql=ADD, params=[1])
        assert again.facts["code"] == "unfinished_run", again.text
        reply = await call(client, "batch_write", sql=ADD, params=[1], resume=resume_in(again.text))
    assert reply.facts["status"] == "finished"
    assert reply.facts["rows"] == 20_000
    assert counts(bed) == {1: 20_000}


async def test_a_cancelled_run_stops_at_once_and_tells_what_it_did(bed: Harness, opens: Opens) -> None:
    fill(bed, 20_000)
    held = bed.proxy.add(Often(At.ASKED, Hold(), "UPDATE bulk.t", every=4))
    told: list[tuple[float, str]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        told.append((progress, message or ""))

    async with opens() as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.call_tool("batch_write", ADD_ONE, progress_callback=hear))
            await held.reached.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(1):
            await until(lambda: not bed.states())
        bed.proxy.clear()
        done = 3 * MAX_BATCH_ROWS
        assert counts(bed) == {0: 20_000 - done, 1: done}
        again = await call(client, "batch_write", sql=ADD, params=[1])
        assert again.is_error
        assert f"{done:,} rows in 3 batches committed" in again.text
        assert "unfinished_run" in again.text
        reply = await call(client, "batch_write", sql=ADD, params=[1], resume=resume_in(again.text))
    assert reply.facts["rows"] == 20_000
    assert counts(bed) == {1: 20_000}
    assert [progress for progress, _ in told] == sorted(progress for progress, _ in told)
    assert all("resume='bulk-" in message for _, message in told)


async def test_a_dry_run_that_is_to_go_on_is_refused(bed: Harness, opens: Opens) -> None:
    make_schema(bed)
    fill(bed, 10)
    script = "CREATE TABLE bulk.dry (a int)"
    async with opens() as client:
        dry = await call(client, "batch_write", sql=ADD, params=[1], dry_run=True)
        token = dry.facts["dry_run_token"]
        shown = await call(client, "migrate", statements=script, dry_run=True)
        handle = shown.facts["resume_from"]
        for refused in (
            await call(client, "batch_write", sql=ADD, params=[1], dry_run=True, dry_run_token=token),
            await call(client, "batch_write", sql=ADD, params=[1], dry_run=True, resume="new"),
            await call(client, "load_rows", table="bulk.t", rows=[{"id": 99}], dry_run=True, resume="new"),
            await call(client, "migrate", statements=script, dry_run=True, resume_from=handle),
        ):
            assert refused.facts["code"] == "dry_run_or_run", refused.text
            assert "without" in refused.text
        reply = await call(client, "batch_write", sql=ADD, params=[1], dry_run_token=token)
        assert reply.facts["status"] == "finished", reply.text
        assert not (await call(client, "migrate", statements=script, resume_from=handle)).is_error
    assert counts(bed) == {1: 10}


async def test_a_limit_that_no_smaller_batch_keeps_is_told_at_once(bed: Harness, opens: Opens) -> None:
    fill(bed, 10_000)
    said = Say("54000", "query requires more than allowed temp space of 131072 KB to execute")
    refused = bed.proxy.add(Fault(At.ASKED, said, "UPDATE bulk.t", times=None))
    async with opens() as client:
        reply = await call(client, "batch_write", sql=ADD, params=[1])
    assert reply.is_error
    assert "temp space" in reply.text
    assert "Filter or aggregate earlier" in reply.text
    assert refused.struck == 1
    assert counts(bed) == {0: 10_000}


async def test_a_batch_over_the_limit_of_a_transaction_is_halved(bed: Harness, opens: Opens) -> None:
    fill(bed, 10_000)
    bed.proxy.add(Fault(At.ASKED, Say("54000", "transaction row limit exceeded"), "UPDATE bulk.t", times=2))
    async with opens() as client:
        reply = await call(client, "batch_write", sql=ADD, params=[1])
    assert reply.facts["status"] == "finished", reply.text
    assert counts(bed) == {1: 10_000}
