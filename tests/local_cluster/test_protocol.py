"""What no transcript can say: pipelines, prepared statements, COPY, cancel requests, large messages."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import pq
from typing_extensions import LiteralString

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import connect, connect_raw

TRUNCATE = "unsupported statement: Truncate"
MIB = 1024 * 1024


def one(connection: psycopg.Connection, statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture(autouse=True)
def lines(admin: psycopg.Connection) -> Iterator[None]:
    """A table that each test has anew."""
    admin.execute("CREATE TABLE lines (id int PRIMARY KEY, v text)")
    yield
    admin.execute("DROP TABLE IF EXISTS lines")


def pipelined(connection: psycopg.Connection, *statements: LiteralString) -> None:
    """Run statements in a pipeline with one Sync at its end."""
    with connection.pipeline():
        for statement in statements:
            connection.execute(statement)


def copied(connection: psycopg.Connection, numbers: Iterable[int]) -> str | None:
    """Copy rows into the table; give the command tag."""
    with connection.cursor() as cursor:
        with cursor.copy("COPY lines FROM STDIN") as copy:
            for number in numbers:
                copy.write_row((number, "x"))
        return cursor.statusmessage


def test_a_pipeline_skips_what_follows_a_refusal(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=TRUNCATE):
        pipelined(admin, "INSERT INTO lines VALUES (1)", "TRUNCATE lines", "INSERT INTO lines VALUES (2)")
    assert one(admin, "SELECT count(*) FROM lines") == 0


@pytest.mark.parametrize("wrong", [b"SELECT 1/0", b"TRUNCATE lines"])
def test_what_is_sent_between_an_error_and_its_sync_is_skipped(dsql: LocalCluster, wrong: bytes) -> None:
    connection = connect_raw(dsql)
    connection.enter_pipeline_mode()
    connection.send_query_params(wrong, [])
    connection.send_flush_request()
    connection.flush()
    error = connection.get_result()
    assert error is not None
    assert error.status == pq.ExecStatus.FATAL_ERROR
    assert connection.get_result() is None
    for _ in range(3):
        connection.send_query_params(b"INSERT INTO lines VALUES (1)", [])
    connection.pipeline_sync()
    connection.send_query_params(b"SELECT count(*) FROM lines", [])
    connection.pipeline_sync()
    results = [result for result in (connection.get_result() for _ in range(10)) if result is not None]
    assert [result.status for result in results] == [
        *[pq.ExecStatus.PIPELINE_ABORTED] * 3,
        pq.ExecStatus.PIPELINE_SYNC,
        pq.ExecStatus.TUPLES_OK,
        pq.ExecStatus.PIPELINE_SYNC,
    ]
    assert results[4].get_value(0, 0) == b"0"
    connection.finish()


def test_a_pipeline_goes_on_after_its_sync(admin: psycopg.Connection) -> None:
    with admin.pipeline() as pipeline:
        refused = admin.cursor()
        refused.execute("TRUNCATE lines")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            pipeline.sync()
        cursor = admin.execute("SELECT 42")
        assert cursor.fetchone() == (42,)


def test_a_transaction_in_a_pipeline_is_one(dsql: LocalCluster) -> None:
    with connect(dsql) as connection:
        with connection.pipeline(), connection.transaction():
            for number in range(50):
                connection.execute("INSERT INTO lines VALUES (%s)", [number])
        assert one(connection, "SELECT count(*) FROM lines") == 50


def test_a_refusal_aborts_a_transaction_in_a_pipeline(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=TRUNCATE):
        pipelined(admin, "BEGIN", "INSERT INTO lines VALUES (1)", "TRUNCATE lines")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        admin.execute("SELECT 1")
    assert admin.execute("COMMIT").statusmessage == "ROLLBACK"
    assert one(admin, "SELECT count(*) FROM lines") == 0


def test_psycopg_prepares_and_runs_again(dsql: LocalCluster) -> None:
    with connect(dsql) as connection:
        connection.prepare_threshold = 0
        for number in range(5):
            connection.execute("INSERT INTO lines VALUES (%s, %s)", [number, "x"])
            found = connection.execute("SELECT count(*) FROM lines WHERE id <= %s", [number])
            assert found.fetchone() == (number + 1,)


def test_a_statement_that_is_refused_is_refused_when_it_is_prepared(admin: psycopg.Connection) -> None:
    result = admin.pgconn.prepare(b"t", b"TRUNCATE lines")
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"0A000"
    assert result.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY) == TRUNCATE.encode()


def test_a_prepared_statement_keeps_its_tag(admin: psycopg.Connection) -> None:
    index = admin.execute("CREATE INDEX ASYNC lines_i ON lines (v)", prepare=True)
    assert index.statusmessage == "CREATE INDEX"
    assert [column.name for column in index.description or ()] == ["job_id"]
    assert index.fetchone() is not None


def test_a_prepared_statement_sees_a_table_made_anew(admin: psycopg.Connection) -> None:
    query = "SELECT * FROM lines"
    assert admin.execute(query, prepare=True).fetchall() == []
    admin.execute("DROP TABLE lines")
    admin.execute("CREATE TABLE lines (id int PRIMARY KEY, v text)")
    admin.execute("INSERT INTO lines VALUES (1, 'x')")
    assert admin.execute(query, prepare=True).fetchall() == [(1, "x")]


def test_values_pass_in_text_and_in_binary(admin: psycopg.Connection) -> None:
    for binary in (False, True):
        with admin.cursor(binary=binary) as cursor:
            row = cursor.execute(
                "SELECT %s::bytea, %s::int, %s::text", [bytes(range(256)), 7, "ä"]
            ).fetchone()
            assert row == (bytes(range(256)), 7, "ä")


def test_copy_carries_rows_in_and_out(admin: psycopg.Connection) -> None:
    assert copied(admin, range(1000)) == "COPY 1000"
    with admin.cursor() as cursor, cursor.copy("COPY (SELECT id FROM lines ORDER BY id) TO STDOUT") as copy:
        assert [int(row[0]) for row in copy.rows()] == list(range(1000))


def test_copy_changes_3000_rows_at_most(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="transaction row limit exceeded"):
        copied(admin, range(3001))
    assert copied(admin, range(3000)) == "COPY 3000"


def test_a_copy_that_the_client_gives_up_keeps_nothing(admin: psycopg.Connection) -> None:
    class GivenUp(Exception):
        pass

    def numbers() -> Iterator[int]:
        yield 1
        raise GivenUp

    with pytest.raises(GivenUp):
        copied(admin, numbers())
    assert one(admin, "SELECT count(*) FROM lines") == 0


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


def test_a_conflict_is_a_serialization_failure_to_drivers(dsql: LocalCluster) -> None:
    with connect(dsql) as first, connect(dsql) as second:
        first.execute("INSERT INTO lines VALUES (1, 'x')")
        first.execute("BEGIN")
        first.execute("UPDATE lines SET v = 'y'")
        second.execute("UPDATE lines SET v = 'z'")
        with pytest.raises(psycopg.errors.SerializationFailure, match=r"\(OC000\)") as conflict:
            first.execute("COMMIT")
    assert conflict.value.sqlstate == "40001"
