"""Database failures mapped to errors for the author of the statement: problem, position, next step.

An error has at most 500 characters, however long the server's message is. The next step is from
`sqlstate_advice` and `connect_errors`.
"""

import re

from awslabs_dsql_mcp.database.connect_errors import login_error
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
from awslabs_dsql_mcp.text import truncate

ROLE = "the role that this server logs in as"
_DENIED = re.compile(r"permission denied for (?:materialized )?(\w+) (.*)", re.DOTALL)
_PARAMETER = re.compile(r"parameter \$(\d{1,5})\b")
_PARAMETER_AT = re.compile(r"▸\$(\d{1,5})\b")
_GRANTED = {
    "schema": "SCHEMA", "table": "TABLE", "view": "TABLE", "sequence": "SEQUENCE", "function": "FUNCTION"
}  # fmt: skip
_MAX_TEXT = 380  # characters of message and hint; the rest of the 500 is for the text around them
_MAX_HINT = 190
_MAX_NAME = 70
_LAST_ADVICE = "Change the statement; dsql://guide/errors has the errors of Aurora DSQL."
_MIN_EXCERPT = 20  # characters; a shorter excerpt of DETAIL is useless

_AFTER_RETRIES = {
    FailureKind.CONFLICT: (
        TransactionConflict,
        "Other transactions changed the same rows, or the schema, first",
        "Try again later; if it persists, change fewer rows at once or use fewer writers on the same keys.",
    ),
    FailureKind.UNAVAILABLE: (Busy, "The server was unavailable", "Try again in a few seconds."),
    FailureKind.OVERLOADED: (Busy, "The cluster was overloaded", "Try again in a few seconds."),
    FailureKind.CONNECTION_LOST: (
        ConnectionFailed,
        "The connection was lost",
        "Try again; if it persists, check the network and the cluster's status.",
    ),
}


def to_error(failure: Failure, *, statement: str | None, attempts: int, outcome: Outcome | None) -> DsqlError:
    """Map a failure that is not retried to the error for the caller.

    Args:
        failure: What was said.
        statement: The statement that failed, where one did.
        attempts: How often the unit was run.
        outcome: What became of the transaction.
    """
    error = _error(failure, statement, attempts)
    error.outcome, error.statement = outcome, failure.statement
    return error


def _error(failure: Failure, statement: str | None, attempts: int) -> DsqlError:
    if failure.connecting:
        return login_error(failure)
    if failure.kind is FailureKind.TIMED_OUT:
        return TimedOut(
            f"{failure.message[:1].upper()}{failure.message[1:]}.",
            hint="Narrow the statement (WHERE, LIMIT, an index); the operator can raise the limit named.",
        )
    if failure.kind in _AFTER_RETRIES:
        error_class, reason, hint = _AFTER_RETRIES[failure.kind]
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        quoted = truncate(failure.message, _MAX_TEXT - len(hint) - 80)
        return error_class(f"{reason}{tried}: {quoted}", sqlstate=failure.sqlstate, hint=hint)
    if failure.sqlstate == "42501":
        hint = advice_for("", failure.message) or _grant(failure.message, statement)
        message, *details = _sentences(failure, statement, hint)
        return PermissionDenied(message, details=details, sqlstate="42501", hint=hint)
    hint = _advice(failure)
    message, *details = _sentences(failure, statement, hint)
    return StatementFailed(message, details=details, sqlstate=failure.sqlstate, hint=hint)


def _sentences(failure: Failure, statement: str | None, hint: str | None) -> list[str]:
    where = "" if failure.statement is None else f"Statement {failure.statement + 1}: "
    place = _place(failure, statement)
    limit = _MAX_TEXT - len(where) - len(place) - len(hint or "")
    message = truncate(failure.message, limit)
    remaining = limit - len(message) - len("DETAIL: ") - 1
    detail = ""
    if failure.detail and remaining > _MIN_EXCERPT:
        detail = f"DETAIL: {truncate(failure.detail, remaining)}"
    return [sentence for sentence in (f"{where}{message}", place, detail) if sentence]


def _place(failure: Failure, statement: str | None) -> str:
    """Show where the error is, and name a parameter that the server knows by its number; callers write %s."""
    source = _source_line(failure, statement)
    found = _PARAMETER.search(failure.message) or _PARAMETER_AT.search(source)
    parameter = f"${found.group(1)} is params[{int(found.group(1)) - 1}]" if found else ""
    place = "; ".join(filter(None, (source, parameter)))
    return f"({place})" if place else ""


def _source_line(failure: Failure, statement: str | None) -> str:
    """Format the line of the statement with the error's position marked in it."""
    if statement is None or failure.position is None:
        return ""
    before, after = statement[: failure.position - 1], statement[failure.position - 1 :]
    line = before.count("\n") + 1
    excerpt = (before.rpartition("\n")[2][-40:] + "▸" + after.partition("\n")[0][:40]).strip()
    return f"line {line}: {excerpt}"


def _advice(failure: Failure) -> str | None:
    """Choose the hint: a name that the server suggests, our advice, or the server's HINT."""
    own = truncate(failure.hint, _MAX_HINT) if failure.hint else None
    if own and own.startswith("Perhaps you meant"):
        return own
    return advice_for(failure.sqlstate, failure.message) or own or _LAST_ADVICE


def _grant(message: str, statement: str | None) -> str:
    """Write the missing GRANT (PostgreSQL documentation, "Privileges")."""
    if message.startswith("must be owner"):
        return "Ask the operator: only its owner, or admin, may do that."
    denied = _DENIED.match(message)
    kind, name = denied.groups() if denied else ("", "")
    if kind == "database":
        return "Ask the operator to create the schema as admin."
    if kind not in _GRANTED:
        return "Ask the operator to GRANT the privilege to the role that this server logs in as."
    target = f"{_GRANTED[kind]} {truncate(name, _MAX_NAME)}"
    return f"Ask the operator to run: GRANT {_privilege(kind, statement)} ON {target} TO {ROLE}."


def _privilege(kind: str, statement: str | None) -> str:
    """Privilege that the statement's first word needs; a WITH query is not analyzed."""
    verb = next(iter((statement or "").upper().split()), "")
    if kind == "schema":
        return "CREATE" if verb == "CREATE" else "USAGE"
    if kind in ("table", "view"):
        return f"SELECT, {verb}" if verb in ("INSERT", "UPDATE", "DELETE") else "SELECT"
    return "EXECUTE" if kind == "function" else "USAGE"
