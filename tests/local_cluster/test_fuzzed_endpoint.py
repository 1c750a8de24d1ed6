"""Clients that keep to no rule: the endpoint answers or closes, lives on, and lets no rule be passed."""

import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from hypothesis import settings

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from support.local_cluster.fuzzing import converse
from support.local_cluster.logins import connect

_AT_ONCE = 4
CONNECTIONS = int(os.environ.get("DSQL_TEST_CONNECTIONS", 2 * settings().max_examples))
MIXED = b"SELECT count(*) FROM pg_class c JOIN marks m ON m.xmin = c.xmin"


@pytest.fixture(scope="module")
async def busy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCluster]:
    """A cluster that takes any number of connections a second."""
    config = ClusterConfig(connection_rate=1e6, connection_burst=1_000_000)
    async with local_cluster(tmp_path_factory.mktemp("busy"), config) as running:
        yield running


@pytest.fixture
def watcher(busy: LocalCluster) -> Iterator[psycopg.Connection]:
    with connect(busy) as connection:
        connection.execute("CREATE TABLE marks (v int)")
        connection.execute("CREATE TABLE victim (v int)")
        connection.execute("INSERT INTO victim VALUES (1)")
        yield connection


def test_no_client_passes_a_rule_or_ends_the_endpoint(
    busy: LocalCluster, watcher: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(partial(converse, busy), range(CONNECTIONS)))
    assert watcher.execute("SELECT v FROM victim").fetchall() == [(1,)]
    assert watcher.execute(MIXED).fetchone() == (0,)  # no transaction has committed DDL and data
    with connect(busy) as another:
        assert another.execute("SELECT 1").fetchone() == (1,)
