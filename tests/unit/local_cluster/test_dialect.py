"""What becomes of the statements that a cluster accepts, and what the session learns of them."""

import pytest

from awslabs_dsql_mcp.local_cluster.dialect import (
    Explanation,
    Refusal,
    StatementKind,
    TableName,
    TranslatedStatement,
    raise_sql,
    refusal_in,
    translate,
)

NONCE = "n0nce"


def only(sql: str) -> TranslatedStatement:
    """The one statement of a text."""
    (found,) = translate(sql, NONCE)
    return found


ACCEPTED = {
    "SELECT 1": StatementKind.READ,
    "VALUES (1)": StatementKind.READ,
    "TABLE t": StatementKind.READ,
    "SELECT '127.0.0.1'::inet, ARRAY[1], to_tsvector('simple', 'x'), set_config('timezone', 'UTC', true)": (
        StatementKind.READ
    ),
    "SELECT 'for share, truncate, pg_advisory_lock(1)'": StatementKind.READ,
    'SELECT s.pg_advisory_lock(1), "set_config"."async" FROM "set_config"': StatementKind.READ,
    "EXPLAIN DELETE FROM t": StatementKind.READ,
    "EXPLAIN (ANALYZE off) DELETE FROM t": StatementKind.READ,
    "COPY t TO STDOUT": StatementKind.READ,
    "COPY (SELECT 1) TO STDOUT": StatementKind.READ,
    "SELECT 1 FROM t FOR UPDATE": StatementKind.LOCK,
    "SELECT 1 FROM t FOR KEY SHARE SKIP LOCKED": StatementKind.LOCK,
    "EXPLAIN ANALYZE SELECT 1 FROM t FOR UPDATE": StatementKind.LOCK,
    "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2": StatementKind.WRITE,
    "COPY t (a) FROM STDIN (FORMAT csv)": StatementKind.WRITE,
    (
        "CREATE TABLE IF NOT EXISTS t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), j jsonb, c char)"
    ): StatementKind.DDL,
    "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY (START 5 CACHE 65536))": StatementKind.DDL,
    "CREATE TABLE t (a int REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)": StatementKind.DDL,
    "CREATE TABLE t (a varchar(2000) PRIMARY KEY, b text STORAGE external, m mood, c s.money, LIKE u)": (
        StatementKind.DDL
    ),
    "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT 1": StatementKind.DDL,
    "CREATE SEQUENCE s AS bigint CACHE 1": StatementKind.DDL,
    "ALTER SEQUENCE s RESTART": StatementKind.DDL,
    "CREATE OR REPLACE VIEW v AS SELECT 1 FROM t": StatementKind.DDL,
    "ALTER VIEW v SET (security_barrier)": StatementKind.DDL,
    "CREATE FUNCTION f() RETURNS int LANGUAGE SQL AS $$ SELECT 1 $$": StatementKind.DDL,
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC INSERT INTO t VALUES (1); SELECT 1; END": StatementKind.DDL,
    "CREATE DOMAIN d AS text CHECK (VALUE <> '')": StatementKind.DDL,
    "ALTER DOMAIN d DROP CONSTRAINT c": StatementKind.DDL,
    "CREATE STATISTICS s ON a, b FROM t": StatementKind.DDL,
    "COMMENT ON TABLE t IS 'x'": StatementKind.DDL,
    "DROP TABLE IF EXISTS t CASCADE": StatementKind.DDL,
    "DROP INDEX i": StatementKind.DDL,
    "ALTER INDEX i RENAME TO j": StatementKind.DDL,
    "ALTER TABLE t RENAME a TO b": StatementKind.DDL,
    "ALTER TABLE t SET SCHEMA s": StatementKind.DDL,
    "ALTER TABLE t OWNER TO r": StatementKind.DDL,
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO r": StatementKind.DDL,
    "GRANT USAGE ON SCHEMA s TO r": StatementKind.DDL,
    "GRANT a TO b": StatementKind.DDL,
    "CREATE ROLE r WITH LOGIN": StatementKind.DDL,
    "ALTER ROLE r WITH LOGIN": StatementKind.DDL,
    "DROP ROLE r": StatementKind.DDL,
    "BEGIN": StatementKind.BEGIN,
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY": StatementKind.BEGIN,
    "START TRANSACTION READ WRITE": StatementKind.BEGIN,
    "COMMIT AND NO CHAIN": StatementKind.COMMIT,
    "END": StatementKind.COMMIT,
    "ROLLBACK WORK": StatementKind.ROLLBACK,
    "ABORT": StatementKind.ROLLBACK,
    "SET TIME ZONE 'UTC'": StatementKind.SESSION,
    "SET NAMES 'UTF8'": StatementKind.SESSION,
    "SET search_path = disable_sync_create_index": StatementKind.SESSION,
    "SET LOCAL enable_hashjoin = off": StatementKind.SESSION,
    "SET dsql.enable_batched_nestloop = off": StatementKind.SESSION,
    "SET CONSTRAINTS ALL DEFERRED": StatementKind.SESSION,
    "RESET ALL": StatementKind.SESSION,
    "SHOW transaction_isolation": StatementKind.SESSION,
    "DEALLOCATE ALL": StatementKind.SESSION,
    "CALL sys.wait_for_job('x')": StatementKind.CALL,
    "ANALYZE t": StatementKind.OTHER,
    "": StatementKind.OTHER,
    "-- nothing": StatementKind.OTHER,
    "selec 1": StatementKind.OTHER,
    "SELECT 1 FROM t GROUP BY ALL": StatementKind.OTHER,
    "ALTER TABLE ASYNC t ADD COLUMN a int": StatementKind.OTHER,
    "AWS IAM GRANT r": StatementKind.OTHER,
    "SELECT '\0'": StatementKind.READ,
}


@pytest.mark.parametrize("sql", ACCEPTED)
def test_what_postgresql_does_alike_comes_back_as_it_is(sql: str) -> None:
    assert only(sql).sql is sql or only(sql).inserted  # an EXPLAIN is asked for VERBOSE
    assert (only(sql).kind, only(sql).changed, only(sql).tag) == (ACCEPTED[sql], False, None)


@pytest.mark.parametrize(
    "action",
    [
        "ADD COLUMN IF NOT EXISTS a int",
        "ADD COLUMN a int NULL, ALTER a SET DEFAULT 1",
        "ADD a text STORAGE plain",
        "ALTER a DROP NOT NULL",
        "ALTER a DROP EXPRESSION",
        "ALTER a SET STORAGE plain",
        "ALTER a ADD GENERATED ALWAYS AS IDENTITY (CACHE 1)",
        "ALTER a SET GENERATED ALWAYS SET INCREMENT BY 2 RESTART",
        "ALTER a DROP IDENTITY IF EXISTS",
        "ALTER CONSTRAINT c DEFERRABLE",
        "ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
        "ADD FOREIGN KEY (a) REFERENCES p NOT VALID",
        "ADD CONSTRAINT c UNIQUE USING INDEX i",
    ],
)
def test_these_forms_of_alter_table_pass(action: str) -> None:
    assert only(f"ALTER TABLE t {action}") == TranslatedStatement(
        f"ALTER TABLE t {action}", StatementKind.DDL
    )


def test_what_could_take_the_primary_key_away_is_left_to_the_catalog() -> None:
    ddl = """ALTER TABLE s."T" DROP COLUMN "it's", DROP CONSTRAINT c"""
    table, columns, constraints = """'"s"."T"'""", "ARRAY['it''s']::text[]", "ARRAY['c']::text[]"
    assert only(ddl) == TranslatedStatement(
        f"SELECT pg_catalog._dsql_drop_from_table($dsql${ddl}$dsql$, {table}, {columns}, {constraints})",
        StatementKind.DDL,
        tag="ALTER TABLE",
        changed=True,
        hide_rows=True,
    )


WRITES = {
    "INSERT INTO s.t SELECT * FROM u": [TableName("s", "t")],
    'UPDATE "T" SET a = 1 FROM u': [TableName(None, "T")],
    "WITH x AS (DELETE FROM a RETURNING *), y AS (SELECT 1) INSERT INTO b SELECT * FROM x": [
        TableName(None, "b"),
        TableName(None, "a"),
    ],
    "EXPLAIN ANALYZE UPDATE t SET a = 1": [TableName(None, "t")],
    "COPY s.t FROM STDIN": [TableName("s", "t")],
    "INSERT INTO b SELECT * FROM a FOR UPDATE": [TableName(None, "b"), TableName(None, "a")],
    "SELECT 1 FROM a, s.b FOR UPDATE": [TableName(None, "a"), TableName("s", "b")],
    "SELECT 1 FROM a x JOIN b ON true FOR UPDATE OF x": [TableName(None, "a")],
    "SELECT 1 FROM c WHERE EXISTS (SELECT FROM a FOR KEY SHARE)": [TableName(None, "a")],
    "WITH q AS (SELECT * FROM a) SELECT 1 FROM q, b FOR UPDATE": [TableName(None, "b")],
    "SELECT 1 FROM (SELECT * FROM a) q FOR UPDATE": [TableName(None, "a")],
    "SELECT 1 FROM a": [],
    "EXPLAIN UPDATE t SET a = 1": [],
}


@pytest.mark.parametrize("sql", WRITES)
def test_it_tells_the_tables_that_are_written_or_locked(sql: str) -> None:
    assert set(only(sql).writes) == set(WRITES[sql])


@pytest.mark.parametrize(
    ("sql", "sent", "analyze", "verbose"),
    [
        ("EXPLAIN SELECT 1", "EXPLAIN  VERBOSE SELECT 1", False, False),
        ("explain analyze select 1", "explain analyze VERBOSE  select 1", True, False),
        ("EXPLAIN (COSTS off) SELECT (1)", "EXPLAIN (COSTS off, VERBOSE true) SELECT (1)", False, False),
        ("EXPLAIN (VERBOSE 0) SELECT 1", "EXPLAIN (VERBOSE 0, VERBOSE true) SELECT 1", False, False),
        ("EXPLAIN (SELECT 1)", "EXPLAIN  VERBOSE (SELECT 1)", False, False),
        ("EXPLAIN ANALYZE (SELECT 1)", "EXPLAIN ANALYZE VERBOSE  (SELECT 1)", True, False),
        ("EXPLAIN ANALYZE VERBOSE SELECT 1", "EXPLAIN ANALYZE VERBOSE SELECT 1", True, True),
        ("EXPLAIN (VERBOSE, ANALYZE, FORMAT text) SELECT 1", None, True, True),
    ],
)
def test_a_plan_in_text_is_asked_for_with_verbose(
    sql: str, sent: str | None, *, analyze: bool, verbose: bool
) -> None:
    statement = only(sql)
    assert statement.explains == Explanation(sql, analyze=analyze, verbose=verbose)
    assert statement.sql.split() == (sent or sql).split()
    assert statement.inserted == len(statement.sql) - len(sql)
    assert not statement.changed


@pytest.mark.parametrize("sql", ["EXPLAIN (ANALYZE, VERBOSE, FORMAT json) SELECT 1", "SELECT 1"])
def test_no_other_answer_is_drawn(sql: str) -> None:
    assert only(sql).explains is None


CARRIED = {
    "CREATE INDEX ASYNC i ON t (a)": TranslatedStatement(
        "SELECT pg_catalog._dsql_create_index_async("
        "$dsql$CREATE INDEX       i ON t (a)$dsql$, "
        "'\"t\"', ARRAY['a']::text[]) AS job_id",
        StatementKind.DDL,
        tag="CREATE INDEX",
        changed=True,
    ),
    (
        "/**/ create unique index async if not exists i on t ((lower(a))) include (b) where c; -- b"
    ): TranslatedStatement(
        "SELECT pg_catalog._dsql_create_index_async("
        "$dsql$create unique index       if not exists i on t ((lower(a))) "
        "include (b) where c$dsql$, "
        "'\"t\"', ARRAY[]::text[]) AS job_id",
        StatementKind.DDL,
        tag="CREATE INDEX",
        changed=True,
    ),
    "CREATE INDEX ASYNC ON async (a)": TranslatedStatement(
        "SELECT pg_catalog._dsql_create_index_async("
        "$dsql$CREATE INDEX       ON async (a)$dsql$, "
        "'\"async\"', ARRAY['a']::text[]) AS job_id",
        StatementKind.DDL,
        tag="CREATE INDEX",
        changed=True,
    ),
    "CREATE INDEX ASYNC i ON t ((a || '$dsql$'))": TranslatedStatement(
        "SELECT pg_catalog._dsql_create_index_async("
        "$dsqlx$CREATE INDEX       i ON t ((a || '$dsql$'))$dsqlx$, "
        "'\"t\"', ARRAY[]::text[]) AS job_id",
        StatementKind.DDL,
        tag="CREATE INDEX",
        changed=True,
    ),
    "CREATE INDEX ASYNC i ON t (a) WHERE b = $$x$$": TranslatedStatement(
        "SELECT pg_catalog._dsql_create_index_async("
        "$dsql$CREATE INDEX       i ON t (a) WHERE b = $$x$$ $dsql$, "
        "'\"t\"', ARRAY['a']::text[]) AS job_id",
        StatementKind.DDL,
        tag="CREATE INDEX",
        changed=True,
    ),
    "ALTER TABLE ASYNC IF EXISTS s.t VALIDATE CONSTRAINT c": TranslatedStatement(
        "SELECT pg_catalog._dsql_validate_constraint_async("
        "$dsql$ALTER TABLE       IF EXISTS s.t VALIDATE CONSTRAINT c"
        "$dsql$) AS job_id",
        StatementKind.DDL,
        tag="ALTER TABLE",
        changed=True,
    ),
    "AWS IAM GRANT App TO 'arn:aws:iam::123456789012:role/it''s'": TranslatedStatement(
        "SELECT pg_catalog._dsql_iam_grant('app', ARRAY['arn:aws:iam::123456789012:role/it''s'])",
        StatementKind.DDL,
        tag="AWS IAM GRANT",
        changed=True,
        hide_rows=True,
    ),
    'aws iam revoke "it\'s ""A""" from \'a\', \'b\';': TranslatedStatement(
        """SELECT pg_catalog._dsql_iam_revoke('it''s "A"', ARRAY['a', 'b'])""",
        StatementKind.DDL,
        tag="AWS IAM REVOKE",
        changed=True,
        hide_rows=True,
    ),
    "SHOW server_version": TranslatedStatement(
        "SELECT '16.15'::text AS server_version", StatementKind.SESSION, tag="SHOW", changed=True
    ),
    "SHOW server_version_num": TranslatedStatement(
        "SELECT '160015'::text AS server_version_num", StatementKind.SESSION, tag="SHOW", changed=True
    ),
    "SHOW max_connections": TranslatedStatement(
        "SELECT '20'::text AS max_connections", StatementKind.SESSION, tag="SHOW", changed=True
    ),
    'RESET "disable_sync_create_index"': TranslatedStatement(
        "RESET dsql.disable_sync_create_index", StatementKind.SESSION, changed=True
    ),
    "SET disable_sync_create_index = off": TranslatedStatement(
        "SET dsql.disable_sync_create_index = off", StatementKind.SESSION, changed=True
    ),
    (
        "CREATE TABLE t (a numeric, b numeric(5), c /**/ decimal NOT NULL, d pg_catalog . numeric)"
    ): TranslatedStatement(
        "CREATE TABLE t (a numeric(18,6), b numeric(5), c /**/ decimal(18,6) NOT NULL, "
        "d pg_catalog . numeric(18,6))",
        StatementKind.DDL,
        changed=True,
    ),
    "ALTER TABLE t ADD COLUMN \u00e4 dec": TranslatedStatement(
        "ALTER TABLE t ADD COLUMN \u00e4 dec(18,6)", StatementKind.DDL, changed=True
    ),
    "CREATE DOMAIN d AS numeric CHECK (VALUE > 0::numeric)": TranslatedStatement(
        "CREATE DOMAIN d AS numeric(18,6) CHECK (VALUE > 0::numeric)", StatementKind.DDL, changed=True
    ),
}


@pytest.mark.parametrize("sql", CARRIED)
def test_what_only_dsql_has_is_carried_out_otherwise(sql: str) -> None:
    assert only(sql) == CARRIED[sql]


def test_it_tells_what_stands_outside_of_blocks() -> None:
    assert [only(sql).not_in_block for sql in ("ANALYZE t", "CALL sys.wait_for_job('x')", "SELECT 1")] == [
        1,
        1,
        0,
    ]


def test_a_text_is_cut_into_its_statements_without_the_comments_around_them() -> None:
    sql = "-- \u00e4\nSELECT ';' /* \u00e4 */ ; /* b */ UPDATE t SET a = 1 -- c\n;; VACUUM; SELECT 'x -- y'"
    select, update, vacuum, last = translate(sql, NONCE)
    assert select == TranslatedStatement("SELECT ';'", StatementKind.READ, offset=5)
    assert update == TranslatedStatement(
        "UPDATE t SET a = 1", StatementKind.WRITE, writes=(TableName(None, "t"),), offset=sql.index("UPDATE")
    )
    assert refusal_in(vacuum.sql, NONCE) == Refusal("0A000", "unsupported VACUUM statement")
    assert vacuum.offset == sql.index("VACUUM")
    assert last == TranslatedStatement("SELECT 'x -- y'", StatementKind.READ, offset=sql.index("SELECT 'x"))


def test_dsql_s_own_statements_may_stand_among_others() -> None:
    sql = (
        "AWS IAM GRANT r TO 'a'; SELECT 'async'; CREATE INDEX ASYNC i ON t (a); "
        "ALTER TABLE ASYNC t VALIDATE CONSTRAINT c; SELECT $$ AWS IAM $$"
    )
    found = translate(sql, NONCE)
    assert [one.tag for one in found] == ["AWS IAM GRANT", None, "CREATE INDEX", "ALTER TABLE", None]
    assert [one.offset for one in found] == [
        0,
        *(sql.index(part) for part in ("SELECT 'async", "CREATE", "ALTER", "SELECT $$")),
    ]


def test_a_function_s_body_is_not_cut() -> None:
    body = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"
    assert [one.sql for one in translate(f"{body}; SELECT 3", NONCE)] == [body, "SELECT 3"]


def test_async_as_a_name_stays_a_name() -> None:
    for sql in ("ALTER TABLE async VALIDATE CONSTRAINT c", "ALTER TABLE async ADD COLUMN a int"):
        assert only(sql).tag is None
    assert only('CREATE TABLE "async" (async int)').changed is False


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        ("SELECT", StatementKind.READ),
        ("insert", StatementKind.WRITE),
        ("with", StatementKind.READ),
    ],
)
def test_what_is_too_large_to_read_is_taken_for_what_it_begins_with(first: str, kind: StatementKind) -> None:
    sql = first + " '" + "x" * 1_000_001 + "'"
    assert only(sql) == TranslatedStatement(sql, kind)


@pytest.mark.parametrize("first", ["BEGIN;", "xyzzy", "SET search_path =", "LOCK TABLE t; --", "DO"])
def test_what_is_too_large_to_read_is_a_query_or_a_change_of_rows(first: str) -> None:
    found = only(first + " '" + "x" * 1_000_001 + "'")
    assert found.kind is StatementKind.OTHER
    assert "not a single query" in found.sql


def test_a_refusal_survives_a_server_s_error_message() -> None:
    refusal = Refusal("0A000", 'it\'s "so" \\ \u00e4', hint="do\nthis", detail="n/a")
    carried = raise_sql(refusal, NONCE)
    assert carried.isascii()
    text = carried.removeprefix("SELECT '").removesuffix("'::int4").replace("''", "'")
    assert refusal_in(f'invalid input syntax for type integer: "{text}"', NONCE) == refusal
    assert refusal_in(f'invalid input syntax for type integer: "{text}"', "another") is None


def test_the_local_clusters_own_triggers_stay_on() -> None:
    (found,) = translate("ALTER TABLE t DISABLE TRIGGER USER, ENABLE TRIGGER ALL, ADD a numeric", "n0nce")
    assert found.sql == "ALTER TABLE t SET WITHOUT CLUSTER, SET WITHOUT CLUSTER, ADD a numeric(18,6)"
