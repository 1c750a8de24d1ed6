"""Transports of an authenticated connection: bytes go to the session, with flow control.

A side that cannot keep up stops the other from being read (back-pressure both ways, so that no result is
ever held whole).
"""

import asyncio
from collections.abc import Callable
from typing import cast

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.protocol import wire
from awslabs_dsql_mcp.local_cluster.session.fault_injection import Disconnect
from awslabs_dsql_mcp.local_cluster.session.session import ClientSession


class PacedTransport(asyncio.Protocol):
    """One end of a connection.

    Args:
        other: Transport of the other end.
    """

    transport: asyncio.Transport

    def __init__(self, other: asyncio.Transport) -> None:
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport of this end."""
        self.transport = cast("asyncio.Transport", transport)

    def pause_writing(self) -> None:
        """Stop the other end from sending us more."""
        self.other.pause_reading()

    def resume_writing(self) -> None:
        """Let the other end go on."""
        self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Close the other end too, once it has sent what it was given."""
        self.other.close()


class ClientTransport(PacedTransport):
    """The end of an authenticated client, with a maximum duration and injected faults.

    Args:
        other: Transport of PostgreSQL.
        session: Session of the client.
        config: Configuration with the duration.
        leave: Called when the connection ends.
    """

    def __init__(
        self,
        other: asyncio.Transport,
        session: ClientSession,
        config: ClusterConfig,
        leave: Callable[[], None],
    ) -> None:
        super().__init__(other)
        self._session, self._leave = session, leave
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.call_later(config.session_minutes * 60, self._time_is_up)

    def _time_is_up(self) -> None:
        self._session.abort()

    def data_received(self, data: bytes) -> None:
        """Pass data to the session, after the injected latency."""
        if delay := self._session.faults.delay():
            self._loop.call_later(delay, self._hand_over, data)
        else:
            self._hand_over(data)

    def _hand_over(self, data: bytes) -> None:
        cut = self._session.faults.disconnect()
        if cut is Disconnect.BEFORE:
            self._session.abort()
            return
        if cut is Disconnect.AFTER:
            self._session.drop_answers()
        self._session.from_client(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session."""
        self._end.cancel()
        self._session.close()
        self._leave()
        super().connection_lost(exc)


class BackendTransport(PacedTransport):
    """The end of PostgreSQL: answers a request for a password, then serves the session.

    Args:
        other: Transport of the client.
        password: Password of the role, on loopback TCP.
        begin: Creates the session once PostgreSQL is connected.
    """

    def __init__(
        self,
        other: asyncio.Transport,
        password: str | None,
        begin: Callable[[asyncio.Transport], ClientSession],
    ) -> None:
        super().__init__(other)
        self._password, self._begin = password, begin
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session."""
        super().connection_made(transport)
        self.session = self._begin(self.transport)

    def data_received(self, data: bytes) -> None:
        """Pass data to the session, except for a request for the password."""
        if self._password is None:
            self.session.from_server(data)
            return
        self._received += data
        first = wire.read_message(self._received, wire.MAX_PASSWORD)
        if first is None:
            return
        password, self._password = self._password, None
        if wire.asks_for_password(first):
            self.transport.write(wire.password(password))
        else:
            self.session.from_server(bytes(self._received))
