"""The record of a job: it is applied once, whoever calls again, and leaves nothing behind for long."""

import asyncio
import base64
import itertools
from pathlib import Path

import pytest
from mcp import Client

from awslabs_dsql_mcp.bulk.jobs.runner import BatchRunner, RunResult
from awslabs_dsql_mcp.bulk.statement_job import StatementJob
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from support.client_helpers import call
from support.wire.fault_plans import insert, kill_while, make_schema, parameters, resume_in
from support.wire.faults import At, Fault, Hold, Kill, Often
from support.wire.harness import Harness

ADD = "UPDATE bulk.t SET n = n + 1"
PROGRESS = "bulk.dsql_mcp_progress"


def fill(bed: Harness, rows: int) -> None:
    """Make a table whose keys are texts."""
    make_schema(bed)
    bed.postgres.query("CREATE TABLE bulk.t (id text PRIMARY KEY, n int NOT NULL DEFAULT 0)")
    bed.postgres.query("ALTER TABLE bulk.t OWNER TO admin")
    insert(bed, "INSERT INTO bulk.t SELECT 'secret' || to_char(g, 'FM0000')", rows)


def values(bed: Harness) -> list[tuple[object, ...]]:
    """Values of n, and how many rows have them."""
    return bed.postgres.query("SELECT n, count(*) FROM bulk.t GROUP BY n ORDER BY n")


def has_table(bed: Harness) -> bool:
    """Tell if the progress table exists."""
    return bed.postgres.query(f"SELECT to_regclass('{PROGRESS}') IS NOT NULL") == [(True,)]


async def run(database: Database, sql: str = ADD, resume: str = "") -> RunResult:
    """Run a job as a server that knows of no other does, in batches of 100 rows."""
    job = await StatementJob.plan(database, Query(sql), "cluster")
    return await BatchRunner(database, call_time=60, max_rows=100).run(job, resume, ignore)


async def ignore(progress: float, message: str) -> None:
    """Take a report."""


async def stopped(bed: Harness, database: Database) -> str:
    """Run a job of 250 rows that stops before its last batch, and remove the reason; return its token."""
    bed.postgres.query("ALTER TABLE bulk.t ADD CONSTRAINT bad CHECK (n = 0 OR id <> 'secret0250')")
    with pytest.raises(DsqlError) as error:
        await run(database)
    assert "200 rows in 2 batches committed, up to key (secret0200). Batch 3 failed" in error.value.message
    assert ": new row for relation" in error.value.message
    assert "Statement" not in error.value.message
    bed.postgres.query("ALTER TABLE bulk.t DROP CONSTRAINT bad")
    return resume_in(error.value.hint or "")


async def test_a_job_whose_answer_was_lost_is_not_done_again(bed: Harness, certificate: Path) -> None:
    fill(bed, 3000)
    held = bed.proxy.add(Often(At.ANSWERED, Hold(), "COMMIT", every=3))  # of the table, and of two batches
    kept = parameters(bed, certificate)
    await kill_while(held, kept, "batch_write", {"sql": ADD})
    bed.proxy.clear()
    assert values(bed) == [(1, 3000)]
    async with Client(kept) as client:
        again = await call(client, "batch_write", sql=ADD + " -- the same\n;")
        assert again.facts["code"] == "already_done", again.text
        assert "3,000 rows in 2 batches committed" in again.text
        dry = await call(client, "batch_write", sql=ADD, dry_run=True)
        assert "3,000 rows, all of bulk.t, now, in about 2 batches" in dry.text
        assert "This has been done already" in dry.text
        assert "recorded in bulk.dsql_mcp_progress" in dry.text
        twice = await call(client, "batch_write", sql=ADD, resume="new")
        assert "keeps this run for 1 day" in twice.text
        assert "dsql_mcp_progress -- this server's own" in (await call(client, "get_schema")).text
    assert values(bed) == [(2, 3000)]


async def test_one_batch_is_recorded_as_several_are(bed: Harness) -> None:
    fill(bed, 100)
    database = bed.connect()
    done = await run(database)
    assert "keeps this run for 1 day" in done.note
    with pytest.raises(RequestInvalid) as asked:
        await run(database)
    assert asked.value.code == "already_done"
    bed.proxy.add(Fault(At.ANSWERED, Kill(), "COMMIT"))
    again = await run(database, resume="new")
    assert again.progress.done
    assert values(bed) == [(2, 100)]


async def test_another_job_is_not_taken_for_it(bed: Harness) -> None:
    fill(bed, 250)
    database = bed.connect()
    await run(database)
    await run(database, "UPDATE bulk.t SET n = n + 10")
    assert values(bed) == [(11, 250)]


@pytest.mark.parametrize("sql", ["UPDATE bulk.t SET n = n + 1 WHERE id <> 'secret0250'", f"{ADD} + 0"])
async def test_a_corrected_statement_does_not_run_over_done_rows_unasked(bed: Harness, sql: str) -> None:
    fill(bed, 250)
    database = bed.connect()
    await stopped(bed, database)
    with pytest.raises(DsqlError, match="unfinished: 200 rows in 2 batches") as refused:
        await run(database, sql)
    assert "changes again the rows that are done" in (refused.value.hint or "")
    assert values(bed) == [(0, 50), (1, 200)]
    await run(database, sql, "new")
    assert (2, 200) in values(bed)


async def test_a_finished_run_keeps_no_data_of_rows(bed: Harness) -> None:
    fill(bed, 250)
    await run(bed.connect())
    ((state,),) = bed.postgres.query(f"SELECT state FROM {PROGRESS}")  # noqa: S608 - our own name
    body = str(state).split("-")[1]
    assert b"secret" not in base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


async def test_two_servers_that_begin_at_once_do_it_once(bed: Harness) -> None:
    fill(bed, 250)
    both = (run(bed.connect()), run(bed.connect()))
    one, other = await asyncio.gather(*both, return_exceptions=True)
    refused = other if isinstance(one, RunResult) else one
    assert isinstance(one, RunResult) != isinstance(other, RunResult), (one, other)
    assert isinstance(refused, DsqlError)
    assert refused.code in ("unfinished_run", "already_done")
    assert values(bed) == [(1, 250)]


async def test_two_servers_that_go_on_at_once_share_the_work(bed: Harness) -> None:
    fill(bed, 250)
    one, other = bed.connect(), bed.connect()
    token = await stopped(bed, one)
    insert(bed, "INSERT INTO bulk.t SELECT 'secret1' || to_char(g, 'FM0000')", 450)
    results = await asyncio.gather(run(one, resume=token), run(other, resume=token))
    assert [result.resume_token for result in results] == [None, None]
    assert values(bed) == [(1, 700)]


DAMAGES = (
    f"DROP TABLE {PROGRESS}",
    f"DELETE FROM {PROGRESS}",  # noqa: S608 - our own name
    f"UPDATE {PROGRESS} SET state = left(state, -1) || '_'",  # noqa: S608 - as above
)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_record_that_is_gone_or_changed_is_never_guessed(bed: Harness, damage: str) -> None:
    fill(bed, 250)
    database = bed.connect()
    token = await stopped(bed, database)
    bed.postgres.query(damage)
    with pytest.raises(DsqlError, match="unknown which rows are done") as refused:
        await run(database, resume=token)
    assert "resume='new'" in str(refused.value.hint)
    assert values(bed) == [(0, 50), (1, 200)]


async def test_a_record_that_goes_in_the_middle_stops_the_run(bed: Harness) -> None:
    fill(bed, 250)
    held = Hold()
    fault = bed.proxy.add(Often(At.ASKED, held, "so_far", times=1, every=2))
    running = asyncio.ensure_future(run(bed.connect()))
    await fault.reached.wait()
    bed.postgres.query(f"ALTER TABLE {PROGRESS} RENAME TO gone")
    held.release.set()
    with pytest.raises(DsqlError) as stop:
        await running
    assert "Stopped: 100 rows in 1 batch committed" in stop.value.message
    assert stop.value.code == "progress_lost"
    assert values(bed) == [(0, 150), (1, 100)]


async def test_the_table_is_dropped_when_it_keeps_nothing_any_longer(bed: Harness) -> None:
    fill(bed, 250)
    database, small = bed.connect(), "UPDATE bulk.t SET n = 7 WHERE id = 'secret0001'"
    await run(database)
    assert not (await run(database, small)).note
    assert has_table(bed)
    bed.postgres.query(f"UPDATE {PROGRESS} SET keep_until = now() - interval '1 second'")  # noqa: S608 - as above
    assert "bulk.dsql_mcp_progress, which nothing needs any longer" in (await run(database, small)).note
    assert not has_table(bed)
    assert values(bed) == [(1, 249), (7, 1)]


async def test_another_table_of_that_name_is_left_alone(bed: Harness) -> None:
    fill(bed, 250)
    bed.postgres.query(f"CREATE TABLE {PROGRESS} (run text); GRANT ALL ON {PROGRESS} TO admin")
    with pytest.raises(DsqlError, match="is not this server's table of that name"):
        await run(bed.connect())
    assert values(bed) == [(0, 250)]


async def test_a_call_ends_within_its_time(bed: Harness) -> None:
    fill(bed, 60)
    seconds = itertools.count(step=0.5)
    database = bed.connect()
    job = await StatementJob.plan(database, Query(ADD), "cluster")
    runner = BatchRunner(database, call_time=20, clock=lambda: next(seconds), max_rows=3)
    result = await runner.run(job, "", ignore)
    assert result.reason == "the call's time is used up"
    assert 10 < next(seconds) <= 20
    assert 3 <= result.progress.batches < 20


class Watched:
    """The real database, which notes how long each transaction may take.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.limits: list[float] = []

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit."""
        if unit.must_change:
            self.limits.append(unit.time_limit or 0)
        return await self._database.run(unit)


async def test_a_batch_with_its_retries_has_what_is_left_of_the_call(bed: Harness) -> None:
    fill(bed, 60)
    seconds = itertools.count(step=0.5)
    database = Watched(bed.connect())
    job = await StatementJob.plan(database, Query(ADD), "cluster")
    await BatchRunner(database, call_time=20, clock=lambda: next(seconds), max_rows=3).run(job, "", ignore)
    assert len(database.limits) >= 3
    assert database.limits == sorted(set(database.limits), reverse=True)
    assert all(1 <= limit < 20 for limit in database.limits)


async def test_a_slow_search_is_heard_of(bed: Harness) -> None:
    fill(bed, 10)
    heard: list[float] = []
    held = Hold()
    bed.proxy.add(Fault(At.ASKED, held, "so_far"))

    async def report(progress: float, message: str) -> None:
        assert "resume=" in message
        heard.append(progress)
        if len(heard) == 3:
            held.release.set()

    database = bed.connect()
    job = await StatementJob.plan(database, Query(ADD), "cluster")
    await BatchRunner(database, call_time=60, heartbeat=0.01).run(job, "", report)
    assert heard == sorted(set(heard))
    assert len(heard) >= 4
    assert heard[-1] == 10


@pytest.mark.parametrize(
    ("at", "sql", "times"),
    [(At.ASKED, "UPDATE bulk.t", 3), (At.ANSWERED, "UPDATE bulk.t", 3), (At.ASKED, "COMMIT", 4)],
)
async def test_a_batch_that_loses_its_connection_again_and_again_is_halved(
    bed: Harness, at: At, sql: str, times: int
) -> None:
    fill(bed, 250)
    lost = bed.proxy.add(Fault(at, Kill(), sql, times=times))  # the transaction itself tries three times
    database = bed.connect()
    job = await StatementJob.plan(database, Query(ADD), "cluster")
    result = await BatchRunner(database, call_time=60, max_rows=100).run(job, "", ignore)
    assert lost.struck == times
    assert result.progress.rows == 250
    assert result.progress.batches > 3
    assert values(bed) == [(1, 250)]
