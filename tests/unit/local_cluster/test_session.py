"""What a local session knows without PostgreSQL: rules, parameters, names, whose answer is whose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.dialect import Kind, Refusal, Table, Translated, refuse
from awslabs_dsql_mcp.local_cluster.endpoint import startup_parameters as parameters
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.session import error_translation as wording
from awslabs_dsql_mcp.local_cluster.session import private_copies as shadows
from awslabs_dsql_mcp.local_cluster.session import transaction
from awslabs_dsql_mcp.local_cluster.session.response_router import Conversation, Sent
from awslabs_dsql_mcp.local_cluster.session.transaction import (
    CATALOG_CONFLICT,
    DATA_CONFLICT,
    Now,
    Transaction,
)

NONCE = "0123456789abcdef"
START = Now(seconds=100.0, catalog=1, commits=1)


def statement(kind: Kind) -> Translated:
    return Translated("…", kind, writes=(Table(None, "t"),))


def run(*kinds: Kind) -> list[str | None]:
    one = Transaction(START, explicit=True)
    refused = [one.refuse(statement(kind), START) for kind in kinds]
    return [refusal.message if refusal else None for refusal in refused]


@pytest.mark.parametrize(
    ("kinds", "last"),
    [
        ((Kind.DDL,), None),
        ((Kind.READ, Kind.DDL, Kind.READ), None),
        ((Kind.WRITE, Kind.LOCK, Kind.WRITE), None),
        ((Kind.DDL, Kind.DDL), "multiple ddl statements not supported in a transaction"),
        ((Kind.DDL, Kind.WRITE), "ddl and dml are not supported in the same transaction"),
        ((Kind.WRITE, Kind.DDL), "ddl and dml are not supported in the same transaction"),
    ],
)
def test_a_transaction_has_one_ddl_or_any_changes(kinds: tuple[Kind, ...], last: str | None) -> None:
    *before, said = run(*kinds)
    assert (set(before) <= {None}, said) == (True, last)


def test_a_catalog_that_changed_before_the_first_statement_is_told_there() -> None:
    later = Now(seconds=100.0, catalog=2)
    one = Transaction(START, explicit=True)
    assert one.refuse(statement(Kind.SESSION), later) is None
    assert one.refuse(statement(Kind.READ), later) == CATALOG_CONFLICT


def test_a_catalog_that_changed_meanwhile_is_told_at_commit() -> None:
    one, later = Transaction(START, explicit=True), Now(seconds=100.0, catalog=2)
    assert one.refuse(statement(Kind.READ), START) is None
    assert one.refuse(statement(Kind.READ), later) is None
    assert one.refuse_commit(later, 300) == CATALOG_CONFLICT


def test_a_transaction_that_took_too_long_says_how_long() -> None:
    one = Transaction(START, explicit=True)
    assert one.refuse_commit(Now(400.0, 1), 300) is None
    refused = one.refuse_commit(Now(411.0, 1), 300)
    assert refused == Refusal(
        "54000",
        "transaction age limit of 300s exceeded",
        detail="Current transaction age 311s exceeds 300s",
    )


def test_who_has_lost_is_told_at_the_next_statement_and_at_commit() -> None:
    one = Transaction(START, explicit=True, doom=DATA_CONFLICT, lost=True)
    assert one.refuse(statement(Kind.SESSION), START) is None
    assert one.refuse(statement(Kind.READ), START) == DATA_CONFLICT
    assert one.refuse_commit(START, 300) == DATA_CONFLICT


def test_a_row_locked_by_who_has_committed_is_a_conflict() -> None:
    locker, writer = Transaction(START, explicit=True), Transaction(START, explicit=True)
    locker.refuse(statement(Kind.LOCK), START)
    assert locker.locked == {"t"}
    writer.rivals.append(locker)
    assert writer.refuse_commit(START, 300) is None
    locker.committed = True
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
    refusal = parameters.refuse({"user": "admin", "database": "postgres", "options": given_options})
    assert (refusal and refusal.message) == (
        refused and f'setting configuration parameter "{refused}" not supported'
    )


def test_postgresql_is_told_what_the_client_says_and_our_bounds_last() -> None:
    told = parameters.for_postgres({"user": "admin", "options": "-c search_path=app"}, 300)
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
    assert shadows.renamed(sql, {Table("app", "t")}) == renamed


def test_a_table_becomes_two_literals() -> None:
    assert shadows.literal(Table(None, "it's")) == "NULL, 'it''s'"
    assert shadows.literal(Table("app", "t")) == "'app', 't'"


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
    told = wording.told(error, NONCE, 300, changed=False)
    assert (told["C"], told["M"], "W" in told) == (sqlstate, message, False)


def test_a_refusal_is_told_as_it_was_meant() -> None:
    meant = Refusal("0A000", "unsupported statement: Lock", "a hint", "a detail")
    carried = refuse(meant, NONCE).removeprefix("SELECT '").removesuffix("'::int4")
    error = fields(C="22P02", M=f'invalid input syntax for type integer: "{carried}"', P="8")
    assert wording.told(error, NONCE, 300, changed=True) == fields(
        C="0A000", M="unsupported statement: Lock", D="a detail", H="a hint"
    )


def test_a_place_in_a_statement_that_was_rewritten_is_not_told() -> None:
    error = fields(C="42601", M="syntax error", P="8", F="scan.l", L="1", R="yyerror")
    assert wording.told(error, NONCE, 300, changed=True) == fields(C="42601", M="syntax error")
    assert wording.told(error, NONCE, 300, changed=False)["P"] == "8"


class Client:
    """Sees what is shown, and lets everything pass."""

    def __init__(self) -> None:
        self.talk = Conversation(self)

    def failed(self, sent: Sent | None, fields: dict[str, str]) -> bytes:
        del sent
        return messages.error(fields)

    def finished(self, sent: Sent, tag: str) -> bytes:
        return messages.command_complete(tag) if sent.shows else b""

    def is_ready(self, sent: Sent, status: bytes) -> bytes:
        return wire.message(wire.READY_FOR_QUERY, status) if sent.shows else b""

    def told(self, kind: bytes, body: bytes) -> bytes:
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
    client.talk.expected.clear()
    client.talk.expected.extend(Sent(messages.QUERY, hidden=hidden) for hidden, _, _ in asked)
    said = b"".join(answer(rows, width) for _, rows, width in asked)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=6)))
    parts = [said[start:end] for start, end in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    shown = b"".join(client.talk.answer(part) for part in parts)
    assert shown == b"".join(answer(rows, width) for hidden, rows, width in asked if not hidden)
    assert not client.talk.expected


def test_an_error_leaves_all_up_to_the_sync_unanswered() -> None:
    client = Client()
    client.talk.expected.clear()
    kinds = (messages.PARSE, messages.BIND, messages.EXECUTE, messages.PARSE, messages.SYNC, messages.PARSE)
    client.talk.expected.extend(Sent(kind) for kind in kinds)
    client.talk.answer(wire.message(messages.PARSE_COMPLETE) + messages.error(fields(C="22012", M="no")))
    assert [sent.kind for sent in client.talk.expected] == [messages.SYNC, messages.PARSE]


def test_limits_of_a_transaction_are_worded_by_the_limit() -> None:
    assert transaction.too_old(12.4, 2.5).message == "transaction age limit of 2.5s exceeded"
