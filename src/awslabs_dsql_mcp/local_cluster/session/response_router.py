"""Requests under way to PostgreSQL, and the part of its answers that reaches the client.

PostgreSQL answers in the order of the requests. So a queue of `PendingRequest` tells which request each
message answers, and lets the session send requests of its own in between, whose answers are hidden from the
client. Source: PostgreSQL documentation, 55.2 "Message Flow".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.protocol import messages
from awslabs_dsql_mcp.local_cluster.protocol.wire import READY_FOR_QUERY, Message
from awslabs_dsql_mcp.local_cluster.session.state import (
    PROGRESS,
    Exchange,
    ExchangeEvent,
    Machine,
    Progress,
    ProgressEvent,
)

if TYPE_CHECKING:
    from asyncio import Future
    from collections import deque
    from collections.abc import Callable

    from awslabs_dsql_mcp.local_cluster.session.transaction import SessionTransaction

IDLE: Final = b"I"
FAILED: Final = b"E"
UNKNOWN: Final = TranslatedStatement("", StatementKind.OTHER)
_ROW: Final = messages.DATA_ROW[0]
_ROW_DESCRIPTION: Final = messages.ROW_DESCRIPTION[0]
_DESCRIBED: Final = (messages.ROW_DESCRIPTION, messages.NO_DATA)
_ENDS: Final = {
    messages.PARSE: (messages.PARSE_COMPLETE,),
    messages.BIND: (messages.BIND_COMPLETE,),
    messages.CLOSE: (messages.CLOSE_COMPLETE,),
    messages.DESCRIBE: _DESCRIBED,
    messages.EXECUTE: (messages.COMMAND_COMPLETE, messages.EMPTY_QUERY, messages.PORTAL_SUSPENDED),
}
"""Messages of the extended protocol, with those that end their answers."""
_COMPLETE: Final = {
    messages.PARSE: messages.PARSE_COMPLETE[0],
    messages.BIND: messages.BIND_COMPLETE[0],
    messages.CLOSE: messages.CLOSE_COMPLETE[0],
    messages.DESCRIBE: _ROW_DESCRIPTION,
}
"""Those whose answer, when this ends it, the client may see as it is."""
_HEAD: Final = struct.Struct("!BI")  # of a message: its type, and its length
_TEXTS: Final = messages.ERROR_RESPONSE + messages.NOTICE
_MAX_TEXT: Final = 1 << 20  # bytes of an error or a notice
_ASYNC_MESSAGES: Final = (messages.NOTICE, messages.PARAMETER_STATUS, messages.BACKEND_KEY, b"R", b"A")
"""Messages that answer no request."""


class Visibility(Enum):
    """Part of an answer that the client is to see."""

    ALL = auto()
    READY = auto()
    """The ReadyForQuery at its end."""
    NOTHING = auto()


@dataclass(eq=False, slots=True)
class PendingRequest:
    """One message under way to PostgreSQL.

    Attributes:
        kind: The message's type.
        original: The client's message; `None` for one of the session's own.
        visibility: The part of its answer that the client is to see.
        statement: The statement that runs now.
        transaction: The transaction of that statement; that of the last one stays when all are done.
        following: The statements that it has to run after that, in order, and their transactions; in a Query.
        is_single: It has one statement.
        commit: The error in place of a COMMIT that it asks for.
        progress: The part of its answer that the client has seen.
        kept: Rows that are shown once the statement has ended; `None` to show them at once.
        outcome: Receives the fields of the answer's error, or `None`, for a query of the session's own.
        failure: The fields of that error.
        undo: Takes back what the session has noted of it; called if PostgreSQL does not do it.
    """

    kind: bytes
    original: Message | None = None
    visibility: Visibility = Visibility.ALL
    statement: TranslatedStatement = UNKNOWN
    transaction: SessionTransaction | None = None
    following: deque[tuple[TranslatedStatement, SessionTransaction | None]] | None = None
    is_single: bool = True
    commit: Refusal | None = None
    progress: Machine[Progress, ProgressEvent] = field(
        default_factory=lambda: Machine(PROGRESS, Progress.NONE)
    )
    kept: list[bytes] | None = None
    outcome: Future[dict[str, str] | None] | None = None
    failure: dict[str, str] | None = None
    undo: Callable[[], object] | None = None

    @property
    def shows_answer(self) -> bool:
        """True while the client is to see the answer."""
        return self.visibility is Visibility.ALL and not self.statement.hide_rows

    def end_statement(self) -> None:
        """Go on to the next statement."""
        if self.following:
            self.statement, self.transaction = self.following.popleft()
        else:
            self.statement = UNKNOWN


class Listener(Protocol):
    """Receiver of PostgreSQL's answers; each method returns the bytes that the client is to see."""

    def failed(self, request: PendingRequest | None, fields: dict[str, str]) -> bytes:
        """Take an error."""
        ...

    def finished(self, request: PendingRequest, tag: str) -> bytes:
        """Take the end of a statement."""
        ...

    def is_ready(self, request: PendingRequest, status: bytes) -> bytes:
        """Take a ReadyForQuery."""
        ...

    def on_async_message(self, kind: bytes, body: bytes) -> bytes:
        """Take a message that answers no request."""
        ...


class ResponseRouter:
    """Routing of answers by the queue of requests.

    Args:
        listener: Decides about errors and ends.
        exchange: The state of the exchange.
        expected: The requests that PostgreSQL has yet to answer, in order.
    """

    def __init__(
        self,
        listener: Listener,
        exchange: Machine[Exchange, ExchangeEvent],
        expected: deque[PendingRequest],
    ) -> None:
        self._listener, self._exchange, self._expected = listener, exchange, expected
        self._received = bytearray()
        self._rest, self._shows_rest = 0, False  # bytes of a message that are still to come

    def on_data(self, data: bytes) -> bytes:
        """Take bytes from PostgreSQL, and return those that the client is to see.

        Rows pass in runs, without a copy of each, and long ones in parts, as they come; of long texts for
        people, what is beyond their beginning is left out.
        """
        received: bytes | bytearray = data
        if self._received:
            self._received += data
            received = self._received
        shown: list[bytes] = []
        at, end = min(self._rest, len(received)), len(received)
        run = 0 if self._shows_rest else at
        self._rest -= at
        expected = self._expected
        while end - at >= 5:  # noqa: PLR2004  a message's head
            kind, length = _HEAD.unpack_from(received, at)
            size = length + 1
            request = expected[0] if expected else None
            if request is not None and kind == _ROW:
                if request.kept is None and request.shows_answer:
                    request.progress.on(ProgressEvent.ROW)
                    self._rest, self._shows_rest = max(0, at + size - end), True
                    at = min(at + size, end)
                    continue
            elif (
                request is not None
                and kind == _COMPLETE.get(request.kind)
                and (kind != _ROW_DESCRIPTION or not request.statement.hide_rows)
                and end - at >= size
            ):
                request.progress.on(ProgressEvent.END)
                expected.popleft()
                if request.visibility is not Visibility.ALL:
                    shown.append(bytes(received[run:at]))
                    run = at + size
                at += size
                continue
            needed = min(size, _MAX_TEXT) if kind in _TEXTS else size
            if end - at < needed:
                break
            shown.append(bytes(received[run:at]))
            raw = bytes(received[at : at + needed])
            shown.append(self._route(raw if needed == size else _beginning(raw)))
            self._rest, self._shows_rest = max(0, at + size - end), False
            at = min(at + size, end)
            run = at
        shown.append(bytes(received[run:at]))
        if received is data:
            self._received += data[at:]
        else:
            del self._received[:at]
        return b"".join(shown)

    def _route(self, raw: bytes) -> bytes:
        kind, body = raw[:1], raw[5:]
        if kind in _ASYNC_MESSAGES:
            return self._listener.on_async_message(kind, body)
        if kind == messages.ERROR_RESPONSE:
            return self._fail(body)
        if kind == READY_FOR_QUERY:
            request = self._expected.popleft() if self._expected else PendingRequest(messages.SYNC)
            return self._listener.is_ready(request, body)
        if not self._expected:
            return raw
        request = self._expected[0]
        shown = self._pass(request, kind, raw)
        if kind in _ENDS.get(request.kind, ()):
            request.progress.on(ProgressEvent.END)
            self._expected.popleft()
        elif kind == messages.COMMAND_COMPLETE:
            request.progress.on(ProgressEvent.END)
            request.end_statement()
        return shown

    def _pass(self, request: PendingRequest, kind: bytes, raw: bytes) -> bytes:
        if kind == messages.COMMAND_COMPLETE:
            end = self._listener.finished(request, raw[5:-1].decode())
            return self._kept(request) + end
        if kind == messages.ROW_DESCRIPTION and request.kind == messages.DESCRIBE:
            if not request.statement.hide_rows:
                return raw if request.shows_answer else b""
            return b"" if request.visibility is Visibility.NOTHING else messages.message(messages.NO_DATA)
        if kind in (messages.COPY_IN, messages.COPY_BOTH):
            self._begin_copy(request)
        if kind == messages.ROW_DESCRIPTION and request.kind == messages.QUERY:
            is_known = request.progress.state is Progress.DESCRIBED
            request.progress.on(ProgressEvent.DESCRIPTION)
            return b"" if is_known or not request.shows_answer else raw
        if request.kept is not None:
            return self._keep(request, request.kept, raw)
        return raw if request.shows_answer else b""

    @staticmethod
    def _kept(request: PendingRequest) -> bytes:
        """Return the rows that were kept of a statement that has ended; a Query may have more."""
        if not request.kept or request.outcome is not None:  # which reads them itself
            return b""
        rows = b"".join(request.kept)
        request.kept.clear()
        return rows

    @staticmethod
    def _keep(request: PendingRequest, kept: list[bytes], raw: bytes) -> bytes:
        if raw[:1] == messages.DATA_ROW:
            kept.append(raw)
            return b""
        # PortalSuspended, or a message before the first row.
        return b"".join(kept) + raw if request.shows_answer else b""

    def _begin_copy(self, request: PendingRequest) -> None:
        request.progress.on(ProgressEvent.ROW)  # its data come once, so that it cannot be sent again
        if request.kind != messages.EXECUTE:
            self._exchange.on(ExchangeEvent.COPY_IN_QUERY)
            return
        self._exchange.on(ExchangeEvent.COPY_IN_EXECUTE)
        self._expected.clear()  # PostgreSQL ignores the Sync that was sent behind the Execute
        self._expected.append(request)

    def _fail(self, body: bytes) -> bytes:
        """Take an error: in the extended protocol, nothing up to the next Sync is answered."""
        request = self._expected[0] if self._expected else None
        if request is not None and request.kind in _ENDS:
            undone: list[PendingRequest] = []
            while self._expected and self._expected[0].kind != messages.SYNC:
                undone.append(self._expected.popleft())
            for skipped in reversed(undone):
                if skipped.undo is not None:
                    skipped.undo()
            self._exchange.on(
                ExchangeEvent.FAILED_WITH_SYNC if self._expected else ExchangeEvent.FAILED_BEFORE_SYNC
            )
        elif request is not None and request.kind == messages.QUERY and request.visibility is Visibility.ALL:
            self._exchange.on(ExchangeEvent.QUERY_FAILED)
        return self._listener.failed(request, messages.read_fields(body))


def _beginning(raw: bytes) -> bytes:
    """End an error or a notice behind its beginning; its first fields are short, but for the message."""
    return raw[:5] + raw[5:].decode("utf-8", "ignore").encode() + b"\0\0"
