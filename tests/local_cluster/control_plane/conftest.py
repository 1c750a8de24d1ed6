"""A local cluster whose clusters change their states at once, for each file of tests."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from support.local_cluster.api import Client, Clients, client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the account."""
    return tmp_path_factory.mktemp("account") / "data"


@pytest.fixture(scope="module")
async def account(folder: Path) -> AsyncIterator[LocalCluster]:
    """The account, by the cluster that it begins with."""
    async with local_cluster(folder, ClusterConfig(transition_seconds=0)) as running:
        yield running


@pytest.fixture
def api_in(account: LocalCluster) -> Clients:
    """Makes the client of a Region."""
    return partial(client, account)


@pytest.fixture
def api(api_in: Clients) -> Client:
    """The client of us-east-1."""
    return api_in("us-east-1")


@pytest.fixture
def backup_in(account: LocalCluster) -> Clients:
    """Makes the client of AWS Backup in a Region."""
    return partial(client, account, service="backup")


@pytest.fixture
def backup(backup_in: Clients) -> Client:
    """The client of AWS Backup in us-east-1."""
    return backup_in("us-east-1")
