"""The proxy: takes connections on a port of its own, and holds the script."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from support.wire.faults import At, Deed, Fault, Say
from support.wire.link import Dial, Link

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Proxy:
    """Stands in front of a PostgreSQL.

    Args:
        dial: Opens a connection to the PostgreSQL.
        context: TLS settings; clients begin with TLS (libpq's ``sslnegotiation=direct``).
        delay: Seconds that each message takes, each way.
    """

    def __init__(self, dial: Dial, context: ssl.SSLContext, *, delay: float = 0.0) -> None:
        self.dial = dial
        self.delay = delay
        self.honours_cancel = True
        self.port = 0
        self.trips = 0
        self.connected = 0
        self.cancelled = 0
        self._context = context
        self._faults: list[Fault] = []
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Take connections; on the same port as before, if there was one."""
        await self._listen(self._serve, self._context)

    async def open_mute(self) -> None:
        """Take connections, and never say a word on them, not even TLS."""
        await self._listen(_say_nothing, None)

    def refuse(self) -> None:
        """Take no new connections; those that are open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        """End everything."""
        self.refuse()
        links = list(self._links)
        self.kill_all()
        await asyncio.gather(*(link.ended.wait() for link in links))

    def kill_all(self) -> None:
        """Cut every connection."""
        for link in self._links:
            link.kill()

    def say_all(self, said: Say) -> None:
        """Say a last word on every connection, and end it."""
        for link in self._links:
            link.end_with(said)

    def add(self, fault: Fault) -> Fault:
        """Add a fault to the script."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()

    def strike(self, at: At, sql: str = "") -> Deed | None:
        """Ask the script what happens now."""
        return next((fault.deed for fault in self._faults if fault.strikes(at, sql)), None)

    async def _listen(self, serve: _Serve, context: ssl.SSLContext | None) -> None:
        self.refuse()
        self._server = await asyncio.start_server(serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self, (reader, writer))
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)
            link.ended.set()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()
