"""What goes wrong on the wire, and when."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum

from typing_extensions import override


class At(Enum):
    """The moment, seen from the server: its proxy."""

    CONNECT = "connect"
    """A client has said who it is; the server has not heard of it."""
    PIPELINE = "pipeline"
    """A statement has come before the one before it was answered."""
    ASKED = "asked"
    """A statement has come; the server has not heard of it."""
    ANSWERED = "answered"
    """The server has run a statement and answered; the client has not heard of it."""


@dataclass(frozen=True)
class Kill:
    """Cut both sides of the connection."""


@dataclass(frozen=True)
class Swallow:
    """Acknowledge everything from here on, and never say another word."""


@dataclass(frozen=True)
class Hold:
    """Pass nothing on until `release` is set."""

    release: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Say:
    """Answer with an error; the server's own work is undone, or never done.

    In the place of a statement the server gets one that fails, in the place of COMMIT it gets ROLLBACK.
    A ``FATAL`` error ends the connection.
    """

    sqlstate: str
    message: str
    hint: str | None = None
    severity: str = "ERROR"


@dataclass(frozen=True)
class Replace:
    """Put an error in the place of the server's answer to a statement that it ran; the session goes on."""

    sqlstate: str
    message: str
    severity: str


@dataclass(frozen=True)
class Twice:
    """Pass the end of a statement on two times, as if the server had run one that nobody sent."""


Deed = Kill | Swallow | Hold | Say | Replace | Twice


@dataclass
class Fault:
    """One fault.

    Attributes:
        at: When.
        deed: What happens.
        sql: A text that the statement must have.
        times: How often; ``None`` for ever.
        struck: How often it has happened.
        reached: Set when it has happened for the first time.
    """

    at: At
    deed: Deed
    sql: str = ""
    times: int | None = 1
    struck: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def strikes(self, at: At, sql: str) -> bool:
        """Tell whether it happens now, and count it."""
        if self.at is not at or self.sql not in sql or self.struck == self.times:
            return False
        self.struck += 1
        self.reached.set()
        return True


@dataclass
class Often(Fault):
    """A fault that happens at each so-and-so-many-th statement that it could happen at.

    Attributes:
        every: How many there are from one to the next.
        met: How many there were.
    """

    times: int | None = None
    every: int = 1
    met: int = 0

    @override
    def strikes(self, at: At, sql: str) -> bool:
        """Tell whether it happens now, and count it."""
        if self.at is not at or self.sql not in sql:
            return False
        self.met += 1
        return self.met % self.every == 0 and super().strikes(at, sql)
