"""Each row of the table of requirements, over the wire."""

import re
from contextlib import ExitStack, suppress

import psycopg
import pytest
from psycopg import sql
from psycopg.pq.abc import PGconn

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import connect, connect_raw
from support.local_cluster.requirements import Requirement, load, names_of_tests
from support.local_cluster.transcript_runner import Disturbed, Mismatch, Run, Step, extended, simply

TABLE = load()
MOST_DISTURBANCES = 5  # by jobs that other transcripts have left behind
SENDERS = {"simple": simply, "extended": extended}
CASES = [
    pytest.param(row, protocol, id=f"{row.id}-{protocol}")
    for row in TABLE.rows
    for protocol in SENDERS
    if row.check and (protocol == "simple" or not row.simple)
]

# Each kind of thing that transcripts make, with how to name it and to drop it; in the order of dropping.
LEFTOVERS = (
    ("VIEW", "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = 'v'"),
    ("TABLE", "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = 'r'"),
    ("SEQUENCE", "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind = 'S'"),
    ("FUNCTION", "SELECT pronamespace::regnamespace::text, proname FROM pg_proc WHERE prokind = 'f'"),
    ("DOMAIN", "SELECT typnamespace::regnamespace::text, typname FROM pg_type WHERE typtype = 'd'"),
    ("SCHEMA", "SELECT '', nspname FROM pg_namespace WHERE true"),
)


class Bench:
    """The sessions of one transcript, and what it leaves behind."""

    def __init__(self, cluster: LocalCluster, prefix: str) -> None:
        self.prefix = prefix
        self._cluster = cluster
        self._open: dict[str, PGconn] = {}
        self._stack = ExitStack()

    def session(self, speaker: str) -> PGconn:
        if speaker not in self._open:
            user = speaker if speaker.startswith(self.prefix) else "admin"
            connection = connect_raw(self._cluster, user)
            self._stack.callback(connection.finish)
            self._open[speaker] = connection
        return self._open[speaker]

    def play(self, steps: tuple[Step, ...], protocol: str) -> None:
        for _ in range(MOST_DISTURBANCES):
            with suppress(Disturbed):
                self._play(steps, protocol)
                return
        self._play(steps, protocol)

    def _play(self, steps: tuple[Step, ...], protocol: str) -> None:
        try:
            Run(self.session, self.prefix, SENDERS[protocol]).play(steps)
        finally:
            self._stack.close()
            self._open.clear()
            self._tidy()

    def _tidy(self) -> None:
        with connect(self._cluster) as connection:
            for kind, query in LEFTOVERS:
                column = query.split()[2]
                mine = f"{query} AND {column} LIKE %s"
                for schema, name in connection.execute(mine.encode(), [self.prefix + "%"]).fetchall():
                    _drop(connection, kind, [schema, name] if schema else [name])


def _drop(connection: psycopg.Connection, kind: str, name: list[str]) -> None:
    connection.execute(sql.SQL("DROP {} IF EXISTS {} CASCADE").format(sql.SQL(kind), sql.Identifier(*name)))  # type: ignore[arg-type]


@pytest.fixture
def bench(dsql: LocalCluster, request: pytest.FixtureRequest) -> Bench:
    number = [case.id for case in CASES].index(request.node.callspec.id)
    return Bench(dsql, f"r{number}_")


@pytest.mark.parametrize(("row", "protocol"), CASES)
def test_a_row_holds(row: Requirement, protocol: str, bench: Bench) -> None:
    if not row.difference:
        bench.play(row.check_steps, protocol)
        return
    with pytest.raises(Mismatch):
        bench.play(row.check_steps, protocol)
    bench.play(row.local_steps, protocol)


@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: row.id)
def test_a_row_is_whole(row: Requirement) -> None:
    assert row.confidence in ("A", "B")
    assert set(row.sources) <= TABLE.sources.keys()
    assert row.group in TABLE.groups
    assert "\n" not in row.says
    assert sum(map(bool, (row.check, row.test, row.not_applicable))) == 1
    assert bool(row.local) == bool(row.check and row.difference)
    assert bool(row.means) == bool(row.difference)
    assert not (row.not_applicable and row.difference)


def test_each_test_that_a_row_names_exists() -> None:
    assert {row.test for row in TABLE.rows if row.test} <= names_of_tests()


def test_every_source_is_used() -> None:
    assert TABLE.sources.keys() == {source for row in TABLE.rows for source in row.sources}


def test_the_table_names_nothing_of_a_machine() -> None:
    text = "\n".join(TABLE.sources.values())
    assert not re.search(r"(?<![:/\w])/(home|tmp|work|root|usr)\b", text)
