"""What is under way to PostgreSQL, and which of its answers reach the client.

PostgreSQL answers in the order in which it was asked. So a queue of what was `PendingRequest` tells what each
message of an answer belongs to, and lets us ask questions of our own in between: their answers are
hidden from the client. Source: PostgreSQL documentation, 55.2 "Message Flow".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.protocol import messages
from awslabs_dsql_mcp.local_cluster.protocol.wire import READY_FOR_QUERY, Message

if TYPE_CHECKING:
    from asyncio import Future

    from awslabs_dsql_mcp.local_cluster.session.transaction import SessionTransaction

IDLE: Final = b"I"
IN_BLOCK: Final = b"T"
FAILED: Final = b"E"
UNKNOWN: Final = TranslatedStatement("", StatementKind.OTHER)
_ROW: Final = messages.DATA_ROW[0]
_DESCRIBED: Final = (messages.ROW_DESCRIPTION, messages.NO_DATA)
_ENDS: Final = {
    messages.PARSE: (messages.PARSE_COMPLETE,),
    messages.BIND: (messages.BIND_COMPLETE,),
    messages.CLOSE: (messages.CLOSE_COMPLETE,),
    messages.DESCRIBE: _DESCRIBED,
    messages.EXECUTE: (messages.COMMAND_COMPLETE, messages.EMPTY_QUERY, messages.PORTAL_SUSPENDED),
}
_ASYNC_MESSAGES: Final = (messages.NOTICE, messages.PARAMETER_STATUS, messages.BACKEND_KEY, b"R", b"A")
"""Messages that answer nothing in particular."""


@dataclass
class PendingRequest:
    """One message on its way to PostgreSQL.

    Attributes:
        kind: The message's type.
        original: What the client sent; `None` for our own.
        hidden: The client is not to see the answer.
        statements: What it runs, in order; one, but for a simple query.
        began: When it was sent, if it tells its cost; seconds of a monotonic clock.
        transaction: The transaction that it belongs to.
        commit: What is said in place of a COMMIT that it asks for.
        alone: It runs one statement.
        ready: Only the end of its answer is shown: that the server is ready.
        answered: The client has seen its answer.
        described: The client has seen what columns its rows have.
        rows: The client has seen rows of it.
        kept: What is shown when it has come to its end; `None` to show all at once.
        outcome: Where we wait for the error in the answer to a question of ours, or for `None`.
        failure: The error's fields.
    """

    kind: bytes
    original: Message | None = None
    hidden: bool = False
    statements: deque[TranslatedStatement] = field(default_factory=deque[TranslatedStatement])
    began: float = 0.0
    transaction: SessionTransaction | None = None
    commit: Refusal | None = None
    alone: bool = True
    ready: bool = False
    answered: bool = False
    described: bool = False
    rows: bool = False
    kept: list[bytes] | None = None
    outcome: Future[dict[str, str] | None] | None = None
    failure: dict[str, str] | None = None

    @property
    def statement(self) -> TranslatedStatement:
        """What it runs now."""
        return self.statements[0] if self.statements else UNKNOWN

    @property
    def shows(self) -> bool:
        """Whether the client is to see what is answered now."""
        return not (self.hidden or self.ready or self.statement.hide_rows)


class Listener(Protocol):
    """Who is told of the turns of the conversation; each says what the client is to see of it."""

    def failed(self, sent: PendingRequest | None, fields: dict[str, str]) -> bytes:
        """Something failed."""
        ...

    def finished(self, sent: PendingRequest, tag: str) -> bytes:
        """A statement is done."""
        ...

    def is_ready(self, sent: PendingRequest, status: bytes) -> bytes:
        """PostgreSQL has dealt with a Sync or a simple query."""
        ...

    def on_async_message(self, kind: bytes, body: bytes) -> bytes:
        """PostgreSQL says something that answers nothing in particular."""
        ...


class ResponseRouter:
    """The queue, and the way of the answers.

    Args:
        listener: Is told, and decides.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._received = bytearray()
        self.expected: deque[PendingRequest] = deque([PendingRequest(messages.SYNC)])  # the end of the login
        self.copying = False
        self.skipping = False  # until a Sync that is still to come

    def on_data(self, data: bytes) -> bytes:
        """Take what PostgreSQL has sent, and give what the client is to see.

        Rows pass in runs, without a copy of each.
        """
        received = self._received
        received += data
        shown: list[bytes] = []
        at, run, end = 0, 0, len(received)
        rows = self._passes_rows()
        while end - at >= 5:  # noqa: PLR2004  a message's head
            size = int.from_bytes(received[at + 1 : at + 5], "big") + 1
            if end - at < size:
                break
            if rows and received[at] == _ROW:
                self.expected[0].rows = True
                at += size
                continue
            shown.append(bytes(received[run:at]))
            shown.append(self._route(bytes(received[at : at + size])))
            at += size
            run, rows = at, self._passes_rows()
        shown.append(bytes(received[run:at]))
        del received[:at]
        return b"".join(shown)

    def _passes_rows(self) -> bool:
        return bool(self.expected) and self.expected[0].shows and self.expected[0].kept is None

    def _route(self, raw: bytes) -> bytes:
        kind, body = raw[:1], raw[5:]
        if kind in _ASYNC_MESSAGES:
            return self._listener.on_async_message(kind, body)
        if kind == messages.ERROR_RESPONSE:
            return self._fail(body)
        sent = self.expected[0] if self.expected else None
        if sent is None:
            return raw
        if kind == READY_FOR_QUERY:
            self.expected.popleft()
            self.copying = False
            return self._listener.is_ready(sent, body)
        shown = self._pass(sent, kind, raw)
        if kind in _ENDS.get(sent.kind, ()):
            sent.answered = True
            self.expected.popleft()
        elif kind == messages.COMMAND_COMPLETE and sent.statements:
            sent.statements.popleft()
            sent.described = False
        return shown

    def _pass(self, sent: PendingRequest, kind: bytes, raw: bytes) -> bytes:
        if kind == messages.COMMAND_COMPLETE:
            self.copying = False
            return b"".join(sent.kept or ()) + self._listener.finished(sent, raw[5:-1].decode())
        if kind == messages.ROW_DESCRIPTION and sent.kind == messages.DESCRIBE and sent.statement.hide_rows:
            return b"" if sent.hidden else messages.message(messages.NO_DATA)
        if kind in (messages.COPY_IN, messages.COPY_BOTH):
            self._begin_copy(sent)
        if kind == messages.ROW_DESCRIPTION and sent.kind == messages.QUERY:
            described, sent.described = sent.described, True
            return b"" if described or not sent.shows else raw
        if kind == messages.DATA_ROW and sent.kept is not None:
            sent.kept.append(raw)
            return b""
        return raw if sent.shows else b""

    def _begin_copy(self, sent: PendingRequest) -> None:
        """Note that PostgreSQL reads data now: a Sync behind an Execute is lost in it."""
        self.copying = True
        if sent.kind == messages.EXECUTE:
            for other in list(self.expected)[1:]:
                self.expected.remove(other)

    def _fail(self, body: bytes) -> bytes:
        """Take an error: of an extended conversation, all up to its Sync goes unanswered."""
        self.copying = False
        sent = self.expected[0] if self.expected else None
        if sent is not None and sent.kind in _ENDS:
            while self.expected and self.expected[0].kind != messages.SYNC:
                self.expected.popleft()
            self.skipping = not self.expected
        return self._listener.failed(sent, messages.read_fields(body))
