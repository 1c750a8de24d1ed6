"""Failures of the database or the network as values, each of a kind.

`transaction` decides by the kind whether to retry; `error_mapping` explains the failure to the caller.
"""

from dataclasses import dataclass
from enum import Enum

from awslabs_dsql_mcp.database.login_causes import Remains, find_cause

# Aurora DSQL reports conflicts as 40001 with its own code inside the message (user guide, "Concurrency
# control"); OC000 and OC001 themselves are accepted as well.
_CONFLICT_STATES = frozenset({"40001", "OC000", "OC001"})
# 53300 too many connections, 53400 connection rate exceeded (user guide, "Quotas and limits").
_OVERLOAD_STATES = frozenset({"53300", "53400"})
# Classes of errors that a COMMIT reports before anything is stored: data and constraints, the transaction's
# state and conflicts, rules of the query, resources and limits, cancellation, exceptions of functions
# (PostgreSQL documentation, appendix A).
_ROLLED_BACK = ("22", "23", "25", "40", "42", "44", "53", "54", "55", "57014", "P0")


class FailureKind(Enum):
    """Consequence of a failure for the unit of work."""

    CONFLICT = "conflict"
    """A serialization failure: the unit may be retried as a whole."""
    CONNECTION_LOST = "connection_lost"
    """The session is lost; a transaction that had not sent COMMIT was rolled back."""
    UNAVAILABLE = "unavailable"
    """``XX000 server unavailable``: transient; at COMMIT the outcome is unknown."""
    OVERLOADED = "overloaded"
    """Too many connections, too many a second, or a cluster that is waking up."""
    LOGIN_EXPIRED = "login_expired"
    """The signature of the token had expired: a fresh token may succeed."""
    TIMED_OUT = "timed_out"
    """A time limit of this server ended."""
    FINAL = "final"
    """Any other failure: a retry would fail again."""


@dataclass(frozen=True)
class Failure:
    """One failure, as it was reported.

    Attributes:
        message: The primary message of the server, or that of the network; no connection string, no token.
        sqlstate: SQLSTATE, where the server gave one.
        detail: The server's DETAIL.
        hint: The server's HINT.
        position: Position in the statement, in characters from 1.
        statement: Index of the statement in its unit; ``None`` outside of statements.
        connecting: The session was not open yet.
        host: The endpoint that refused it, where that is known.
        session_lost: The session is lost.
        timed_out: A time limit of this server ended.
    """

    message: str
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    position: int | None = None
    statement: int | None = None
    connecting: bool = False
    host: str = ""
    session_lost: bool = False
    timed_out: bool = False

    @property
    def kind(self) -> FailureKind:
        """The consequence for the unit of work."""
        if self.timed_out:
            return FailureKind.TIMED_OUT
        if self.sqlstate in _CONFLICT_STATES:
            return FailureKind.CONFLICT
        if self.connecting:
            return self._kind_of_login_failure()
        if self.session_lost:
            return FailureKind.CONNECTION_LOST
        if self.sqlstate == "XX000" and "server unavailable" in self.message.lower():
            return FailureKind.UNAVAILABLE
        return FailureKind.OVERLOADED if self.sqlstate in _OVERLOAD_STATES else FailureKind.FINAL

    def _kind_of_login_failure(self) -> FailureKind:
        cause = find_cause(f"{self.message}\n{self.hint or ''}")
        remains = cause.remains if cause else Remains.NOTHING
        if remains is Remains.SIGNATURE:
            return FailureKind.LOGIN_EXPIRED
        if remains is Remains.TIME or self.sqlstate in _OVERLOAD_STATES:
            return FailureKind.OVERLOADED
        return FailureKind.FINAL

    @property
    def login_refused(self) -> bool:
        """True if the cluster refused the token; another one, from renewed credentials, may succeed."""
        cause = find_cause(self.message) if self.connecting else None
        return cause is not None and cause.remains in (Remains.SIGNATURE, Remains.CREDENTIALS)

    @property
    def leaves_commit_unknown(self) -> bool:
        """True if a COMMIT that failed so may have committed nevertheless.

        An ERROR in reply to COMMIT means a rollback only where its SQLSTATE says so. FATAL and PANIC end the
        session, and leave the outcome open.
        """
        state = self.sqlstate or ""
        is_rollback = state in _CONFLICT_STATES or state.startswith(_ROLLED_BACK)
        return self.session_lost or self.timed_out or state == "40003" or not is_rollback


class DatabaseError(Exception):
    """A failure raised by a connection and caught by the executor."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
