"""Fixtures: agents of servers that may change the clusters of one account, a module's own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from support.aws.agents import Agents


@pytest.fixture(scope="module")
async def account_of_agents(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Path, LocalCluster]]:
    """Run an account whose clusters change their states quickly; gives its folder too."""
    folder = tmp_path_factory.mktemp("account") / "data"
    async with local_cluster(folder, ClusterConfig(transition_seconds=0.3)) as running:
        yield folder, running


@pytest.fixture
async def agents(account_of_agents: tuple[Path, LocalCluster]) -> AsyncIterator[Agents]:
    """Open agents, whose clients are closed behind the test."""
    async with AsyncExitStack() as stack:
        yield Agents(*account_of_agents, stack)
