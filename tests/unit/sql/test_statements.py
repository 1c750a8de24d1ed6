"""What the tools learn about a statement."""

import pytest

from awslabs_dsql_mcp.errors import StatementRefused
from awslabs_dsql_mcp.guard.guard import check_statement, inspect
from awslabs_dsql_mcp.sql.statements import bind_placeholders


@pytest.mark.parametrize(
    ("sql", "kind", "category"),
    [
        ("SELECT 1", "SELECT", "read"),
        ("TABLE t", "SELECT", "read"),
        ("VALUES (1)", "VALUES", "read"),
        ("SHOW ALL", "SHOW", "read"),
        ("EXPLAIN DELETE FROM t", "EXPLAIN", "read"),
        ("EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN", "dml"),
        ("SELECT 1 FROM t FOR UPDATE", "SELECT", "dml"),
        ("SELECT nextval('s')", "SELECT", "dml"),
        ("WITH d AS (DELETE FROM t RETURNING 1) SELECT 1", "SELECT", "dml"),
        ("INSERT INTO t VALUES (1)", "INSERT", "dml"),
        ("SET LOCAL a.b = 'c'", "SET", "setting"),
        ("SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS", "setting"),
        ("CREATE TABLE t (a int)", "CREATE TABLE", "ddl"),
        ("CREATE INDEX ASYNC i ON t (a)", "CREATE INDEX ASYNC", "ddl"),
        ("ALTER TABLE ASYNC t VALIDATE CONSTRAINT c", "ALTER TABLE ASYNC", "ddl"),
        ("ALTER VIEW v RENAME COLUMN a TO b", "ALTER VIEW", "ddl"),
        ("ALTER TABLE t RENAME CONSTRAINT a TO b", "ALTER TABLE", "ddl"),
        ("DROP MATERIALIZED VIEW m", "DROP MATERIALIZED VIEW", "ddl"),
        ("DROP STATISTICS s", "DROP STATISTICS", "ddl"),
        ("GRANT a TO b", "GRANT", "ddl"),
        ("REVOKE a FROM b", "REVOKE", "ddl"),
        ("REVOKE ALL ON t FROM b", "REVOKE", "ddl"),
        ("AWS IAM GRANT a TO 'arn'", "AWS IAM GRANT", "ddl"),
    ],
)
def test_kind_and_category(sql: str, kind: str, category: str) -> None:
    statement = inspect(sql)
    assert (statement.kind, statement.category) == (kind, category)


@pytest.mark.parametrize(
    ("sql", "whole"),
    [
        ("DELETE FROM t", True),
        ("UPDATE t SET a = 1", True),
        ("DELETE FROM t WHERE true", True),
        ("DELETE FROM t WHERE 1 = 1 OR 'a' = 'b'", True),
        ("DELETE FROM t WHERE id = 1 OR true", True),
        ("DELETE FROM t WHERE (1 = 1 OR id = 1) AND (2 = 2 OR NOT id = 2)", True),
        ("UPDATE t SET a = 1 WHERE NOT (id = 1 AND false)", True),
        ("UPDATE t SET a = 1 WHERE NOT (id = 1 OR false)", False),
        ("DELETE FROM t WHERE " + "(a = 1 OR (b = 2 AND " * 800 + "true" + "))" * 800, False),
        ("DELETE FROM t WHERE true AND id = 1", False),
        ("DELETE FROM t WHERE id = 1 OR id = 2", False),
        ("DELETE FROM t USING s", True),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", True),
        ("WITH d AS (SELECT 1) UPDATE t SET a = 1", True),
        ("EXPLAIN ANALYZE DELETE FROM t", True),
        ("EXPLAIN DELETE FROM t", False),
        ("DELETE FROM t WHERE id = 1", False),
        ("DELETE FROM t WHERE id = id", True),
        ("DELETE FROM t AS x WHERE x.id >= id", True),
        ("DELETE FROM t WHERE NOT id <> t.id", True),
        ("DELETE FROM t WHERE id IS NOT DISTINCT FROM id", True),
        ("DELETE FROM t WHERE NOT (id IS DISTINCT FROM id)", True),
        ("DELETE FROM t WHERE id BETWEEN id AND id", True),
        ("DELETE FROM t WHERE id IN (1, id)", True),
        ("DELETE FROM t WHERE name LIKE '%'", True),
        ("DELETE FROM t WHERE id IN (SELECT id FROM t)", True),
        ("DELETE FROM s.t WHERE id = ANY (SELECT t.id FROM s.t)", True),
        ("UPDATE t SET a = 1 WHERE 1 = 1 AND id = id", True),
        ("UPDATE t SET a = 1 WHERE id = 1 OR id = id", True),
        ("UPDATE t SET a = 1 WHERE id = 1 AND id = id", False),
        ("DELETE FROM t WHERE id <> id", False),
        ("DELETE FROM t WHERE id IS DISTINCT FROM id", False),
        ("DELETE FROM t WHERE id NOT IN (1, id)", False),
        ("DELETE FROM t WHERE id = other", False),
        ("DELETE FROM t WHERE name LIKE '%a'", False),
        ("DELETE FROM t WHERE gone_at IS NOT NULL", False),
        ("DELETE FROM t USING s WHERE t.id = s.id", False),
        ("DELETE FROM t WHERE id IN (SELECT id FROM s)", False),
        ("DELETE FROM t WHERE id IN (SELECT id FROM s.t)", False),
        ("DELETE FROM t WHERE id IN (SELECT id FROM t WHERE id = 1)", False),
        ("DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT 5)", False),
        ("DELETE FROM t WHERE id NOT IN (SELECT id FROM t)", False),
        ("DELETE FROM t WHERE $1", False),
        ("DELETE FROM t WHERE random() < 0.5", False),
        ("UPDATE t SET a = 1 WHERE EXISTS (SELECT 1)", False),
        ("INSERT INTO t SELECT * FROM s", False),
        ("SELECT * FROM t", False),
    ],
)
def test_whole_table(sql: str, whole: bool) -> None:  # noqa: FBT001 - a table's column
    assert inspect(sql).whole_table is whole


@pytest.mark.parametrize(
    ("sql", "drops"),
    [
        ("DROP TABLE t", True),
        ("DROP ROLE r", True),
        ("DROP OWNED BY r", True),
        ("ALTER TABLE t DROP COLUMN a", True),
        ("ALTER TABLE t ALTER COLUMN a DROP NOT NULL", False),
        ("DELETE FROM t", False),
    ],
)
def test_drops(sql: str, drops: bool) -> None:  # noqa: FBT001 - a table's column
    assert inspect(sql).drops is drops


@pytest.mark.parametrize(
    ("sql", "uncounted"),
    [("DROP TABLE t", True), ("DROP SCHEMA s CASCADE", True), ("DROP INDEX i", False)],
)
def test_rows_of_what_is_dropped_are_not_counted(sql: str, uncounted: bool) -> None:  # noqa: FBT001 - a table's column
    assert inspect(sql).uncounted is uncounted


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 1", True),
        ("EXPLAIN DELETE FROM t", True),
        ("DELETE FROM t RETURNING a", True),
        ("INSERT INTO t VALUES (1) RETURNING *", True),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1 RETURNING a", True),
        ("CREATE INDEX ASYNC ON t (a)", True),
        ("ALTER TABLE ASYNC t VALIDATE CONSTRAINT c", True),
        ("UPDATE t SET a = 1", False),
        ("CREATE TABLE t (a int)", False),
        ("SET LOCAL a.b = 'c'", False),
    ],
)
def test_returns_rows(sql: str, rows: bool) -> None:  # noqa: FBT001 - a table's column
    assert inspect(sql).returns_rows is rows


@pytest.mark.parametrize(
    ("sql", "users"),
    [
        ("SELECT f(1)", True),
        ("SELECT app.now()", True),
        ("SELECT * FROM report(2024)", True),
        ("SELECT 1 OPERATOR(app.+) 2", True),
        ("SELECT a ~~~ b FROM t", True),
        ("SELECT count(*), lower(a), int4(b), pg_catalog.now() FROM t", False),
        ("SELECT information_schema._pg_truetypid(a, b) FROM t", False),
        ("SELECT sys.cluster_size()", False),
        ("SELECT a ->> 'x', a @> b, a LIKE 'x', a IN (1, 2), a BETWEEN 1 AND 2, a <> ALL (b) FROM t", False),
        ("SELECT extract(year FROM a), a AT TIME ZONE 'UTC', coalesce(a, b), current_user FROM t", False),
    ],
)
def test_user_functions(sql: str, users: bool) -> None:  # noqa: FBT001 - a table's column
    assert inspect(sql).user_functions is users


@pytest.mark.parametrize(
    ("sql", "limited"),
    [
        ("SELECT * FROM t", "SELECT * FROM t\nLIMIT 5"),
        ("SELECT 'é' -- all;", "SELECT 'é' -- all;\nLIMIT 5"),
        ("SELECT 'é' /* ; */ ; -- end", "SELECT 'é' /* ; */ \nLIMIT 5; -- end"),
        ("(SELECT 1) UNION (SELECT 2 LIMIT 1);", "(SELECT 1) UNION (SELECT 2 LIMIT 1)\nLIMIT 5;"),
        ("VALUES (1), (2)", "VALUES (1), (2)\nLIMIT 5"),
        ("TABLE t OFFSET 3", "TABLE t OFFSET 3\nLIMIT 5"),
        ("SELECT 1 LIMIT 2", None),
        ("SELECT 1 FETCH FIRST ROW ONLY", None),
        ("(SELECT 1 LIMIT 2)", None),
        ("SHOW ALL", None),
        ("EXPLAIN SELECT 1", None),
        ("DELETE FROM t RETURNING *", None),
        ("SELECT * FROM t FOR UPDATE", None),
        ("SELECT * FROM (SELECT * FROM t FOR KEY SHARE) s", None),
        ("SELECT nextval('s') FROM t", None),
        (
            "WITH d AS (DELETE FROM t RETURNING *) TABLE d",
            "WITH d AS (DELETE FROM t RETURNING *) TABLE d\nLIMIT 5",
        ),
        ("SELECT * FROM t ORDER BY 1 FETCH FIRST 3 ROWS WITH TIES", None),
        ("SELECT 1 LIMIT ALL", None),
    ],
)
def test_where_a_limit_goes(sql: str, limited: str | None) -> None:
    at = inspect(sql).limit_at
    assert (at is None) == (limited is None)
    if at is not None:
        assert f"{sql[:at]}\nLIMIT 5{sql[at:]}" == limited
        assert inspect(f"{sql[:at]}\nLIMIT 5{sql[at:]}").limit_at is None


@pytest.mark.parametrize("sql", ["", "SELECT 1; SELECT 2", "SELEC 1", "SELECT '\0'"])
def test_what_is_not_one_statement_cannot_be_inspected(sql: str) -> None:
    with pytest.raises(StatementRefused, match="Refused"):
        inspect(sql)


@pytest.mark.parametrize(
    ("sql", "count", "bound"),
    [
        ("SELECT %s, %s", 2, "SELECT $1, $2"),
        ("SELECT '%s' || '100%%'", 1, "SELECT '$1' || '100%'"),
        ("SELECT a %% b -- %s", 1, "SELECT a % b -- $1"),
        ("SELECT %%s", 0, "SELECT %s"),
        ("SELECT 5 %\n2 -- %", 0, "SELECT 5 %\n2 -- %"),
        ("SELECT 1", 0, "SELECT 1"),
    ],
)
def test_placeholders_are_numbered(sql: str, count: int, bound: str) -> None:
    assert bind_placeholders(sql, count) == bound


@pytest.mark.parametrize(
    ("sql", "count", "message"),
    [
        ("SELECT %s", 2, r"has 1 placeholder \(%s\) and 2 values"),
        ("SELECT 1", 1, "has 0 placeholders"),
        ("SELECT 5 % 2", 0, r"'% ' at character 10 is no placeholder"),
        ("SELECT %(name)s", 1, r"'%\(name\)s' at character 8 is no placeholder"),
        ("SELECT '50%'", 0, "at character 11 is no placeholder"),
    ],
)
def test_wrong_placeholders_are_named(sql: str, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bind_placeholders(sql, count)


def test_a_refusal_points_into_the_text_with_its_placeholders() -> None:
    sql = "SELECT " + "%s, " * 12 + "'100%%', pg_sleep(%s)"
    verdict = check_statement(sql, writes=False, parameters=13)
    assert verdict.sql.endswith("$12, '100%', pg_sleep($13)")
    assert verdict.refusal is not None
    assert sql[verdict.refusal.column - 1 :].startswith("pg_sleep(")
    assert verdict.refusal.text == "pg_sleep"


@pytest.mark.parametrize(
    ("sql", "line", "column", "text"),
    [
        ("SELECT 1;\n\n  DROP TABLE t", 3, 3, "DROP"),
        ("SELECT 'ééé',\n  'é' || pg_sleep(1)", 2, 10, "pg_sleep"),
        ("SELECT 'for update' FROM t -- for update\n FOR UPDATE", 2, 2, "FOR"),
        ("-- note\n  DELETE FROM t", 2, 3, "DELETE"),
        ("SELECT '😀' FORM t x", 1, 17, "t"),
        ("SELECT 1 \ud800", 1, 10, r"\ud800"),
    ],
)
def test_positions_count_characters(sql: str, line: int, column: int, text: str) -> None:
    refusal = check_statement(sql, writes=False).refusal
    assert refusal is not None
    assert (refusal.line, refusal.column, refusal.text) == (line, column, text)
