"""A batch of statements over one connection in libpq's pipeline mode: one round trip, rows a few at a time.

psycopg's own pipelines hold whole results; a million rows would be in memory at once. So this is libpq's
interface as its manual has it ("Pipeline Mode", "Retrieving Query Results in Chunks"), on psycopg's loop.
"""

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus, PipelineStatus
from psycopg.types.numeric import Int4
from psycopg.waiting import Ready, Wait

from awslabs_dsql_mcp.database.model import RowBuffer
from awslabs_dsql_mcp.database.transaction import Query

if TYPE_CHECKING:
    from psycopg.abc import Buffer
    from psycopg.pq.abc import PGconn, PGresult

_CHUNK_ROWS = 8  # a row can be 2 MiB (Aurora DSQL user guide, "Quotas and limits")
_MOST_NOTICES, _LONGEST_NOTICE = 5, 300
_WITH_ROWS = (ExecStatus.TUPLES_CHUNK, ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_OK)
_WITHOUT = (ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY, ExecStatus.PIPELINE_ABORTED)


@dataclass(frozen=True)
class Field:
    """A column as the server describes it (PostgreSQL documentation, "RowDescription")."""

    name: str
    oid: int
    modifier: int


class StatementReply:
    """What the server answers to one statement, as it comes.

    Attributes:
        command: The command tag; ``None`` while the statement has not succeeded.
        count: The rows in the tag, where it has a number.
        fields: The columns; ``None`` for a statement without rows.
        kept: The rows.
        returned: How many rows came.
        failure: What the server refused it with.
        notices: What the server remarked: that it skipped something, or did more than was written.

    Args:
        query: The statement.
        session: What the connection knows of its session.
    """

    def __init__(self, query: Query, session: psycopg.ConnectionInfo) -> None:
        self.command: str | None = None
        self.count: int | None = None
        self.fields: tuple[Field, ...] | None = None
        self.kept = RowBuffer(query.caps)
        self.returned = 0
        self.failure: PGresult | None = None
        self.notices: list[str] = []
        self._session = session  # which may change its encoding at any statement

    def take(self, result: "PGresult") -> None:
        """Take one of the statement's results."""
        if result.status == ExecStatus.FATAL_ERROR:
            self.failure = result
        elif result.status in _WITH_ROWS:
            self._take_rows(result)
        elif result.status not in _WITHOUT:
            raise psycopg.NotSupportedError("COPY cannot be run here")
        if result.command_status or result.status == ExecStatus.EMPTY_QUERY:
            # libpq puts the tag on the last rows, or on the empty result behind them where those were full.
            self.command = (result.command_status or b"").decode()
            self.count = result.command_tuples

    def note(self, notice: "PGresult") -> None:
        """Take a remark of the server's (PostgreSQL documentation, "NoticeResponse")."""
        fields = (DiagnosticField.SEVERITY_NONLOCALIZED, DiagnosticField.MESSAGE_PRIMARY)
        severity, text = ((notice.error_field(f) or b"").decode(self._session.encoding) for f in fields)
        if len(self.notices) < _MOST_NOTICES and severity in ("NOTICE", "WARNING"):
            self.notices.append(f"{severity}: {text[:_LONGEST_NOTICE]}")

    def _take_rows(self, result: "PGresult") -> None:
        if self.fields is None:
            self.fields = tuple(self._field(result, column) for column in range(result.nfields))
        self.returned += result.ntuples
        for row in range(result.ntuples):
            if self.kept.is_full:
                break
            self.kept.add([self._text(result.get_value(row, column)) for column in range(result.nfields)])

    def _field(self, result: "PGresult", column: int) -> Field:
        name = (result.fname(column) or b"").decode(self._session.encoding)
        return Field(name, result.ftype(column), result.fmod(column))

    def _text(self, value: "Buffer | None") -> str | None:
        return None if value is None else bytes(value).decode(self._session.encoding)


@dataclass(frozen=True)
class PreparedMessage:
    """A statement and its values as libpq takes them (PostgreSQL documentation, "PQsendQueryParams")."""

    sql: bytes
    values: "Sequence[Buffer | None] | None"
    types: Sequence[int]
    formats: Sequence[int] | None


def message(connection: "psycopg.AsyncConnection[tuple[object, ...]]", query: Query) -> PreparedMessage:
    """Write a statement and its values for libpq.

    Raises:
        psycopg.Error: A value has no form for the server.
    """
    sql = query.sql.encode()
    if not query.params:
        return PreparedMessage(sql, None, (), None)
    transformer = Transformer(connection)
    params = [_whole(value) for value in query.params]
    values = transformer.dump_sequence(params, [PyFormat.AUTO] * len(params))
    return PreparedMessage(sql, values, transformer.types or (), transformer.formats)


def _whole(value: object) -> object:
    """Send small integers as SQL reads them: psycopg's smallint overflows where ``200 * 200`` does not."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return Int4(value)
    return value


def run_pipeline(
    pgconn: "PGconn", messages: Iterable[PreparedMessage], replies: Sequence[StatementReply]
) -> Generator[Wait, Ready | int, None]:
    """Send statements, and hand what comes back to their replies, until the server has answered all.

    Args:
        pgconn: A connection without a statement under way, not blocking.
        messages: The statements.
        replies: One for each, filled as far as the server answers.

    Raises:
        psycopg.Error: The connection failed, or a statement wants to copy.
    """
    pgconn.enter_pipeline_mode()
    for one in messages:
        pgconn.send_query_params(one.sql, one.values, one.types, one.formats)
    pgconn.pipeline_sync()
    waiting = deque(replies)
    pgconn.notice_handler = lambda notice: waiting[0].note(notice) if waiting else None
    _in_chunks(pgconn)
    unsent = pgconn.flush()
    while not _take(pgconn, waiting):
        ready = yield Wait.RW if unsent else Wait.R
        if ready & Ready.R:
            pgconn.consume_input()
        if ready & Ready.W:
            unsent = pgconn.flush()
    pgconn.exit_pipeline_mode()


def _take(pgconn: "PGconn", waiting: deque[StatementReply]) -> bool:
    """Hand over what has come; true once it was all."""
    while not pgconn.is_busy():
        result = pgconn.get_result()
        if result is not None:
            if result.status == ExecStatus.PIPELINE_SYNC:
                return True
            waiting[0].take(result)
        elif not waiting:
            raise psycopg.OperationalError("the connection was lost")
        else:
            waiting.popleft()
            if waiting and pgconn.pipeline_status == PipelineStatus.ON:
                _in_chunks(pgconn)
    return False


def _in_chunks(pgconn: "PGconn") -> None:
    """Have the rows of the statement that is answered next come a few at a time."""
    if psycopg.capabilities.has_stream_chunked():
        pgconn.set_chunked_rows_mode(_CHUNK_ROWS)
    else:
        pgconn.set_single_row_mode()
