"""A test bed: our database adapter, the proxy, and a PostgreSQL, with what tests ask of them."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.database.connector import Connector, Target
from awslabs_dsql_mcp.database.executor import Limits, PooledDatabase
from awslabs_dsql_mcp.database.transaction import Query, Report, RetryPolicy, UnitOfWork
from support.wire.faults import At, Fault, Hold
from support.wire.postgres import Postgres
from support.wire.proxy import Proxy

_PATIENCE = 20.0
_OURS = "FROM pg_stat_activity WHERE application_name LIKE 'awslabs-dsql-mcp/%'"


class Harness:
    """One test's world. Its table is ``t (id int PRIMARY KEY)``, empty at first.

    Args:
        postgres: The server.
        proxy: What stands in front of it.
        certificate: The proxy's certificate, as the root to trust.
        tokens: Makes login tokens; shared, since making the first one takes long.
    """

    def __init__(self, postgres: Postgres, proxy: Proxy, certificate: Path, tokens: TokenSource) -> None:
        self.postgres = postgres
        self.proxy = proxy
        self._certificate = certificate
        self._tokens = tokens
        self._databases: list[PooledDatabase] = []
        postgres.query("DROP TABLE IF EXISTS t CASCADE")
        postgres.query("CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO admin")

    def connect(
        self,
        *,
        policy: RetryPolicy | None = None,
        limits: Limits | None = None,
        connect_timeout: float = 5.0,
        jitter: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> PooledDatabase:
        """Make a database adapter that goes through the proxy.

        Args:
            policy: When units are tried again.
            limits: How long calls may wait.
            connect_timeout: Seconds to connect.
            jitter: Share of each delay between attempts that is waited; by default there are no delays.
            clock: Tells the time for the age of sessions and calls.
        """
        root = str(self._certificate)
        target = Target("localhost", "admin", Identity(), root, self.proxy.port, direct_tls=True)
        database = PooledDatabase(
            Connector(target, timeout=connect_timeout, tokens=lambda _: self._tokens).connect,
            policy=policy or RetryPolicy(),
            limits=limits or Limits(),
            jitter=lambda: jitter,
            clock=clock,
        )
        self._databases.append(database)
        return database

    def ids(self) -> list[int]:
        """Read the table, past everything under test."""
        return [int(str(row[0])) for row in self.postgres.query("SELECT id FROM t ORDER BY id")]

    def states(self) -> list[str]:
        """Tell what the sessions of ours do, as the server sees it."""
        return sorted(str(row[0]) for row in self.postgres.query(f"SELECT state {_OURS}"))

    def terminate_sessions(self) -> None:
        """End our sessions at the server, as an operator does."""
        self.postgres.query(f"SELECT pg_terminate_backend(pid) {_OURS}")

    async def still_works(self, database: PooledDatabase) -> None:
        """Assert that calls work, that no turn is lost, and that no session is left in a transaction."""
        self.proxy.clear()
        seen = await database.run(read("SELECT count(*) FROM t"))
        assert cells(seen) == [str(len(self.ids()))]
        await self._has_every_turn(database)
        await until(lambda: set(self.states()) <= {"idle"})
        assert len(self.states()) <= Limits().max_connections

    async def _has_every_turn(self, database: PooledDatabase) -> None:
        most = Limits().max_connections
        held = self.proxy.add(Fault(At.ASKED, Hold(), "every turn", times=None))
        calls = [
            asyncio.ensure_future(database.run(read(f'SELECT {n} AS "every turn"'))) for n in range(most)
        ]
        await until(lambda: held.struck == most)
        assert isinstance(held.deed, Hold)
        held.deed.release.set()
        assert [cells(report) for report in await asyncio.gather(*calls)] == [[str(n)] for n in range(most)]

    async def close(self) -> None:
        """End the adapters, and assert that the server has no session of theirs."""
        for database in self._databases:
            await database.aclose()
        await until(lambda: not self.states())


def read(*sql: str) -> UnitOfWork:
    """Make a read-only unit."""
    return UnitOfWork(tuple(Query(text) for text in sql), read_only=True)


def write(*sql: str) -> UnitOfWork:
    """Make a unit that is committed."""
    return UnitOfWork(tuple(Query(text) for text in sql), read_only=False)


def insert(*ids: int) -> UnitOfWork:
    """Make a unit that inserts these rows, a statement each."""
    return write(*(f"INSERT INTO t VALUES ({number})" for number in ids))  # noqa: S608 - numbers


def cells(report: Report) -> list[str | None]:
    """Give all cells of a report's results."""
    return [cell for result in report.results for row in result.rows for cell in row]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another process does; fail if it never comes."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it never came"
        await asyncio.sleep(0.01)


def attempts_in(message: str) -> int:
    """Read how many attempts an error tells of."""
    told = re.search(r"\((\d+) attempts\)", message)
    return int(told.group(1)) if told else 1
