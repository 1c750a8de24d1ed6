"""One embedded PostgreSQL for the tests of what is inside it."""

from collections.abc import AsyncGenerator, Iterator

import pytest

from awslabs_dsql_mcp.local_cluster.postgres import discovery, server
from support.superuser import Connection, connected, working


@pytest.fixture(scope="session")
def inner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    running = discovery.find().start(tmp_path_factory.mktemp("inside") / "postgres", meanwhile=lambda: None)
    yield running
    running.stop()


@pytest.fixture
async def admin(inner: server.Server) -> AsyncGenerator[Connection, None]:
    async with connected(inner) as connection:
        yield connection


@pytest.fixture
async def changes(inner: server.Server) -> AsyncGenerator[list[str], None]:
    async with working(inner) as told:
        yield told
