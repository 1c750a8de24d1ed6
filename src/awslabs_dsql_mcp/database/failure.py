"""What a database or the network said when something failed, and of which kind it is.

The kind decides whether a unit of work may be run again; `transactions` asks, `hints` explains.
"""

from dataclasses import dataclass
from enum import Enum

# Aurora DSQL reports conflicts as 40001 with its own code inside the message (user guide, "Concurrency
# control"); a literal OC000 or OC001 as SQLSTATE costs nothing to know as well.
_CONFLICT_STATES = frozenset({"40001", "OC000", "OC001"})
# 53300 too many connections, 53400 connection rate exceeded (user guide, "Quotas and limits").
_OVERLOAD_STATES = frozenset({"53300", "53400"})


class FailureKind(Enum):
    """What a failure means for the unit of work."""

    CONFLICT = "conflict"
    """Another transaction won: the whole unit may be run again."""
    CONNECTION_LOST = "lost"
    """The session is gone, and with it every transaction that had not sent COMMIT."""
    UNAVAILABLE = "unavailable"
    """``XX000 server unavailable``: transient; at COMMIT the outcome is unknown."""
    OVERLOADED = "crowded"
    """Too many connections, too many a second, or a cluster that is waking up: wait."""
    LOGIN_EXPIRED = "expired"
    """The login's signature had expired: a fresh token may do."""
    TIMED_OUT = "timed_out"
    """Our own clock ran out."""
    FINAL = "final"
    """Anything else: running it again would fail again."""


@dataclass(frozen=True)
class Failure:
    """One failure, as it was said.

    Attributes:
        message: The server's primary message, or the network's; no connection string, no token.
        sqlstate: SQLSTATE, where the server gave one.
        detail: The server's DETAIL.
        hint: The server's HINT.
        position: Where in the statement, in characters from 1.
        statement: Index of the statement in its unit; ``None`` outside of statements.
        connecting: Whether the session had not been opened yet.
        session_lost: Whether the session is gone.
        timed_out: Whether our own clock ended it.
    """

    message: str
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    position: int | None = None
    statement: int | None = None
    connecting: bool = False
    session_lost: bool = False
    timed_out: bool = False

    @property
    def kind(self) -> FailureKind:
        """What this failure means for the unit of work."""
        if self.timed_out:
            return FailureKind.TIMED_OUT
        if self.sqlstate in _CONFLICT_STATES:
            return FailureKind.CONFLICT
        if self.connecting:
            return self._kind_of_refusal()
        if self.session_lost:
            return FailureKind.CONNECTION_LOST
        if self.sqlstate == "XX000" and "server unavailable" in self.message.lower():
            return FailureKind.UNAVAILABLE
        return FailureKind.OVERLOADED if self.sqlstate in _OVERLOAD_STATES else FailureKind.FINAL

    def _kind_of_refusal(self) -> FailureKind:
        said = f"{self.message}\n{self.hint or ''}".lower()
        if "signature expired" in said:
            return FailureKind.LOGIN_EXPIRED
        crowded = ("waking up cluster", "too many open connections", "rate exceeded")
        if self.sqlstate in _OVERLOAD_STATES or any(text in said for text in crowded):
            return FailureKind.OVERLOADED
        return FailureKind.FINAL

    @property
    def leaves_commit_unknown(self) -> bool:
        """Whether a COMMIT that met this failure may have committed all the same.

        An ERROR in reply to COMMIT means that nothing was stored, except where the server itself
        does not know: classes 08 (connection), 57P (shutdown), 58 and XX (system), and 40003
        (PostgreSQL documentation, appendix A).
        """
        state = self.sqlstate or ""
        return (
            self.session_lost
            or self.timed_out
            or state == "40003"
            or state.startswith(("08", "57P", "58", "XX"))
        )


class DatabaseError(Exception):
    """Raised by connections; caught by the driver of transactions."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
