"""One connection to a cluster, with psycopg: batches in one round trip, and failures as values."""

import asyncio
import re
import socket
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final, cast

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.database.model import Column, Result
from awslabs_dsql_mcp.database.pipeline import (
    NumberDumper,
    Pipeline,
    PreparedMessage,
    StatementReply,
    prepare,
)
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.database.type_names import type_name
from awslabs_dsql_mcp.json_text import ExactNumber

_FATAL = re.compile(r"(?:FATAL|ERROR):\s+(.*)")
_HINT = re.compile(r"HINT:\s+(.*)")
_LIBPQ_PREFIX = re.compile(r"^(?:connection failed: )?(?:connection to server at .*? failed: )?", re.DOTALL)
# libpq 17 can begin with the TLS handshake instead of a request for TLS ("sslnegotiation").
_DIRECT_TLS = 170000
_CERTIFICATE_MODE = 160000
DROP_TIME: Final = 10
"""Seconds after which a connection is dropped whose data nobody acknowledges."""
DROP_TIME_OPTIONS: Final[Mapping[str, int]] = {"darwin": 0x80, "win32": 5}
"""The TCP option for it by platform: TCP_RXT_CONNDROPTIME (netinet/tcp.h), TCP_MAXRT (ws2ipdef.h)."""
_MANY_VALUES = 2_000  # of a statement, from which on they are converted off the event loop
_ROLE = "a statement set another role in the session"
_ENCODING = "client_encoding was changed in the transaction, and statements are sent in UTF-8"
_LITERALS = "standard_conforming_strings was changed in the transaction, and statements are checked as it was"

# For types that are not built in; format_type adds the schema where it is needed.
_TYPE_NAMES = "SELECT oid, format_type(oid, NULL) FROM pg_type WHERE oid = ANY($1::oid[])"


def supports_direct_tls() -> bool:
    """Return true if libpq can begin with the TLS handshake, which saves a round trip."""
    return psycopg.pq.version() >= _DIRECT_TLS


def supports_certificate_mode() -> bool:
    """Return true if libpq can be told to offer no certificate of its own ("sslcertmode")."""
    return psycopg.pq.version() >= _CERTIFICATE_MODE


def address_of_environment() -> str | None:
    """Return the address that libpq connects to instead of looking a name up: PGHOSTADDR."""
    return _default(b"hostaddr")


def port_of_environment() -> str:
    """Return the port that libpq connects to where none is given: PGPORT, else its own."""
    return _default(b"port") or "5432"


def _default(keyword: bytes) -> str | None:
    defaults = psycopg.pq.Conninfo.get_defaults()
    return next((d.val.decode() for d in defaults if d.keyword == keyword and d.val), None)


def limit_retransmission(descriptor: int) -> None:
    """Limit the time for unacknowledged data where libpq ignores tcp_user_timeout.

    After a laptop's sleep a call would wait for its whole time limit otherwise.
    """
    option = DROP_TIME_OPTIONS.get(sys.platform)
    if option is not None:
        with _borrowed(descriptor) as borrowed, suppress(OSError):
            borrowed.setsockopt(socket.IPPROTO_TCP, option, DROP_TIME)


@contextmanager
def _borrowed(descriptor: int) -> Generator[socket.socket]:
    """Take a socket of libpq's for a moment, without closing it."""
    borrowed = socket.socket(fileno=descriptor)
    try:
        yield borrowed
    finally:
        borrowed.detach()


class PostgresConnection:
    """A connection in autocommit mode; `run` begins the transactions.

    Every method raises `DatabaseError` for an error of the server or the network.
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
                **parameters,  # pyright: ignore[reportArgumentType] - any parameter of libpq
                autocommit=True,
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            raise DatabaseError(connect_failure(str(error), parameters.get("host", ""))) from error
        except asyncio.CancelledError as cancelled:
            # The traceback keeps psycopg's frames alive, and with them the half-open connection.
            traceback.clear_frames(cancelled.__traceback__)
            raise
        limit_retransmission(connection.pgconn.socket)
        connection.adapters.register_dumper(ExactNumber, NumberDumper)
        return cls(connection)

    @property
    def is_clean(self) -> bool:
        """True if the next call may use it: open and in no transaction."""
        return self._connection.pgconn.transaction_status == TransactionStatus.IDLE

    async def run(self, queries: Sequence[Query], *, read_only: bool, pipelined: bool) -> tuple[Result, ...]:
        """Begin a transaction and run statements in it; a read-only one is rolled back as well.

        Args:
            queries: The statements.
            read_only: ``BEGIN READ ONLY`` … ``ROLLBACK`` instead of ``BEGIN`` ….
            pipelined: Send all statements in one round trip; otherwise one by one.
        """
        begin = Query("BEGIN READ ONLY" if read_only else "BEGIN")
        batch = [begin, *queries, *([Query("ROLLBACK")] if read_only else [])]
        replies: list[StatementReply] = []
        try:
            for group in [batch] if pipelined else [[query] for query in batch]:
                await self._send(group, replies)
        except DatabaseError as failed:
            raise DatabaseError(
                _with_statement_index(failed.failure, replies, len(queries))
            ) from failed.__cause__
        if self._connection.info.encoding != "utf-8":  # a function or a computed name set it
            raise DatabaseError(Failure(_ENCODING))
        if self._connection.info.parameter_status("standard_conforming_strings") == "off":  # likewise
            raise DatabaseError(Failure(_LITERALS))
        own = replies[1 : len(queries) + 1]  # without BEGIN and ROLLBACK
        await self._resolve_type_names(own, may_query=read_only)
        return tuple(_to_result(reply, self._type_names) for reply in own)

    async def commit(self) -> None:
        """Send COMMIT; any command tag but COMMIT means that nothing was stored, and is an error."""
        (reply,) = await self._send([Query("COMMIT")], [])
        if reply.command != "COMMIT":
            raise DatabaseError(Failure(f"COMMIT was answered with {reply.command}", "25P02"))

    async def rollback(self) -> None:
        """Roll back the transaction, if there is one."""
        if not self.is_clean:
            await self._send([Query("ROLLBACK")], [])

    async def reset_session(self, *, pipelined: bool) -> None:
        """Reset the parameters that a function may have set in the session.

        The role, which RESET ALL leaves, is only looked at: Aurora DSQL refuses SET ROLE, maybe this as well.

        Raises:
            DatabaseError: Another role is set, or what `run` raises: the session is to be closed.
        """
        batch = [Query("RESET ALL"), Query("SELECT current_user = session_user")]
        replies: list[StatementReply] = []
        for group in [batch] if pipelined else [[query] for query in batch]:
            await self._send(group, replies)
        if _to_result(replies[1], {}).rows != (("t",),):
            raise DatabaseError(Failure(_ROLE))

    async def cancel(self, time_limit: float) -> None:
        """Request that the server cancel the running query; Aurora DSQL ignores it.

        Args:
            time_limit: Maximum time for the request itself, in seconds.
        """
        with suppress(psycopg.Error, OSError):
            await self._connection.cancel_safe(timeout=time_limit)

    def shutdown(self) -> None:
        """Shut the socket down, so that pending reads and writes fail at once."""
        if self._connection.pgconn.status == ConnStatus.BAD:
            return
        with _borrowed(self._connection.pgconn.socket) as borrowed, suppress(OSError):
            borrowed.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Close the connection; an open transaction is rolled back by the server."""
        await self._connection.close()

    async def _send(self, queries: Sequence[Query], replies: list[StatementReply]) -> list[StatementReply]:
        """Send queries in one round trip and append their replies to ``replies``."""
        connection, before = self._connection, len(replies)
        messages: list[PreparedMessage] = []
        try:
            for query in queries:
                replies.append(StatementReply(query, connection))
                is_long = sum(map(_length, query.params)) > _MANY_VALUES
                message = asyncio.to_thread(prepare, connection, query) if is_long else None
                messages.append(await message if message else prepare(connection, query))
            pipeline = Pipeline(connection.pgconn, messages, replies[before:])
            while (full := await connection.wait(pipeline.receive())) is not None:
                await full.flush()
        except psycopg.Error as error:
            refused = _refusal(replies)
            failure = refused or Failure(_first_line(str(error)), sqlstate=error.sqlstate)
            raise DatabaseError(self._with_session_state(failure)) from error
        if (refused := _refusal(replies)) is not None:
            raise DatabaseError(self._with_session_state(refused))
        return replies

    async def _resolve_type_names(self, replies: Sequence[StatementReply], *, may_query: bool) -> None:
        """Query the names of types that are not built in, once per type and connection.

        Not in an open transaction, which a failure of this query would abort.
        """
        oids = {field.oid for reply in replies for field in reply.fields or ()}
        unknown = sorted(oid for oid in oids if type_name(oid) is None and oid not in self._type_names)
        if not (unknown and may_query):
            return
        with suppress(DatabaseError):
            (names,) = await self._send([Query(_TYPE_NAMES, (unknown,))], [])
            self._type_names |= {int(str(oid)): str(name) for oid, name in names.rows.rows}

    def _with_session_state(self, failure: Failure) -> Failure:
        is_bad = self._connection.pgconn.status == ConnStatus.BAD
        return replace(failure, session_lost=failure.session_lost or is_bad)


def connect_failure(text: str, host: str = "") -> Failure:
    """Parse libpq's message about a failed connection, which has no SQLSTATE.

    Args:
        text: libpq's message; with several addresses it has a line for each.
        host: The endpoint.
    """
    fatal, hint = _FATAL.search(text), _HINT.search(text)
    message = fatal.group(1) if fatal else _first_line(_LIBPQ_PREFIX.sub("", text))
    said = hint.group(1).strip() if hint else None
    return Failure(message.strip(), hint=said, connecting=True, host=host)


def _with_statement_index(failure: Failure, replies: Sequence[StatementReply], statements: int) -> Failure:
    """Add the index of the failed statement, counted from the one after BEGIN.

    A failure of BEGIN or ROLLBACK, or a lost session, gets no index.
    """
    failed = (index for index, reply in enumerate(replies) if reply.failure is not None or reply.is_too_large)
    refused = next(failed, None)
    # A statement that the server refused has a reply; a value that psycopg refused belongs to the last.
    index = (len(replies) if refused is None else refused + 1) - 2
    is_statement = 0 <= index < statements and not failure.session_lost
    return replace(failure, statement=index) if is_statement else failure


def _refusal(replies: Sequence[StatementReply]) -> Failure | None:
    return next((reply.failure for reply in replies if reply.failure is not None), None)


def _length(value: object) -> int:
    return len(cast("list[object]", value)) if isinstance(value, list) else 1


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _to_result(reply: StatementReply, names: Mapping[int, str]) -> Result:
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
    return Result(reply.command, count, columns, tuple(reply.rows.rows), returned, tuple(reply.notices))
