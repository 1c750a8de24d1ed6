"""The errors that callers see, grouped by what the caller can do about them.

::

    DsqlError                    anything not below is a bug: masked for the model, logged with an id
     ├── RequestInvalid          fix_request        an argument is wrong
     ├── StatementRefused        fix_statement      the guard refused a statement; nothing was sent
     ├── StatementFailed         fix_statement      the server refused or failed a statement
     ├── TooManyRows             fix_statement      more rows would have changed than the caller allowed
     ├── RowsNotCounted          fix_statement      more rows may have changed than the database counts
     ├── NoRowChanged            check_outcome      a row that had to be changed was not there; rolled back
     ├── NotConfirmed            fix_request        confirmation is required and was not given
     ├── TransactionConflict     retry_transaction  serialization failures until the attempts ran out
     ├── Busy                    retry_transaction  no connection or no time; nothing was stored
     ├── TimedOut                fix_statement      a time limit ended before COMMIT; nothing was stored
     ├── OutcomeUnknown          check_outcome      the connection was lost during COMMIT
     ├── NotConfigured           ask_operator       no cluster, or writes not allowed
     ├── PermissionDenied        ask_operator       the role lacks a privilege
     ├── ConnectionFailed        ask_operator       credentials, network, TLS, refused login
     └── KnowledgeUnavailable    continue_without   the documentation server did not answer

The class is the remedy; the text is one to three lines: what was wrong, and what to do next.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

Remedy = Literal[
    "fix_request",
    "fix_statement",
    "retry_transaction",
    "check_outcome",
    "ask_operator",
    "continue_without",
]

Outcome = Literal["committed", "rolled_back", "unknown", "partial"]
"""``partial``: some of a call's transactions are stored; the message says which."""


class DsqlError(Exception):
    """Base class of the errors that callers see.

    Args:
        message: What was wrong, in the caller's terms; no secret, token or connection string. It is shown on
            one line, whatever it quotes.
        details: Sentences to show behind it, or in parentheses what belongs to it.
        code: A stable name for programs, such as ``token_expired``; the class's own by default.
        sqlstate: The five characters of PostgreSQL's SQLSTATE, where the server gave one
            (PostgreSQL documentation, appendix A).
        hint: The next step, as one imperative sentence.
        outcome: Outcome of the transaction; ``None`` when none was begun.

    Attributes:
        facts: More values for programs, by name, such as the handle to go on with.
        for_person: What a view shows beside it: ``_meta`` of the result, for no model.
        statement: Position, from 0, of the statement that failed in its transaction; ``None`` if none did.
    """

    code: str = "error"
    remedy: ClassVar[Remedy] = "fix_request"

    def __init__(
        self,
        message: str,
        *,
        details: Sequence[str] = (),
        code: str | None = None,
        sqlstate: str | None = None,
        hint: str | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        if code is not None:
            self.code = code
        self.sqlstate = sqlstate
        self.hint = hint
        self.outcome: Outcome | None = outcome
        self.statement: int | None = None
        self.facts: Mapping[str, object] = {}
        self.for_person: Mapping[str, object] = {}

    @property
    def text(self) -> str:
        """The message with its details."""
        text = self.message
        for detail in self.details:
            is_open = not text.endswith((".", "!", "?", "…"))
            text += f". {detail}" if is_open and not detail.startswith("(") else f" {detail}"
        return text


class RequestInvalid(DsqlError):
    """An argument is wrong: missing, unknown, of the wrong type or out of range."""

    code = "request_invalid"
    remedy = "fix_request"


class StatementRefused(DsqlError):
    """The guard refused a statement; nothing was sent to the cluster."""

    code = "statement_refused"
    remedy = "fix_statement"


class StatementFailed(DsqlError):
    """The cluster refused or failed a statement."""

    code = "statement_failed"
    remedy = "fix_statement"


class TooManyRows(DsqlError):
    """More rows would have changed than the caller allowed; the transaction was rolled back."""

    code = "too_many_rows"
    remedy = "fix_statement"


class RowsNotCounted(DsqlError):
    """More rows may have changed than the database counts; the transaction was rolled back."""

    code = "rows_not_counted"
    remedy = "fix_statement"


class NoRowChanged(DsqlError):
    """A row that had to be changed was not there; the transaction was rolled back."""

    code = "no_row_changed"
    remedy = "check_outcome"


class NotConfirmed(DsqlError):
    """Confirmation is required before this change and was not given; nothing was run."""

    code = "not_confirmed"
    remedy = "fix_request"


class TransactionConflict(DsqlError):
    """Serialization failures (SQLSTATE 40001) until the attempts ran out; nothing was stored."""

    code = "transaction_conflict"
    remedy = "retry_transaction"


class Busy(DsqlError):
    """The call got no connection, or not enough time; nothing was stored."""

    code = "busy"
    remedy = "retry_transaction"


class TimedOut(DsqlError):
    """A time limit of this server ended before COMMIT; nothing was stored."""

    code = "timed_out"
    remedy = "fix_statement"


class OutcomeUnknown(DsqlError):
    """The connection was lost during COMMIT: the transaction may or may not have committed."""

    code = "outcome_unknown"
    remedy = "check_outcome"


class NotConfigured(DsqlError):
    """The operator has not configured what this call needs."""

    code = "not_configured"
    remedy = "ask_operator"


class PermissionDenied(DsqlError):
    """The role that this server logs in as lacks a privilege (SQLSTATE 42501)."""

    code = "permission_denied"
    remedy = "ask_operator"


class ConnectionFailed(DsqlError):
    """No usable connection: credentials, region, network, TLS or a refused login."""

    code = "connection_failed"
    remedy = "ask_operator"


class KnowledgeUnavailable(DsqlError):
    """The documentation server did not give an answer."""

    code = "knowledge_unavailable"
    remedy = "continue_without"
