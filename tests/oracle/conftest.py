"""The embedded PostgreSQL, bare: the judge of what a statement changes and of what a value is."""

from collections.abc import Iterator

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from support.wire.postgres import Postgres


@pytest.fixture(scope="session")
def postgres16(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of a server of the tests' own; it is gone after them."""
    directory = tmp_path_factory.mktemp("postgres") / "data"
    server = Postgres(directory)
    # Without autovacuum, nobody but the tests takes transaction ids.
    server.query("ALTER SYSTEM SET autovacuum = off")
    server.query("SELECT pg_reload_conf()")
    yield f"host={directory} user={SUPERUSER} dbname=postgres"
    server.stop()


@pytest.fixture
def session(postgres16: str) -> Iterator[psycopg.Connection]:
    """A session in autocommit: outside of any READ ONLY transaction."""
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        yield connection
