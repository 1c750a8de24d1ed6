"""The bed of the fault tests: one PostgreSQL for all, and a proxy, a table and a certificate for each."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from support.wire.certificate import make_certificate, server_context
from support.wire.fault_plans import Opens, make_schema, parameters
from support.wire.harness import Harness
from support.wire.loads import Loads
from support.wire.postgres import Postgres
from support.wire.proxy import Proxy


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("faults") / "data")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("proxy") / "proxy.pem"
    make_certificate(file)
    return file


@pytest.fixture(scope="session")
def tokens() -> TokenSource:
    source = TokenSource(Identity("us-east-1", None, "AKIAEXAMPLE", "secret"))
    asyncio.run(source.prepare())
    return source


@pytest.fixture
async def bed(postgres: Postgres, certificate: Path, tokens: TokenSource) -> AsyncIterator[Harness]:
    proxy = Proxy(postgres.dial, server_context(certificate))
    await proxy.open()
    bed = Harness(postgres, proxy, certificate, tokens)
    try:
        yield bed
        await bed.close()
    finally:
        await proxy.close()


@pytest.fixture
def opens(bed: Harness, certificate: Path) -> Opens:
    """Opens a client of a server on the bed, whose schema ``bulk`` is new."""
    make_schema(bed)

    @asynccontextmanager
    async def opening(*flags: str) -> AsyncGenerator[Client]:
        async with Client(parameters(bed, certificate, *flags)) as client:
            yield client

    return opening


@pytest.fixture
def loads(bed: Harness, tmp_path: Path) -> Loads:
    """Loads files of a folder into schema ``bulk``, which is new."""
    make_schema(bed)
    return Loads(bed, tmp_path)
