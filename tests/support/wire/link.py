"""One client's connection through the proxy, relayed message by message; the script is asked each time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from support.wire import messages
from support.wire.faults import At, Deed, Hold, Kill, Replace, Say, Swallow, Twice
from support.wire.messages import Message

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]

_LOST = (OSError, asyncio.IncompleteReadError)
_PIECE = 256 << 10
_PIECE_SECONDS = 0.002
"""A long message is passed on at a gigabit a second, as by a fast network. Loopback keeps pace with libpq,
which reads on while more has come: then whoever bounds what it holds is not asked before it has all.
"""
_SYNC = None  # stands between the statements of one batch and those of the next


class Script(Protocol):
    """What a link needs of its proxy."""

    dial: Dial
    delay: float
    honours_cancel: bool
    trips: int
    connected: int
    cancelled: int

    def strike(self, at: At, sql: str = "") -> Deed | None:
        """Say what happens now."""
        ...


class _KilledError(Exception):
    """The script ended the connection."""


class _Pipe:
    """One direction: messages on their way, each so many seconds long."""

    def __init__(self, reader: asyncio.StreamReader, delay: float, sent: Callable[[], None]) -> None:
        self._reader = reader
        self._delay = delay
        self._sent = sent
        self._coming: asyncio.Queue[tuple[float, Message] | None] = asyncio.Queue()

    async def receive(self) -> None:
        """Read messages until there are no more."""
        with suppress(*_LOST):
            while True:
                message = await messages.read(self._reader)
                self._sent()
                self._coming.put_nowait((asyncio.get_running_loop().time() + self._delay, message))
        self._coming.put_nowait(None)

    async def hand_on(self, take: Callable[[Message], Awaitable[None]]) -> None:
        """Hand on each message when it has arrived."""
        while (coming := await self._coming.get()) is not None:
            due, message = coming
            if (wait := due - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(wait)
            await take(message)


class Link:
    """One client's connection, and its counterpart at the server.

    Args:
        script: The proxy.
        client: The client's side.
    """

    def __init__(self, script: Script, client: Streams) -> None:
        self.ended = asyncio.Event()
        self._script = script
        self._client = client
        self._server: Streams | None = None
        self._client_gone = asyncio.Event()
        self._mute = False
        self._saying: Say | None = None
        self._unanswered: deque[str | None] = deque()
        self._in_batch = False
        self._client_heard = False

    def kill(self) -> None:
        """Cut both sides."""
        self._client[1].transport.abort()
        if self._server is not None:
            self._server[1].transport.abort()

    def end_with(self, said: Say) -> None:
        """Say a last word to the client, and end both sides."""
        if not self._mute:
            self._mute = True
            self._client[1].write(_error(said).wire)
        self._part()

    async def run(self) -> None:
        """Relay until one side ends."""
        with suppress(_KilledError, *_LOST):
            first = await messages.read_first(self._client[0])
            if first.is_cancel_request:
                await self._cancel(first)
            else:
                await self._admit()
                await self._relay(first)
        self._part()
        with suppress(*_LOST):
            await self._client[1].wait_closed()

    def _part(self) -> None:
        self._client[1].close()
        if self._server is not None:
            self._server[1].transport.abort()

    async def _cancel(self, request: Message) -> None:
        self._script.cancelled += 1
        if self._script.honours_cancel:
            reader, writer = await self._script.dial()
            writer.write(request.wire)
            await reader.read()
            writer.close()

    async def _admit(self) -> None:
        self._script.connected += 1
        deed = self._script.strike(At.CONNECT)
        if isinstance(deed, Say):
            self.end_with(deed)
            raise _KilledError
        if isinstance(deed, Swallow | Hold):
            # Until it is answered, a client has nothing to say: what can be read is its end.
            watch = asyncio.ensure_future(self._watch_client())
            await (self._client_gone.wait() if isinstance(deed, Swallow) else self._suffer(deed))
            watch.cancel()
        await self._suffer(deed)

    async def _watch_client(self) -> None:
        await self._client[0].read(1)
        self._client_gone.set()

    async def _relay(self, first: Message) -> None:
        self._server = await self._script.dial()
        self._server[1].write(first.wire)
        asked = _Pipe(self._client[0], self._script.delay, self._count_trip)
        answered = _Pipe(self._server[0], self._script.delay, lambda: None)
        receiving = asyncio.ensure_future(asked.receive())
        receiving.add_done_callback(lambda _: self._client_gone.set())
        tasks = [
            asyncio.ensure_future(asked.hand_on(self._ask)),
            asyncio.ensure_future(answered.hand_on(self._answer)),
            asyncio.ensure_future(answered.receive()),
            receiving,
        ]
        try:
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _count_trip(self) -> None:
        if self._client_heard:
            self._client_heard = False
            self._script.trips += 1

    async def _ask(self, message: Message) -> None:
        if message.kind == b"P":
            message = await self._statement(message)
        elif message.kind == b"S":
            self._in_batch = False
            self._unanswered.append(_SYNC)
        if self._server is not None and not self._mute:
            self._server[1].write(message.wire)
            await self._server[1].drain()

    async def _statement(self, message: Message) -> Message:
        deed = self._script.strike(At.PIPELINE, message.sql) if self._in_batch else None
        deed = deed or self._script.strike(At.ASKED, message.sql)
        self._in_batch = True
        self._unanswered.append(message.sql)
        await self._suffer(deed)
        if not isinstance(deed, Say):
            return message
        self._saying = deed
        return messages.parse("ROLLBACK" if message.sql == "COMMIT" else "a statement that fails")

    async def _answer(self, message: Message) -> None:
        if message.kind in (b"C", b"E", b"I") and self._unanswered:
            message = await self._answered(message, self._unanswered.popleft() or "")
        elif message.kind == b"Z" and self._unanswered:
            self._unanswered.popleft()
        if not self._mute:
            self._client_heard = True
            for start in range(0, len(message.wire), _PIECE):
                if start:
                    await asyncio.sleep(_PIECE_SECONDS)
                self._client[1].write(message.wire[start : start + _PIECE])
                await self._client[1].drain()

    async def _answered(self, message: Message, sql: str) -> Message:
        if message.kind == b"E":  # the server skips what is left of the batch
            while self._unanswered and self._unanswered[0] is not _SYNC:
                self._unanswered.popleft()
        said = self._saying
        if said is not None and (message.kind == b"E" or sql == "COMMIT"):
            self._saying = None
            return _error(said)
        deed = self._script.strike(At.ANSWERED, sql)
        if isinstance(deed, Replace):
            return messages.error(deed.sqlstate, deed.message, severity=deed.severity)
        if isinstance(deed, Twice):
            self._client[1].write(message.wire)
        await self._suffer(deed)
        return message

    async def _suffer(self, deed: Deed | None) -> None:
        match deed:
            case Kill():
                self.kill()
                raise _KilledError
            case Say(severity="FATAL"):
                self.end_with(deed)
                raise _KilledError
            case Swallow():
                self._mute = True
            case Hold():
                await self._hold(deed)
            case _:
                pass

    async def _hold(self, deed: Hold) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (deed.release, self._client_gone)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not deed.release.is_set():
            raise _KilledError


def _error(said: Say) -> Message:
    return messages.error(said.sqlstate, said.message, severity=said.severity, hint=said.hint)
