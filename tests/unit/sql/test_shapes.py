"""Statements without their literals: what is kept of one that has run."""

# ruff: noqa: S608 - statements are what is tested

import pytest

from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.shapes import MAX_LOOKED_AT, shape


def digest(value: str) -> str:
    return f"<{value}>"


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        (
            "UPDATE t SET a = 'secret', n = n + 1 WHERE id = $1",
            "UPDATE t SET a = %s, n = n + %s WHERE id = %s",
        ),
        (
            "SELECT e'secret', U&'secret', $$secret$$, $q$secret$q$, b'01', N'secret', -5, 1.5e3",
            "SELECT %s, …, -%s, %s",
        ),
        ("SELECT 1 -- secret\n/* secret */ FROM t1", "SELECT %s FROM t1"),
        ("SELECT a % 2 FROM t WHERE a IN (1, 2, 3, 4, 5)", "SELECT a %% %s FROM t WHERE a IN (%s, …)"),
        ("INSERT INTO t VALUES (1, 'secret'), (2, 'secret')", "INSERT INTO t VALUES (%s, %s), …"),
        ("CREATE INDEX ASYNC i ON t (a) WHERE b = 'secret'", "CREATE INDEX ASYNC i ON t (a) WHERE b = %s"),
        ("AWS IAM GRANT r TO 'secret'", "AWS IAM GRANT r TO %s"),
        ("CREATE ROLE r LOGIN PASSWORD 'secret'", "CREATE … PASSWORD"),
        ("SELECT 'secret", "a statement that cannot be read"),
        ("INSERT INTO t VALUES ('" + "secret" * MAX_LOOKED_AT + "')", "INSERT … (400,026 characters)"),
    ],
)
def test_no_literal_is_kept(sql: str, kept: str) -> None:
    if "characters" in kept:
        kept = f"INSERT … ({len(sql):,} characters)"
    shaped = shape(sql, [7], digest)
    assert shaped.text == kept
    assert "secret" not in shaped.text


def test_a_long_statement_is_cut() -> None:
    assert shape("SELECT " + ", ".join(f"column_{n}" for n in range(100)), [], digest).text.endswith("…")


@pytest.mark.parametrize(
    ("sql", "verb", "values"),
    [
        (
            "UPDATE s.t AS x SET a = 1 WHERE x.id = 7 AND k = $1 AND (a = 1 OR b = 2)",
            "UPDATE",
            {"id": "7", "k": "42"},
        ),
        ("DELETE FROM s.t WHERE 'KEY' = name AND n > 3", "DELETE", {"name": ""}),
        ("INSERT INTO s.t (id, name) VALUES ($1::bigint, 'x')", "INSERT", {"id": "42", "name": ""}),
        ("INSERT INTO s.t (id) VALUES (1), (2)", "INSERT", {}),
        ("INSERT INTO s.t (id) SELECT 1", "INSERT", {}),
        ("SELECT * FROM s.t WHERE id = 7 FOR UPDATE", "SELECT FOR UPDATE", {"id": "7"}),
        ("WITH d AS (DELETE FROM s.t WHERE id = 7 RETURNING *) SELECT * FROM d", "DELETE", {"id": "7"}),
        ("UPDATE s.t SET a = 1 WHERE id = NULL OR id = 1", "UPDATE", {}),
        ("UPDATE s.t x SET a = 1 FROM s.o WHERE o.id = 5 AND x.k = o.k AND id = 6", "UPDATE", {}),
        ("UPDATE s.t x SET a = 1 FROM s.o WHERE x.id = 5 AND o.id = 6", "UPDATE", {"id": "5"}),
        ("DELETE FROM s.t USING s.o WHERE o.id = 5 AND t.n = 7", "DELETE", {"n": "7"}),
        ("SELECT FROM s.t, o WHERE t.id = 5 AND o.k = 6 FOR UPDATE OF t", "SELECT FOR UPDATE", {"id": "5"}),
        (
            "SELECT * FROM o JOIN s.t AS x USING (k) WHERE id = 5 AND x.n = 6 FOR UPDATE OF x",
            "SELECT FOR UPDATE",
            {"n": "6"},
        ),
    ],
)
def test_rows_are_known_by_the_values_they_are_compared_with(
    sql: str, verb: str, values: dict[str, str]
) -> None:
    (access,) = shape(sql, [42], digest).accesses
    assert (access.table, access.verb) == (TableName("s", "t"), verb)
    assert {column: value.shown for column, value in access.values.items()} == values


def test_a_value_that_may_be_a_secret_has_a_digest_alone() -> None:
    uuid = "0B54B3B1-1111-2222-3333-0123456789AB"
    (first,) = shape("UPDATE t SET a = 1 WHERE token = 'secret' AND id = $1", [uuid], digest).accesses
    assert (first.values["token"].shown, first.values["token"].digest) == ("", "<secret>")
    assert first.values["id"].shown == uuid.lower()


@pytest.mark.parametrize(
    ("assignment", "counts"),
    [
        ("n = n + 1", True),
        ("n = 1 + t.n", True),
        ("n = n - $1", True),
        ("n = m + 1", False),
        ("n = n + m", False),
        ("n = u.n + 1 FROM u", False),
        ("n = t.n + 1 FROM u", True),
        ("n = 1", False),
    ],
)
def test_a_counter_adds_to_itself(assignment: str, counts: bool) -> None:  # noqa: FBT001 - a row of a table
    (access,) = shape(f"UPDATE t SET {assignment} WHERE t.id = 1", [1], digest).accesses
    assert access.counts is counts


@pytest.mark.parametrize(
    ("assignment", "counts"),
    [("n = t.n + 1", True), ("n = t.n + excluded.n", True), ("n = excluded.n", False), ("n = 1", False)],
)
def test_an_upsert_may_count(assignment: str, counts: bool) -> None:  # noqa: FBT001 - a row of a table
    upsert = f"INSERT INTO t (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET {assignment}"
    (access,) = shape(upsert, [], digest).accesses
    assert (access.verb, access.counts) == ("INSERT", counts)


def test_all_that_is_locked_is_known() -> None:
    shaped = shape("SELECT * FROM a JOIN b ON a.id = b.id, c FOR UPDATE OF a, c", [], digest)
    assert [access.table.table for access in shaped.accesses] == ["a", "c"]
    shaped = shape("SELECT * FROM a JOIN b ON a.id = b.id FOR UPDATE OF a FOR SHARE", [], digest)
    assert [access.table.table for access in shaped.accesses] == ["a", "b"]


def test_sequences_are_known_that_a_statement_draws_from() -> None:
    shaped = shape("INSERT INTO t VALUES (nextval('s.orders'), nextval('s.orders'::regclass))", [], digest)
    assert shaped.sequences == ("s.orders",)


@pytest.mark.parametrize(
    ("sql", "of_catalogs"),
    [
        (
            "WITH w AS (SELECT oid FROM pg_class) SELECT * FROM w JOIN pg_attribute a ON a.attrelid = w.oid",
            True,
        ),
        ("SELECT * FROM sys.jobs", True),
        ("SELECT 1", False),
        ("SELECT * FROM t, pg_class", False),
        ("INSERT INTO t SELECT relname FROM pg_class", False),
    ],
)
def test_reads_of_catalogs_are_known(sql: str, of_catalogs: bool) -> None:  # noqa: FBT001 - a row of a table
    assert shape(sql, [], digest).of_catalogs is of_catalogs


def test_what_only_reads_changes_nothing() -> None:
    assert shape("SELECT * FROM t WHERE id = 1", [], digest).accesses == ()
    assert shape("WITH a AS (SELECT 1) SELECT * FROM a FOR UPDATE", [], digest).accesses == ()
