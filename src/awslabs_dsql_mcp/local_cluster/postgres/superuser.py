"""The keeper's own way into the embedded PostgreSQL: as the superuser, past the endpoint and its rules.

psycopg is imported at the first connection: the keeper announces its cluster before that.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from typing_extensions import LiteralString

from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER, Address, Loopback

if TYPE_CHECKING:
    from psycopg import AsyncConnection

Row = tuple[object, ...]


async def connect(address: Address, name: str = "dsql") -> "AsyncConnection[Row]":
    """Connect as the superuser; each statement commits by itself.

    Args:
        address: Where PostgreSQL listens.
        name: What the connection is called in pg_stat_activity.

    Raises:
        psycopg.OperationalError: It does not listen.
    """
    from psycopg import AsyncConnection  # noqa: PLC0415  see above

    return await AsyncConnection.connect(_parameters(address, name), autocommit=True)


def _parameters(address: Address, name: str) -> str:
    """Give libpq's parameters, all that our environment's ``PG…`` variables could name otherwise."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  see above

    who = {"user": SUPERUSER, "dbname": "postgres", "application_name": name, "options": ""}
    if isinstance(address, Loopback):
        return make_conninfo(host="127.0.0.1", port=address.port, password=address.password, **who)
    # libpq builds the socket's name from its directory and the port: DIRECTORY/.s.PGSQL.PORT.
    return make_conninfo(host=str(address.path.parent), port=address.path.suffix[1:], **who)


class Superuser:
    """What the endpoint asks PostgreSQL, on a connection that it shares among its sessions.

    Args:
        connection: As `connect` opens it.
    """

    def __init__(self, connection: "AsyncConnection[Row]") -> None:
        self._connection = connection

    async def is_mapped(self, role: str) -> bool:
        """Say whether an IAM identity may connect as a role: whether ``AWS IAM GRANT`` named it.

        True of a role too that PostgreSQL keeps out, which it does in its own words: one that does not
        exist, or has no LOGIN.
        """
        logs_in = "SELECT FROM pg_catalog.pg_roles WHERE rolcanlogin AND rolname = %s"
        question = f"SELECT sys._is_mapped(%s) OR NOT EXISTS ({logs_in})"
        return bool(await self._ask(question, [role, role]))

    async def blockers(self, process: int) -> list[int]:
        """Give the processes whose locks a session waits for.

        Args:
            process: The session's, as PostgreSQL's BackendKeyData names it.
        """
        question = "SELECT pid FROM unnest(pg_catalog.pg_blocking_pids(%s)) AS blocking (pid)"
        cursor = await self._connection.execute(question, [process])
        return [cast("int", pid) for (pid,) in await cursor.fetchall()]

    async def cancel(self, process: int) -> bool:
        """Cancel what a session does; false when there is no such session."""
        return bool(await self._ask("SELECT pg_catalog.pg_cancel_backend(%s)", [process]))

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()

    async def _ask(self, question: LiteralString, values: Sequence[object]) -> object:
        cursor = await self._connection.execute(question, values)
        row = await cursor.fetchone()
        return row[0] if row else None
