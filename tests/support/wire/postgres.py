"""The embedded PostgreSQL of `local`, bare: without the endpoint that makes it Aurora DSQL."""

import asyncio
from pathlib import Path

import psycopg

from awslabs_dsql_mcp.local_cluster.postgres import discovery
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER, UnixSocket
from support.wire.link import Streams

# Logins are the endpoint's business, which is not here.
_TRUST = "local all all trust\nhost all all 127.0.0.1/32 trust\n"
# Without this PostgreSQL learns only at the end of a query that its client is gone.
_WATCH_CLIENTS = "ALTER SYSTEM SET client_connection_check_interval = '50ms'"


class Postgres:
    """A server on a data directory, which may be stopped, crash, and be started again.

    Args:
        directory: Where its data are; made when absent.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.start()
        (directory / "pg_hba.conf").write_text(_TRUST)
        self.query(_WATCH_CLIENTS)
        self.query("SELECT pg_reload_conf()")
        self.query("ALTER DATABASE postgres RESET lock_timeout")  # who meets a lock here waits for it

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._server = discovery.find().start(self._directory, lambda: None, one_database=False)

    def stop(self) -> None:
        """Stop it: sessions are told, and what is open is rolled back."""
        self._server.stop()

    def crash(self) -> None:
        """End it without a chance to say or write a word."""
        self._server.process.kill()
        self._server.stop()

    async def dial(self) -> Streams:
        """Open a connection to it, past everything under test."""
        address = self._server.address
        if isinstance(address, UnixSocket):
            return await asyncio.open_unix_connection(str(address.path))
        return await asyncio.open_connection("127.0.0.1", address.port)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Run a statement as the superuser, past everything under test."""
        with self._connect() as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def copy(self, sql: str, data: bytes) -> None:
        """Run COPY FROM STDIN as the superuser.

        Raises:
            psycopg.Error: The server does not take the data.
        """
        with self._connect() as connection, connection.cursor().copy(sql.encode()) as copy:
            copy.write(data)

    def csv(self, sql: str) -> bytes:
        """Give the rows of a query as PostgreSQL writes them to a CSV file."""
        copied = f"COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)".encode()
        with self._connect() as connection, connection.cursor().copy(copied) as copy:
            return b"".join(map(bytes, copy))

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        address = self._server.address
        host, port, password = (
            (str(address.path.parent), 5432, None)
            if isinstance(address, UnixSocket)
            else ("127.0.0.1", address.port, address.password)
        )
        return psycopg.connect(
            host=host, port=port, password=password, user=SUPERUSER, dbname="postgres", autocommit=True
        )
