"""What a transcript cannot say: pipelines, prepared statements, portals, COPY, cancel requests, large messages."""

import threading
from typing import Any

import psycopg
import pytest

from awslabs_dsql_mcp.local.cluster import LocalCluster
from local.logins import connect

TRUNCATE = "unsupported statement: Truncate"
MIB = 1024 * 1024


def one(connection: psycopg.Connection, statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def table(admin: psycopg.Connection, request: pytest.FixtureRequest) -> Any:  # noqa: ANN401  a generator of a name
    name = "p_" + request.node.originalname.removeprefix("test_")[:50]
    admin.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, v text)".encode())
    yield name
    admin.execute(f"DROP TABLE IF EXISTS {name}".encode())


def test_a_pipeline_skips_what_follows_a_refusal(admin: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=TRUNCATE), admin.pipeline():
        admin.execute(f"INSERT INTO {table} VALUES (1)".encode())
        admin.execute(f"TRUNCATE {table}".encode())
        admin.execute(f"INSERT INTO {table} VALUES (2)".encode())
    assert one(admin, f"SELECT count(*) FROM {table}") == 0


def test_a_pipeline_goes_on_after_its_sync(admin: psycopg.Connection, table: str) -> None:
    with admin.pipeline() as pipeline:
        refused = admin.cursor()
        refused.execute(f"TRUNCATE {table}".encode())
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            pipeline.sync()
        cursor = admin.execute("SELECT 42")
        assert cursor.fetchone() == (42,)


def test_a_transaction_in_a_pipeline_is_one(dsql: LocalCluster, table: str) -> None:
    with connect(dsql) as connection:
        with connection.pipeline(), connection.transaction():
            for number in range(50):
                connection.execute(f"INSERT INTO {table} VALUES (%s)".encode(), [number])
        assert one(connection, f"SELECT count(*) FROM {table}") == 50


def test_a_refusal_aborts_a_transaction_in_a_pipeline(admin: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported), admin.pipeline() as pipeline:
        admin.execute("BEGIN")
        admin.execute(f"INSERT INTO {table} VALUES (1)".encode())
        admin.execute(f"TRUNCATE {table}".encode())
        pipeline.sync()
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        admin.execute("SELECT 1")
    assert admin.execute("COMMIT").statusmessage == "ROLLBACK"
    assert one(admin, f"SELECT count(*) FROM {table}") == 0


def test_psycopg_prepares_and_runs_again(dsql: LocalCluster, table: str) -> None:
    with connect(dsql) as connection:
        connection.prepare_threshold = 0
        for number in range(5):
            connection.execute(f"INSERT INTO {table} VALUES (%s, %s)".encode(), [number, "x"])
            found = connection.execute(f"SELECT count(*) FROM {table} WHERE id <= %s".encode(), [number])
            assert found.fetchone() == (number + 1,)


def test_a_statement_that_is_refused_is_refused_when_it_is_prepared(
    admin: psycopg.Connection, table: str
) -> None:
    result = admin.pgconn.prepare(b"t", f"TRUNCATE {table}".encode())
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"0A000"
    assert result.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY) == TRUNCATE.encode()


def test_a_prepared_statement_keeps_its_tag(admin: psycopg.Connection, table: str) -> None:
    index = admin.execute(f"CREATE INDEX ASYNC {table}_i ON {table} (v)".encode(), prepare=True)
    assert index.statusmessage == "CREATE INDEX"
    assert [column.name for column in index.description or ()] == ["job_id"]
    assert index.fetchone() is not None


def test_a_prepared_statement_sees_a_table_made_anew(admin: psycopg.Connection, table: str) -> None:
    query = f"SELECT * FROM {table}".encode()
    assert admin.execute(query, prepare=True).fetchall() == []
    admin.execute(f"DROP TABLE {table}".encode())
    admin.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, v text)".encode())
    admin.execute(f"INSERT INTO {table} VALUES (1, 'x')".encode())
    assert admin.execute(query, prepare=True).fetchall() == [(1, "x")]


def test_values_pass_in_text_and_in_binary(admin: psycopg.Connection) -> None:
    for binary in (False, True):
        with admin.cursor(binary=binary) as cursor:
            row = cursor.execute(
                "SELECT %s::bytea, %s::int, %s::text", [bytes(range(256)), 7, "ä"]
            ).fetchone()
            assert row == (bytes(range(256)), 7, "ä")


def test_copy_carries_rows_in_and_out(admin: psycopg.Connection, table: str) -> None:
    with admin.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for number in range(1000):
                copy.write_row((number, "x"))
        assert cursor.statusmessage == "COPY 1000"
        with cursor.copy(f"COPY (SELECT id FROM {table} ORDER BY id) TO STDOUT".encode()) as copy:
            assert [int(row[0]) for row in copy.rows()] == list(range(1000))


def test_copy_changes_3000_rows_at_most(admin: psycopg.Connection, table: str) -> None:
    with (
        admin.cursor() as cursor,
        pytest.raises(psycopg.errors.ProgramLimitExceeded, match="transaction row limit exceeded"),
        cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy,
    ):
        for number in range(3001):
            copy.write_row((number, "x"))
    assert one(admin, f"SELECT count(*) FROM {table}") == 0


def test_a_copy_that_the_client_gives_up_keeps_nothing(admin: psycopg.Connection, table: str) -> None:
    class GivenUp(Exception):
        pass

    with (
        pytest.raises(GivenUp),
        admin.cursor() as cursor,
        cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy,
    ):
        copy.write_row((1, "x"))
        raise GivenUp
    assert one(admin, f"SELECT count(*) FROM {table}") == 0


async def test_a_cancel_request_changes_nothing(
    dsql: LocalCluster, superuser: psycopg.AsyncConnection[Any]
) -> None:
    slept: list[object] = []
    with connect(dsql) as sleeper:
        sleeping = threading.Thread(target=lambda: slept.append(one(sleeper, "SELECT 1 FROM pg_sleep(1)")))
        sleeping.start()
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        while await (await superuser.execute(asleep)).fetchone() != (1,):
            assert sleeping.is_alive()
        sleeper.cancel_safe()
        sleeping.join()
    assert slept == [1]


def test_a_message_over_10_mib_ends_the_connection(dsql: LocalCluster, admin: psycopg.Connection) -> None:
    for query, values in ((f"SELECT '{'x' * 10 * MIB}'", None), ("SELECT %s", ["x" * 10 * MIB])):
        with connect(dsql) as connection:
            with pytest.raises(psycopg.OperationalError) as lost:
                connection.execute(query.encode(), values)
            assert lost.value.sqlstate is None
            assert connection.closed
    assert one(admin, "SELECT 1") == 1


def test_a_message_of_9_mib_passes(admin: psycopg.Connection) -> None:
    assert one(admin, f"SELECT length('{'x' * 9 * MIB}')") == 9 * MIB
    row = admin.execute("SELECT length(%s)", ["x" * 9 * MIB]).fetchone()
    assert row == (9 * MIB,)


def test_a_conflict_is_a_serialization_failure_to_drivers(dsql: LocalCluster, table: str) -> None:
    with connect(dsql) as first, connect(dsql) as second:
        first.execute(f"INSERT INTO {table} VALUES (1, 'x')".encode())
        first.execute("BEGIN")
        first.execute(f"UPDATE {table} SET v = 'y'".encode())
        second.execute(f"UPDATE {table} SET v = 'z'".encode())
        with pytest.raises(psycopg.errors.SerializationFailure, match=r"\(OC000\)") as conflict:
            first.execute("COMMIT")
    assert conflict.value.sqlstate == "40001"
