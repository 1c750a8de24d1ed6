"""The listener of the endpoint: TLS as in Aurora DSQL, then a `Handshake` for each connection.

A connection begins in one of four ways (PostgreSQL documentation, 55.2 "Message Flow"): with TLS at
once and the ALPN name ``postgresql``; with an SSLRequest, answered ``S``; with a GSSENCRequest,
answered ``N``, and then one of the others; or in clear, which only a cancel request may.
"""

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from datetime import datetime, timezone
from typing import Any
from weakref import WeakKeyDictionary

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import HOSTS, DataDir
from awslabs_dsql_mcp.local_cluster.endpoint.connection_limits import ConnectionLimits
from awslabs_dsql_mcp.local_cluster.endpoint.context import Backend, EndpointContext, Router
from awslabs_dsql_mcp.local_cluster.endpoint.handshake import Handshake
from awslabs_dsql_mcp.local_cluster.endpoint.tls_transport import TlsTransport
from awslabs_dsql_mcp.local_cluster.postgres.server import Address
from awslabs_dsql_mcp.local_cluster.protocol import wire
from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal
from awslabs_dsql_mcp.local_cluster.session.registry import BackendControl, SessionRegistry

ALPN = "postgresql"
_HANDSHAKE_SECONDS = 10
_TLS_RECORD = b"\x16"  # a TLS handshake's first byte; the other openings begin with a length, so 0
_SHORT_OF_RESOURCES = 0.1  # seconds to wait when the system has no descriptor left


def listen(port: int) -> list[socket.socket]:
    """Listen on 127.0.0.1 and, where there is IPv6, on ::1, at one port.

    Args:
        port: Preferred port; another one is used when it is taken on either address, since
            ``localhost`` may mean either. 0 for any.
    """
    while True:
        listeners = [socket.create_server(("127.0.0.1", 0))] if not port else _try_ipv4(port)
        if listeners and _add_ipv6(listeners):
            return listeners
        port = 0


def listen_ipv4(port: int) -> socket.socket:
    """Listen on 127.0.0.1 alone.

    Args:
        port: Preferred port; another one is used when it is taken. 0 for any.
    """
    return (_try_ipv4(port) or _try_ipv4(0))[0]


def listen_at(port: int) -> list[socket.socket]:
    """Listen on 127.0.0.1 and, where there is IPv6, on ::1, at this port and no other.

    Raises:
        NotConfigured: Another process listens there, or the system forbids it.
    """
    try:
        listeners = [socket.create_server(("127.0.0.1", port))]
    except PermissionError as refused:
        raise NotConfigured(
            f"The local cluster cannot listen at port {port}: {refused.strerror}.",
            hint="Give another --port: those below 1024 are for the system's own services.",
        ) from None
    except OSError as refused:
        reason = os.strerror(refused.errno or 0)
    else:
        if _add_ipv6(listeners):
            return listeners
        reason = os.strerror(errno.EADDRINUSE)
    raise NotConfigured(
        f"The local cluster cannot listen at port {port}: {reason}.",
        hint="End what listens there, or give another --port.",
    )


def _try_ipv4(port: int) -> list[socket.socket]:
    with suppress(OSError):
        return [socket.create_server(("127.0.0.1", port))]
    return []


def _add_ipv6(listeners: list[socket.socket]) -> bool:
    """Listen on ::1 at the same port; if it is taken there, close the other listener and return false."""
    port = listeners[0].getsockname()[1]
    try:
        if socket.has_ipv6:
            listeners.append(socket.create_server(("::1", port), family=socket.AF_INET6))
    except OSError as refused:
        if refused.errno == errno.EADDRINUSE:
            listeners[0].close()
            return False
    return True


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _only_the_first(_: str, first: EndpointContext) -> EndpointContext:
    return first


class Endpoint:
    """The endpoint: accepts connections until it is closed.

    Args:
        address: Address of PostgreSQL.
        data_dir: Directory with the certificate and the keys.
        config: Configuration of the cluster.
        control: Connection of the superuser.
        now: Current time with a time zone, for tokens.

    Attributes:
        first: Context of the cluster.
        route: Finds the other clusters of the account; at first there are none.
    """

    def __init__(
        self,
        address: Address,
        data_dir: DataDir,
        config: ClusterConfig,
        control: BackendControl,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.connection_limits = ConnectionLimits(config, time.monotonic)
        self.sessions = SessionRegistry(control, config)
        self._backend = Backend(address, self.sessions)
        self.route: Router = _only_the_first
        self.first = EndpointContext(
            frozenset(HOSTS),
            data_dir.credentials(),
            config,
            self.connection_limits,
            now,
            self._running,
            self._spawn,
        )
        self._names: WeakKeyDictionary[ssl.SSLObject, str | None] = WeakKeyDictionary()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(data_dir.certificate, data_dir.private_key)
        self._tls.set_alpn_protocols([ALPN])
        self._tls.sni_callback = self._remember_name
        self._tasks: set[asyncio.Task[None]] = set()

    def _remember_name(
        self, connection: "ssl.SSLObject | ssl.SSLSocket", name: str | None, _: ssl.SSLContext
    ) -> None:
        if isinstance(connection, ssl.SSLObject):
            self._names[connection] = name

    async def _running(self) -> Backend:
        return self._backend

    def _context_of(self, host: str | None) -> EndpointContext | Refusal:
        return self.route(host.lower(), self.first) if host else self.first

    def serve(self, listeners: list[socket.socket]) -> None:
        """Begin to accept connections."""
        for listener in listeners:
            listener.settimeout(0)
            self._spawn(self._accept(listener))

    async def close(self) -> None:
        """Stop accepting connections, and drop those that are not authenticated yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with closing(listener):
            while True:
                try:
                    client, _ = await loop.sock_accept(listener)
                except OSError:
                    await asyncio.sleep(_SHORT_OF_RESOURCES)
                    continue
                client.settimeout(0)
                self._spawn(self._open(client))

    async def _open(self, client: socket.socket) -> None:
        """Hand a new connection to a `Handshake`, or drop it."""
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opening = await asyncio.wait_for(_read_opening(client), _HANDSHAKE_SECONDS)
            if opening is None:
                await self._open_encrypted(client, direct=False)
            elif opening == _TLS_RECORD:
                await self._open_encrypted(client, direct=True)
            else:
                await self._open_clear(client, opening)
        except (OSError, EOFError, wire.Malformed, asyncio.TimeoutError):
            client.close()
        except BaseException:
            client.close()
            raise

    async def _open_encrypted(self, client: socket.socket, *, direct: bool) -> None:
        def begin(tls: ssl.SSLObject) -> Handshake | None:
            if direct and tls.selected_alpn_protocol() != ALPN:
                return None
            return Handshake(self._context_of, self._name_asked_for, b"")

        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: TlsTransport(self._tls, begin, _HANDSHAKE_SECONDS), client
        )

    async def _open_clear(self, client: socket.socket, opening: bytes) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: Handshake(self._context_of, None, opening), client
        )

    def _name_asked_for(self, transport: asyncio.BaseTransport) -> str | None:
        return self._names.get(transport.get_extra_info("ssl_object"))


async def _read_opening(client: socket.socket) -> bytes | None:
    """Read and answer the requests before TLS.

    Returns:
        `None` when TLS was requested and accepted; a TLS record's first byte, still to be read, when
        it has begun already; else the first eight bytes of a packet in clear.

    Raises:
        EOFError: The client closed the connection.
        wire.Malformed: It requested GSS encryption twice.
    """
    loop = asyncio.get_running_loop()
    for _ in range(2):
        if await _peek(client) == _TLS_RECORD:
            return _TLS_RECORD
        opening = await _read(client, 8)
        code = int.from_bytes(opening[4:], "big")
        if code == wire.SSL_REQUEST:
            await loop.sock_sendall(client, b"S")
            return None
        if code != wire.GSSENC_REQUEST:
            return opening
        await loop.sock_sendall(client, b"N")
    raise wire.Malformed("GSSENCRequest")


async def _peek(client: socket.socket) -> bytes:
    """Peek at the next byte."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(client, lambda: readable.done() or readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(client)
    return _or_eof(client.recv(1, socket.MSG_PEEK))


async def _read(client: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes: those that follow belong to TLS."""
    data = b""
    while len(data) < size:
        data += _or_eof(await asyncio.get_running_loop().sock_recv(client, size - len(data)))
    return data


def _or_eof(data: bytes) -> bytes:
    if not data:
        raise EOFError
    return data
