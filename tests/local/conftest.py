"""The cluster that the table of requirements is checked on: its own, since its transcripts count and conflict."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from awslabs_dsql_mcp.local.cluster import LocalCluster, local_cluster
from local.logins import connect


@pytest.fixture(scope="session")
async def dsql(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCluster]:
    """A local cluster with DSQL's own limits."""
    async with local_cluster(tmp_path_factory.mktemp("dsql") / "data") as running:
        yield running


@pytest.fixture
def admin(dsql: LocalCluster) -> Iterator[psycopg.Connection]:
    """A connection as admin."""
    with connect(dsql) as connection:
        yield connection
