"""The cluster that the table of requirements is checked on: its own, since transcripts conflict."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from support.local_cluster.logins import connect


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cluster's data folder."""
    return tmp_path_factory.mktemp("dsql") / "data"


@pytest.fixture(scope="session")
async def dsql(data: Path) -> AsyncIterator[LocalCluster]:
    """A local cluster with DSQL's own limits."""
    async with local_cluster(data) as running:
        yield running


@pytest.fixture
async def superuser(dsql: LocalCluster, data: Path) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection past the endpoint, to see what the cluster itself hides."""
    assert dsql.port
    socket = DataDir.of(data).postgres
    async with await psycopg.AsyncConnection.connect(
        host=str(socket), user=SUPERUSER, dbname="postgres", autocommit=True
    ) as connection:
        yield connection


@pytest.fixture
def admin(dsql: LocalCluster) -> Iterator[psycopg.Connection]:
    """A connection as admin."""
    with connect(dsql) as connection:
        yield connection
