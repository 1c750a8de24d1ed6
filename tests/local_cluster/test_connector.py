"""AWS's own connector for Python on the local cluster: it connects, and its retries keep transfers whole."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import quote

import anyio
import psycopg
import pytest
from psycopg import sql

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster

# The connector ships no types.
OF_PSYCOPG: Any = import_module("aurora_dsql_psycopg")
OF_ASYNCPG: Any = import_module("aurora_dsql_asyncpg")

ACCOUNTS, TRANSFERS, DEPOSIT = 10, 50, 100
LONGEST_WAIT = 5_000  # milliseconds; who waits for another transaction waits as long as that takes
READ = "SELECT balance FROM {table} WHERE id = {id}"
WRITE = "UPDATE {table} SET balance = {balance} WHERE id = {id}"


@pytest.fixture
def dsn(dsql: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """The cluster's address, and the environment that holds its keys."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", dsql.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", dsql.secret_key)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    trust = f"sslmode=verify-full&sslrootcert={quote(str(dsql.ca_file))}"
    return f"postgresql://admin@{dsql.host}:{dsql.port}/postgres?region={dsql.region}&{trust}"


@pytest.fixture(params=["psycopg", "asyncpg"])
def accounts(request: pytest.FixtureRequest, admin: psycopg.Connection) -> Iterator[str]:
    """A table of accounts."""
    table = f"accounts_{request.param}"
    name = sql.Identifier(table)
    admin.execute(sql.SQL("CREATE TABLE {} (id int PRIMARY KEY, balance int NOT NULL)").format(name))
    filling = sql.SQL("INSERT INTO {} SELECT g, %s FROM generate_series(1, %s) AS g").format(name)
    admin.execute(filling, [DEPOSIT, ACCOUNTS])
    yield table
    admin.execute(sql.SQL("DROP TABLE {}").format(name))


def test_the_connector_of_psycopg_connects(dsn: str) -> None:
    with OF_PSYCOPG.connect(dsn) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("admin",)


async def test_the_connector_of_asyncpg_connects(dsn: str) -> None:
    connection = await OF_ASYNCPG.connect(dsn)
    try:
        assert await connection.fetchval("SELECT current_user") == "admin"
    finally:
        await connection.close()


Fetch = Callable[[Any, str], Awaitable[int]]
Execute = Callable[[Any, str], Awaitable[object]]


@dataclass
class Transfers:
    """Transfers between accounts, whose first attempts all read before any of them writes.

    Args:
        table: The accounts.
        fetch: Reads one number on a connection.
        execute: Runs a statement on a connection.
    """

    table: str
    fetch: Fetch
    execute: Execute
    attempts: int = 0
    _all_have_read: asyncio.Event = field(default_factory=asyncio.Event)

    def between(self, source: int, target: int, amount: int) -> Callable[[Any], Awaitable[None]]:
        """One transfer, as the pool's ``run_transaction`` takes it."""

        async def transfer(connection: Any) -> None:  # noqa: ANN401  of either driver
            left, right = [
                await self.fetch(connection, READ.format(table=self.table, id=account))
                for account in (source, target)
            ]
            await self._wait_for_the_others()
            for account, balance in ((source, left - amount), (target, right + amount)):
                await self.execute(connection, WRITE.format(table=self.table, id=account, balance=balance))

        return transfer

    async def _wait_for_the_others(self) -> None:
        self.attempts += 1
        if self.attempts >= TRANSFERS:
            self._all_have_read.set()
        await self._all_have_read.wait()

    async def run(self, pool: Any) -> None:  # noqa: ANN401  of either driver
        """Run all of them at once."""
        pairs = [(1 + n % ACCOUNTS, 1 + (n * 3 + 1 + n // ACCOUNTS) % ACCOUNTS) for n in range(TRANSFERS)]
        pairs = [(a, b) if a != b else (a, 1 + b % ACCOUNTS) for a, b in pairs]
        async with anyio.create_task_group() as group:
            for n, pair in enumerate(pairs):
                group.start_soon(pool.run_transaction, self.between(*pair, amount=1 + n))


async def fetch_by_psycopg(connection: psycopg.AsyncConnection[Any], statement: str) -> int:
    cursor = await connection.execute(statement.encode())
    row = await cursor.fetchone()
    assert row
    return row[0]


async def execute_by_psycopg(connection: psycopg.AsyncConnection[Any], statement: str) -> object:
    return await connection.execute(statement.encode())


@asynccontextmanager
async def pool_of_psycopg(dsn: str) -> AsyncGenerator[Any]:
    retry = OF_PSYCOPG.OCCRetryConfig(max_retries=100)
    async with OF_PSYCOPG.create_async_pool(dsn, retry=retry, min_size=TRANSFERS, max_size=TRANSFERS) as pool:
        yield pool


@asynccontextmanager
async def pool_of_asyncpg(dsn: str) -> AsyncGenerator[Any]:
    retry = OF_ASYNCPG.OCCRetryConfig(max_retries=100)
    async with await OF_ASYNCPG.create_pool(dsn, retry=retry, min_size=TRANSFERS, max_size=TRANSFERS) as pool:
        yield pool


@pytest.fixture
async def waiting(superuser: psycopg.AsyncConnection[Any]) -> AsyncIterator[list[int]]:
    """For how many milliseconds a session has waited for a lock, sampled as long as the test runs."""
    samples, over = list[int](), asyncio.Event()
    query = (
        "SELECT extract(milliseconds FROM coalesce(max(clock_timestamp() - waitstart), '0'))::int "
        "FROM pg_locks WHERE NOT granted"
    )

    async def sample() -> None:
        while not over.is_set():
            samples.append(await fetch_by_psycopg(superuser, query))

    sampling = asyncio.ensure_future(sample())
    yield samples
    over.set()
    await sampling


def held_together(admin: psycopg.Connection, transfers: Transfers, waiting: list[int]) -> None:
    """Check what must hold after the transfers."""
    total = admin.execute(
        sql.SQL("SELECT sum(balance) FROM {}").format(sql.Identifier(transfers.table))
    ).fetchone()
    assert total == (ACCOUNTS * DEPOSIT,)
    # Each of the winners among those that read together has two accounts for itself.
    assert transfers.attempts - TRANSFERS >= TRANSFERS - ACCOUNTS // 2
    assert waiting
    assert max(waiting) < LONGEST_WAIT


@pytest.mark.parametrize("accounts", ["psycopg"], indirect=True)
async def test_transfers_with_the_connectors_pool_of_psycopg(
    dsn: str, accounts: str, admin: psycopg.Connection, waiting: list[int]
) -> None:
    transfers = Transfers(accounts, fetch_by_psycopg, execute_by_psycopg)
    async with pool_of_psycopg(dsn) as pool:
        await transfers.run(pool)
    held_together(admin, transfers, waiting)


@pytest.mark.parametrize("accounts", ["asyncpg"], indirect=True)
async def test_transfers_with_the_connectors_pool_of_asyncpg(
    dsn: str, accounts: str, admin: psycopg.Connection, waiting: list[int]
) -> None:
    transfers = Transfers(accounts, lambda c, s: c.fetchval(s), lambda c, s: c.execute(s))
    async with pool_of_asyncpg(dsn) as pool:
        await transfers.run(pool)
    held_together(admin, transfers, waiting)


def test_the_connectors_pool_works_in_threads(dsn: str) -> None:
    def read(connection: psycopg.Connection) -> object:
        return connection.execute("SELECT 1").fetchone()

    with OF_PSYCOPG.create_pool(dsn, retry=True, min_size=1, max_size=2) as pool:
        assert pool.run_transaction(read) == (1,)
