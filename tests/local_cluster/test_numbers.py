"""How many of everything there may be, and how old a transaction: on a cluster that is filled up."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from support.local_cluster.logins import connect

LONGEST = 1.0  # seconds; each of two halves that make a transaction older stays below
OLDER = b"SELECT pg_sleep(0.6)"
TOO_OLD = "transaction age limit of 1s exceeded"


class Crowd(NamedTuple):
    """Things of one kind.

    Attributes:
        kind: As CREATE has it.
        relkind: As pg_class has it.
        body: The rest of CREATE.
        most: How many there may be.
        refusal: What the next one gets.
    """

    kind: str
    relkind: str
    body: str
    most: int
    refusal: str

    @property
    def name(self) -> str:
        """What they are called, but for a number."""
        return f"crowded_{self.kind.lower()}"


TABLES = Crowd("TABLE", "r", "(id int)", 1_000, "creating more than 1000 tables not allowed")
VIEWS = Crowd("VIEW", "v", "AS SELECT 1 AS one", 5_000, "creating more than 5000 views not allowed")
SEQUENCES = Crowd("SEQUENCE", "S", "CACHE 1", 5_000, "creating more than 5000 sequences is not allowed")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full") / "data"


@pytest.fixture(scope="module")
async def full(data: Path) -> AsyncIterator[LocalCluster]:
    async with local_cluster(data, ClusterConfig(max_transaction_seconds=LONGEST)) as running:
        with connect(running) as connection:
            connection.execute("CREATE TABLE aging (id int PRIMARY KEY)")
        yield running


@pytest.fixture
def session(full: LocalCluster) -> Iterator[psycopg.Connection]:
    with connect(full) as connection:
        yield connection


def fill(data: Path, crowd: Crowd) -> None:
    """Make as many as there may be, fast: past the endpoint, without event triggers."""
    there = "SELECT count(*) FROM pg_class WHERE relkind = %s AND relnamespace = 'public'::regnamespace"
    inside = psycopg.connect(
        host=str(DataDir.of(data).postgres), user=SUPERUSER, dbname="postgres", autocommit=True
    )
    with inside:
        have = (inside.execute(there, [crowd.relkind]).fetchone() or (0,))[0]
        inside.execute("SET session_replication_role = replica")
        make = f"EXECUTE format('CREATE {crowd.kind} {crowd.name}_%s {crowd.body}', number)"
        loop = f"FOR number IN {have + 1} .. {crowd.most} LOOP {make}; END LOOP"
        inside.execute(f"DO $$ BEGIN SET LOCAL ROLE admin; {loop}; END $$".encode())


def assert_is_full(session: psycopg.Connection, crowd: Crowd) -> None:
    create = f"CREATE {crowd.kind} one_more_{crowd.name} {crowd.body}".encode()
    with pytest.raises(psycopg.Error, match=crowd.refusal) as refused:
        session.execute(create)
    assert refused.value.sqlstate == "54000"
    session.execute(f"DROP {crowd.kind} {crowd.name}_{crowd.most}".encode())
    session.execute(create)


def test_there_are_1000_tables_at_most(session: psycopg.Connection, data: Path) -> None:
    fill(data, TABLES)
    assert_is_full(session, TABLES)


def test_there_are_5000_views_at_most(session: psycopg.Connection, data: Path) -> None:
    fill(data, VIEWS)
    assert_is_full(session, VIEWS)


def test_there_are_5000_sequences_at_most(session: psycopg.Connection, data: Path) -> None:
    fill(data, SEQUENCES)
    assert_is_full(session, SEQUENCES)


def test_a_transaction_that_is_too_old_is_not_committed(session: psycopg.Connection) -> None:
    session.execute("BEGIN")
    session.execute("INSERT INTO aging VALUES (1)")
    assert_grows_too_old(session)
    assert session.execute("SELECT count(*) FROM aging").fetchone() == (0,)


def test_a_reading_transaction_grows_too_old_as_well(session: psycopg.Connection) -> None:
    session.execute("BEGIN READ ONLY")
    assert_grows_too_old(session)


def assert_grows_too_old(session: psycopg.Connection) -> None:
    session.execute(OLDER)
    session.execute(OLDER)
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match=TOO_OLD) as refused:
        session.execute("COMMIT")
    assert str(refused.value.diag.message_detail).startswith("Current transaction age ")
