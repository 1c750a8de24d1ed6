"""Transport of a client over TLS, on the loop's own for its socket.

asyncio's own does the same for every kind of protocol, and needs half as much time again for a short message
and its answer. Here what has come is passed on as a whole, and what is written is encrypted at once.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

_MAX_RECORD: Final = 1 << 14  # bytes (RFC 8446, 5.1)
_MAX_WRITTEN: Final = 1 << 16  # bytes that are encrypted at once: OpenSSL keeps room for as many
_CLOSING_SECONDS: Final = 30  # for the client to close its end, too


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The server's end of a TLS connection; the protocol above it sees clear text.

    Args:
        context: Certificate and settings.
        begin: Makes that protocol after the TLS handshake; `None` refuses the connection.
        handshake_seconds: Maximum duration of the TLS handshake.
    """

    _raw: asyncio.Transport
    _timer: asyncio.TimerHandle

    def __init__(
        self,
        context: ssl.SSLContext,
        begin: Callable[[ssl.SSLObject], asyncio.Protocol | None],
        handshake_seconds: float,
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        super().__init__({"ssl_object": self._tls})
        self._begin, self._handshake_seconds = begin, handshake_seconds
        self._protocol: asyncio.Protocol | None = None
        self._closing = False

    # Events of the socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the TLS handshake."""
        self._raw = cast("asyncio.Transport", transport)
        self._set_timer(self._handshake_seconds)

    def _set_timer(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._raw.abort)

    def data_received(self, data: bytes) -> None:
        """Decrypt what has come, and pass it on."""
        if self._closing:
            return
        self._incoming.write(data)
        if self._protocol is None and not self._shake_hands():
            return
        self._read()

    def _shake_hands(self) -> bool:
        """Return true once the TLS handshake is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            return False
        except ssl.SSLError:
            self._send()  # the alert
            self._raw.close()
            return False
        self._timer.cancel()
        self._send()
        self._protocol = self._begin(self._tls)
        if self._protocol is None:
            self.abort()
            return False
        self._protocol.connection_made(self)
        return True

    def _read(self) -> None:
        parts: list[bytes] = []
        ended = failed = False
        try:
            while not ended and (not parts or self._incoming.pending or self._tls.pending()):
                parts.append(self._tls.read(_MAX_RECORD))
                ended = not parts[-1]
        except ssl.SSLWantReadError:  # the rest of a record
            pass
        except ssl.SSLError:
            failed = True
        if self._outgoing.pending:
            self._send()
        if self._protocol is not None and (data := b"".join(parts)):
            self._protocol.data_received(data)
        if failed:
            self.abort()
        elif ended:
            self.close()

    def eof_received(self) -> None:
        """Let the socket be closed, once it has sent what it was given."""

    def pause_writing(self) -> None:
        """Tell the protocol that the client cannot keep up."""
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Tell the protocol that it can."""
        if self._protocol is not None:
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the protocol."""
        self._closing = True
        self._timer.cancel()
        if self._protocol is not None:
            self._protocol.connection_lost(exc)

    # What the protocol asks for.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        if self._closing:
            return
        at, view = 0, memoryview(data)
        try:
            while at < len(data):
                at += self._tls.write(view[at : at + _MAX_WRITTEN])
                if self._outgoing.pending >= _MAX_WRITTEN:
                    self._send()
        except ssl.SSLError:
            self.abort()
            return
        self._send()

    def _send(self) -> None:
        if self._outgoing.pending:
            self._raw.write(self._outgoing.read())

    def close(self) -> None:
        """Send what was written and TLS's goodbye, and read on until the client closes its end.

        A socket that is closed with something left to read is reset, and what it has sent may be lost.
        """
        if self._closing or self._raw.is_closing():
            return
        self._closing = True
        with suppress(ssl.SSLError):  # the client's goodbye is still to come
            self._tls.unwrap()
        self._send()
        self._raw.resume_reading()
        self._raw.write_eof()
        self._timer.cancel()
        self._set_timer(_CLOSING_SECONDS)

    def abort(self) -> None:
        """Close the connection at once."""
        self._closing = True
        self._raw.abort()

    def is_closing(self) -> bool:
        """Return whether it is closing or closed."""
        return self._closing or self._raw.is_closing()

    def pause_reading(self) -> None:
        """Take no more from the client; what has come is passed on already."""
        if not self._closing:
            self._raw.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        self._raw.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol."""
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol or self

    def get_write_buffer_size(self) -> int:
        """Return the number of encrypted bytes that are still to be sent."""
        return self._raw.get_write_buffer_size()
