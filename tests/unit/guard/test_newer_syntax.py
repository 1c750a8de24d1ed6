"""Syntax of PostgreSQL 17 and 18, which Aurora DSQL does not have."""

import pytest

from awslabs_dsql_mcp.guard.guard import check_statement


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("UPDATE t SET a = 1 RETURNING old.a, new.a", "RETURNING of old and new rows"),
        ("DELETE FROM t RETURNING old.*", "RETURNING of old and new rows"),
        ("INSERT INTO t VALUES (1) RETURNING WITH (OLD AS o) o.a", "RETURNING of old and new rows"),
        ("WITH q AS (DELETE FROM t RETURNING old.a) SELECT * FROM q", "RETURNING of old and new rows"),
        ("CREATE VIEW v AS SELECT json_value('{}', '$.a')", "JSON_VALUE"),
        ("CREATE TABLE t (a jsonb CHECK (json_exists(a, '$.b')))", "JSON_EXISTS"),
        ("SELECT * FROM t, json_table(t.a, '$' COLUMNS (b int PATH '$.b')) FOR UPDATE OF t", "JSON_TABLE"),
        ("INSERT INTO t VALUES (json_scalar(1))", "JSON_SCALAR()"),
        ("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)", "virtual generated columns"),
        ("CREATE TABLE t (a int CHECK (a > 1) NOT ENFORCED)", "NOT ENFORCED"),
        ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT ENFORCED", "NOT ENFORCED"),
        ("ALTER TABLE t ALTER CONSTRAINT c NOT ENFORCED", "ALTER CONSTRAINT"),
        ("CREATE TABLE t (a int, d date, UNIQUE (a, d WITHOUT OVERLAPS))", "WITHOUT OVERLAPS"),
        ("CREATE TABLE t (a int, CONSTRAINT c NOT NULL a)", "NOT NULL as a constraint"),
        ("CREATE TABLE t (a int NOT NULL NO INHERIT)", "NO INHERIT"),
        ("GRANT MAINTAIN ON t TO r", "MAINTAIN"),
    ],
)
def test_what_postgresql_16_does_not_have_is_refused_by_its_name(sql: str, name: str) -> None:
    refusal = check_statement(sql, writes=True).refusal
    assert refusal is not None
    assert name in refusal.why
    assert "PostgreSQL 16" in refusal.why


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE old SET a = 1 RETURNING old.a",
        "UPDATE t AS new SET a = 1 FROM u AS old RETURNING old.a, new.a",
        "DELETE FROM t RETURNING old, new, t.a, (SELECT old.b FROM u AS old)",
        "INSERT INTO t VALUES (1) RETURNING a",
        "CREATE TABLE t (a int NOT NULL, CHECK (a > 1), FOREIGN KEY (a) REFERENCES u, b int REFERENCES u)",
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) STORED)",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1) NOT VALID",
        "CREATE DOMAIN d AS int NOT NULL CHECK (VALUE > 1)",
        "INSERT INTO t VALUES (json_object('a': 1), json_array(1), '{}' IS JSON)",
    ],
)
def test_what_postgresql_16_has_is_not_taken_for_newer(sql: str) -> None:
    assert check_statement(sql, writes=True).refusal is None
