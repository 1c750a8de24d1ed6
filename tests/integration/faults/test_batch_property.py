"""Statements in batches, through faults, deaths and resumes, against PostgreSQL running each once."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.jobs.runner import RESTART, BatchRunner
from awslabs_dsql_mcp.bulk.statement_job import StatementJob
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import DsqlError, StatementRefused
from support.wire.fault_plans import find_resume
from support.wire.faults import At, Deed, Kill, Often, Say
from support.wire.harness import Harness

TABLES = """
CREATE TABLE {0}.t (id int, k text, a int, b int, c text DEFAULT 'd', PRIMARY KEY (k, id));
CREATE TABLE {0}.o (id int PRIMARY KEY, k int UNIQUE, v int);
CREATE TABLE {0}.dst (v int, id int PRIMARY KEY, n int DEFAULT 5);
CREATE TABLE {0}.c1 (id int PRIMARY KEY, f bool);
CREATE TABLE {0}.c2 (id int PRIMARY KEY, up int REFERENCES {0}.c1 ON DELETE CASCADE);
CREATE TABLE {0}.c3 (id int PRIMARY KEY, up int REFERENCES {0}.c2 ON DELETE SET NULL, f bool);
CREATE TABLE {0}.tree (id int PRIMARY KEY, up int REFERENCES {0}.tree ON DELETE CASCADE, f bool)
"""
ROWS = """
DELETE FROM {0}.t; DELETE FROM {0}.o; DELETE FROM {0}.dst; DELETE FROM {0}.c1; DELETE FROM {0}.c3;
DELETE FROM {0}.tree;
INSERT INTO {0}.t SELECT g, CASE g % 3 WHEN 0 THEN '' ELSE (g % 3)::text END, g % 4, g % 5, 'c'
FROM generate_series(1, 23) g;
INSERT INTO {0}.o SELECT g, g - 1, (g * 7) % 5 FROM generate_series(1, 9) g;
INSERT INTO {0}.dst SELECT g, g, g FROM generate_series(2, 4) g;
INSERT INTO {0}.c1 SELECT g, g % 2 = 0 FROM generate_series(1, 9) g;
INSERT INTO {0}.c2 SELECT g, 10 - g FROM generate_series(1, 9) g;
INSERT INTO {0}.c3 SELECT g, g, g % 3 = 0 FROM generate_series(1, 9) g;
INSERT INTO {0}.tree SELECT g, nullif(g / 2, 0), g % 3 = 0 FROM generate_series(1, 12) g
"""
SUMS = "SELECT json_agg(x ORDER BY x::text)::text FROM {}.{} x"
NAMES = ("t", "o", "dst", "c1", "c2", "c3", "tree")

CONDITIONS = st.sampled_from(
    [
        "t.a < 3",
        "a IN (1, 2)",
        "t.b <> 2",
        "c = 'c'",
        "t.b IN (SELECT o.v FROM {0}.o)",
        "EXISTS (SELECT FROM {0}.o WHERE o.k = t.a)",
        "NOT EXISTS (SELECT FROM {0}.o WHERE o.v = t.a AND o.id > t.b)",
        "t.id > 7",
    ]
)
VALUES = st.sampled_from(
    ["a + 1", "t.b", "a * 2 + b", "DEFAULT", "3", "(SELECT o.v FROM {0}.o WHERE o.id = t.b)", "-t.a", "id"]
)
JOINED = st.sampled_from(["o.v", "o.v + t.a", "o.k", "t.b", "o.id"])
JOINS = st.sampled_from(["o.k = t.a", "o.id = t.id", "o.k = t.b", "o.k = t.a AND o.v <> t.b"])
DELETES = st.sampled_from(
    [
        "DELETE FROM {0}.t USING {0}.o WHERE o.id = t.id",
        "DELETE FROM {0}.c1 WHERE EXISTS (SELECT FROM {0}.c3 WHERE c3.f AND c3.id <> c1.id)",
        "DELETE FROM {0}.c1 WHERE f",
        "DELETE FROM {0}.c2 x WHERE x.up IN (SELECT id FROM {0}.c1 WHERE f)",
        "DELETE FROM {0}.c1 USING {0}.c3 y WHERE y.id = c1.id AND y.up IS NOT NULL",
        "DELETE FROM {0}.tree WHERE f",
        "DELETE FROM {0}.tree WHERE up IS NOT NULL",
    ]
)
INSERTS = st.sampled_from(
    [
        "INSERT INTO {0}.dst (id, v) SELECT x.k, x.id FROM {0}.t AS x (k, id) WHERE x.k > 4",
        "INSERT INTO {0}.dst (id, n) SELECT y.v + 100 * y.id, 1 FROM {0}.o AS y (v, id)",
        "INSERT INTO {0}.dst SELECT o.* FROM {0}.o AS o ON CONFLICT (id) DO NOTHING",
        "INSERT INTO {0}.dst (n, id) SELECT v, id FROM {0}.o ON CONFLICT (id) DO UPDATE SET n = dst.n + 9",
        "INSERT INTO {0}.dst (n, id) SELECT 1, v FROM {0}.o ON CONFLICT (id) DO UPDATE SET n = dst.n + 1",
        "INSERT INTO {0}.dst (id, n) SELECT t.id + 50, o.v FROM {0}.t LEFT JOIN {0}.o ON o.id = t.id",
        "INSERT INTO {0}.dst (id) SELECT t.id * 10 + g FROM {0}.t, generate_series(1, 2) g WHERE t.id > 5",
    ]
)


@st.composite
def updates(draw: st.DrawFn) -> str:
    """Draw an UPDATE of one or two columns."""
    condition = " AND ".join(draw(st.lists(CONDITIONS, max_size=2)))
    join = draw(st.none() | JOINS)
    given = draw(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2, unique=True))
    sets = [f"{column} = {draw(VALUES if join is None else JOINED | VALUES)}" for column in given]
    where = " AND ".join(filter(None, (join, condition)))
    source = "FROM {0}.o" if join else ""
    return " ".join(("UPDATE {0}.t SET", ", ".join(sets), source, "WHERE" if where else "", where))


STATEMENTS = updates() | DELETES | INSERTS
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
    database = bed.connect()
    try:
        job = await StatementJob.plan(database, Query(sql.format("bulk")), "cluster")
    except StatementRefused:
        assert contents(bed, "bulk") == before
        return
    try:
        bed.postgres.query(sql.format("whole"))
    except psycopg.Error:
        return
    for (at, deed), text, every in faults:
        bed.proxy.add(Often(at, deed, text, times=1, every=every))
    end = await Server(database, rows, frozenset(deaths), forgets).run(job)
    whole = contents(bed, "whole")
    if end == "unknown":
        assert contents(bed, "bulk") in (before, whole)
        return
    assert contents(bed, "bulk") == whole
    bed.proxy.clear()
    earlier = await BatchRunner(database, call_time=60).earlier_run(job)
    assert earlier is None or (earlier.code == "already_done" and RESTART in str(earlier.hint))
    assert earlier is not None or job.repeatable or not has_record(bed)
    await database.aclose()


def has_record(bed: Harness) -> bool:
    """Tell if the progress table exists."""
    return bed.postgres.query("SELECT to_regclass('bulk.dsql_mcp_progress') IS NOT NULL") == [(True,)]
