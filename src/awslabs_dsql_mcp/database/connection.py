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

from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.database.model import Column, Result
from awslabs_dsql_mcp.database.pipeline import PreparedMessage, StatementReply, message, run_pipeline
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.database.type_names import type_name

_FATAL = re.compile(r"(?:FATAL|ERROR):\s+(.*)")
_HINT = re.compile(r"HINT:\s+(.*)")
_LIBPQ_PREFIX = re.compile(r"^(?:connection failed: )?(?:connection to server at .*? failed: )?", re.DOTALL)
# libpq takes the first flight of TLS straight away where both sides know how (libpq 17, "sslnegotiation").
_DIRECT_TLS = 170000

# Only for types that PostgreSQL does not come with: format_type writes their schema where it is needed.
_TYPE_NAMES = "SELECT oid, format_type(oid, NULL) FROM pg_type WHERE oid = ANY($1::oid[])"


def speaks_direct_tls() -> bool:
    """Tell whether the client library can begin with TLS, which saves a round trip."""
    return psycopg.pq.version() >= _DIRECT_TLS


class PostgresConnection:
    """A connection in autocommit mode; transactions are begun by the batches that need them.

    Every method raises `DatabaseError` where the server or the network failed it.
    """

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self._connection = connection
        self._type_names: dict[int, str] = {}

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
            )
        except psycopg.Error as error:
            raise DatabaseError(failure_of_connect(str(error))) from error
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
        replies: list[StatementReply] = []
        try:
            for together in [batch] if pipelined else [[query] for query in batch]:
                await self._send(together, replies)
        except DatabaseError as failed:
            raise DatabaseError(_placed(failed.failure, replies, len(queries))) from failed.__cause__
        theirs = replies[1 : len(queries) + 1]
        await self._name(theirs, may_ask=read_only)
        return tuple(_result_of(reply, self._type_names) for reply in theirs)

    async def commit(self) -> None:
        """Send COMMIT; an answer other than COMMIT is a failure, nothing was stored then."""
        (reply,) = await self._send([Query("COMMIT")], [])
        if reply.command != "COMMIT":
            raise DatabaseError(Failure(f"COMMIT was answered with {reply.command}", "25P02"))

    async def rollback(self) -> None:
        """End a transaction, if there is one."""
        if not self.is_clean:
            await self._send([Query("ROLLBACK")], [])

    async def reset_session(self) -> None:
        """Undo what a function may have set in the session."""
        await self._send([Query("RESET ALL"), Query("RESET ROLE")], [])

    async def cancel(self, within: float) -> None:
        """Ask the server to end the query under way; servers may ignore it.

        Args:
            within: Longest wait for the request itself, in seconds.
        """
        with suppress(psycopg.Error, OSError):
            await self._connection.cancel_safe(timeout=within)

    def shutdown(self) -> None:
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

    async def _send(self, queries: Sequence[Query], replies: list[StatementReply]) -> list[StatementReply]:
        """Send queries in one round trip; add the reply to each to those to earlier ones."""
        connection, before = self._connection, len(replies)
        messages: list[PreparedMessage] = []
        try:
            for query in queries:
                replies.append(StatementReply(query, connection.info))
                messages.append(message(connection, query))
            await connection.wait(run_pipeline(connection.pgconn, messages, replies[before:]))
        except psycopg.Error as error:
            refusal = _refusal(replies)
            raise DatabaseError(self._failure_of(error if refusal is None else refusal)) from error
        if (refusal := _refusal(replies)) is not None:
            raise DatabaseError(self._failure_of(refusal)) from refusal
        return replies

    async def _name(self, replies: Sequence[StatementReply], *, may_ask: bool) -> None:
        """Learn the names of types that are not PostgreSQL's own; each costs one question a connection.

        A transaction that is still open is asked nothing: no statement of ours may fail it.
        """
        oids = {field.oid for reply in replies for field in reply.fields or ()}
        unknown = sorted(oid for oid in oids if type_name(oid) is None and oid not in self._type_names)
        if not (unknown and may_ask):
            return
        with suppress(DatabaseError):
            (names,) = await self._send([Query(_TYPE_NAMES, (unknown,))], [])
            self._type_names |= {int(str(oid)): str(name) for oid, name in names.kept.rows}

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


def _placed(failure: Failure, replies: Sequence[StatementReply], statements: int) -> Failure:
    """Say which statement failed, counted from the one behind BEGIN.

    BEGIN and ROLLBACK are no statements of the unit, and a lost session is no statement's fault.
    """
    refused = next((place for place, reply in enumerate(replies) if reply.failure is not None), None)
    # What the server refuses has its reply; a value that psycopg does not take is in the last one.
    place = (len(replies) if refused is None else refused + 1) - 2
    is_theirs = 0 <= place < statements and not failure.session_lost
    return replace(failure, statement=place) if is_theirs else failure


def _refusal(replies: Sequence[StatementReply]) -> psycopg.Error | None:
    failure = next((reply.failure for reply in replies if reply.failure is not None), None)
    return None if failure is None else psycopg.errors.error_from_result(failure, "utf-8")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _result_of(reply: StatementReply, names: Mapping[int, str]) -> Result:
    if reply.command is None:
        raise DatabaseError(Failure("the server answered fewer statements than were sent", session_lost=True))
    columns = tuple(
        Column(
            field.name,
            type_name(field.oid, field.modifier) or names.get(field.oid, f"oid {field.oid}"),
            field.oid,
        )
        for field in reply.fields or ()
    )
    returned = None if reply.fields is None else reply.returned
    count = returned if reply.count is None else reply.count
    return Result(reply.command, count, columns, tuple(reply.kept.rows), returned, tuple(reply.notices))
