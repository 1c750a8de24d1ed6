"""Queue of messages between a client and PostgreSQL.

The client's messages are taken one exchange at a time. They may be paused, taken again, or preceded by
messages of the session's own. An exchange ends with a Sync or a Query; the next begins when PostgreSQL is
ready for it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Parsed
from awslabs_dsql_mcp.local_cluster.session.response_router import PendingRequest, Visibility
from awslabs_dsql_mcp.local_cluster.session.state import (
    AWAITING,
    COPYING,
    EXCHANGE,
    PAUSED,
    RECOVERY,
    Exchange,
    ExchangeEvent,
    Machine,
    Recovery,
    RecoveryEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from awslabs_dsql_mcp.local_cluster.dialect import TranslatedStatement
    from awslabs_dsql_mcp.local_cluster.protocol.wire import Message
    from awslabs_dsql_mcp.local_cluster.session.transaction import SessionTransaction

_COPY_MESSAGES: Final = frozenset(
    {messages.COPY_DATA, messages.COPY_DONE, messages.COPY_FAIL, messages.FLUSH, messages.SYNC}
)
_MAX_WAITING: Final = 1 << 20  # bytes


@dataclass
class SessionState:
    """State of a session, which its parts share.

    Attributes:
        pid: Process id of its PostgreSQL backend; 0 during the login.
        exchange: State of the exchange with the client.
        recovery: State of the session's own work.
        transaction: The open transaction; `None` before its first statement.
        private_name: Begins the names of the session's own prepared statements; no client can guess it.
    """

    pid: int = 0
    exchange: Machine[Exchange, ExchangeEvent] = field(
        default_factory=lambda: Machine(EXCHANGE, Exchange.AWAITING_READY)
    )
    recovery: Machine[Recovery, RecoveryEvent] = field(
        default_factory=lambda: Machine(RECOVERY, Recovery.NONE)
    )
    transaction: SessionTransaction | None = None
    private_name: bytes = field(default_factory=lambda: b"dsql " + secrets.token_hex(8).encode())

    @property
    def has_failed(self) -> bool:
        """True in a block that only ROLLBACK or COMMIT ends."""
        return self.transaction is not None and self.transaction.has_failed

    @property
    def is_paused(self) -> bool:
        """True while the client's messages wait for the session's own work."""
        return self.recovery.state in PAUSED

    @property
    def is_awaiting_ready(self) -> bool:
        """True while the client's next message waits for a ReadyForQuery."""
        return self.exchange.state in AWAITING


class BackendLink:
    """One session's queue of messages to PostgreSQL.

    Args:
        client: Transport to the client.
        server: Transport to PostgreSQL.
        state: State of the session.
    """

    def __init__(self, client: asyncio.Transport, server: asyncio.Transport, state: SessionState) -> None:
        self.expected = deque([PendingRequest(messages.SYNC)])  # the end of the login
        """The requests that PostgreSQL has yet to answer, in order."""
        self.batch: list[PendingRequest] = []
        """The requests of the present exchange."""
        self.unnamed_statement_dropped = False
        """The session's own queries have dropped the client's unnamed prepared statement."""
        self._client, self._server, self._state = client, server, state
        self._inbox = bytearray()
        self._reading_paused = False
        self._requeued: deque[tuple[Message, bool]] = deque()
        self._out: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _is_blocked(self) -> bool:
        return self._state.is_paused or self._state.is_awaiting_ready

    def receive(self, data: bytes) -> None:
        """Take bytes from the client, and stop reading when too many of them wait."""
        self._inbox += data
        if len(self._inbox) > _MAX_WAITING and self._is_blocked:
            self._reading_paused = True
            self._client.pause_reading()

    def next(self) -> tuple[Message, bool] | None:
        """Return the client's next message, unless it has to wait, and whether it was answered already.

        One that may not come while PostgreSQL reads data fails that, and is passed over, as PostgreSQL does.

        Raises:
            wire.Malformed: The message is longer than `limits.MAX_MESSAGE_BYTES`.
        """
        if self._requeued:
            return None if self._state.is_paused else self._requeued.popleft()
        exchange = self._state.exchange.state
        if not self._inbox or exchange in AWAITING or self._state.is_paused:
            return None
        message = wire.read_message(self._inbox, limits.MAX_MESSAGE_BYTES)
        if message is None:
            return None
        del self._inbox[: message.size]
        if exchange in COPYING and message.kind not in _COPY_MESSAGES:
            reason = f"unexpected message type 0x{message.kind[0]:02X} during COPY from stdin"
            return messages.copy_fail(reason), False
        return message, False

    def requeue(self, taken: Sequence[tuple[Message, bool]]) -> None:
        """Return these messages from `next` again."""
        self._requeued.extendleft(reversed(taken))

    def send(self, request: PendingRequest, data: bytes) -> None:
        """Send a message that will be answered; it leaves with `flush`."""
        self.expected.append(request)
        self.batch.append(request)
        self._out.append(data)

    def send_hidden(
        self, kind: bytes, data: bytes, read: TranslatedStatement | None = None
    ) -> PendingRequest:
        """Send a message of the session's own; the client sees nothing of its answer.

        Args:
            kind: The message's type.
            data: The message.
            read: The statement that it runs, if its rows are to be kept.
        """
        self.unnamed_statement_dropped |= kind == messages.QUERY
        request = PendingRequest(kind, visibility=Visibility.NOTHING, transaction=self._state.transaction)
        if read is not None:
            request.statement, request.kept = read, []
        self.send(request, data)
        return request

    def run_hidden(
        self,
        sql: str,
        read: TranslatedStatement | None = None,
        *,
        bound_next: bytes | None = None,
        undo: Callable[[], object] | None = None,
    ) -> None:
        """Run a statement of the session's own by the extended protocol.

        Args:
            sql: The statement.
            read: See `send_hidden`.
            bound_next: Portal that the next message binds, if it does; the unnamed one may serve meanwhile.
            undo: Called if PostgreSQL does not run the statement.
        """
        name = self._state.private_name
        portal = b"" if bound_next == b"" else name
        self.send_hidden(messages.PARSE, messages.parse(Parsed(name, sql.encode(), b"\0\0")))
        self.send_hidden(messages.BIND, messages.bind_plainly(portal, name))
        self.send_hidden(messages.EXECUTE, messages.execute(portal), read).undo = undo
        if portal:
            self.send_hidden(messages.CLOSE, messages.close(b"P", portal))
        self.send_hidden(messages.CLOSE, messages.close(b"S", name))

    def pass_on(self, data: bytes) -> None:
        """Send a message that has no answer."""
        self._out.append(data)

    def flush(self) -> None:
        """Write all that was sent, and read on from the client if it had to wait."""
        if self._out:
            self._server.write(b"".join(self._out))
            self._out.clear()
        if self._reading_paused and not self._is_blocked:
            self._reading_paused = False
            self._client.resume_reading()

    async def query(self, sql: str) -> dict[str, str] | None:
        """Run SQL of the session's own.

        Returns:
            The fields of its error, if it failed.
        """
        _, outcome = self._ask(sql)
        return await outcome

    async def read(self, sql: str) -> str | None:
        """Run a query of the session's own for one row of one text.

        Returns:
            The text; `None` if the query failed.
        """
        rows, outcome = self._ask(sql)
        await outcome
        return messages.read_text_row(rows[0]) if rows else None

    def _ask(self, sql: str) -> tuple[list[bytes], asyncio.Future[dict[str, str] | None]]:
        self.unnamed_statement_dropped = True  # as by any Query
        rows: list[bytes] = []
        outcome: asyncio.Future[dict[str, str] | None] = asyncio.get_running_loop().create_future()
        self.expected.append(
            PendingRequest(messages.QUERY, visibility=Visibility.NOTHING, outcome=outcome, kept=rows)
        )
        self.flush()
        self._server.write(wire.query(sql))
        return rows, outcome

    def end_block(self) -> None:
        """Roll back; the client sees the ReadyForQuery only."""
        self.expected.append(PendingRequest(messages.QUERY, visibility=Visibility.READY))
        self._server.write(wire.query("ROLLBACK"))

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run a coroutine meanwhile, but no longer than the session lasts."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def abort(self) -> None:
        """Close the client's connection at once."""
        self._client.abort()

    def close(self) -> None:
        """End what is still under way."""
        for task in self._tasks:
            task.cancel()
