"""The bed of the fault tests: one PostgreSQL for all, and a proxy, a table and a certificate for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from awslabs_dsql_mcp.adapters.credentials import Identity, TokenSource
from wire.bed import Bed
from wire.certificate import make_certificate, server_context
from wire.postgres import Postgres
from wire.proxy import Proxy


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
    source.prepare()
    return source


@pytest.fixture
async def bed(postgres: Postgres, certificate: Path, tokens: TokenSource) -> AsyncIterator[Bed]:
    proxy = Proxy(postgres.dial, server_context(certificate))
    await proxy.open()
    bed = Bed(postgres, proxy, certificate, tokens)
    try:
        yield bed
        await bed.close()
    finally:
        await proxy.close()
