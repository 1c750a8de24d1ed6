"""One connection to a cluster, with psycopg: batches in one round trip, and failures as values."""

import asyncio
import re
import socket
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from awslabs_dsql_mcp.core.failures import DatabaseFailed, Failure
from awslabs_dsql_mcp.core.results import Column, Result
from awslabs_dsql_mcp.core.transactions import Query

_FATAL = re.compile(r"(?:FATAL|ERROR):\s+(.*)")
_HINT = re.compile(r"HINT:\s+(.*)")
_LIBPQ_PREFIX = re.compile(r"^(?:connection failed: )?(?:connection to server at .*? failed: )?", re.DOTALL)
# libpq takes the first flight of TLS straight away where both sides know how (libpq 17, "sslnegotiation").
_DIRECT_TLS = 170000

_Cursor = psycopg.AsyncRawCursor[tuple[object, ...]]


def speaks_direct_tls() -> bool:
    """Tell whether the client library can begin with TLS, which saves a round trip."""
    return psycopg.pq.version() >= _DIRECT_TLS


class PostgresConnection:
    """A connection in autocommit mode; transactions are begun by the batches that need them.

    Every method raises `DatabaseFailed` where the server or the network failed it.
    """

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, parameters: Mapping[str, str]) -> "PostgresConnection":
        """Open a connection.

        Args:
            parameters: libpq's connection parameters (PostgreSQL documentation, "Parameter Key Words").
        """
        try:
            connection = await psycopg.AsyncConnection.connect(
                **parameters,  # pyright: ignore[reportArgumentType] - libpq's names are open
                autocommit=True,
                prepare_threshold=None,
                cursor_factory=psycopg.AsyncRawCursor,
            )
        except psycopg.Error as error:
            raise DatabaseFailed(failure_of_connect(str(error))) from error
        except asyncio.CancelledError as left:
            # psycopg leaves a half-open connection to its own frames, which the traceback keeps alive.
            traceback.clear_frames(left.__traceback__)
            raise
        return cls(connection)

    @property
    def is_clean(self) -> bool:
        """Whether the next call may use it: open, and in no transaction."""
        return self._connection.pgconn.transaction_status == TransactionStatus.IDLE

    async def run(self, queries: Sequence[Query], *, read_only: bool, pipelined: bool) -> tuple[Result, ...]:
        """Begin a transaction and run statements in it; a read-only one is rolled back as well.

        Args:
            queries: What to run.
            read_only: ``BEGIN READ ONLY`` … ``ROLLBACK`` instead of ``BEGIN`` ….
            pipelined: Send all in one round trip; otherwise one by one.
        """
        begin = Query("BEGIN READ ONLY" if read_only else "BEGIN")
        batch = [begin, *queries, *([Query("ROLLBACK")] if read_only else [])]
        cursors: list[_Cursor] = []
        try:
            for together in [batch] if pipelined else [[query] for query in batch]:
                await self._send(together, cursors)
        except DatabaseFailed as failed:
            raise DatabaseFailed(_placed(failed.failure, cursors, len(queries))) from failed.__cause__
        return tuple(_result_of(cursor) for cursor in cursors[1 : len(queries) + 1])

    async def commit(self) -> None:
        """Send COMMIT; an answer other than COMMIT is a failure, nothing was stored then."""
        (cursor,) = await self._send([Query("COMMIT")], [])
        if cursor.statusmessage != "COMMIT":
            raise DatabaseFailed(Failure(f"COMMIT was answered with {cursor.statusmessage}", "25P02"))

    async def rollback(self) -> None:
        """End a transaction, if there is one."""
        if not self.is_clean:
            await self._send([Query("ROLLBACK")], [])

    async def scrub(self) -> None:
        """Undo what a function may have set in the session."""
        await self._send([Query("RESET ALL"), Query("RESET ROLE")], [])

    async def cancel(self, within: float) -> None:
        """Ask the server to end the query under way; servers may ignore it.

        Args:
            within: Longest wait for the request itself, in seconds.
        """
        with suppress(psycopg.Error, OSError):
            await self._connection.cancel_safe(timeout=within)

    def sever(self) -> None:
        """Cut the network: whoever waits for an answer learns at once that none will come."""
        if self._connection.pgconn.status == ConnStatus.BAD:
            return
        borrowed = socket.socket(fileno=self._connection.pgconn.socket)
        try:
            with suppress(OSError):
                borrowed.shutdown(socket.SHUT_RDWR)
        finally:
            borrowed.detach()

    async def close(self) -> None:
        """Close it; whatever was not committed never will be."""
        await self._connection.close()

    async def _send(self, queries: Sequence[Query], cursors: list[_Cursor]) -> list[_Cursor]:
        """Send queries in one round trip; add the cursor of each to those of earlier ones."""
        try:
            async with self._connection.pipeline():
                for query in queries:
                    cursors.append(self._connection.cursor())  # pyright: ignore[reportArgumentType]
                    await cursors[-1].execute(query.sql.encode(), query.params or None)
        except psycopg.Error as error:
            raise DatabaseFailed(self._failure_of(error)) from error
        return cursors

    def _failure_of(self, error: psycopg.Error) -> Failure:
        said = error.diag
        return Failure(
            message=said.message_primary or _first_line(str(error)),
            sqlstate=error.sqlstate,
            detail=said.message_detail,
            hint=said.message_hint,
            position=int(said.statement_position) if said.statement_position else None,
            session_lost=self._connection.pgconn.status == ConnStatus.BAD,
        )


def failure_of_connect(text: str) -> Failure:
    """Read what libpq said of a failed connection, which has no SQLSTATE.

    Args:
        text: libpq's message; with several addresses it tells of each.
    """
    fatal, hint = _FATAL.search(text), _HINT.search(text)
    message = fatal.group(1) if fatal else _first_line(_LIBPQ_PREFIX.sub("", text))
    return Failure(message.strip(), hint=hint.group(1).strip() if hint else None, connecting=True)


def _placed(failure: Failure, sent: Sequence[_Cursor], statements: int) -> Failure:
    """Say which statement failed, counted from the one behind BEGIN.

    BEGIN and ROLLBACK are no statements of the unit, and a lost session is no statement's fault.
    """
    answered = sum(cursor.pgresult is not None for cursor in sent)
    # What the server says concerns the first one without an answer; what psycopg says, the last one sent.
    place = (answered if failure.sqlstate else len(sent) - 1) - 1
    is_theirs = 0 <= place < statements and not failure.session_lost
    return replace(failure, statement=place) if is_theirs else failure


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _result_of(cursor: _Cursor) -> Result:
    answer = cursor.pgresult
    if answer is None:
        raise DatabaseFailed(
            Failure("the server answered fewer statements than were sent", session_lost=True)
        )
    columns = tuple(Column(c.name, c.type_display, c.type_code) for c in cursor.description or ())
    rows = tuple(
        tuple(_text(answer.get_value(row, column)) for column in range(answer.nfields))
        for row in range(answer.ntuples)
    )
    return Result(
        cursor.statusmessage or "", cursor.rowcount if cursor.rowcount >= 0 else None, columns, rows
    )


def _text(value: object) -> str | None:
    return None if value is None else bytes(value).decode()  # pyright: ignore[reportArgumentType]
