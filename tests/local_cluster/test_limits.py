"""Limits that need many statements or long ones."""

import psycopg
import pytest
from psycopg import pq

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import connect


def test_a_table_has_24_indexes_at_most(admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE many_indexes (id int PRIMARY KEY, v int)")
    jobs = [
        admin.execute(f"CREATE INDEX ASYNC many_indexes_{number} ON many_indexes (v)".encode()).fetchone()
        for number in range(23)
    ]
    with pytest.raises(psycopg.Error, match="more than 24 indexes per table are not allowed") as refused:
        admin.execute(b"CREATE INDEX ASYNC many_indexes_23 ON many_indexes (v)")
    assert refused.value.sqlstate == "54000"
    for job in jobs:  # which change the catalog when they end, and disturb the next test
        admin.execute("CALL sys.wait_for_job(%s)", job)
    admin.execute("DROP TABLE many_indexes")


def test_a_table_has_255_columns_at_most(admin: psycopg.Connection) -> None:
    columns = [f"c{number} int" for number in range(256)]
    with pytest.raises(psycopg.Error, match="tables can have at most 255 columns") as refused:
        admin.execute(f"CREATE TABLE too_wide ({', '.join(columns)})".encode())
    assert refused.value.sqlstate == "54011"
    admin.execute(f"CREATE TABLE wide ({', '.join(columns[:-1])})".encode())
    with pytest.raises(psycopg.Error, match="tables can have at most 255 columns"):
        admin.execute("ALTER TABLE wide ADD COLUMN one_more int")
    admin.execute("DROP TABLE wide")


def test_there_are_10_schemas_at_most(admin: psycopg.Connection) -> None:
    names = [f"limited_{number}" for number in range(11)]
    assert make_schemas(admin, names) in (9, 10)  # whether public counts is not known
    for name in names:
        admin.execute(f"DROP SCHEMA IF EXISTS {name}".encode())


def make_schemas(admin: psycopg.Connection, names: list[str]) -> int:
    """Make schemas until it is refused for their number; give how many there are then."""
    for made, name in enumerate(names):
        result = admin.pgconn.exec_(f"CREATE SCHEMA {name}".encode())
        if result.status == pq.ExecStatus.FATAL_ERROR:
            assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"54000"
            assert (
                result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) == b"more than 10 schemas not allowed"
            )
            return made
    return len(names)


def test_a_views_text_is_limited(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="view definition too large") as refused:
        admin.execute(f"CREATE VIEW too_long AS SELECT '{'x' * 2_200_000}' AS v".encode())
    assert refused.value.sqlstate == "54000"


def test_a_transaction_of_another_session_does_not_count(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE TABLE counted (id int PRIMARY KEY)")
    with connect(dsql) as other:
        for session, start in ((admin, 0), (other, 10_000)):
            session.execute("BEGIN")
            rows = "INSERT INTO counted SELECT generate_series(%s::int, %s)"
            session.execute(rows, [start + 1, start + 2000])
        for session in (admin, other):
            session.execute("COMMIT")
    assert admin.execute("SELECT count(*) FROM counted").fetchone() == (4000,)
    admin.execute("DROP TABLE counted")
