"""What a local session knows without PostgreSQL: rules, parameters, names, whose answer is whose."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.dialect import (
    Refusal,
    StatementKind,
    TableName,
    TranslatedStatement,
    raise_sql,
)
from awslabs_dsql_mcp.local_cluster.endpoint import startup_parameters
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.session import error_translation, private_copies, transaction
from awslabs_dsql_mcp.local_cluster.session.response_router import PendingRequest, ResponseRouter, Visibility
from awslabs_dsql_mcp.local_cluster.session.state import (
    EXCHANGE,
    BlockEvent,
    Exchange,
    ExchangeEvent,
    Machine,
)
from awslabs_dsql_mcp.local_cluster.session.transaction import (
    CATALOG_CONFLICT,
    DATA_CONFLICT,
    Now,
    SessionTransaction,
)

NONCE = "0123456789abcdef"
START = Now(seconds=100.0, catalog=1, commits=1)


def statement(kind: StatementKind) -> TranslatedStatement:
    return TranslatedStatement("…", kind, writes=(TableName(None, "t"),))


def block(*events: BlockEvent) -> SessionTransaction:
    one = SessionTransaction(START)
    for event in (BlockEvent.BEGIN, *events):
        one.block.on(event)
    return one


def run(*kinds: StatementKind) -> list[str | None]:
    one = block()
    refused = [one.refuse(statement(kind), START) for kind in kinds]
    return [refusal.message if refusal else None for refusal in refused]


@pytest.mark.parametrize(
    ("kinds", "last"),
    [
        ((StatementKind.DDL,), None),
        ((StatementKind.READ, StatementKind.DDL, StatementKind.READ), None),
        ((StatementKind.WRITE, StatementKind.LOCK, StatementKind.WRITE), None),
        ((StatementKind.DDL, StatementKind.DDL), "multiple ddl statements not supported in a transaction"),
        ((StatementKind.DDL, StatementKind.WRITE), "ddl and dml are not supported in the same transaction"),
        ((StatementKind.WRITE, StatementKind.DDL), "ddl and dml are not supported in the same transaction"),
    ],
)
def test_a_transaction_has_one_ddl_or_any_changes(kinds: tuple[StatementKind, ...], last: str | None) -> None:
    *before, said = run(*kinds)
    assert (set(before) <= {None}, said) == (True, last)


def test_a_catalog_that_changed_before_the_first_statement_is_told_there() -> None:
    later = Now(seconds=100.0, catalog=2)
    one = block()
    assert one.refuse(statement(StatementKind.SESSION), later) is None
    assert one.refuse(statement(StatementKind.READ), later) == CATALOG_CONFLICT


def test_a_catalog_that_changed_meanwhile_is_told_at_commit() -> None:
    one, later = block(), Now(seconds=100.0, catalog=2)
    assert one.refuse(statement(StatementKind.READ), START) is None
    assert one.refuse(statement(StatementKind.READ), later) is None
    assert one.refuse_commit(later, 300) == CATALOG_CONFLICT


def test_a_transaction_that_took_too_long_says_how_long() -> None:
    one = block()
    assert one.refuse_commit(Now(400.0, 1), 300) is None
    refused = one.refuse_commit(Now(411.0, 1), 300)
    assert refused == Refusal(
        "54000",
        "transaction age limit of 300s exceeded",
        detail="Current transaction age 311s exceeds 300s",
    )


def test_who_has_lost_is_told_at_the_next_statement_and_at_commit() -> None:
    one = block(BlockEvent.ROLLED_BACK)
    one.pending_error = DATA_CONFLICT
    assert one.refuse(statement(StatementKind.SESSION), START) is None
    assert one.refuse(statement(StatementKind.READ), START) == DATA_CONFLICT
    assert one.refuse_commit(START, 300) == DATA_CONFLICT


def test_a_row_locked_by_who_has_committed_is_a_conflict() -> None:
    locker, writer = block(), block()
    locker.refuse(statement(StatementKind.LOCK), START)
    assert locker.locked == {"t"}
    writer.concurrent_lockers.append(locker)
    assert writer.refuse_commit(START, 300) is None
    locker.block.on(BlockEvent.COMMITTED)
    assert writer.refuse_commit(START, 300) == DATA_CONFLICT


@pytest.mark.parametrize(
    ("given_options", "refused"),
    [
        ("", None),
        ("-c search_path=app", None),
        ("-c statement_timeout=5", "statement_timeout"),
        ("--lock-timeout=5", "lock_timeout"),
        (
            "-c search_path=a\\ b -cidle_in_transaction_session_timeout=1",
            "idle_in_transaction_session_timeout",
        ),
    ],
)
def test_what_cannot_be_set_cannot_be_set_at_the_start(given_options: str, refused: str | None) -> None:
    refusal = startup_parameters.refuse({"user": "admin", "database": "postgres", "options": given_options})
    assert (refusal and refusal.message) == (
        refused and f'setting configuration parameter "{refused}" not supported'
    )


def test_postgresql_is_told_what_the_client_says_and_our_bounds_last() -> None:
    told = startup_parameters.for_postgres({"user": "admin", "options": "-c search_path=app"}, 300)
    assert told == {
        "user": "admin",
        "options": "-c search_path=app -c statement_timeout=300000",
    }


@pytest.mark.parametrize(
    ("sql", "renamed"),
    [
        ("SELECT * FROM t JOIN app.t AS u USING (id)", "SELECT * FROM t JOIN pg_temp.t AS u USING (id)"),
        ('UPDATE "my App" . t SET n = 1', "UPDATE pg_temp . t SET n = 1"),
        ("INSERT INTO app.t SELECT * FROM app.other", "INSERT INTO pg_temp.t SELECT * FROM app.other"),
        (
            "WITH d AS (DELETE FROM app.t RETURNING *) SELECT 'app.t'",
            "WITH d AS (DELETE FROM pg_temp.t RETURNING *) SELECT 'app.t'",
        ),
        ("SELECT é FROM app.t", "SELECT é FROM pg_temp.t"),
    ],
)
def test_a_table_with_a_copy_is_renamed_where_its_schema_is_named(sql: str, renamed: str) -> None:
    assert private_copies.redirect(sql, {TableName("app", "t")}) == renamed


def test_a_table_becomes_two_literals() -> None:
    assert private_copies.literal(TableName(None, "it's")) == "NULL, 'it''s'"
    assert private_copies.literal(TableName("app", "t")) == "'app', 't'"


def fields(**given: str) -> dict[str, str]:
    return {"S": "ERROR", "V": "ERROR", **given}


@pytest.mark.parametrize(
    ("error", "sqlstate", "message"),
    [
        (
            fields(C="40001", M="could not serialize access due to concurrent update"),
            "40001",
            DATA_CONFLICT.message,
        ),
        (fields(C="40P01", M="deadlock detected"), "40001", DATA_CONFLICT.message),
        (
            fields(
                C="55P03",
                M="canceling statement due to lock timeout",
                W='while updating tuple (0,1) in relation "t"',
            ),
            "40001",
            DATA_CONFLICT.message,
        ),
        (fields(C="55P03", M="canceling statement due to lock timeout"), "40001", CATALOG_CONFLICT.message),
        (
            fields(C="57014", M="canceling statement due to statement timeout"),
            "54000",
            "transaction age limit of 300s exceeded",
        ),
        (
            fields(C="53400", M="temporary file size exceeds temp_file_limit (131072kB)"),
            "54000",
            "query requires more than allowed temp space of 131072 KB to execute",
        ),
        (fields(C="22012", M="division by zero", P="8"), "22012", "division by zero"),
    ],
)
def test_errors_are_told_in_aurora_dsqls_words(error: dict[str, str], sqlstate: str, message: str) -> None:
    told = error_translation.translate_error(error, NONCE, 300, changed=False)
    assert (told["C"], told["M"], "W" in told) == (sqlstate, message, False)


def test_a_refusal_is_told_as_it_was_meant() -> None:
    meant = Refusal("0A000", "unsupported statement: Lock", "a hint", "a detail")
    carried = raise_sql(meant, NONCE).removeprefix("SELECT '").removesuffix("'::int4")
    error = fields(C="22P02", M=f'invalid input syntax for type integer: "{carried}"', P="8")
    assert error_translation.translate_error(error, NONCE, 300, changed=True) == fields(
        C="0A000", M="unsupported statement: Lock", D="a detail", H="a hint"
    )


def test_a_place_in_a_statement_that_was_rewritten_is_not_told() -> None:
    error = fields(C="42601", M="syntax error", P="8", F="scan.l", L="1", R="yyerror")
    assert error_translation.translate_error(error, NONCE, 300, changed=True) == fields(
        C="42601", M="syntax error"
    )
    assert error_translation.translate_error(error, NONCE, 300, changed=False)["P"] == "8"


class Client:
    """Sees what is shown, and lets everything pass."""

    def __init__(self) -> None:
        self.exchange = Machine[Exchange, ExchangeEvent](EXCHANGE, Exchange.OPEN)
        self.expected = deque[PendingRequest]()
        self.router = ResponseRouter(self, self.exchange, self.expected)

    def failed(self, request: PendingRequest | None, fields: dict[str, str]) -> bytes:
        del request
        return messages.error(fields)

    def finished(self, request: PendingRequest, tag: str) -> bytes:
        return messages.command_complete(tag) if request.shows_answer else b""

    def is_ready(self, request: PendingRequest, status: bytes) -> bytes:
        return wire.message(wire.READY_FOR_QUERY, status) if request.shows_answer else b""

    def on_async_message(self, kind: bytes, body: bytes) -> bytes:
        return wire.message(kind, body)


def answer(rows: int, width: int) -> bytes:
    return (
        wire.message(messages.ROW_DESCRIPTION, b"\0\0")
        + messages.text_row("x" * width) * rows
        + messages.command_complete(f"SELECT {rows}")
        + wire.message(wire.READY_FOR_QUERY, b"I")
    )


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 300)), max_size=5),
    st.data(),
)
def test_hidden_answers_are_hidden_however_the_bytes_come(
    asked: list[tuple[bool, int, int]], data: st.DataObject
) -> None:
    client = Client()
    client.expected.extend(
        PendingRequest(messages.QUERY, visibility=Visibility.NOTHING if hidden else Visibility.ALL)
        for hidden, _, _ in asked
    )
    said = b"".join(answer(rows, width) for _, rows, width in asked)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=6)))
    parts = [said[start:end] for start, end in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    shown = b"".join(client.router.on_data(part) for part in parts)
    assert shown == b"".join(answer(rows, width) for hidden, rows, width in asked if not hidden)
    assert not client.expected


@pytest.mark.parametrize(
    ("reason", "may_be_cancelled", "code"),
    [
        ("user request", False, "55P03"),
        ("user request", True, "57014"),
        ("statement timeout", False, "57014"),
    ],
)
def test_a_lock_timeout_that_postgresql_calls_a_cancellation_is_one(
    reason: str, code: str, *, may_be_cancelled: bool
) -> None:
    told = fields(C="57014", M=f"canceling statement due to {reason}", W="while updating tuple (0,1)")
    found = error_translation.with_true_cause(told, may_be_cancelled=may_be_cancelled)
    assert (found["C"], found["W"]) == (code, told["W"])


def test_an_error_leaves_all_up_to_the_sync_unanswered() -> None:
    client = Client()
    kinds = (messages.PARSE, messages.BIND, messages.EXECUTE, messages.PARSE, messages.SYNC, messages.PARSE)
    client.expected.extend(PendingRequest(kind) for kind in kinds)
    client.exchange.on(ExchangeEvent.END_SENT)
    client.router.on_data(wire.message(messages.PARSE_COMPLETE) + messages.error(fields(C="22012", M="no")))
    assert [request.kind for request in client.expected] == [messages.SYNC, messages.PARSE]


def test_limits_of_a_transaction_are_worded_by_the_limit() -> None:
    assert transaction.too_old(12.4, 2.5).message == "transaction age limit of 2.5s exceeded"
