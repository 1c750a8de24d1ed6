"""An endpoint by itself, whose time and mappings of roles are the test's."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon import certificates
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.endpoint import listener
from awslabs_dsql_mcp.local_cluster.postgres import discovery
from awslabs_dsql_mcp.local_cluster.postgres.server import Address
from awslabs_dsql_mcp.local_cluster.postgres.superuser import ReconnectingSuperuser

DENIED = "unable to accept connection, access denied"


class Mappings(ReconnectingSuperuser):
    """The superuser's connection, with the mappings of a test."""

    def __init__(self, address: Address, mapped: set[str]) -> None:
        super().__init__(address)
        self._mapped = mapped

    async def is_mapped(self, role: str) -> bool:
        return role in self._mapped


@dataclass
class World:
    """What the endpoint asks of the rest of the world."""

    folder: DataDir
    port: int = 0
    now: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)
    mapped: set[str] = field(default_factory=set[str])

    def token(self, user: str = "admin") -> str:
        return iam_token.issue("localhost", user, self.folder.credentials(), self.now)

    async def connect(self, user: str = "admin", token: str | None = None) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            host="localhost",
            port=self.port,
            user=user,
            dbname="postgres",
            password=token or self.token(user),
            sslmode="verify-full",
            sslrootcert=str(self.folder.ca_file),
            autocommit=True,
        )


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    here = World(DataDir(tmp_path_factory.mktemp("world")))
    here.folder.ensure_credentials()
    certificates.make(here.folder)
    server = discovery.find().start(here.folder.postgres, meanwhile=lambda: None, loopback=True)
    listeners = listener.listen(0)
    here.port = listeners[0].getsockname()[1]
    opened = listener.Endpoint(
        server.address, here.folder, ClusterConfig(), Mappings(server.address, here.mapped), lambda: here.now
    )
    opened.serve(listeners)
    yield here
    await opened.close()
    server.stop()


async def one(connection: psycopg.AsyncConnection, query: str) -> object:
    return await (await connection.execute(query.encode())).fetchone()


async def test_a_session_outlives_its_token_which_opens_no_other(world: World) -> None:
    token = world.token()
    async with await world.connect(token=token) as session:
        world.now += timedelta(seconds=901)
        assert await one(session, "SELECT 1") == (1,)
        with pytest.raises(
            psycopg.OperationalError, match="HINT:  Signature expired: 20260101T000000Z is now"
        ):
            await world.connect(token=token)
        async with await world.connect() as another:
            assert await one(another, "SELECT 1") == (1,)


async def test_a_role_needs_a_mapping_and_admin_none(world: World) -> None:
    async with await world.connect() as admin:
        await admin.execute("CREATE ROLE app LOGIN")
    with pytest.raises(psycopg.OperationalError) as refused:
        await world.connect("app")
    assert DENIED in str(refused.value)
    assert (
        "HINT:  No IAM identity is mapped to role app: as admin, run AWS IAM GRANT app TO 'arn:aws:iam::…'"
        in str(refused.value)
    )
    world.mapped.add("app")
    async with await world.connect("app") as app:
        assert await one(app, "SELECT current_user") == ("app",)
