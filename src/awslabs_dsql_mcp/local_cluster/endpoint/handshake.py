"""Start-up of one connection: authentication, then the session."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from awslabs_dsql_mcp.local_cluster.endpoint import authentication, startup_parameters
from awslabs_dsql_mcp.local_cluster.endpoint.context import Backend, EndpointContext
from awslabs_dsql_mcp.local_cluster.endpoint.transports import (
    BackendTransport,
    ClientTransport,
    PacedTransport,
)
from awslabs_dsql_mcp.local_cluster.iam_token import ADMIN
from awslabs_dsql_mcp.local_cluster.postgres import connect
from awslabs_dsql_mcp.local_cluster.postgres.server import Loopback
from awslabs_dsql_mcp.local_cluster.protocol import wire
from awslabs_dsql_mcp.local_cluster.session.fault_injection import FaultInjector
from awslabs_dsql_mcp.local_cluster.session.session import ClientSession

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGIN_SECONDS = 60  # PostgreSQL's authentication_timeout


class Handshake(asyncio.Protocol):
    """Protocol of a client until it is authenticated.

    Args:
        route: Finds the context of the cluster that a host name (SNI) asks for, or refuses it.
        host: Returns the host name in TLS (SNI) after the TLS handshake; `None` in place of the
            function when the connection is not encrypted.
        head: Bytes read already.
    """

    def __init__(
        self,
        route: "Callable[[str | None], EndpointContext | wire.Refusal]",
        host: "Callable[[asyncio.BaseTransport], str | None] | None",
        head: bytes,
    ) -> None:
        self._route, self._host = route, host
        self._received = bytearray(head)
        self._request: authentication.Request | None = None
        self._entered: EndpointContext | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the time limit of the login."""
        self._client = cast("asyncio.Transport", transport)
        self._limit = asyncio.get_running_loop().call_later(_LOGIN_SECONDS, self._client.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Cancel the time limit, and count the connection as closed."""
        self._limit.cancel()
        self._leave()

    def _leave(self) -> None:
        context, self._entered = self._entered, None
        if context is not None:
            context.clients.discard(self._client)
            context.connection_limits.leave()

    def data_received(self, data: bytes) -> None:
        """Read the startup packet, then the password."""
        self._received += data
        try:
            if self._request is None:
                self._read_packet()
            if self._request is not None and self._entered is not None:  # both may come at once
                self._read_password(self._request, self._entered)
        except wire.Malformed:
            self._client.abort()

    def _read_packet(self) -> None:
        packet = wire.read_packet(self._received)
        if packet is None:
            return
        host = self._host(self._client) if self._host else None
        context = self._route(host)
        if packet.code == wire.CANCEL_REQUEST:
            self._cancel(packet, context)
            return
        request = authentication.Request(self._host is not None, host, packet)
        refusal = authentication.refuse_request(request) or self._enter(context)
        if refusal:
            self._refuse(refusal)
            return
        del self._received[: packet.size]
        self._request = request
        self._client.write(wire.password_request())

    def _cancel(self, packet: wire.Packet, context: EndpointContext | wire.Refusal) -> None:
        """Close the connection: a cancel request gets no other answer, honoured or not."""
        if not isinstance(context, wire.Refusal) and context.config.honour_cancel:
            context.spawn(self._pass_on(context, wire.packet(packet.code, packet.body)))
        else:
            self._client.close()

    def _enter(self, context: EndpointContext | wire.Refusal) -> wire.Refusal | None:
        if isinstance(context, wire.Refusal):
            return context
        refusal = context.connection_limits.enter()
        if refusal is None:
            self._entered = context
            context.clients.add(self._client)
        return refusal

    def _read_password(self, request: authentication.Request, context: EndpointContext) -> None:
        message = wire.read_message(self._received, wire.MAX_PASSWORD)
        if message is None:
            return
        if message.kind != wire.PASSWORD:
            raise wire.Malformed("no password")
        token = message.body.rstrip(b"\0").decode("utf-8", "replace")
        refusal = authentication.refuse_login(
            request, token, context.names, context.credentials, context.now()
        )
        if refusal:
            self._refuse(refusal)
            return
        self._client.pause_reading()
        context.spawn(self._join(request, context, bytes(self._received[message.size :])))

    def _refuse(self, refusal: wire.Refusal) -> None:
        self._client.write(wire.fatal(refusal))
        self._client.close()

    async def _pass_on(self, context: EndpointContext, cancel: bytes) -> None:
        with suppress(OSError):
            backend = await context.backend()
            server = await connect.open_connection(backend.address, lambda: PacedTransport(self._client))
            server.transport.write(cancel)

    async def _join(self, request: authentication.Request, context: EndpointContext, rest: bytes) -> None:
        try:
            backend = await context.backend()
            mapped = request.user == ADMIN or await backend.sessions.is_mapped(request.user)
            if refusal := authentication.refuse_role(request.user, mapped=mapped):
                self._refuse(refusal)
                return
            await connect.set_password(backend.address, request.user)
            server = await connect.open_connection(
                backend.address, lambda: self._server_end(backend, context)
            )
        except OSError:
            self._refuse(wire.Refusal("57P03", "the local PostgreSQL is not running"))
            return
        if self._client.is_closing():  # nobody would tell the session that its client is gone
            server.transport.close()
            return
        self._limit.cancel()
        startup = startup_parameters.for_postgres(
            request.startup.parameters(), context.config.max_transaction_seconds
        )
        server.transport.write(wire.startup(startup))
        self._client.set_protocol(
            ClientTransport(server.transport, server.session, context.config, self._leave)
        )
        server.session.from_client(rest)
        self._client.resume_reading()

    def _server_end(self, backend: Backend, context: EndpointContext) -> BackendTransport:
        def begin(server: asyncio.Transport) -> ClientSession:
            faults = FaultInjector(context.config, backend.sessions.count())
            return ClientSession(backend.sessions, faults, self._client, server)

        password = backend.address.password if isinstance(backend.address, Loopback) else None
        return BackendTransport(self._client, password, begin)
