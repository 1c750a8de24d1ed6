"""What callers are told: for every SQLSTATE that PostgreSQL has, and for those that have advice."""

import psycopg
import pytest

from awslabs_dsql_mcp.database.error_mapping import to_error
from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.errors import (
    Busy,
    ConnectionFailed,
    DsqlError,
    Outcome,
    PermissionDenied,
    StatementFailed,
    TransactionConflict,
)


def subclasses(kind: type[psycopg.Error]) -> set[type[psycopg.Error]]:
    """Give a class of psycopg's and all that derive from it."""
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


STATES = sorted({error.sqlstate for error in subclasses(psycopg.Error) if error.sqlstate})
SPECIAL: dict[str, type[DsqlError]] = {
    "40001": TransactionConflict,
    "42501": PermissionDenied,
    "53300": Busy,
    "53400": Busy,
}


def told(
    failure: Failure, statement: str | None = None, outcome: Outcome | None = "rolled_back"
) -> DsqlError:
    return to_error(failure, statement=statement, attempts=1, outcome=outcome)


def test_psycopg_knows_states_of_every_class() -> None:
    assert len(STATES) > 200
    assert len({state[:2] for state in STATES}) > 35


@pytest.mark.parametrize("sqlstate", STATES)
def test_each_state_has_its_error(sqlstate: str) -> None:
    error = told(Failure("What the server said.", sqlstate))
    assert type(error) is SPECIAL.get(sqlstate, StatementFailed)
    assert (error.sqlstate, error.outcome) == (sqlstate, "rolled_back")
    assert "What the server said." in error.message


@pytest.mark.parametrize("sqlstate", STATES)
def test_each_state_in_a_lost_session_is_the_connections_failure(sqlstate: str) -> None:
    error = told(Failure("Good-bye.", sqlstate, session_lost=True))
    assert type(error) is (TransactionConflict if sqlstate == "40001" else ConnectionFailed)


@pytest.mark.parametrize(
    ("sqlstate", "message", "advice"),
    [
        ("42P01", 'relation "x" does not exist', "get_schema"),
        ("42703", 'column "x" does not exist', "get_schema"),
        ("42601", "syntax error", "position shown"),
        ("25006", "cannot execute INSERT in a read-only transaction", "transact"),
        ("54000", "transaction row limit exceeded", "3,000 rows"),
        ("54000", "transaction size limit 10mb exceeded", "10 MiB"),
        ("54000", "transaction age limit of 300s exceeded", "300 s"),
        ("54000", "query requires more than allowed temp space of 131072 KB to execute", "LIMIT"),
        ("53200", "query requires too much temp space, out of memory.", "LIMIT"),
        ("0A000", "unsupported mode. please use CREATE INDEX ASYNC.", "CREATE INDEX ASYNC"),
        ("0A000", "multiple ddl statements not supported in a transaction", "call of its own"),
        ("0A000", "ddl and dml are not supported in the same transaction", "separate transact calls"),
        ("0A000", "unsupported statement: Truncate", "documentation"),
        ("23505", "duplicate key value violates unique constraint", "ON CONFLICT"),
        ("23503", "violates foreign key constraint", "referred to"),
        ("42501", "permission denied for table x", "GRANT"),
    ],
)
def test_advice(sqlstate: str, message: str, advice: str) -> None:
    assert advice in str(told(Failure(message, sqlstate, hint="The server's own.")).hint)


def test_where_there_is_no_advice_the_servers_own_hint_is_told() -> None:
    assert told(Failure("x", "55000", hint="Try the other one.")).hint == "Try the other one."


def test_a_failure_names_its_statement_and_shows_the_place() -> None:
    sql = "SELECT 1,\n  two\nFROM t"
    failure = Failure('column "two" does not exist', "42703", detail="D.", position=13, statement=1)
    assert told(failure, sql).text == (
        'Statement 2: column "two" does not exist (line 2: ▸two). DETAIL: D.'
    )  # fmt: skip


def test_attempts_are_told_when_there_was_more_than_one() -> None:
    error = to_error(Failure("OC000", "40001"), statement=None, attempts=6, outcome="rolled_back")
    assert "(6 attempts)" in error.message
