"""A batch of statements over one connection in libpq's pipeline mode: one round trip, rows a few at a time.

psycopg's pipelines keep whole results; a million rows would be in memory at once. This module uses libpq
directly (PostgreSQL documentation, "Pipeline Mode", "Retrieving Query Results in Chunks").
"""

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

from awslabs_dsql_mcp.database.model import Field, RowBuffer, RowSink
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.json_text import ExactNumber
from awslabs_dsql_mcp.text import truncate

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

_CHUNK_ROWS = 8  # a row can be 2 MiB (Aurora DSQL user guide, "Quotas and limits")
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
        failure: The error result of the server.
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
        self.failure: PGresult | None = None
        self.notices: list[str] = []
        self._session = connection.info  # its encoding may change with any statement
        self._texts: abc.Transformer = Transformer(connection)

    def add_result(self, result: "PGresult") -> None:
        """Add one of the statement's results."""
        if result.status == ExecStatus.FATAL_ERROR:
            self.failure = result
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
        severity, text = ((notice.error_field(f) or b"").decode(self._session.encoding) for f in fields)
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
            self.rows.add([self._text(result.get_value(row, column)) for column in range(result.nfields)])

    def _all_texts(self, result: "PGresult") -> list[tuple[Any, ...]]:
        """Decode all cells at once, which is several times as fast as one by one."""
        self._texts.set_pgresult(result, set_loaders=False)
        return self._texts.load_rows(0, result.ntuples, tuple)

    def _field(self, result: "PGresult", column: int) -> Field:
        name = (result.fname(column) or b"").decode(self._session.encoding)
        return Field(name, result.ftype(column), result.fmod(column))

    def _text(self, value: abc.Buffer | None) -> str | None:
        return None if value is None else bytes(value).decode(self._session.encoding)


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
        psycopg.Error: The connection failed.
    """

    def __init__(
        self, pgconn: "PGconn", messages: Iterable[PreparedMessage], replies: Sequence[StatementReply]
    ) -> None:
        self._pgconn = pgconn
        self._waiting = waiting = deque(replies)
        pgconn.enter_pipeline_mode()
        for message in messages:
            pgconn.send_query_params(message.sql, message.values, message.types, message.formats)
        pgconn.pipeline_sync()
        pgconn.notice_handler = lambda notice: waiting[0].add_notice(notice) if waiting else None
        _set_chunked_rows(pgconn)
        self._unsent = pgconn.flush()

    def receive(self) -> Generator[Wait, Ready | int, RowSink | None]:
        """Receive until the server has answered all statements, or a sink is full.

        Returns:
            The sink that is full, after whose `RowSink.flush` to call it again; ``None`` at the end.

        Raises:
            psycopg.Error: The connection failed, or a statement is COPY.
        """
        pgconn, waiting = self._pgconn, self._waiting
        while True:
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    self._next_statement()
                elif result.status == ExecStatus.PIPELINE_SYNC:
                    pgconn.exit_pipeline_mode()
                    return None
                elif not waiting:
                    raise psycopg.OperationalError("the server answered more statements than were sent")
                else:
                    waiting[0].add_result(result)
                    if (sink := waiting[0].sink) is not None and sink.is_full:
                        return sink
            ready = yield Wait.RW if self._unsent else Wait.R
            if ready & Ready.R:
                pgconn.consume_input()
            if ready & Ready.W:
                self._unsent = pgconn.flush()

    def _next_statement(self) -> None:
        if not self._waiting:
            raise psycopg.OperationalError("the connection was lost")
        self._waiting.popleft()
        if self._waiting and self._pgconn.pipeline_status == PipelineStatus.ON:
            _set_chunked_rows(self._pgconn)


def _set_chunked_rows(pgconn: "PGconn") -> None:
    """Request that the next statement's rows arrive in chunks."""
    if psycopg.capabilities.has_stream_chunked():
        pgconn.set_chunked_rows_mode(_CHUNK_ROWS)
    else:
        pgconn.set_single_row_mode()
