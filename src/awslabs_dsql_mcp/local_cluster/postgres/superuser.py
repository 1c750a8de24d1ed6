"""Connections of the daemon to the embedded PostgreSQL as the superuser, not through the endpoint.

psycopg is imported at the first connection: the daemon announces its cluster before that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

from typing_extensions import LiteralString

from awslabs_dsql_mcp.local_cluster.postgres.connect import set_password
from awslabs_dsql_mcp.local_cluster.postgres.server import (
    SUPERUSER,
    SUPERUSER_OPTIONS,
    Address,
    Loopback,
)

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_IS_MAPPED = """
SELECT (
  SELECT pg_catalog._dsql_is_mapped(%s) OR NOT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = %s)
"""
Row = tuple[object, ...]
T = TypeVar("T")


async def connect(address: Address) -> "AsyncConnection[Row]":
    """Connect as the superuser; each statement commits by itself.

    Raises:
        psycopg.OperationalError: PostgreSQL does not listen.
    """
    from psycopg import AsyncConnection  # noqa: PLC0415  see above

    parameters = _parameters(address, SUPERUSER, "dsql", SUPERUSER_OPTIONS)
    return await AsyncConnection.connect(parameters, autocommit=True)


async def run_as(address: Address, worker: str, owner: str, statement: str) -> None:
    """Run a job's statement, not as the superuser but on a connection of its own as the table's owner.

    Args:
        address: Address of PostgreSQL.
        worker: A role that runs jobs, and is a member of the owner.
        owner: The owner.
        statement: What `_dsql_job_statement` wrote.

    Raises:
        psycopg.Error: It fails; a lock is waited for a tenth of a second.
    """
    from psycopg import AsyncConnection  # noqa: PLC0415  see above

    await set_password(address, worker)
    parameters = _parameters(address, worker, "dsql job", "-c lock_timeout=100ms")
    async with await AsyncConnection.connect(parameters, autocommit=True) as connection:
        await connection.execute("SELECT pg_catalog._dsql_set_config('role', %s, false)", [owner])
        await connection.execute(statement.encode())


def _parameters(address: Address, user: str, name: str, options: str) -> str:
    """Return parameters of libpq, with all that ``PG…`` variables could override."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  see above

    who = {"user": user, "dbname": "postgres", "application_name": name, "options": options}
    if isinstance(address, Loopback):
        return make_conninfo(host="127.0.0.1", port=address.port, password=address.password, **who)
    # libpq builds the socket's name from its directory and the port: DIRECTORY/.s.PGSQL.PORT.
    return make_conninfo(host=str(address.path.parent), port=address.path.suffix[1:], **who)


class Superuser:
    """Queries of the endpoint, on one connection for all sessions.

    Args:
        connection: As `connect` opens it.
    """

    def __init__(self, connection: "AsyncConnection[Row]") -> None:
        self._connection = connection

    async def is_mapped(self, role: str) -> bool | None:
        """Return true if ``AWS IAM GRANT`` has mapped an IAM identity to a role; `None` without such a role.

        Also true of a role that PostgreSQL refuses with its own error: one that has no LOGIN.
        """
        return cast("bool | None", await self._ask(_IS_MAPPED, [role, role]))

    async def blockers(self, process: int) -> list[int]:
        """Return the processes whose locks a session waits for.

        Args:
            process: The session's, as PostgreSQL's BackendKeyData names it.
        """
        question = "SELECT pid FROM unnest(pg_catalog.pg_blocking_pids(%s)) AS blocking (pid)"
        cursor = await self._connection.execute(question, [process])
        return [cast("int", pid) for (pid,) in await cursor.fetchall()]

    async def cancel(self, process: int) -> bool:
        """Cancel the statement of a session; false when there is no such session."""
        return bool(await self._ask("SELECT pg_catalog.pg_cancel_backend(%s)", [process]))

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()

    async def _ask(self, question: LiteralString, values: Sequence[object]) -> object:
        cursor = await self._connection.execute(question, values)
        row = await cursor.fetchone()
        return row[0] if row else None


class ReconnectingSuperuser:
    """The superuser's connection, opened when it is first needed, and anew when it was lost.

    When one backend crashes, PostgreSQL ends them all, and takes connections again after a moment. It
    serves as `registry.BackendControl`.

    Args:
        address: Address of PostgreSQL.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._opening: asyncio.Task[Superuser] | None = None

    async def is_mapped(self, role: str) -> bool | None:
        """Return true if an IAM identity is mapped to a role; `None` if there is no such role.

        Raises:
            OSError: PostgreSQL does not answer; also for the other methods.
        """
        return await self._ask(lambda superuser: superuser.is_mapped(role))

    async def blockers(self, process: int) -> list[int]:
        """Return the processes whose locks a session waits for."""
        return await self._ask(lambda superuser: superuser.blockers(process))

    async def cancel(self, process: int) -> bool:
        """Cancel the statement of a session."""
        return await self._ask(lambda superuser: superuser.cancel(process))

    async def close(self) -> None:
        """End the connection, if there is one; the next query opens a new one."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        from psycopg import OperationalError  # noqa: PLC0415  see above

        with suppress(OperationalError):  # it was never opened, or is lost
            await (await opening).close()

    async def _ask(self, question: Callable[[Superuser], Awaitable[T]]) -> T:
        """Run a query, and once more on a new connection if the first is lost."""
        try:
            return await self._try(question)
        except ConnectionResetError:
            return await self._try(question)

    async def _try(self, question: Callable[[Superuser], Awaitable[T]]) -> T:
        from psycopg import OperationalError  # noqa: PLC0415  see above

        opening = self._opening = self._opening or asyncio.ensure_future(self._open())
        try:
            return await question(await asyncio.shield(opening))
        except OperationalError as lost:
            if self._opening is opening:
                self._opening = None
            raise ConnectionResetError("PostgreSQL does not answer") from lost

    async def _open(self) -> Superuser:
        return Superuser(await connect(self._address))
