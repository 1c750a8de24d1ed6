"""The line to PostgreSQL.

What the client sends is taken one exchange at a time, and may be held back, taken again, or preceded by
questions of our own. An exchange ends with a Sync or a simple query; the next begins when PostgreSQL is
ready for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.session.response_router import (
    IDLE,
    Listener,
    PendingRequest,
    ResponseRouter,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from awslabs_dsql_mcp.local_cluster.protocol.wire import Message
    from awslabs_dsql_mcp.local_cluster.session.transaction import SessionTransaction

MAX_MESSAGE: Final = 10 << 20
"""Bytes (Aurora DSQL user guide, "Cluster quotas and database limits")."""

_COPYING: Final = frozenset({messages.COPY_DATA, messages.COPY_DONE, messages.COPY_FAIL, messages.SYNC})
_MAX_WAITING: Final = 1 << 20


@dataclass
class SessionState:
    """Where a session stands.

    Attributes:
        pid: PostgreSQL's process.
        status: Idle, in a block, or in a failed one; as PostgreSQL said last, or as a ROLLBACK will make it.
        transaction: What is open; `None` before its first statement.
    """

    pid: int = 0
    status: bytes = IDLE
    transaction: SessionTransaction | None = None


class BackendLink:
    """One session's line.

    Args:
        client: Who asks.
        server: PostgreSQL.
        listener: Is told what PostgreSQL answers.
        standing: Where the session stands.
    """

    def __init__(
        self, client: asyncio.Transport, server: asyncio.Transport, listener: Listener, standing: SessionState
    ) -> None:
        self.talk = ResponseRouter(listener)
        self.group: list[PendingRequest] = []
        self.settling = True  # until the login is over
        self.held = False
        self.unnamed_lost = False
        self._client, self._server, self._standing = client, server, standing
        self._inbox = bytearray()
        self._is_full = False
        self._again: deque[tuple[Message, bool]] = deque()
        self._out: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, data: bytes) -> None:
        """Put aside what the client has sent."""
        self._inbox += data
        if len(self._inbox) > _MAX_WAITING and (self.settling or self.held) and not self.talk.copying:
            self._is_full = True
            self._client.pause_reading()

    def next(self) -> tuple[Message, bool] | None:
        """Give the client's next message, if it is its turn, and whether its answer is known already.

        Raises:
            wire.Malformed: It is longer than any may be.
        """
        if self.held:
            return None
        if self._again:
            return self._again.popleft()
        if self.settling and not self.talk.copying:
            return None
        message = wire.read_message(self._inbox, MAX_MESSAGE)
        if message is None or (self.settling and message.kind not in _COPYING):
            return None
        del self._inbox[: message.size]
        return message, False

    def requeue(self, taken: Sequence[tuple[Message, bool]]) -> None:
        """Give these messages next."""
        self._again.extendleft(reversed(taken))

    def send(self, sent: PendingRequest, data: bytes) -> None:
        """Send a message that will be answered; it leaves with `flush`.

        What comes between an error and its Sync is not: PostgreSQL would skip it.
        """
        if self.talk.skipping and sent.kind != messages.SYNC:
            return
        self.talk.skipping = False
        sent.transaction = sent.transaction or self._standing.transaction
        self.talk.expected.append(sent)
        self.group.append(sent)
        self._out.append(data)

    def send_hidden(self, kind: bytes, data: bytes) -> None:
        """Send a message of our own, of which the client sees nothing."""
        self.unnamed_lost |= kind == messages.QUERY
        self.send(PendingRequest(kind, hidden=True), data)

    def pass_on(self, data: bytes) -> None:
        """Send what has no answer."""
        self._out.append(data)

    def flush(self) -> None:
        """Let everything leave."""
        if self._out:
            self._server.write(b"".join(self._out))
            self._out.clear()
        if self._is_full and not self.settling and not self.held:
            self._is_full = False
            self._client.resume_reading()

    async def query(self, sql: str) -> dict[str, str] | None:
        """Have PostgreSQL run something of ours.

        Returns:
            Its error's fields, if it failed.
        """
        self.unnamed_lost = True  # a simple query ends the unnamed statement
        outcome: asyncio.Future[dict[str, str] | None] = asyncio.get_running_loop().create_future()
        self.talk.expected.append(PendingRequest(messages.QUERY, hidden=True, outcome=outcome))
        self.flush()
        self._server.write(wire.query(sql))
        return await outcome

    def end_block(self) -> None:
        """Roll back; the client sees no more than that the server is ready then."""
        self.talk.expected.append(PendingRequest(messages.QUERY, ready=True))
        self._server.write(wire.query("ROLLBACK"))

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Do something meanwhile, but no longer than the session lasts."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def abort(self) -> None:
        """Cut the client off."""
        self._client.abort()

    def close(self) -> None:
        """End what is still under way."""
        for task in self._tasks:
            task.cancel()
