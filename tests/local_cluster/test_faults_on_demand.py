"""Faults that a local cluster was told to have, as a driver meets them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.session.fault_injection import FaultInjector
from support.local_cluster.logins import connect
from support.local_cluster.waiting import wait_until

DICE = ClusterConfig(conflict_rate=0.5, seed=7)


def write(connection: psycopg.Connection, number: int) -> bool:
    """Add a row in a transaction of its own; say whether it conflicted."""
    try:
        with connection.transaction():
            connection.execute("INSERT INTO thrown VALUES (%s)", [number])
    except psycopg.errors.SerializationFailure as conflict:
        return "(OC000)" in str(conflict)
    return False


async def test_commits_conflict_as_the_seed_has_it(tmp_path: Path) -> None:
    async with local_cluster(tmp_path / "data", DICE) as cluster:
        with connect(cluster) as first:
            first.execute("CREATE TABLE thrown (number int PRIMARY KEY)")
        with connect(cluster) as second:
            conflicts = [write(second, number) for number in range(20)]
            kept = [number for (number,) in second.execute("SELECT number FROM thrown ORDER BY 1")]
    drawn = FaultInjector(DICE, connection=2)
    assert conflicts == [drawn.conflict() for _ in range(20)]
    assert kept == [number for number in range(20) if not conflicts[number]]


@contextmanager
def lost() -> Generator[None]:
    """Expect the connection to end without a word of the server."""
    with pytest.raises(psycopg.OperationalError) as ended:
        yield
    assert ended.value.sqlstate is None


async def test_connections_are_cut_and_what_was_sent_may_have_happened(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with local_cluster(folder) as cluster:
        with connect(cluster) as whole:
            whole.execute("CREATE TABLE thrown (number int PRIMARY KEY)")
    wait_until(lambda: not (folder / "daemon.json").exists())
    async with local_cluster(folder, ClusterConfig(disconnect_rate=1, seed=7)) as cluster:
        for number in range(8):
            with lost():
                connect(cluster).execute("INSERT INTO thrown VALUES (%s)", [number])
    wait_until(lambda: not (folder / "daemon.json").exists())
    async with local_cluster(folder) as cluster:
        with connect(cluster) as whole:
            row = whole.execute("SELECT count(*) FROM thrown").fetchone()
    assert row is not None
    assert 0 < row[0] < 8


async def test_a_session_ends_when_its_time_is_up(tmp_path: Path) -> None:
    async with local_cluster(tmp_path / "data", ClusterConfig(session_minutes=0.005)) as cluster:
        session = connect(cluster)

        def has_ended() -> bool:
            try:
                session.execute("SELECT 1")
            except psycopg.OperationalError:
                return True
            return False

        wait_until(has_ended)
        assert session.closed
        with connect(cluster) as another:
            assert another.execute("SELECT 1").fetchone() == (1,)
