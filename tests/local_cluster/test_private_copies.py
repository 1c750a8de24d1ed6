"""Transactions that go on after a conflict: what they say is stored, or COMMIT says that it is not."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.logins import connect

OC000 = "40001"


@dataclass
class Rivals:
    """Two sessions of which one has changed row 1 and not committed, and the other has changed it too."""

    admin: psycopg.Connection
    first: psycopg.Connection
    second: psycopg.Connection

    def conflict(self) -> None:
        self.first.execute("BEGIN")
        self.first.execute("UPDATE copied SET v = v + 100 WHERE id = 1")
        self.second.execute("BEGIN")
        self.second.execute("UPDATE copied SET v = v + 1 WHERE id = 1")

    def rows(self, query: bytes = b"SELECT id, v FROM copied ORDER BY id") -> list[tuple[int, ...]]:
        return self.admin.execute(query).fetchall()

    def end(self) -> str | None:
        """Let the first give up and the second commit; its SQLSTATE, if it cannot."""
        self.first.execute("ROLLBACK")
        try:
            self.second.execute("COMMIT")
        except psycopg.Error as error:
            return error.sqlstate
        return None


@pytest.fixture
def rivals(dsql: LocalCluster, admin: psycopg.Connection) -> Iterator[Rivals]:
    admin.execute("CREATE TABLE copied (id int PRIMARY KEY, v int)")
    admin.execute("INSERT INTO copied SELECT i, 5 FROM generate_series(1, 5) AS i")
    with connect(dsql) as first, connect(dsql) as second:
        yield Rivals(admin, first, second)
    admin.execute("DROP TABLE IF EXISTS copied CASCADE")


def test_each_statement_of_a_pipeline_is_the_one_that_was_sent(rivals: Rivals) -> None:
    rivals.first.execute("BEGIN")
    rivals.first.execute("UPDATE copied SET v = v + 100 WHERE id = 1")
    with rivals.second.pipeline():
        rivals.second.execute("BEGIN")
        rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = %s", (1,))
        rivals.second.execute("DELETE FROM copied WHERE id = %s", (5,))
    assert rivals.end() is None
    assert rivals.rows() == [(1, 6), (2, 5), (3, 5), (4, 5)]


@pytest.mark.parametrize("writes", [1, 15, 16, 17, 40])
@pytest.mark.parametrize("pipelined", [False, True])
def test_a_conflict_undoes_the_last_of_many_writes_alone(
    rivals: Rivals, writes: int, *, pipelined: bool
) -> None:
    rivals.admin.execute("INSERT INTO copied SELECT i, 0 FROM generate_series(101, 140) AS i")
    rivals.first.execute("BEGIN")
    rivals.first.execute("UPDATE copied SET v = v + 100 WHERE id = 1")
    with rivals.second.pipeline() if pipelined else nullcontext():
        rivals.second.execute("BEGIN")
        for number in range(writes):
            rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = %s", (101 + number,))
        rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = %s", (1,))
        for number in range(writes):  # in a pipeline, PostgreSQL skips these at first
            rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = %s", (101 + number,))
        rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = %s", (1,))
    assert rivals.end() is None
    assert rivals.rows(b"SELECT v FROM copied WHERE id = 1") == [(7,)]
    written = [(2,)] * writes + [(0,)] * (40 - writes)
    assert rivals.rows(b"SELECT v FROM copied WHERE id > 100 ORDER BY id") == written


def test_a_second_conflict_far_behind_the_first_is_met_too(rivals: Rivals) -> None:
    rivals.admin.execute("CREATE TABLE copied_too (id int PRIMARY KEY, v int)")
    rivals.admin.execute("INSERT INTO copied_too VALUES (1, 0)")
    rivals.conflict()
    rivals.first.execute("UPDATE copied_too SET v = v + 100 WHERE id = 1")
    for _ in range(20):
        rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = 2")
    rivals.second.execute("UPDATE copied_too SET v = v + 1 WHERE id = 1")
    assert rivals.end() is None
    assert rivals.rows(b"SELECT v FROM copied_too") == [(1,)]
    assert rivals.rows(b"SELECT v FROM copied WHERE id <= 2 ORDER BY id") == [(6,), (25,)]
    rivals.admin.execute("DROP TABLE copied_too")


def test_many_rows_come_back_through_a_conflict(rivals: Rivals) -> None:
    rivals.first.execute("BEGIN")
    rivals.first.execute("UPDATE copied SET v = v + 100 WHERE id = 1")
    cursor = rivals.second.cursor()
    rivals.second.execute("BEGIN")
    query = "UPDATE copied SET v = v + 1 WHERE id = %s RETURNING id"
    cursor.executemany(query, [(2,), (1,), (3,)], returning=True)
    assert [result.fetchall() for result in cursor.results()] == [[(2,)], [(1,)], [(3,)]]
    assert rivals.end() is None
    assert rivals.rows() == [(1, 6), (2, 6), (3, 6), (4, 5), (5, 5)]


@pytest.mark.parametrize("query", [b"UPDATE copied SET v = 77 WHERE id = 4; COMMIT", b"COMMIT; SELECT 1"])
def test_a_commit_among_other_statements_is_refused(rivals: Rivals, query: bytes) -> None:
    rivals.conflict()
    rivals.first.execute("ROLLBACK")
    with pytest.raises(psycopg.errors.SerializationFailure):
        rivals.second.execute(query)
    assert rivals.rows() == [(i, 5) for i in range(1, 6)]


@pytest.mark.parametrize(
    "past",
    [
        b"SELECT id FROM copied WHERE id = 2 FOR UPDATE",
        b"SELECT 1 FROM touched()",
        b"UPDATE seen SET v = 9 WHERE id = 2",
    ],
)
def test_what_goes_past_a_copy_cannot_be_committed(rivals: Rivals, past: bytes) -> None:
    rivals.admin.execute("CREATE VIEW seen AS SELECT * FROM copied")
    rivals.admin.execute(
        "CREATE FUNCTION touched() RETURNS bigint LANGUAGE sql AS "
        "$$ UPDATE public.copied SET v = 1000 WHERE id = 2 RETURNING v::bigint $$"
    )
    try:
        rivals.conflict()
        rivals.second.execute(past)
        assert rivals.end() == OC000
        assert rivals.rows() == [(i, 5) for i in range(1, 6)]
    finally:
        rivals.admin.execute("DROP FUNCTION touched()")


def test_rows_copied_in_after_a_conflict_are_stored_or_refused(rivals: Rivals) -> None:
    rivals.conflict()
    with rivals.second.cursor() as cursor, cursor.copy("COPY public.copied FROM STDIN") as copy:
        copy.write_row((9, 9))
    assert rivals.end() == OC000
    assert rivals.rows() == [(i, 5) for i in range(1, 6)]


def test_a_value_written_as_it_was_is_a_write(rivals: Rivals) -> None:
    rivals.conflict()
    rivals.second.execute("UPDATE copied SET v = 5 WHERE id = 2")
    rivals.admin.execute("UPDATE copied SET v = 6 WHERE id = 2")
    assert rivals.end() == OC000
    assert rivals.rows()[1] == (2, 6)


def test_a_row_locked_and_committed_by_another_is_a_conflict(rivals: Rivals) -> None:
    rivals.conflict()
    rivals.second.execute("UPDATE copied SET v = 7 WHERE id = 2")
    with rivals.admin.transaction():
        rivals.admin.execute("SELECT id FROM copied WHERE id = 2 FOR UPDATE")
    assert rivals.end() == OC000


def test_a_table_of_the_same_name_elsewhere_is_left_alone(rivals: Rivals) -> None:
    rivals.admin.execute("CREATE SCHEMA elsewhere")
    rivals.admin.execute("CREATE TABLE elsewhere.copied (id int PRIMARY KEY, v int)")
    rivals.admin.execute("INSERT INTO elsewhere.copied VALUES (1, 1000)")
    try:
        rivals.conflict()
        rivals.second.execute("DELETE FROM elsewhere.copied WHERE id = 1")
        assert rivals.end() == OC000
        assert rivals.rows() == [(i, 5) for i in range(1, 6)]
        assert rivals.rows(b"SELECT * FROM elsewhere.copied") == [(1, 1000)]
    finally:
        rivals.admin.execute("DROP SCHEMA elsewhere CASCADE")


def test_columns_may_be_named_with_table_and_schema(rivals: Rivals) -> None:
    rivals.conflict()
    rivals.second.execute("UPDATE public.copied SET v = 8 WHERE public.copied.id = 2")
    assert rivals.end() is None
    assert rivals.rows()[:2] == [(1, 6), (2, 8)]


def test_a_role_sees_no_more_in_a_copy_than_in_the_table(rivals: Rivals, dsql: LocalCluster) -> None:
    rivals.admin.execute("CREATE ROLE humble WITH LOGIN")
    rivals.admin.execute("AWS IAM GRANT humble TO 'arn:aws:iam::123456789012:role/humble'")
    rivals.admin.execute("GRANT SELECT (id), UPDATE (v) ON copied TO humble")
    rivals.first.execute("BEGIN")
    rivals.first.execute("UPDATE copied SET v = v + 100 WHERE id = 1")
    with connect(dsql, "humble") as humble:
        humble.execute("BEGIN")
        with pytest.raises(psycopg.errors.SerializationFailure):
            humble.execute("UPDATE copied SET v = 0 WHERE id = 1")
    rivals.first.execute("ROLLBACK")
    rivals.admin.execute("AWS IAM REVOKE humble FROM 'arn:aws:iam::123456789012:role/humble'")
    rivals.admin.execute("REVOKE ALL ON copied FROM humble")
    rivals.admin.execute("REVOKE ALL (id, v) ON copied FROM humble")
    rivals.admin.execute("DROP ROLE humble")


def test_a_transaction_that_cannot_be_committed_holds_nobody_up(rivals: Rivals) -> None:
    rivals.admin.execute("CREATE TABLE held (id int PRIMARY KEY, v int)")
    rivals.admin.execute("INSERT INTO held VALUES (1, 5)")
    rivals.first.execute("BEGIN")
    rivals.first.execute("UPDATE copied SET v = v + 100 WHERE id = 1")
    rivals.second.execute("BEGIN")
    rivals.second.execute("UPDATE held SET v = 6")
    rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = 1")
    rivals.second.execute("SELECT id FROM copied WHERE id = 2 FOR UPDATE")
    rivals.admin.execute("UPDATE held SET v = 7")
    assert rivals.end() == OC000
    assert rivals.rows(b"SELECT id, v FROM held") == [(1, 7)]
    rivals.admin.execute("DROP TABLE held")


HANGS: dict[str, tuple[list[bytes], list[bytes]]] = {
    "a view": ([b"CREATE VIEW seen AS SELECT * FROM copied"], []),
    "a function that reads it": (
        [b"CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT sum(v) FROM public.copied'"],
        [b"DROP FUNCTION total()"],
    ),
    "a table that refers to it": (
        [
            b"CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES copied (id))",
            b"INSERT INTO child VALUES (1, 1)",
        ],
        [b"DROP TABLE child"],
    ),
    "a table that goes with it": (
        [
            b"CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES copied (id) ON DELETE CASCADE)",
            b"INSERT INTO child VALUES (1, 1)",
        ],
        [b"DROP TABLE child"],
    ),
}
"""What hangs on the table: what makes it, and what takes it away again."""


@pytest.fixture(params=HANGS)
def hanging(request: pytest.FixtureRequest, rivals: Rivals) -> Iterator[Rivals]:
    makes, drops = HANGS[request.param]
    for statement in makes:
        rivals.admin.execute(statement)
    yield rivals
    rivals.first.execute("ROLLBACK")
    rivals.second.execute("ROLLBACK")
    for statement in drops:
        rivals.admin.execute(statement)


def test_the_first_to_commit_wins_whatever_hangs_on_the_table(hanging: Rivals) -> None:
    hanging.conflict()
    hanging.second.execute("INSERT INTO copied VALUES (6, 6)")
    hanging.second.execute("DELETE FROM copied WHERE id = 5")
    hanging.second.execute("COMMIT")
    with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
        hanging.first.execute("COMMIT")
    assert hanging.rows() == [(1, 6), (2, 5), (3, 5), (4, 5), (6, 6)]


def test_the_second_to_commit_loses_whatever_hangs_on_the_table(hanging: Rivals) -> None:
    hanging.conflict()
    hanging.first.execute("COMMIT")
    with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
        hanging.second.execute("COMMIT")
    assert hanging.rows() == [(1, 105), *((i, 5) for i in range(2, 6))]


@pytest.fixture
def families(rivals: Rivals) -> Iterator[Rivals]:
    """Two tables of which the second refers to the first, each with a row that both sessions change."""
    rivals.admin.execute("CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES copied (id), v int)")
    rivals.admin.execute("INSERT INTO child VALUES (1, 1, 5)")
    rivals.first.execute("BEGIN")
    rivals.second.execute("BEGIN")
    for session in (rivals.first, rivals.second):
        session.execute("UPDATE child SET v = v + 1 WHERE id = 1")
        session.execute("UPDATE copied SET v = v + 1 WHERE id = 1")
    yield rivals
    rivals.first.execute("ROLLBACK")
    rivals.second.execute("ROLLBACK")
    rivals.admin.execute("DROP TABLE child")


def test_rows_are_written_back_before_those_that_refer_to_them(families: Rivals) -> None:
    families.second.execute("INSERT INTO copied VALUES (7, 7)")
    families.second.execute("INSERT INTO child VALUES (2, 7, 7)")
    assert families.end() is None
    assert families.rows(b"SELECT parent, v FROM child ORDER BY id") == [(1, 6), (7, 7)]


def test_rows_are_deleted_after_those_that_refer_to_them(families: Rivals) -> None:
    families.second.execute("DELETE FROM child WHERE id = 1")
    families.second.execute("DELETE FROM copied WHERE id = 1")
    assert families.end() is None
    assert families.rows(b"SELECT count(*) FROM child") == [(0,)]
    assert families.rows()[0] == (2, 5)


def test_a_reference_to_no_row_is_never_stored(families: Rivals) -> None:
    families.second.execute("INSERT INTO child VALUES (3, 99, 0)")
    assert families.end() == OC000
    assert families.rows(b"SELECT id FROM child") == [(1,)]


def test_what_a_cascade_would_change_is_read_past_the_copy_and_not_committed(rivals: Rivals) -> None:
    rivals.admin.execute(
        "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES copied (id) ON DELETE CASCADE)"
    )
    rivals.admin.execute("INSERT INTO child VALUES (1, 1)")
    rivals.conflict()
    rivals.second.execute("DELETE FROM copied WHERE id = 1")
    rivals.second.execute("SELECT count(*) FROM child")
    assert rivals.end() == OC000
    assert rivals.rows(b"SELECT count(*) FROM child") == [(1,)]
    rivals.admin.execute("DROP TABLE child")


@pytest.fixture
def numbered(rivals: Rivals) -> Iterator[Rivals]:
    rivals.admin.execute(
        "CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY, v int)"
    )
    rivals.admin.execute("INSERT INTO numbered (v) VALUES (5)")
    rivals.first.execute("BEGIN")
    rivals.second.execute("BEGIN")
    for session in (rivals.first, rivals.second):
        session.execute("UPDATE numbered SET v = v + 1")
    yield rivals
    rivals.first.execute("ROLLBACK")
    rivals.second.execute("ROLLBACK")
    rivals.admin.execute("DROP TABLE numbered")


def test_a_table_that_numbers_its_rows_goes_on_with_its_numbers(numbered: Rivals) -> None:
    given = numbered.second.execute("INSERT INTO numbered (v) VALUES (7) RETURNING id").fetchone()
    assert given == (2,)
    assert numbered.end() is None
    assert numbered.rows(b"SELECT id, v FROM numbered ORDER BY id") == [(1, 6), (2, 7)]
    numbered.admin.execute("INSERT INTO numbered (v) VALUES (8)")
    assert numbered.rows(b"SELECT id FROM numbered WHERE v = 8") == [(3,)]


@pytest.mark.parametrize(
    "statement",
    [
        b"INSERT INTO numbered (id, v) VALUES (50, 0)",
        b"INSERT INTO numbered VALUES (50, 0)",
        b"UPDATE numbered SET id = 50",
    ],
)
def test_a_number_of_the_users_is_never_stored(numbered: Rivals, statement: bytes) -> None:
    numbered.second.execute(statement)
    assert numbered.end() == OC000
    assert numbered.rows(b"SELECT id, v FROM numbered") == [(1, 5)]


def test_a_commit_that_lost_makes_nobody_lose_against_what_comes_after_it(
    dsql: LocalCluster, rivals: Rivals
) -> None:
    with connect(dsql) as third:
        for _ in range(40):
            rivals.conflict()
            rivals.first.execute("COMMIT")
            third.execute("BEGIN")
            third.execute("UPDATE copied SET v = v + 1000 WHERE id = 2")
            with pytest.raises(psycopg.errors.SerializationFailure):
                rivals.second.execute("COMMIT")
            rivals.second.execute("BEGIN")
            rivals.second.execute("UPDATE copied SET v = v + 1 WHERE id = 2")
            third.execute("COMMIT")  # the first of the two
            with pytest.raises(psycopg.errors.SerializationFailure):
                rivals.second.execute("COMMIT")
    assert rivals.rows() == [(1, 4005), (2, 40005), (3, 5), (4, 5), (5, 5)]
