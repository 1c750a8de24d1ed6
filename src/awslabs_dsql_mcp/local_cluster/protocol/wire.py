"""PostgreSQL's frontend/backend protocol, version 3: packets and messages as values, without I/O.

Source: PostgreSQL documentation, chapter 55 "Frontend/Backend Protocol". A *packet* opens a
connection and has no type; a *message* has one byte of type. Both carry their own length, in bytes,
big-endian, the length's four bytes included.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
PROTOCOL_MAJOR = 3
MAX_STARTUP = 10_000  # bytes, PostgreSQL's own limit (MAX_STARTUP_PACKET_LENGTH)
MAX_PASSWORD = 65_535  # bytes, PostgreSQL's own limit (PG_MAX_AUTH_TOKEN_LENGTH)

ERROR_RESPONSE = b"E"
AUTHENTICATION = b"R"
PASSWORD = b"p"
QUERY = b"Q"
READY_FOR_QUERY = b"Z"
_LENGTH = struct.Struct("!I")
CLEARTEXT_PASSWORD = 3


class Malformed(Exception):
    """Data that is not valid in this protocol."""


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection: a request code, or the version of the protocol and parameters.

    Attributes:
        code: A request code above, or the version: major in the upper 16 bits, minor in the lower.
        body: Rest of the packet.
        size: Bytes of the whole packet.
    """

    code: int
    body: bytes
    size: int

    def parameters(self) -> dict[str, str]:
        """Read a startup packet's parameters.

        Raises:
            Malformed: They do not come in pairs.
        """
        words = self.body.split(b"\0")
        if len(words) % 2 or words[-2:] != [b"", b""]:
            raise Malformed("startup packet")
        texts = [word.decode("utf-8", "surrogateescape") for word in words[:-2]]
        return dict(zip(texts[::2], texts[1::2], strict=True))


class Message(NamedTuple):
    """One message after the start-up of a connection.

    Attributes:
        kind: Its type.
        body: What follows its length.
        raw: All of it, as it is sent.
    """

    kind: bytes
    body: bytes
    raw: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole message."""
        return len(self.raw)


@dataclass(frozen=True)
class Refusal:
    """The error of a refused connection or statement, as the client reads it."""

    sqlstate: str
    message: str
    hint: str | None = None
    detail: str | None = None


def read_packet(data: bytes | bytearray) -> Packet | None:
    """Read the packet at the head of `data`; `None` while it is not whole.

    Raises:
        Malformed: No packet begins like this.
    """
    if len(data) < 8:  # noqa: PLR2004  length and code
        return None
    size, code = struct.unpack_from("!II", data)
    if not 8 <= size <= MAX_STARTUP:  # noqa: PLR2004  the same
        raise Malformed("startup packet")
    return Packet(code, bytes(data[8:size]), size) if len(data) >= size else None


def message_size(head: bytes | bytearray) -> int:
    """Read the size, in bytes, of the whole message that begins with these five."""
    (size,) = _LENGTH.unpack_from(head, 1)
    return int(size) + 1


def read_message(data: bytes | bytearray, longest: int) -> Message | None:
    """Read the message at the head of `data`; `None` while it is not whole.

    Raises:
        Malformed: It is longer than `longest` bytes.
    """
    if len(data) < 5:  # noqa: PLR2004  type and length
        return None
    size = _LENGTH.unpack_from(data, 1)[0] + 1
    if not 5 <= size <= longest:  # noqa: PLR2004  the same
        raise Malformed("message length")
    if len(data) < size:
        return None
    raw = bytes(data[:size])
    return Message(raw[:1], raw[5:], raw)


def packet(code: int, body: bytes) -> bytes:
    """Write a packet."""
    return struct.pack("!II", len(body) + 8, code) + body


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Write a message."""
    return kind + _LENGTH.pack(len(body) + 4) + body


def startup(parameters: Mapping[str, str]) -> bytes:
    """Write a startup packet of version 3.0."""
    words = [word for pair in parameters.items() for word in pair]
    return packet(PROTOCOL_MAJOR << 16, b"".join(map(_string, words)) + b"\0")


def password_request() -> bytes:
    """Write the request for a password in clear text."""
    return message(AUTHENTICATION, struct.pack("!I", CLEARTEXT_PASSWORD))


def password(text: str) -> bytes:
    """Write a PasswordMessage."""
    return message(PASSWORD, _string(text))


def query(sql: str) -> bytes:
    """Write a Query message."""
    return message(QUERY, _string(sql))


def fatal(refusal: Refusal) -> bytes:
    """Write a fatal ErrorResponse."""
    fields = {"S": "FATAL", "V": "FATAL", "C": refusal.sqlstate, "M": refusal.message}
    if refusal.hint:
        fields["H"] = refusal.hint
    return message(
        ERROR_RESPONSE, b"".join(key.encode() + _string(text) for key, text in fields.items()) + b"\0"
    )


def asks_for_password(received: Message) -> bool:
    """Return true if a message of the server requests a password in clear text."""
    return received.kind == AUTHENTICATION and received.body == struct.pack("!I", CLEARTEXT_PASSWORD)


def _string(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"
