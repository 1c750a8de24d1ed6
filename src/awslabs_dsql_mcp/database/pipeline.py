"""A batch of statements over one connection in libpq's pipeline mode: one round trip, rows a few at a time.

psycopg's pipelines keep whole results; a million rows would be in memory at once. This module uses libpq
directly (PostgreSQL documentation, "Pipeline Mode", "Retrieving Query Results in Chunks").
"""

import socket
import struct
import sys
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import abc, postgres
from psycopg.adapt import Dumper, PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus, Format, PipelineStatus
from psycopg.types.numeric import Int4
from psycopg.waiting import Ready, Wait
from typing_extensions import override

from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.database.model import Field, RowBuffer, RowSink, TruncatedText
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.json_text import ExactNumber
from awslabs_dsql_mcp.text import truncate

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

_CHUNK_ROWS = 4  # a row can be 2 MiB (Aurora DSQL user guide, "Quotas and limits")
_MAX_UNREAD = 24 << 20
"""Bytes that may arrive before a chunk of rows is complete: a row of Aurora DSQL has at most 2 MiB. libpq
keeps them all, and then each value once more. It is looked at between two reads of libpq, and a read goes on
while more has come: a server as fast as this machine's memory could send more. Aurora DSQL sends no such
message.
"""
_TOO_LARGE = Failure(
    f"a row, or a message of the server, has more than {_MAX_UNREAD >> 20} MiB, which this server does not "
    "hold in memory",
    hint="Select fewer or shorter values: substr(column::text, 1, 2000) reads a part.",
)
_MAX_ERROR_TEXT = 10_000  # bytes; an error that callers see has 500 characters
_ERROR_FIELDS = (
    DiagnosticField.SEVERITY_NONLOCALIZED,
    DiagnosticField.MESSAGE_PRIMARY,
    DiagnosticField.SQLSTATE,
    DiagnosticField.MESSAGE_DETAIL,
    DiagnosticField.MESSAGE_HINT,
    DiagnosticField.STATEMENT_POSITION,
)
_LONG_VALUE = 1 << 16  # bytes from which on only the part of a value that is shown is decoded as a whole
_BYTES_RECEIVED = struct.Struct("=128xQ")  # of struct tcp_info (linux/tcp.h, tcpi_bytes_received)
_TEXT_OID = 25
_MAX_NOTICES, _MAX_NOTICE = 5, 300
_WITH_ROWS = (ExecStatus.TUPLES_CHUNK, ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_OK)
_WITHOUT_ROWS = (ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY, ExecStatus.PIPELINE_ABORTED)


class StatementReply:
    """The server's reply to one statement, collected as it arrives.

    Attributes:
        command: The command tag; ``None`` while the statement has not succeeded.
        count: The number of rows in the tag, if any.
        fields: The columns; ``None`` for a statement without rows.
        rows: The rows that are kept.
        returned: Number of rows received.
        failure: The error of the server.
        is_too_large: A row was longer than what is kept in memory.
        notices: Notices and warnings of the server.

    Args:
        query: The statement.
        connection: The connection that it is sent on.
    """

    def __init__(self, query: Query, connection: "psycopg.AsyncConnection[tuple[object, ...]]") -> None:
        self.command: str | None = None
        self.count: int | None = None
        self.fields: tuple[Field, ...] | None = None
        self.rows = RowBuffer(query.limits)
        self.sink: RowSink | None = query.sink
        self.returned = 0
        self.failure: Failure | None = None
        self.is_too_large = False
        self.notices: list[str] = []
        self._session = connection.info  # its encoding may change with any statement
        self._texts: abc.Transformer = Transformer(connection)

    def add_result(self, result: "PGresult") -> None:
        """Add one of the statement's results."""
        if result.status == ExecStatus.FATAL_ERROR:
            self.failure = _failure_of(result)
        elif result.status in _WITH_ROWS:
            self._add_rows(result)
        elif result.status not in _WITHOUT_ROWS:
            raise psycopg.NotSupportedError("COPY is not supported here")
        if result.command_status or result.status == ExecStatus.EMPTY_QUERY:
            # libpq puts the tag on the last chunk, or on the empty result after it if the chunk was full.
            self.command = (result.command_status or b"").decode()
            self.count = result.command_tuples

    def add_notice(self, notice: "PGresult") -> None:
        """Add a notice or warning (PostgreSQL documentation, "NoticeResponse")."""
        fields = (DiagnosticField.SEVERITY_NONLOCALIZED, DiagnosticField.MESSAGE_PRIMARY)
        severity, text = (_error_text(notice.error_field(field)) for field in fields)
        if len(self.notices) < _MAX_NOTICES and severity in ("NOTICE", "WARNING"):
            self.notices.append(f"{severity}: {truncate(text, _MAX_NOTICE)}")

    def _add_rows(self, result: "PGresult") -> None:
        if self.fields is None:
            self.fields = tuple(self._field(result, column) for column in range(result.nfields))
            if self.sink is not None:
                self.sink.begin(self.fields)
                self._texts.set_loader_types([_TEXT_OID] * result.nfields, Format.TEXT)
        self.returned += result.ntuples
        if self.sink is not None:
            self.sink.add(self._all_texts(result))
            return
        for row in range(result.ntuples):
            if self.rows.is_full:
                break
            self.rows.add(self._row(result, row))

    def _row(self, result: "PGresult", row: int) -> list[str | None]:
        cells: list[str | None] = []
        size = 0
        for column in range(result.nfields):
            value = result.get_value(row, column)
            size += len(value) if value is not None else 0
            if size > _MAX_UNREAD:
                self.is_too_large, value = True, None
                raise DatabaseError(_TOO_LARGE)
            cells.append(self._text(value))
        return cells

    def _all_texts(self, result: "PGresult") -> list[tuple[Any, ...]]:
        """Decode all cells at once, which is several times as fast as one by one."""
        self._texts.set_pgresult(result, set_loaders=False)
        return self._texts.load_rows(0, result.ntuples, tuple)

    def _field(self, result: "PGresult", column: int) -> Field:
        name = (result.fname(column) or b"").decode(self._session.encoding)
        return Field(name, result.ftype(column), result.fmod(column))

    def _text(self, value: abc.Buffer | None) -> str | None:
        if value is None:
            return None
        data, limits = bytes(value), self.rows.limits
        if limits is None or len(data) < max(_LONG_VALUE, 4 * limits.cell):
            return data.decode(self._session.encoding)
        return _beginning(data, self._session.encoding, limits.cell)


def _failure_of(result: "PGresult") -> Failure:
    """Convert an error of the server, whose texts may quote whole rows, to the beginning of each text."""
    severity, message, sqlstate, detail, hint, position = (
        _error_text(result.error_field(field)) for field in _ERROR_FIELDS
    )
    return Failure(
        # Without fields it is libpq's own (PostgreSQL documentation, "PQresultErrorField").
        message or _error_text(result.error_message).strip().partition("\n")[0],
        sqlstate=sqlstate or None,
        detail=detail or None,
        hint=hint or None,
        position=int(position) if position else None,
        # Whatever follows (PostgreSQL documentation, "Error Message Fields").
        session_lost=severity in ("FATAL", "PANIC"),
    )


def _error_text(text: bytes | None) -> str:
    return (text or b"")[:_MAX_ERROR_TEXT].decode("utf-8", "replace")


def _beginning(data: bytes, encoding: str, characters: int) -> TruncatedText:
    """Decode the beginning of a long value and count its characters, without a text of all of them."""
    decoder = getincrementaldecoder(encoding)()
    kept, length = "", 0
    for start in range(0, len(data), _LONG_VALUE):
        text = decoder.decode(data[start : start + _LONG_VALUE], final=start + _LONG_VALUE >= len(data))
        length += len(text)
        if len(kept) < characters:
            kept = (kept + text)[:characters]
    return TruncatedText(kept, length)


@dataclass(frozen=True)
class PreparedMessage:
    """Arguments of libpq's PQsendQueryParams (PostgreSQL documentation)."""

    sql: bytes
    values: Sequence[abc.Buffer | None] | None
    types: Sequence[int]
    formats: Sequence[int] | None


def prepare(connection: "psycopg.AsyncConnection[tuple[object, ...]]", query: Query) -> PreparedMessage:
    """Convert a statement and its values for libpq.

    Raises:
        psycopg.Error: A value cannot be converted.
    """
    sql = query.sql.encode()
    if not query.params:
        return PreparedMessage(sql, None, (), None)
    transformer = Transformer(connection)
    params = [_as_int4(value) for value in query.params]
    values = transformer.dump_sequence(params, [PyFormat.AUTO] * len(params))
    return PreparedMessage(sql, values, transformer.types or (), transformer.formats)


class NumberDumper(Dumper):
    """Sends a number of JSON as ``numeric``, which keeps its digits; a double would lose some."""

    oid = postgres.types["numeric"].oid

    @override
    def dump(self, obj: ExactNumber) -> bytes:
        return obj.digits.encode()


def _as_int4(value: object) -> object:
    """Send small integers as int4, as SQL reads them: with psycopg's int2, ``200 * 200`` overflows."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return Int4(value)
    return value


class Pipeline:
    """Statements under way on a connection, and their replies, filled as far as the server answers.

    Args:
        pgconn: An idle, nonblocking connection.
        messages: The statements.
        replies: One for each statement.

    Raises:
        psycopg.Error: The connection failed, or does not take so many values.
    """

    def __init__(
        self, pgconn: "PGconn", messages: Iterable[PreparedMessage], replies: Sequence[StatementReply]
    ) -> None:
        self._pgconn = pgconn
        self._waiting = deque(replies)
        self._has_progress = False
        pgconn.enter_pipeline_mode()
        for message in messages:
            pgconn.send_query_params(message.sql, message.values, message.types, message.formats)
        pgconn.pipeline_sync()
        pgconn.notice_handler = self._add_notice
        _set_chunked_rows(pgconn)
        self._unsent = pgconn.flush()
        self._read_up_to = _bytes_received(pgconn.socket)

    def receive(self) -> Generator[Wait, Ready | int, RowSink | None]:
        """Receive until the server has answered all statements, or a sink is full.

        Returns:
            The sink that is full, after whose `RowSink.flush` to call it again; ``None`` at the end.

        Raises:
            psycopg.Error: The connection failed, or a statement is COPY.
            DatabaseError: A row is too large.
        """
        pgconn, waiting = self._pgconn, self._waiting
        while True:
            while not pgconn.is_busy():
                self._has_progress = True
                result = pgconn.get_result()
                if result is None:
                    self._next_statement()
                elif result.status == ExecStatus.PIPELINE_SYNC:
                    pgconn.exit_pipeline_mode()
                    return None
                elif not waiting:
                    raise psycopg.OperationalError("the server answered more statements than were sent")
                else:
                    try:
                        waiting[0].add_result(result)
                    finally:
                        result.clear()  # not when an error that holds this frame is gone
                    if (sink := waiting[0].sink) is not None and sink.is_full:
                        return sink
            self._bound_unread()
            ready = yield Wait.RW if self._unsent else Wait.R
            if ready & Ready.R:
                pgconn.consume_input()
            if ready & Ready.W:
                self._unsent = pgconn.flush()

    def _add_notice(self, notice: "PGresult") -> None:
        self._has_progress = True
        if self._waiting:
            self._waiting[0].add_notice(notice)

    def _bound_unread(self) -> None:
        """Stop where libpq would hold too much of what is not a whole message, or chunk of rows, yet.

        Raises:
            DatabaseError: It does.
        """
        received = _bytes_received(self._pgconn.socket)
        if self._has_progress:
            self._has_progress, self._read_up_to = False, received
        elif received - self._read_up_to > _MAX_UNREAD and self._waiting:
            self._waiting[0].is_too_large = True
            raise DatabaseError(_TOO_LARGE)

    def _next_statement(self) -> None:
        if not self._waiting:
            raise psycopg.OperationalError("the connection was lost")
        self._waiting.popleft()
        if self._waiting and self._pgconn.pipeline_status == PipelineStatus.ON:
            _set_chunked_rows(self._pgconn)


def _bytes_received(descriptor: int) -> int:
    """Read how many bytes a socket has received; 0 where the system does not tell (tcp(7), TCP_INFO)."""
    if sys.platform != "linux":
        return 0
    borrowed = socket.socket(fileno=descriptor)
    try:
        told = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
    except OSError:
        return 0
    finally:
        borrowed.detach()
    return int(_BYTES_RECEIVED.unpack(told)[0]) if len(told) == _BYTES_RECEIVED.size else 0


def _set_chunked_rows(pgconn: "PGconn") -> None:
    """Request that the next statement's rows arrive in chunks."""
    if psycopg.capabilities.has_stream_chunked():
        pgconn.set_chunked_rows_mode(_CHUNK_ROWS)
    else:
        pgconn.set_single_row_mode()
