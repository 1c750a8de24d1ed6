"""One connection: the client is asked who it is, then joined to PostgreSQL.

Once joined, each side's bytes go to the other as they come, and a side that cannot keep up stops
the other from being read (back-pressure both ways, so that no result is ever held whole). PostgreSQL's
own key for cancel requests reaches the client with the rest, so a cancel request is relayed as it is.

What is to change the conversation belongs between the two `End`s: a subclass that cuts what it
receives into messages (`wire.read_message`) before it passes them on.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timezone
from typing import cast

from awslabs_dsql_mcp.local import backend, gate, wire
from awslabs_dsql_mcp.local.postgres import Loopback
from awslabs_dsql_mcp.local.shared import Shared

_LOGIN_SECONDS = 60  # PostgreSQL's authentication_timeout


class End(asyncio.Protocol):
    """One end of a relay: passes on what it receives, at the pace of the other end.

    Args:
        other: Where it goes.
    """

    transport: asyncio.Transport

    def __init__(self, other: asyncio.Transport) -> None:
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember our own transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self.other.write(data)

    def pause_writing(self) -> None:
        """Stop the other end from sending us more."""
        self.other.pause_reading()

    def resume_writing(self) -> None:
        """Let the other end go on."""
        self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Close the other end too, once it has sent what it was given."""
        self.other.close()


class ClientEnd(End):
    """The client's end, which counts among the cluster's connections until it is lost.

    Args:
        other: PostgreSQL's end.
        leave: Counts one less.
    """

    def __init__(self, other: asyncio.Transport, leave: Callable[[], None]) -> None:
        super().__init__(other)
        self._leave = leave

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        self._leave()
        super().connection_lost(exc)


class PasswordEnd(End):
    """PostgreSQL's end on loopback TCP: answers its request for a password, then only passes on."""

    def __init__(self, other: asyncio.Transport, password: str) -> None:
        super().__init__(other)
        self._password = password
        self._received = bytearray()

    def data_received(self, data: bytes) -> None:
        """Wait for the first message whole."""
        self._received += data
        first = wire.read_message(self._received, wire.LONGEST_PASSWORD)
        if first is None:
            return
        self.transport.set_protocol(End(self.other))
        if wire.asks_for_password(first):
            self.transport.write(wire.password(self._password))
        else:
            self.other.write(bytes(self._received))


class Login(asyncio.Protocol):
    """The client's end until it is let in.

    Args:
        shared: What it shares with the cluster's other connections.
        host: Gives the name that the client asked for in TLS, once the handshake is over; `None`
            in place of the function when the connection is not encrypted.
        head: What was read of it already.
    """

    def __init__(
        self, shared: Shared, host: "Callable[[asyncio.BaseTransport], str | None] | None", head: bytes
    ) -> None:
        self._shared, self._host = shared, host
        self._received = bytearray(head)
        self._request: gate.Request | None = None
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the time limit of the login."""
        self._client = cast("asyncio.Transport", transport)
        self._limit = asyncio.get_running_loop().call_later(_LOGIN_SECONDS, self._client.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Forget the time limit, and that we came."""
        self._limit.cancel()
        self._leave()

    def _leave(self) -> None:
        if self._counted:
            self._counted = False
            self._shared.admission.leave()

    def data_received(self, data: bytes) -> None:
        """Read on where we are: the startup packet, then the password."""
        self._received += data
        try:
            if self._request is None:
                self._read_packet()
            else:
                self._read_password(self._request)
        except wire.Malformed:
            self._client.abort()

    def _read_packet(self) -> None:
        packet = wire.read_packet(self._received)
        if packet is None:
            return
        if packet.code == wire.CANCEL_REQUEST:
            self._cancel(packet)
            return
        host = self._host(self._client) if self._host else None
        request = gate.Request(self._host is not None, host, packet)
        refusal = gate.refuse_request(request) or self._enter()
        if refusal:
            self._refuse(refusal)
            return
        del self._received[: packet.size]
        self._request = request
        self._client.write(wire.password_request())

    def _cancel(self, packet: wire.Packet) -> None:
        """Close: the only answer that a cancel request gets, whether or not it is honoured."""
        if self._shared.behaviour.honour_cancel:
            self._join(wire.packet(packet.code, packet.body))
        else:
            self._client.close()

    def _enter(self) -> wire.Refusal | None:
        refusal = self._shared.admission.enter()
        self._counted = refusal is None
        return refusal

    def _read_password(self, request: gate.Request) -> None:
        message = wire.read_message(self._received, wire.LONGEST_PASSWORD)
        if message is None:
            return
        if message.kind != wire.PASSWORD:
            raise wire.Malformed("no password")
        token = message.body.rstrip(b"\0").decode("utf-8", "replace")
        now = datetime.now(timezone.utc)
        refusal = gate.refuse_login(request, token, self._shared.credentials, now)
        if refusal:
            self._refuse(refusal)
            return
        startup = wire.packet(request.startup.code, request.startup.body)
        self._join(startup + self._received[message.size :], request.user)

    def _refuse(self, refusal: wire.Refusal) -> None:
        self._client.write(wire.fatal(refusal))
        self._client.close()

    def _join(self, opening: bytes, role: str | None = None) -> None:
        self._client.pause_reading()
        self._shared.spawn(self._open(opening, role))

    async def _open(self, opening: bytes, role: str | None) -> None:
        try:
            if role is not None:
                if refusal := gate.refuse_role(role, mapped=await self._shared.trusted(role)):
                    self._refuse(refusal)
                    return
                await backend.admit(self._shared.address, role)
            server = await backend.open_connection(self._shared.address, self._server_end)
        except OSError:
            self._refuse(wire.Refusal("57P03", "the local PostgreSQL is not running"))
            return
        self._limit.cancel()
        server.transport.write(opening)
        self._client.set_protocol(ClientEnd(server.transport, self._leave))
        if self._client.is_closing():
            server.transport.close()
        else:
            self._client.resume_reading()

    def _server_end(self) -> End:
        if isinstance(self._shared.address, Loopback):
            return PasswordEnd(self._client, self._shared.address.password)
        return End(self._client)
