"""PostgreSQL's protocol messages, as far as the proxy must understand them.

Source: PostgreSQL documentation, "Message Formats".
"""

import asyncio
import struct
from dataclasses import dataclass

CANCEL_REQUEST = 80877102


@dataclass(frozen=True)
class Message:
    """One message: its type letter (empty for the first of a connection) and its body."""

    kind: bytes
    body: bytes

    @property
    def wire(self) -> bytes:
        """The message as it is sent."""
        return self.kind + struct.pack("!i", len(self.body) + 4) + self.body

    @property
    def sql(self) -> str:
        """The text of a Parse message."""
        return self.body.split(b"\0")[1].decode()

    @property
    def is_cancel_request(self) -> bool:
        """True if this first message asks to cancel another connection's query."""
        return struct.unpack("!i", self.body[:4])[0] == CANCEL_REQUEST


async def read_first(reader: asyncio.StreamReader) -> Message:
    """Read a connection's first message, which has no type letter."""
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    return Message(b"", await reader.readexactly(length - 4))


async def read(reader: asyncio.StreamReader) -> Message:
    """Read a message."""
    kind, length = struct.unpack("!ci", await reader.readexactly(5))
    return Message(kind, await reader.readexactly(length - 4))


def parse(sql: str) -> Message:
    """Make a Parse message of a statement without parameters."""
    return Message(b"P", b"\0" + sql.encode() + b"\0" + struct.pack("!h", 0))


def error(sqlstate: str, message: str, *, severity: str = "ERROR", hint: str | None = None) -> Message:
    """Make an ErrorResponse."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": message, "H": hint}
    body = b"".join(f"{name}{value}".encode() + b"\0" for name, value in fields.items() if value)
    return Message(b"E", body + b"\0")
