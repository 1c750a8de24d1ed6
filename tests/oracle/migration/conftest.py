"""The two sides of a comparison: plain PostgreSQL, and a local cluster that scripts are carried over to."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from conftest import held
from support.migration.carried import Target
from support.migration.difference import Compare, Comparison, compared
from support.migration.oracle import Oracle
from support.wire.postgres import Postgres


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """A PostgreSQL of these tests' own: each script has a database there."""
    directory = tmp_path_factory.mktemp("oracle") / "data"
    server = Postgres(directory)
    yield Oracle(f"host={directory} user={SUPERUSER}")
    server.stop()


@pytest.fixture(scope="session")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """A local cluster of these tests' own, which is empty between scripts."""
    folder = tmp_path_factory.mktemp("target")
    stack = AsyncExitStack()
    async with held(local_cluster(folder)) as cluster, held(stack):
        yield Target(folder, stack, cluster)


@pytest.fixture(scope="session")
def compare(oracle: Oracle, target: Target) -> Compare:
    """Runs a script on both sides and compares what it leaves."""

    async def run(script: str) -> Comparison:
        return await compared(script, oracle, target)

    return run
