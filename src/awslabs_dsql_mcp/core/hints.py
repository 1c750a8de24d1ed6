"""What a failure means to the one who wrote the statement, and what to do next.

Sources: PostgreSQL documentation, appendix A (error codes); Aurora DSQL user guide, "Troubleshooting" and
"Quotas and limits".
"""

from awslabs_dsql_mcp.core.failures import Failure, Kind
from awslabs_dsql_mcp.core.logins import error_of_login
from awslabs_dsql_mcp.errors import (
    Busy,
    ConnectionFailed,
    DsqlError,
    Outcome,
    PermissionDenied,
    StatementFailed,
    TransactionConflict,
)

# (SQLSTATE or its class, text that the message must have, advice); the first that fits counts.
_ADVICE: tuple[tuple[str, str, str], ...] = (
    ("42P01", "", "Call get_schema for the names of tables; qualify the name with its schema if it has one."),
    ("42703", "", "Call get_schema with the table for the names of its columns."),
    ("42P02", "", "Give a value in params for each %s."),
    ("42601", "", "Correct the syntax at the position shown."),
    ("25006", "", "Reads run READ ONLY: send changes, and FOR UPDATE, through transact with writes allowed."),
    ("54000", "row limit", "Split it: at most 3,000 rows a transaction; work in ranges of the primary key."),
    ("54000", "size limit", "Split it: at most 10 MiB of changes a transaction."),
    ("54000", "age limit", "Make it shorter: a transaction lives 300 s at most; narrow it or use an index."),
    ("54000", "temp space", "Filter or aggregate earlier, add LIMIT, or index the sort's columns."),
    ("53200", "", "Filter or aggregate earlier, add LIMIT, or index the sort's columns."),
    ("0A000", "index async", "Write CREATE INDEX ASYNC, alone in its transact call."),
    ("0A000", "multiple ddl", "Send each DDL statement in a transact call of its own."),
    ("0A000", "ddl and dml", "Send DDL and data changes in separate transact calls."),
    ("0A000", "", "Aurora DSQL lacks this form: search its documentation for the one that it has."),
    ("23505", "", "A row with this key exists: update it, or use INSERT … ON CONFLICT."),
    ("23503", "", "Add or keep the row that is referred to."),
    ("23502", "", "Give the column a value."),
    ("23514", "", "Give values that satisfy the constraint."),
    ("22P02", "", "Give a value of the column's type."),
    ("42804", "", "Cast the value to the type that is expected."),
    ("42883", "", "Check the function's name and argument types; cast the arguments if need be."),
    ("42702", "", "Qualify the column with its table."),
)

_TRIES = {
    Kind.CONFLICT: (
        TransactionConflict,
        "other transactions changed the same rows, or the schema, first",
        "Ask again later; if it keeps on, change fewer rows at once or have fewer writers on the same keys.",
    ),
    Kind.UNAVAILABLE: (Busy, "the server was unavailable", "Ask again in some seconds."),
    Kind.CROWDED: (Busy, "the cluster had no room", "Ask again in some seconds."),
    Kind.LOST: (
        ConnectionFailed,
        "the connection was lost before COMMIT",
        "Ask again; if it stays so, check the network and the cluster's status.",
    ),
}


def error_of(failure: Failure, *, statement: str | None, attempts: int, outcome: Outcome | None) -> DsqlError:
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
    if failure.kind is Kind.TIMED_OUT:
        return Busy(
            f"{failure.message[:1].upper()}{failure.message[1:]}.",
            code="timed_out",
            hint="Narrow the statement (WHERE, LIMIT, an index); the operator can raise the limit named.",
        )
    if failure.kind in _TRIES:
        kind, why, hint = _TRIES[failure.kind]
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        return kind(f"Not run: {why}{tried}: {failure.message}", sqlstate=failure.sqlstate, hint=hint)
    kind = PermissionDenied if failure.sqlstate == "42501" else StatementFailed
    return kind(_message(failure, statement), sqlstate=failure.sqlstate, hint=_advice(failure))


def _message(failure: Failure, statement: str | None) -> str:
    where = "" if failure.statement is None else f"Statement {failure.statement + 1}: "
    detail = f" {failure.detail}" if failure.detail else ""
    return f"{where}{failure.message}{detail}{_pointed(failure, statement)}"


def _pointed(failure: Failure, statement: str | None) -> str:
    """Show the line of the statement that the server points at, with the place in it."""
    if statement is None or failure.position is None:
        return ""
    before, after = statement[: failure.position - 1], statement[failure.position - 1 :]
    line = before.count("\n") + 1
    near = (before.rpartition("\n")[2][-40:] + "▸" + after.partition("\n")[0][:40]).strip()
    return f"\nline {line}: {near}"


def _advice(failure: Failure) -> str | None:
    if failure.sqlstate == "42501":
        return "Ask the operator to GRANT the privilege to the role that this server logs in as."
    said = failure.message.lower()
    for state, text, advice in _ADVICE:
        if failure.sqlstate == state and text in said:
            return advice
    return failure.hint
