"""A migration that changes data is recorded: each step is applied once, whoever is killed and calls again."""

import asyncio
import re
from pathlib import Path

import pytest
from mcp import Client

from support.client_helpers import Reply, call
from support.wire.fault_plans import kill_while, make_schema, parameters
from support.wire.faults import At, Fault, Hold, Kill, Often, Say
from support.wire.harness import Harness

SCRIPT = """
CREATE TABLE bulk.a (id int PRIMARY KEY, n int);
INSERT INTO bulk.a VALUES (1, 0);
DROP VIEW bulk.v;
UPDATE bulk.a SET n = n + 1;
CREATE VIEW bulk.v AS SELECT n FROM bulk.a;
UPDATE bulk.a SET n = n + 10;
"""
RECORD = "bulk.dsql_mcp_progress"


def prepare(bed: Harness) -> None:
    """Make the view that the script replaces."""
    make_schema(bed)
    bed.postgres.query("REVOKE CREATE ON SCHEMA public FROM PUBLIC, admin")
    bed.postgres.query("DROP TABLE IF EXISTS public.dsql_mcp_progress")  # of other tests
    bed.postgres.query("CREATE VIEW bulk.v AS SELECT 1 AS old")
    bed.postgres.query("ALTER VIEW bulk.v OWNER TO admin")


async def carried_on(client: Client, script: str = SCRIPT) -> Reply:
    """Do what an agent does that knows of no handle: send the script, then what the answers say."""
    reply = await call(client, "migrate", statements=script)
    while "No step was run" in reply.text:
        assert "Send the same again." in reply.text
        reply = await call(client, "migrate", statements=script)
    while found := re.search(r"resume_from=([\w?+-]+-[0-9a-f]{12})", reply.text):
        if not reply.is_error and reply.facts["state"] == "done":
            break
        reply = await call(client, "migrate", statements=script, resume_from=found[1])
    return reply


def values(bed: Harness) -> list[tuple[object, ...]]:
    """Rows of the table, and what the view shows."""
    return bed.postgres.query("SELECT a.n, v.n FROM bulk.a, bulk.v")


@pytest.mark.parametrize("at", [At.ASKED, At.ANSWERED], ids=["before COMMIT", "behind COMMIT"])
@pytest.mark.parametrize("commit", range(1, 12))
async def test_killed_at_any_commit_it_is_applied_once(
    bed: Harness, certificate: Path, commit: int, at: At
) -> None:
    prepare(bed)
    started = parameters(bed, certificate)
    held = bed.proxy.add(Often(at, Hold(), "COMMIT", every=commit))
    await kill_while(held, started, "migrate", {"statements": SCRIPT})
    bed.proxy.clear()
    async with Client(started) as client:
        reply = await carried_on(client)
    assert "6 steps are applied" in reply.text, reply.text
    assert values(bed) == [(11, 11)]


async def test_two_servers_that_run_it_at_once_apply_it_once(bed: Harness, certificate: Path) -> None:
    prepare(bed)
    started = parameters(bed, certificate)
    async with Client(started) as one, Client(started) as other:
        replies = await asyncio.gather(carried_on(one), carried_on(other))
        last = await carried_on(one)
    assert values(bed) == [(11, 11)], [reply.text for reply in (*replies, last)]
    assert "Nothing was run now" in last.text


async def test_a_run_that_another_call_begins_at_the_same_moment_is_sent_again(
    bed: Harness, certificate: Path
) -> None:
    prepare(bed)
    started = parameters(bed, certificate)
    held = bed.proxy.add(Fault(At.ASKED, Hold(), f"INSERT INTO {RECORD}"))
    async with Client(started) as one, Client(started) as other:
        running = asyncio.ensure_future(call(one, "migrate", statements=SCRIPT))
        await held.reached.wait()
        await carried_on(other)
        assert isinstance(held.deed, Hold)
        held.deed.release.set()
        reply = await running
        assert reply.facts["code"] == "run_begun_elsewhere", reply.text
        assert "No step was run" in reply.text
        assert "Send the same again." in reply.text
        last = await carried_on(one)
    assert values(bed) == [(11, 11)]
    assert "Nothing was run now" in last.text


async def test_answers_lost_at_commit_are_looked_up(bed: Harness, certificate: Path) -> None:
    prepare(bed)
    bed.proxy.add(Often(At.ANSWERED, Kill(), "COMMIT", every=3))
    started = parameters(bed, certificate)
    async with Client(started) as client:
        reply = await carried_on(client)
    assert reply.facts.get("state") == "done", reply.text
    assert values(bed) == [(11, 11)]


async def test_a_record_that_is_gone_stops_the_run(bed: Harness, certificate: Path) -> None:
    prepare(bed)
    started = parameters(bed, certificate)
    held = bed.proxy.add(Fault(At.ASKED, Hold(), "CREATE VIEW bulk.v"))
    async with Client(started) as client:
        running = asyncio.ensure_future(call(client, "migrate", statements=SCRIPT))
        await held.reached.wait()
        bed.postgres.query(f"DROP TABLE {RECORD}")
        assert isinstance(held.deed, Hold)
        held.deed.release.set()
        reply = await running
    assert reply.facts["code"] == "progress_lost", reply.text
    assert bed.postgres.query("SELECT n FROM bulk.a") == [(1,)]


async def test_a_step_whose_record_meets_conflicts_is_said_to_be_applied(
    bed: Harness, certificate: Path
) -> None:
    prepare(bed)
    script = SCRIPT.replace("DROP VIEW bulk.v;", "COMMENT ON VIEW bulk.v IS 'old';\nDROP VIEW bulk.v;")
    conflict = Say("40001", "change conflicts with another transaction (OC000)")
    async with Client(parameters(bed, certificate)) as client:
        held = bed.proxy.add(Fault(At.ASKED, Hold(), "COMMENT ON"))
        running = asyncio.ensure_future(call(client, "migrate", statements=script))
        await held.reached.wait()
        bed.proxy.add(Fault(At.ASKED, conflict, f"UPDATE {RECORD}", times=None))
        assert isinstance(held.deed, Hold)
        held.deed.release.set()
        reply = await running
        bed.proxy.clear()
        assert reply.is_error
        assert f"Step 3 is applied, and {RECORD} could not be told of it" in reply.text, reply.text
        assert "Steps 1 to 3 are applied; steps 4 to 7 are not." in reply.text
        assert "mend the cause" not in reply.text
        reply = await carried_on(client, script)
        assert reply.facts.get("resume_from") is None, reply.text
    assert values(bed) == [(11, 11)]


async def test_a_step_that_meets_conflicts_is_sent_again(bed: Harness, certificate: Path) -> None:
    prepare(bed)
    conflict = Say("40001", "change conflicts with another transaction (OC000)")
    bed.proxy.add(Fault(At.ASKED, conflict, "SET n = n + 1", times=None))
    async with Client(parameters(bed, certificate)) as client:
        reply = await call(client, "migrate", statements=SCRIPT)
        assert "Steps 1 to 3 are applied; steps 4 to 6 are not." in reply.text, reply.text
        assert "mend the cause" not in reply.text
        assert "Next: To go on: send the same script with resume_from=4-" in reply.text
        bed.proxy.clear()
        reply = await carried_on(client)
        assert reply.facts.get("resume_from") is None, reply.text
    assert values(bed) == [(11, 11)]


async def test_it_is_run_again_when_that_is_asked_for(bed: Harness, certificate: Path) -> None:
    prepare(bed)
    script = "INSERT INTO bulk.b VALUES (1); UPDATE bulk.b SET n = n + 1;"
    bed.postgres.query("CREATE TABLE bulk.b (n int)")
    bed.postgres.query("ALTER TABLE bulk.b OWNER TO admin")
    async with Client(parameters(bed, certificate)) as client:
        first = await call(client, "migrate", statements=script, resume_from="new")
        assert first.facts.get("state") == "done", first.text
        assert f"{RECORD} keeps for a day that it is done" in first.text
        again = await call(client, "migrate", statements=script)
        assert again.facts["code"] == "already_done"
        assert "all 2 steps are applied. Nothing was run now." in again.text
        more = await call(client, "migrate", statements=script, resume_from="new")
        assert more.facts.get("state") == "done", more.text
    assert sorted(bed.postgres.query("SELECT n FROM bulk.b")) == [(2,), (3,)]
