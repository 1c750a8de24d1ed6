"""What Aurora DSQL says to each statement that it refuses, word for word."""

import pytest

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, refusal_in, translate

NONCE = "n0nce"


def refused(sql: str) -> Refusal | None:
    """The refusal that a text is translated to."""
    (found,) = translate(sql, NONCE)
    return refusal_in(found.sql.replace("''", "'"), NONCE)


UNSUPPORTED = {
    "TRUNCATE t": "unsupported statement: Truncate",
    "CREATE EXTENSION IF NOT EXISTS pgcrypto": "unsupported statement: CreateExtension",
    "CREATE DATABASE d": "unsupported statement: Createdb",
    "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()": "CREATE TRIGGER not supported",
    "CREATE TEMP TABLE t (id int)": "TEMPORARY or TEMP table not supported for CREATE TABLE",
    "CREATE TABLE pg_temp.t (id int)": "TEMPORARY or TEMP table not supported for CREATE TABLE",
    "CREATE UNLOGGED TABLE t (id int)": "UNLOGGED table not supported for CREATE TABLE",
    "CREATE TABLE t AS SELECT 1": "unsupported statement: CreateTableAs",
    "SELECT 1 INTO t": "unsupported statement: CreateTableAs",
    "CREATE MATERIALIZED VIEW v AS SELECT 1": "unsupported statement: CreateTableAs",
    "CREATE TYPE mood AS ENUM ('sad', 'ok')": "CREATE TYPE not supported",
    "CREATE TYPE pair AS (a int, b int)": "unsupported statement: CompositeType",
    "CREATE TYPE r AS RANGE (subtype = int4)": "unsupported statement: CreateRange",
    "ALTER TYPE mood ADD VALUE 'meh'": "ALTER TYPE not supported",
    "ALTER TYPE pair ADD ATTRIBUTE c int": "ALTER TYPE not supported",
    "ALTER TYPE mood RENAME TO moods": "unsupported object in RENAME statement",
    "DROP TYPE IF EXISTS mood": "unsupported object in DROP statement",
    "DROP TRIGGER g ON t": "unsupported object in DROP statement",
    "CREATE TABLESPACE s LOCATION '/tmp/x'": "unsupported statement: CreateTableSpace",
    "CREATE FOREIGN TABLE f (id int) SERVER s": "unsupported statement: CreateForeignTable",
    "VACUUM t": "unsupported VACUUM statement",
    "VACUUM (ANALYZE)": "unsupported VACUUM statement",
    "ALTER SYSTEM SET work_mem = '4MB'": "unsupported statement: AlterSystem",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'x'": (
        "CREATE FUNCTION with language plpgsql not supported"
    ),
    "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'": "PROCEDURE is not supported",
    "MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING": "unsupported statement type: MERGE",
    "SELECT a FROM t TABLESAMPLE SYSTEM (1)": "TABLESAMPLE clause not supported",
    "SELECT 1 FROM t FOR SHARE": ("locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported"),
    "SELECT 1 FROM (SELECT 1 FROM t FOR NO KEY UPDATE) q FOR UPDATE": (
        "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported"
    ),
    "LISTEN c": "unsupported statement: Listen",
    "NOTIFY c, 'x'": "unsupported statement: Notify",
    "UNLISTEN *": "unsupported statement: Unlisten",
    "LOCK TABLE t": "unsupported statement: Lock",
    "DO 'x'": "unsupported statement: Do",
    "DECLARE c CURSOR FOR SELECT 1": "unsupported statement: DeclareCursor",
    "FETCH 10 FROM c": "unsupported statement: Fetch",
    "CLOSE c": "unsupported statement: ClosePortal",
    "PREPARE p AS SELECT 1": "unsupported statement: Prepare",
    "EXECUTE p": "unsupported statement: Execute",
    "EXPLAIN EXECUTE p": "unsupported statement: Execute",
    "DEALLOCATE p": "unsupported statement: Deallocate",
    "DISCARD ALL": "unsupported statement: Discard",
    "LOAD 'x'": "unsupported statement: Load",
    "CHECKPOINT": "unsupported statement: CheckPoint",
    "CLUSTER t": "unsupported statement: Cluster",
    "REINDEX TABLE t": "unsupported statement: Reindex",
    "CREATE POLICY p ON t": "unsupported statement: CreatePolicy",
    "CREATE RULE r AS ON INSERT TO t DO NOTHING": "unsupported statement: Rule",
    "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()": (
        "unsupported statement: CreateEventTrig"
    ),
    "CREATE PUBLICATION p": "unsupported statement: CreatePublication",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p": "unsupported statement: CreateSubscription",
    "CREATE SERVER s FOREIGN DATA WRAPPER w": "unsupported statement: CreateForeignServer",
    "CREATE AGGREGATE a (int) (SFUNC = f, STYPE = int)": "unsupported statement: Define",
    "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple)": "unsupported statement: Define",
    "CREATE LANGUAGE l HANDLER h": "unsupported statement: CreatePLang",
    "SECURITY LABEL ON TABLE t IS 'x'": "unsupported statement: SecLabel",
    "ALTER FUNCTION f() IMMUTABLE": "unsupported statement: AlterFunction",
    "ALTER ROLE r SET work_mem = 1": 'setting configuration parameter "work_mem" not supported',
    "ALTER USER r SET default_transaction_isolation FROM CURRENT": (
        'setting configuration parameter "default_transaction_isolation" not supported'
    ),
    "SET SESSION AUTHORIZATION r": 'setting configuration parameter "session_authorization" not supported',
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE": (
        "Unsupported isolation level: SERIALIZABLE"
    ),
    "SELECT pg_backend_pid()": "function pg_backend_pid not supported",
    "CREATE ROLE r PASSWORD 'x'": "role option PASSWORD not supported",
    "CREATE ROLE r WITH LOGIN CONNECTION LIMIT 3": "role option CONNECTION LIMIT not supported",
    "COPY t FROM '/tmp/x'": "COPY is only supported FROM STDIN and TO STDOUT",
    "COPY t TO PROGRAM 'cat'": "COPY is only supported FROM STDIN and TO STDOUT",
    "GRANT CONNECT ON DATABASE postgres TO r": "unsupported object type in GRANT",
    "GRANT USAGE ON SCHEMA public TO r": "feature not supported on system entity",
    "REVOKE USAGE ON SCHEMA s, public FROM r": "feature not supported on system entity",
    "SELECT pg_advisory_unlock_all()": "function pg_advisory_unlock_all not supported",
    "SELECT * FROM pg_catalog.pg_try_advisory_lock(1)": "function pg_try_advisory_lock not supported",
    "SELECT line('{1,2,3}')": "datatype line not supported",
    "SELECT circle('<(0,0),1>'::text)": "datatype circle not supported",
    "SELECT '(1,2)'::point": "datatype point not supported",
    "SELECT set_config('response.headers', '[]', true)": (
        'setting configuration parameter "response.headers" not supported'
    ),
    "CREATE VIEW v AS SELECT * FROM t TABLESAMPLE SYSTEM (1)": "TABLESAMPLE clause not supported",
    "CREATE TEMP VIEW v AS SELECT 1": "TEMPORARY or TEMP view not supported for CREATE VIEW",
    "CREATE TEMP SEQUENCE s CACHE 1": "TEMPORARY or TEMP sequence not supported for CREATE SEQUENCE",
    "DROP INDEX CONCURRENTLY i": "DROP INDEX CONCURRENTLY must be first action in transaction",
    "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)": "unsupported ALTER DOMAIN ADD CONSTRAINT statement",
    "ALTER DOMAIN d SET NOT NULL": "unsupported ALTER DOMAIN SET NOT NULL statement",
}

SETTINGS = {
    "SET statement_timeout = 1": 'setting configuration parameter "statement_timeout" not supported',
    "SET LOCAL lock_timeout = 1": 'setting configuration parameter "lock_timeout" not supported',
    "SET dsql.max_rows = 1": 'setting configuration parameter "dsql.max_rows" not supported',
    "SET ROLE r": 'setting configuration parameter "role" not supported',
    "SET SESSION AUTHORIZATION r": 'setting configuration parameter "session_authorization" not supported',
    "RESET statement_timeout": 'setting configuration parameter "statement_timeout" not supported',
    "SET default_transaction_isolation = 'repeatable read'": (
        'setting configuration parameter "default_transaction_isolation" not supported'
    ),
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ": (
        'setting configuration parameter "TRANSACTION" not supported'
    ),
    "SET TRANSACTION READ ONLY": 'setting configuration parameter "TRANSACTION" not supported',
    "SET TRANSACTION SNAPSHOT 'x'": 'setting configuration parameter "TRANSACTION SNAPSHOT" not supported',
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE": "Unsupported isolation level: SERIALIZABLE",
    "BEGIN ISOLATION LEVEL SERIALIZABLE": "Unsupported isolation level: SERIALIZABLE",
    "START TRANSACTION ISOLATION LEVEL READ COMMITTED": "Unsupported isolation level: READ COMMITTED",
    "BEGIN READ ONLY, ISOLATION LEVEL READ UNCOMMITTED": "Unsupported isolation level: READ UNCOMMITTED",
    "SAVEPOINT s": "unsupported transaction statement: SAVEPOINT",
    "RELEASE s": "unsupported transaction statement: RELEASE",
    "ROLLBACK TO s": "unsupported transaction statement: ROLLBACK TO",
    "COMMIT AND CHAIN": "unsupported transaction statement: COMMIT AND CHAIN",
    "ROLLBACK AND CHAIN": "unsupported transaction statement: ROLLBACK AND CHAIN",
    "PREPARE TRANSACTION 'x'": "unsupported transaction statement: PREPARE TRANSACTION",
    "COMMIT PREPARED 'x'": "unsupported transaction statement: COMMIT PREPARED",
}

CACHE = "please define CACHE greater than or equal to 65536 or equal to 1"
NO_CACHE = f"is not supported without an explicit cache size. {CACHE}"

TABLES = {
    "CREATE TABLE t (a int) PARTITION BY HASH (a)": "PARTITION BY clause not supported for CREATE TABLE",
    "CREATE TABLE t PARTITION OF p DEFAULT": "PARTITION OF clause not supported for CREATE TABLE",
    "CREATE TABLE t (a int) INHERITS (p)": "INHERITS clause not supported for CREATE TABLE",
    "CREATE TABLE t OF pair": "OF clause not supported for CREATE TABLE",
    "CREATE TABLE t (a int) WITH (fillfactor = 70)": "WITH clause not supported for CREATE TABLE",
    "CREATE TABLE t (a int) TABLESPACE s": "TABLESPACE clause not supported for CREATE TABLE",
    "CREATE TABLE t (a int) USING heap": "USING clause not supported for CREATE TABLE",
    "CREATE TABLE t (a int) ON COMMIT DROP": "ON COMMIT clause not supported for CREATE TABLE",
    "CREATE TABLE t (a int, EXCLUDE (a WITH =))": "EXCLUDE constraint not supported",
    'CREATE TABLE t (a text COLLATE "C")': "COLLATE clause not supported",
    "CREATE TABLE t (a text COMPRESSION lz4)": "COMPRESSION clause not supported",
    "CREATE TABLE t (a int PRIMARY KEY DEFERRABLE)": "DEFERRABLE constraint not supported",
    "CREATE TABLE t (a int, UNIQUE (a) DEFERRABLE)": "DEFERRABLE constraint not supported",
    "CREATE SCHEMA s CREATE TABLE t (a money)": "datatype money not supported",
    "CREATE SCHEMA s CREATE TABLE t (a int) CREATE SEQUENCE q": f"CREATE SEQUENCE {NO_CACHE}",
    "CREATE SCHEMA s GRANT USAGE ON LANGUAGE sql TO r": "unsupported object type in GRANT",
    "CREATE SCHEMA s GRANT USAGE ON SCHEMA public TO r": "feature not supported on system entity",
    "CREATE SCHEMA s CREATE VIEW v AS SELECT 1 FROM t TABLESAMPLE system (1)": (
        "TABLESAMPLE clause not supported"
    ),
    "CREATE SCHEMA s CREATE TABLE t (a int) CREATE INDEX ON t (a)": (
        "unsupported mode. please use CREATE INDEX ASYNC."
    ),
    "CREATE SCHEMA s CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()": "CREATE TRIGGER not supported",
    "CREATE TABLE t (a int DEFAULT pg_advisory_lock(1))": "function pg_advisory_lock not supported",
    "CREATE TABLE t (a text CHECK (a::point IS NULL))": "datatype point not supported",
    "CREATE DOMAIN d AS text DEFAULT circle('x')": "datatype circle not supported",
    "ALTER TABLE t ALTER a SET DEFAULT line('x')": "datatype line not supported",
    "CREATE INDEX ASYNC i ON t ((box(a)))": "datatype box not supported",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'TRUNCATE t'": "unsupported statement: Truncate",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'COPY t TO PROGRAM ''x''; SELECT 1'": (
        "COPY is only supported FROM STDIN and TO STDOUT"
    ),
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DO 'BEGIN END' $$": "unsupported statement: Do",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ CREATE TEMP TABLE t (a int) $$": (
        "TEMPORARY or TEMP table not supported for CREATE TABLE"
    ),
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT set_config('dsql.rows', '', true) $$": (
        'setting configuration parameter "dsql.rows" not supported'
    ),
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS "
    "$a$ CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1' $a$": (
        "unsupported statement: CreateFunction"
    ),
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN pg_advisory_lock(1)": (
        "function pg_advisory_lock not supported"
    ),
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1 FROM t FOR SHARE; END": (
        "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported"
    ),
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET dsql.max_rows = 9 AS 'SELECT 1'": (
        'setting configuration parameter "dsql.max_rows" not supported'
    ),
    "CREATE DOMAIN d AS inet": "datatype inet not supported",
    'CREATE DOMAIN d AS text COLLATE "C"': "COLLATE clause not supported",
    "CREATE SEQUENCE s": f"CREATE SEQUENCE {NO_CACHE}",
    "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY)": f"identity column {NO_CACHE}",
    "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)": f"identity column {NO_CACHE}",
    "CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY (CACHE 1))": (
        "datatype integer not supported, identity column type must be bigint"
    ),
    "CREATE TABLE t (id smallint GENERATED ALWAYS AS IDENTITY (CACHE 70000))": (
        "datatype smallint not supported, identity column type must be bigint"
    ),
    "CREATE TABLE t (j jsonb PRIMARY KEY)": "datatype jsonb is not supported in a key",
    "CREATE TABLE t (a int, j bytea, UNIQUE (a, j))": "datatype bytea is not supported in a key",
}

ALTERS = {
    "ADD COLUMN a int DEFAULT 7": "ALTER TABLE ADD COLUMN with constraint not supported",
    "ADD COLUMN a int NOT NULL": "ALTER TABLE ADD COLUMN with constraint not supported",
    "ADD COLUMN a int CHECK (a > 0)": "ALTER TABLE ADD COLUMN with constraint not supported",
    "ADD COLUMN a int UNIQUE": "ALTER TABLE ADD COLUMN with constraint not supported",
    "ADD a integer GENERATED BY DEFAULT AS IDENTITY (CACHE 1)": (
        "ALTER TABLE ADD COLUMN with constraint not supported"
    ),
    "ADD b int, ADD COLUMN a text GENERATED ALWAYS AS (lower(e)) STORED": (
        "ALTER TABLE ADD COLUMN with constraint not supported"
    ),
    'ADD COLUMN a text COLLATE "C" NOT NULL': "COLLATE clause not supported",
    "ADD COLUMN a money": "datatype money not supported",
    "ADD COLUMN a text[]": "datatype text[] not supported",
    "ALTER a TYPE xml": "unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement",
    "ALTER a TYPE varchar(20)": "unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement",
    "ALTER a SET NOT NULL": "unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement",
    "ALTER a SET STATISTICS 10": "unsupported ALTER TABLE ALTER COLUMN ... SET STATISTICS statement",
    "ALTER a SET COMPRESSION lz4": "unsupported ALTER TABLE ALTER COLUMN ... SET COMPRESSION statement",
    "ALTER a ADD GENERATED ALWAYS AS IDENTITY": f"identity column {NO_CACHE}",
    "ADD CHECK (a > 0)": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES p": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ADD PRIMARY KEY (a)": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ADD PRIMARY KEY USING INDEX i": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ADD UNIQUE (a)": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ADD EXCLUDE (a WITH =)": "unsupported ALTER TABLE ADD CONSTRAINT statement",
    "ADD CONSTRAINT c UNIQUE USING INDEX i DEFERRABLE": (
        "ALTER TABLE / ADD CONSTRAINT UNIQUE / DEFERRED / INITIALLY DEFERRED not supported"
    ),
    "VALIDATE CONSTRAINT c": "unsupported ALTER TABLE VALIDATE CONSTRAINT statement",
    "ENABLE ROW LEVEL SECURITY": "unsupported ALTER TABLE ENABLE ROW SECURITY statement",
    "REPLICA IDENTITY FULL": "unsupported ALTER TABLE REPLICA IDENTITY statement",
    "DISABLE TRIGGER g": "unsupported ALTER TABLE DISABLE TRIGGER statement",
    "ENABLE RULE r": "unsupported ALTER TABLE ENABLE RULE statement",
    "SET TABLESPACE s": "unsupported ALTER TABLE SET TABLESPACE statement",
    "SET (fillfactor = 70)": "unsupported ALTER TABLE SET statement",
    "INHERIT p": "unsupported ALTER TABLE INHERIT statement",
    "ATTACH PARTITION p DEFAULT": "unsupported ALTER TABLE ATTACH PARTITION statement",
    "CLUSTER ON i": "unsupported ALTER TABLE CLUSTER ON statement",
}

INDEXES = {
    "CREATE INDEX i ON t (a)": "unsupported mode. please use CREATE INDEX ASYNC.",
    "CREATE INDEX CONCURRENTLY i ON t USING btree (a)": "CONCURRENTLY not supported for CREATE INDEX",
    "CREATE INDEX ASYNC CONCURRENTLY i ON t (a)": "CONCURRENTLY not supported for CREATE INDEX",
    "CREATE INDEX i ON t USING btree (a)": "USING not supported for CREATE INDEX",
    "CREATE INDEX ASYNC i ON t USING gin (a)": "USING not supported for CREATE INDEX",
    "CREATE INDEX ASYNC i ON t (a DESC)": "specifying sort order not supported for index keys",
    "CREATE INDEX ASYNC i ON t (b, a ASC)": "specifying sort order not supported for index keys",
    "CREATE INDEX ASYNC i ON t (a text_pattern_ops)": "opclass not supported for index keys",
    'CREATE INDEX ASYNC i ON t (a COLLATE "C")': "COLLATE clause not supported",
    "CREATE INDEX ASYNC i ON t (a) WITH (fillfactor = 70)": "WITH not supported for CREATE INDEX",
    "CREATE INDEX ASYNC i ON t (a) TABLESPACE s": "TABLESPACE not supported for CREATE INDEX",
    "ALTER TABLE ASYNC t VALIDATE CONSTRAINT c, ADD a int": "unsupported ALTER TABLE ASYNC statement",
}

FEATURES = {
    **UNSUPPORTED,
    **SETTINGS,
    **TABLES,
    **{f"ALTER TABLE t {action}": message for action, message in ALTERS.items()},
    **INDEXES,
}


@pytest.mark.parametrize("sql", FEATURES)
def test_what_a_cluster_lacks_is_refused_in_its_words(sql: str) -> None:
    assert refused(sql) == Refusal("0A000", FEATURES[sql])


def columns(count: int) -> str:
    return ", ".join(f"c{number}" for number in range(count))


def wrong_cache(size: int) -> Refusal:
    return Refusal("22023", f"CACHE ({size}) must be greater than or equal to 65536 or equal to 1")


NO_FUNCTION = (
    "No function matches the given name and argument types. You might need to add explicit type casts."
)

OTHERWISE = {
    "CREATE SEQUENCE s CACHE 20": wrong_cache(20),
    "ALTER SEQUENCE s CACHE 5": wrong_cache(5),
    "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 65535))": wrong_cache(65535),
    "ALTER TABLE t ALTER a SET CACHE 7": wrong_cache(7),
    "CREATE SEQUENCE s AS int CACHE 1": Refusal("22023", "sequence type must be bigint"),
    "CREATE SEQUENCE s AS decimal(10, 0) CACHE 1": Refusal("22023", "sequence type must be bigint"),
    "SELECT _dsql_create_index_async('SET dsql.max_rows = 9')": Refusal(
        "42883", "function _dsql_create_index_async does not exist", NO_FUNCTION
    ),
    'SELECT * FROM "pg_catalog"._dsql_write_back()': Refusal(
        "42883", "function pg_catalog._dsql_write_back does not exist", NO_FUNCTION
    ),
    'SELECT 1 WHERE U&"\\005fdsql_doom"() IS NULL': Refusal(
        "42883", "function _dsql_doom does not exist", NO_FUNCTION
    ),
    "CREATE TABLE t (id serial)": Refusal("42704", 'type "serial" does not exist'),
    "CREATE TABLE t (id bigserial)": Refusal("42704", 'type "bigserial" does not exist'),
    "ALTER TABLE t ADD COLUMN id serial": Refusal("42704", 'type "serial" does not exist'),
    "CREATE TABLE t (a text, b text GENERATED ALWAYS AS (to_tsvector('english', a)::text) STORED)": (
        Refusal("42704", 'text search configuration "english" does not exist')
    ),
    "SELECT to_tsvector('english', 'x')": (
        Refusal("42704", 'text search configuration "english" does not exist')
    ),
    "SELECT 1 WHERE to_tsvector('simple', 'a') @@ plainto_tsquery('a')": (
        Refusal("42704", 'text search configuration "english" does not exist')
    ),
    "SELECT websearch_to_tsquery('german'::regconfig, 'x')": (
        Refusal("42704", 'text search configuration "german" does not exist')
    ),
    "CREATE INDEX ASYNC public.i ON t (a)": Refusal("42601", 'syntax error at or near "."'),
    "CREATE INDEX ASYNC IF NOT EXISTS ON t (a)": Refusal("42601", 'syntax error at or near "ON"'),
    f"CREATE INDEX ASYNC i ON t ({columns(9)})": (
        Refusal("54011", "more than 8 column keys in an index are not supported")
    ),
    f"CREATE TABLE t (a int, PRIMARY KEY ({columns(9)}))": (
        Refusal("54011", "more than 8 column keys in an index are not supported")
    ),
    "CREATE TABLE t (" + ", ".join(f"c{number} int" for number in range(256)) + ")": (
        Refusal("54011", "tables can have at most 255 columns")
    ),
    "CREATE TABLE t (a char(4097))": (
        Refusal("54000", "Datatype limit greater than 4096 bytes not supported for char")
    ),
    "CREATE TABLE t (a varchar(65536))": (
        Refusal("54000", "Datatype limit greater than 65535 bytes not supported for varchar")
    ),
    "CREATE VIEW v AS SELECT '" + "x" * 525_000 + "'": Refusal("54000", "view definition too large"),
    "CREATE TABLE t (a varchar(2001) PRIMARY KEY)": (
        Refusal("54000", "key size greater than 2000 bytes not supported")
    ),
    "CREATE TABLE t (a varchar(1500), b char(501), UNIQUE (a, b))": (
        Refusal("54000", "key size greater than 2000 bytes not supported")
    ),
}


@pytest.mark.parametrize("sql", OTHERWISE)
def test_some_refusals_have_sqlstates_of_their_own(sql: str) -> None:
    assert refused(sql) == OTHERWISE[sql]


TYPES = {
    "money": "money",
    "xml": "xml",
    "inet": "inet",
    "cidr": "cidr",
    "macaddr": "macaddr",
    "point": "point",
    "polygon": "polygon",
    "tsvector": "tsvector",
    "int4range": "int4range",
    "bit(8)": "bit",
    "varbit(8)": "bit varying",
    "bit varying": "bit varying",
    "pg_lsn": "pg_lsn",
    '"char"': '"char"',
    "pg_catalog.inet": "inet",
    "int[]": "integer[]",
    "int[][3]": "integer[]",
    "text[]": "text[]",
    "varchar(5)[]": "character varying[]",
    "timestamptz[]": "timestamp with time zone[]",
    "mood[]": "mood[]",
}


@pytest.mark.parametrize("written", TYPES)
def test_a_column_s_type_is_named_as_postgresql_displays_it(written: str) -> None:
    assert refused(f"CREATE TABLE t (c {written})") == Refusal(
        "0A000", f"datatype {TYPES[written]} not supported"
    )
