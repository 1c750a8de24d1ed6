"""Statements in batches, through faults, deaths and resumes, against PostgreSQL running each once."""

import itertools
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.bulk.jobs.runner import BatchRunner
from awslabs_dsql_mcp.bulk.statement_job import StatementJob
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import DsqlError, StatementRefused
from support.wire.batch_statements import NAMES, ROWS, STATEMENTS, TABLES
from support.wire.fault_plans import find_resume
from support.wire.faults import At, Deed, Kill, Often, Say
from support.wire.harness import Harness

SUMS = "SELECT json_agg(x ORDER BY x::text)::text FROM {}.{} x"

FAULTS = st.lists(
    st.tuples(
        st.sampled_from(
            [(At.ASKED, Kill()), (At.ANSWERED, Kill()), (At.ASKED, Say("40001", "conflict (OC000)"))]
        ),
        st.sampled_from(["COMMIT", "COMMIT", "so_far", "dsql_mcp_progress"]),
        st.integers(1, 9),
    ),
    max_size=5,
)


class Dead(Exception):
    """The server's process has ended."""


@dataclass
class Server:
    """Servers, one after the other, that run a job.

    Attributes:
        rows: Rows a batch.
        deaths: Numbers of the reports of progress at which a server dies.
        forgets: The resume token is lost with it.
    """

    database: Database
    rows: int
    deaths: frozenset[int]
    forgets: bool
    reports: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    token: str = ""

    async def run(self, job: StatementJob) -> str:
        """Run a job to its end; return how it ended."""
        for _ in range(60):
            ticks = itertools.count()
            runner = BatchRunner(
                self.database, call_time=25, clock=lambda ticks=ticks: next(ticks), max_rows=self.rows
            )
            try:
                result = await runner.run(job, self.token, self.report)
            except Dead:
                self.token = "" if self.forgets else self.token
            except DsqlError as error:
                if error.code == "already_done":
                    return "finished"
                token = find_resume(error.hint or "")
                if token is None and error.outcome == "unknown":
                    return "unknown"
                self.token = token or self.token
            else:
                if result.resume_token is None:
                    return "finished"
                self.token = result.resume_token
        raise AssertionError("it never ends")

    async def report(self, progress: float, message: str) -> None:
        """Remember the token, or die: one batch that did all cannot be known to have been committed."""
        if (
            (" up to " in message or " batches " in message)
            and progress
            and next(self.reports) in self.deaths
        ):
            raise Dead
        self.token = find_resume(message) or self.token


def contents(bed: Harness, schema: str) -> list[object]:
    """Read all tables."""
    return [bed.postgres.query(SUMS.format(schema, name)) for name in NAMES]


@pytest.fixture
def schemas(bed: Harness) -> Harness:
    """The tables, once for batches and once for the statement whole."""
    for schema in ("bulk", "whole"):
        bed.postgres.query(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        bed.postgres.query(f"CREATE SCHEMA {schema} AUTHORIZATION admin")
        bed.postgres.query(TABLES.format(schema))
    bed.postgres.query("GRANT ALL ON ALL TABLES IN SCHEMA bulk TO admin")
    return bed


@example(
    sql="UPDATE {0}.t SET a = o.v FROM {0}.o WHERE o.k = t.a",
    rows=3,
    faults=[((At.ANSWERED, Kill()), "COMMIT", 2)],
    deaths={2},
    forgets=True,
)
@example(
    sql="UPDATE {0}.t SET a = a + 1",
    rows=4,
    faults=[((At.ANSWERED, Kill()), "COMMIT", 7)],
    deaths=set(),
    forgets=False,
)
@settings(
    max_examples=max(1, settings().max_examples // 4),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STATEMENTS, st.integers(2, 9), FAULTS, st.sets(st.integers(1, 9), max_size=3), st.booleans())
async def test_batches_do_what_the_statement_does(
    schemas: Harness,
    sql: str,
    rows: int,
    faults: list[tuple[tuple[At, Deed], str, int]],
    deaths: set[int],
    forgets: bool,  # noqa: FBT001 - drawn
) -> None:
    bed = schemas
    bed.proxy.clear()
    bed.postgres.query("DROP TABLE IF EXISTS bulk.dsql_mcp_progress")
    for schema in ("bulk", "whole"):
        bed.postgres.query(ROWS.format(schema))
    before = contents(bed, "bulk")
    async with aclosing(bed.connect()) as database:
        try:
            job = await StatementJob.plan(database, Query(sql.format("bulk")), "cluster")
        except StatementRefused as refused:
            event(f"refused: {refused.message}")
            assert contents(bed, "bulk") == before
            return
        try:
            bed.postgres.query(sql.format("whole"))
        except psycopg.Error:
            event("fails as a whole")
            return
        for (at, deed), text, every in faults:
            bed.proxy.add(Often(at, deed, text, times=1, every=every))
        end = await Server(database, rows, frozenset(deaths), forgets).run(job)
        whole = contents(bed, "whole")
        event(f"{end}, {'repeatable' if job.repeatable else 'recorded'}")
        if end == "unknown":
            assert contents(bed, "bulk") in (before, whole)
            return
        assert contents(bed, "bulk") == whole
        bed.proxy.clear()
        earlier = await BatchRunner(database, call_time=60).earlier_run(job)
    assert earlier is None or (earlier.code == "already_done" and RESTART in str(earlier.hint))
    assert earlier is not None or job.repeatable or not has_record(bed)


def has_record(bed: Harness) -> bool:
    """Tell if the progress table exists."""
    return bed.postgres.query("SELECT to_regclass('bulk.dsql_mcp_progress') IS NOT NULL") == [(True,)]
