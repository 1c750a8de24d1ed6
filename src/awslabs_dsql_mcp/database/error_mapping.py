"""A failure as the one who wrote the statement is told it: what, where, and what to do next.

All of it together stays under 500 characters, whatever the server said: an error is read in full, or not at
all. `advice` and `logins` know what to do.
"""

import re

from awslabs_dsql_mcp.database.connect_errors import error_of_login
from awslabs_dsql_mcp.database.failure import Failure, FailureKind
from awslabs_dsql_mcp.database.sqlstate_advice import advice_for
from awslabs_dsql_mcp.errors import (
    Busy,
    ConnectionFailed,
    DsqlError,
    Outcome,
    PermissionDenied,
    StatementFailed,
    TimedOut,
    TransactionConflict,
)

ROLE = "the role that this server logs in as"
_DENIED = re.compile(r"permission denied for (?:materialized )?(\w+) (.*)", re.DOTALL)
_GRANTED = {
    "schema": "SCHEMA", "table": "TABLE", "view": "TABLE", "sequence": "SEQUENCE", "function": "FUNCTION"
}  # fmt: skip
_MARGIN = 380  # characters for the message and the hint; the frame around them takes the rest of the 500
_MAX_HINT = 190
_MAX_NAME = 70
_MIN_EXCERPT = 20  # characters below which a part of DETAIL says nothing

_TRIES = {
    FailureKind.CONFLICT: (
        TransactionConflict,
        "other transactions changed the same rows, or the schema, first",
        "Ask again later; if it keeps on, change fewer rows at once or have fewer writers on the same keys.",
    ),
    FailureKind.UNAVAILABLE: (Busy, "the server was unavailable", "Ask again in some seconds."),
    FailureKind.OVERLOADED: (Busy, "the cluster had no room", "Ask again in some seconds."),
    FailureKind.CONNECTION_LOST: (
        ConnectionFailed,
        "the connection was lost before COMMIT",
        "Ask again; if it stays so, check the network and the cluster's status.",
    ),
}


def to_error(failure: Failure, *, statement: str | None, attempts: int, outcome: Outcome | None) -> DsqlError:
    """Turn a failure that is not tried again into the error for the caller.

    Args:
        failure: What was said.
        statement: The statement that failed, where one did.
        attempts: How often the unit was run.
        outcome: What became of the transaction.
    """
    error = _error(failure, statement, attempts)
    error.outcome = outcome
    return error


def _error(failure: Failure, statement: str | None, attempts: int) -> DsqlError:
    if failure.connecting:
        return error_of_login(failure)
    if failure.kind is FailureKind.TIMED_OUT:
        return TimedOut(
            f"{failure.message[:1].upper()}{failure.message[1:]}.",
            hint="Narrow the statement (WHERE, LIMIT, an index); the operator can raise the limit named.",
        )
    if failure.kind in _TRIES:
        kind, why, hint = _TRIES[failure.kind]
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        said = truncate(failure.message, _MARGIN - len(hint) - 80)
        return kind(f"Not run: {why}{tried}: {said}", sqlstate=failure.sqlstate, hint=hint)
    if failure.sqlstate == "42501":
        hint = advice_for("", failure.message) or _grant(failure.message, statement)
        return PermissionDenied(_message(failure, statement, hint), sqlstate="42501", hint=hint)
    hint = _advice(failure)
    return StatementFailed(_message(failure, statement, hint), sqlstate=failure.sqlstate, hint=hint)


def truncate(text: str, longest: int) -> str:
    """Cut a text that is longer than it may be."""
    return text if len(text) <= longest else text[: max(0, longest - 1)] + "…"


def _message(failure: Failure, statement: str | None, hint: str | None) -> str:
    where = "" if failure.statement is None else f"Statement {failure.statement + 1}: "
    pointed = _source_line(failure, statement)
    room = _MARGIN - len(where) - len(pointed) - len(hint or "")
    message = truncate(failure.message, room)
    left = room - len(message) - 1
    detail = f" {truncate(failure.detail, left)}" if failure.detail and left > _MIN_EXCERPT else ""
    return f"{where}{message}{detail}{pointed}"


def _source_line(failure: Failure, statement: str | None) -> str:
    """Show the line of the statement that the server points at, with the place in it."""
    if statement is None or failure.position is None:
        return ""
    before, after = statement[: failure.position - 1], statement[failure.position - 1 :]
    line = before.count("\n") + 1
    near = (before.rpartition("\n")[2][-40:] + "▸" + after.partition("\n")[0][:40]).strip()
    return f"\nline {line}: {near}"


def _advice(failure: Failure) -> str | None:
    """The server's own guess at what was meant, our advice, or else whatever the server advises."""
    own = truncate(failure.hint, _MAX_HINT) if failure.hint else None
    if own and own.startswith("Perhaps you meant"):
        return own
    return advice_for(failure.sqlstate, failure.message) or own


def _grant(message: str, statement: str | None) -> str:
    """Word the GRANT that is missing (PostgreSQL documentation, "Privileges")."""
    if message.startswith("must be owner"):
        return "Ask the operator: only the owner of it, or admin, may do that."
    denied = _DENIED.match(message)
    kind, name = denied.groups() if denied else ("", "")
    if kind == "database":
        return "Ask the operator to create the schema as admin."
    if kind not in _GRANTED:
        return "Ask the operator to GRANT the privilege to the role that this server logs in as."
    what = f"{_GRANTED[kind]} {truncate(name, _MAX_NAME)}"
    return f"Ask the operator to run: GRANT {_privilege(kind, statement)} ON {what} TO {ROLE}."


def _privilege(kind: str, statement: str | None) -> str:
    """What the statement's first word needs; what a WITH query does is not looked into."""
    verb = next(iter((statement or "").upper().split()), "")
    if kind == "schema":
        return "CREATE" if verb == "CREATE" else "USAGE"
    if kind in ("table", "view"):
        return f"SELECT, {verb}" if verb in ("INSERT", "UPDATE", "DELETE") else "SELECT"
    return "EXECUTE" if kind == "function" else "USAGE"
