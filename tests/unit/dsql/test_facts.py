"""One row a fact: the local cluster, the guard and the migration plan act alike on each row of `dsql`.

Each row is made a statement. When the dialect refuses it, the guard refuses it too, and a plan converts it,
reports it, or stops.
"""

from typing import Final

import pytest

from awslabs_dsql_mcp.dsql import limits, unsupported
from awslabs_dsql_mcp.dsql.alter_table import ACCEPTED, REFUSED
from awslabs_dsql_mcp.dsql.types import EXTENSION_TYPES, SERIALS, TYPES
from awslabs_dsql_mcp.dsql.unsupported import SUPPORTED_STATEMENTS
from awslabs_dsql_mcp.guard.guard import check
from awslabs_dsql_mcp.local_cluster.dialect import Refusal, refusal_in, translate
from awslabs_dsql_mcp.local_cluster.dialect import statements as dialect_statements
from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.sql.parser import parse

NONCE: Final = "n0nce"


def refused(sql: str) -> Refusal | None:
    """Give the local cluster's refusal of a statement."""
    (found,) = translate(sql, NONCE)
    return refusal_in(found.sql.replace("''", "'"), NONCE)


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def without_blanks(text: str) -> str:
    return "".join(text.split())


def quoted(name: str) -> str:
    return '"char"' if name == "char" else name


ALTERS: Final = {
    "AlterColumnType": "ALTER a TYPE bigint",
    "SetNotNull": "ALTER a SET NOT NULL",
    "SetExpression": "ALTER a SET EXPRESSION AS (b)",
    "SetStatistics": "ALTER a SET STATISTICS 10",
    "SetOptions": "ALTER a SET (n_distinct = 1)",
    "ResetOptions": "ALTER a RESET (n_distinct)",
    "SetCompression": "ALTER a SET COMPRESSION lz4",
    "AlterColumnGenericOptions": "ALTER a OPTIONS (SET x '1')",
    "ValidateConstraint": "VALIDATE CONSTRAINT c",
    "ClusterOn": "CLUSTER ON i",
    "DropCluster": "SET WITHOUT CLUSTER",
    "SetAccessMethod": "SET ACCESS METHOD heap",
    "SetLogged": "SET LOGGED",
    "SetUnLogged": "SET UNLOGGED",
    "DropOids": "SET WITHOUT OIDS",
    "SetTableSpace": "SET TABLESPACE s",
    "SetRelOptions": "SET (fillfactor = 70)",
    "ResetRelOptions": "RESET (fillfactor)",
    "EnableTrig": "ENABLE TRIGGER g",
    "EnableAlwaysTrig": "ENABLE ALWAYS TRIGGER g",
    "EnableReplicaTrig": "ENABLE REPLICA TRIGGER g",
    "DisableTrig": "DISABLE TRIGGER g",
    "EnableRule": "ENABLE RULE r",
    "EnableAlwaysRule": "ENABLE ALWAYS RULE r",
    "EnableReplicaRule": "ENABLE REPLICA RULE r",
    "DisableRule": "DISABLE RULE r",
    "AddInherit": "INHERIT p",
    "DropInherit": "NO INHERIT p",
    "AddOf": "OF y",
    "DropOf": "NOT OF",
    "ReplicaIdentity": "REPLICA IDENTITY FULL",
    "EnableRowSecurity": "ENABLE ROW LEVEL SECURITY",
    "ForceRowSecurity": "FORCE ROW LEVEL SECURITY",
    "DisableRowSecurity": "DISABLE ROW LEVEL SECURITY",
    "NoForceRowSecurity": "NO FORCE ROW LEVEL SECURITY",
    "GenericOptions": "OPTIONS (SET x '1')",
    "AttachPartition": "ATTACH PARTITION p DEFAULT",
    "DetachPartition": "DETACH PARTITION p",
    "DetachPartitionFinalize": "DETACH PARTITION p FINALIZE",
    "AddColumn": "ADD a int",
    "DropColumn": "DROP a",
    "ColumnDefault": "ALTER a SET DEFAULT 1",
    "DropNotNull": "ALTER a DROP NOT NULL",
    "DropExpression": "ALTER a DROP EXPRESSION",
    "SetStorage": "ALTER a SET STORAGE plain",
    "AddIdentity": "ALTER a ADD GENERATED ALWAYS AS IDENTITY (CACHE 1)",
    "SetIdentity": "ALTER a SET GENERATED ALWAYS",
    "DropIdentity": "ALTER a DROP IDENTITY",
    "AddConstraint": "ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
    "DropConstraint": "DROP CONSTRAINT c",
    "AlterConstraint": "ALTER CONSTRAINT c DEFERRABLE",
    "ChangeOwner": "OWNER TO r",
    "EnableTrigAll": "ENABLE TRIGGER ALL",
    "DisableTrigAll": "DISABLE TRIGGER ALL",
    "EnableTrigUser": "ENABLE TRIGGER USER",
    "DisableTrigUser": "DISABLE TRIGGER USER",
}

STATEMENTS: Final = {
    "DeclareCursorStmt": "DECLARE c CURSOR FOR SELECT 1",
    "FetchStmt": "FETCH 10 FROM c",
    "ClosePortalStmt": "CLOSE c",
    "ListenStmt": "LISTEN c",
    "UnlistenStmt": "UNLISTEN *",
    "NotifyStmt": "NOTIFY c",
    "PrepareStmt": "PREPARE p AS SELECT 1",
    "ExecuteStmt": "EXECUTE p",
    "DoStmt": "DO 'x'",
    "CreateTableAsStmt": "CREATE TABLE t AS SELECT 1",
    "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW v",
    "LockStmt": "LOCK TABLE t",
    "TruncateStmt": "TRUNCATE t",
    "MergeStmt": "MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING",
    "ReindexStmt": "REINDEX TABLE t",
    "ClusterStmt": "CLUSTER t",
    "CheckPointStmt": "CHECKPOINT",
    "CreateTrigStmt": "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()",
    "CreateExtensionStmt": "CREATE EXTENSION pgcrypto",
    "CreateEnumStmt": "CREATE TYPE m AS ENUM ('a')",
    "AlterEnumStmt": "ALTER TYPE m ADD VALUE 'b'",
    "AlterTypeStmt": "ALTER TYPE m SET (STORAGE = plain)",
    "CreateRangeStmt": "CREATE TYPE r AS RANGE (subtype = int4)",
    "CompositeTypeStmt": "CREATE TYPE p AS (a int)",
    "CreatedbStmt": "CREATE DATABASE d",
    "CreatePolicyStmt": "CREATE POLICY p ON t",
    "AlterPolicyStmt": "ALTER POLICY p ON t USING (true)",
    "AlterFunctionStmt": "ALTER FUNCTION f() IMMUTABLE",
    "AlterDatabaseStmt": "ALTER DATABASE d CONNECTION LIMIT 5",
    "AlterDatabaseSetStmt": "ALTER DATABASE d SET work_mem = '1MB'",
    "AlterDatabaseRefreshCollStmt": "ALTER DATABASE d REFRESH COLLATION VERSION",
    "DropdbStmt": "DROP DATABASE IF EXISTS d",
    "AlterSystemStmt": "ALTER SYSTEM SET work_mem = '1MB'",
    "CreateTableSpaceStmt": "CREATE TABLESPACE s LOCATION '/s'",
    "DropTableSpaceStmt": "DROP TABLESPACE s",
    "AlterTableSpaceOptionsStmt": "ALTER TABLESPACE s SET (random_page_cost = 1)",
    "AlterExtensionStmt": "ALTER EXTENSION pgcrypto UPDATE",
    "AlterExtensionContentsStmt": "ALTER EXTENSION pgcrypto ADD TABLE t",
    "CreateEventTrigStmt": "CREATE EVENT TRIGGER g ON ddl_command_end EXECUTE FUNCTION f()",
    "AlterEventTrigStmt": "ALTER EVENT TRIGGER g DISABLE",
    "RuleStmt": "CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING",
    "CreatePLangStmt": "CREATE LANGUAGE l HANDLER h",
    "CreatePublicationStmt": "CREATE PUBLICATION p",
    "AlterPublicationStmt": "ALTER PUBLICATION p ADD TABLE t",
    "CreateSubscriptionStmt": "CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p",
    "AlterSubscriptionStmt": "ALTER SUBSCRIPTION s DISABLE",
    "DropSubscriptionStmt": "DROP SUBSCRIPTION s",
    "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER w",
    "AlterFdwStmt": "ALTER FOREIGN DATA WRAPPER w OPTIONS (ADD a '1')",
    "CreateForeignServerStmt": "CREATE SERVER s FOREIGN DATA WRAPPER w",
    "AlterForeignServerStmt": "ALTER SERVER s VERSION '2'",
    "CreateForeignTableStmt": "CREATE FOREIGN TABLE f (a int) SERVER s",
    "CreateUserMappingStmt": "CREATE USER MAPPING FOR u SERVER s",
    "AlterUserMappingStmt": "ALTER USER MAPPING FOR u SERVER s OPTIONS (ADD a '1')",
    "DropUserMappingStmt": "DROP USER MAPPING FOR u SERVER s",
    "CreateOpClassStmt": "CREATE OPERATOR CLASS c FOR TYPE int USING btree AS OPERATOR 1 <",
    "CreateOpFamilyStmt": "CREATE OPERATOR FAMILY f USING btree",
    "AlterOpFamilyStmt": "ALTER OPERATOR FAMILY f USING btree ADD OPERATOR 1 < (int, int)",
    "AlterOperatorStmt": "ALTER OPERATOR + (int, int) SET (RESTRICT = NONE)",
    "DefineStmt": "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)",
    "CreateAmStmt": "CREATE ACCESS METHOD m TYPE TABLE HANDLER h",
    "CreateCastStmt": "CREATE CAST (int AS text) WITH INOUT",
    "CreateConversionStmt": "CREATE CONVERSION c FOR 'UTF8' TO 'LATIN1' FROM f",
    "CreateTransformStmt": "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION f(internal))",
    "AlterTSConfigurationStmt": "ALTER TEXT SEARCH CONFIGURATION c DROP MAPPING FOR word",
    "AlterTSDictionaryStmt": "ALTER TEXT SEARCH DICTIONARY d (Language = english)",
    "SecLabelStmt": "SECURITY LABEL ON TABLE t IS 'x'",
    "AlterObjectDependsStmt": "ALTER FUNCTION f() DEPENDS ON EXTENSION e",
    "ReassignOwnedStmt": "REASSIGN OWNED BY a TO b",
}

OTHERS: Final = [
    *("CREATE TABLE t (a int) PARTITION BY RANGE (a)", "CREATE TABLE t PARTITION OF p DEFAULT"),
    *(
        "CREATE TABLE t () INHERITS (p)",
        "CREATE TABLE t OF y",
        "CREATE TABLE t (a int) WITH (fillfactor = 9)",
    ),
    *("CREATE TABLE t (a int) TABLESPACE s", "CREATE TABLE t (a int) USING heap", "CREATE TEMP TABLE t ()"),
    *("CREATE TABLE pg_temp.t (a int)", "CREATE UNLOGGED TABLE t ()", 'CREATE TABLE t (a text COLLATE "C")'),
    *("CREATE TABLE t (a text COMPRESSION lz4)", "CREATE TABLE t (a int, EXCLUDE USING btree (a WITH =))"),
    *("CREATE TABLE t (a int UNIQUE DEFERRABLE)", "CREATE TABLE t (a int, UNIQUE (a) INITIALLY DEFERRED)"),
    *("CREATE TABLE t (a char(4097))", "CREATE TABLE t (a varchar(65536))", "CREATE TABLE t (a int[])"),
    "CREATE TABLE t (a varchar(2001) PRIMARY KEY)",
    f"CREATE TABLE t ({', '.join(f'c{n} int' for n in range(limits.MAX_COLUMNS + 1))})",
    "CREATE TABLE t (UNIQUE (a, b, c, d, e, f, g, h, i))",
    "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (CACHE 1))",
    "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 2))",
    *(
        "CREATE INDEX i ON t (a)",
        "CREATE INDEX ASYNC i ON t (a) TABLESPACE s",
        "CREATE INDEX ASYNC i ON t (a ASC)",
    ),
    *("CREATE INDEX ASYNC i ON t USING btree (a)", 'CREATE INDEX ASYNC i ON t (a COLLATE "C")'),
    *("CREATE INDEX ASYNC i ON t (a, b, c, d, e, f, g, h, i)", "CREATE INDEX ASYNC i ON t (a text_ops)"),
    *("ALTER TABLE t ADD a int DEFAULT 1", "ALTER TABLE t ADD a money", "ALTER TABLE t ADD PRIMARY KEY (a)"),
    *(
        "ALTER TABLE t ADD UNIQUE (a)",
        "ALTER TABLE t ADD CHECK (a > 0)",
        "ALTER INDEX i SET (fillfactor = 9)",
    ),
    "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i DEFERRABLE",
    "ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ALTER a SET CACHE 5",
    *("CREATE DOMAIN d AS money", 'CREATE DOMAIN d AS text COLLATE "C"', "CREATE DOMAIN d AS int[]"),
    *(
        "ALTER DOMAIN d SET NOT NULL",
        "ALTER DOMAIN d ADD CHECK (VALUE > 0)",
        "ALTER DOMAIN d VALIDATE CONSTRAINT c",
    ),
    *("CREATE SEQUENCE s", "CREATE SEQUENCE s AS int CACHE 1", "CREATE TEMP SEQUENCE s CACHE 1"),
    *("ALTER SEQUENCE s CACHE 5", "ALTER SEQUENCE s AS int", "CREATE TEMP VIEW v AS SELECT 1"),
    *("CREATE PROCEDURE p() LANGUAGE sql AS ''", "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS ''"),
    *("CREATE SCHEMA s CREATE TABLE t (a money)", "CREATE SCHEMA s CREATE SEQUENCE q"),
    *("GRANT CONNECT ON DATABASE postgres TO r", "GRANT USAGE ON SCHEMA public TO r"),
    *("CREATE ROLE r PASSWORD 'x'", "ALTER ROLE r CONNECTION LIMIT 1", "ALTER ROLE r SET work_mem = 1"),
    *("DROP TYPE m", "DROP TRIGGER g ON t", "DROP INDEX CONCURRENTLY i", "ALTER TYPE m RENAME TO n"),
    *(
        "ALTER TYPE p ADD ATTRIBUTE b int",
        "ALTER MATERIALIZED VIEW v OWNER TO r",
        "DROP EXTENSION IF EXISTS e",
    ),
    *("INSERT INTO t SELECT a FROM s TABLESAMPLE SYSTEM (1)", "INSERT INTO t SELECT point(1, 2)::text"),
    *("INSERT INTO t SELECT a FROM s FOR SHARE", "UPDATE t SET a = to_tsvector('x')::text"),
    *("CREATE VIEW v AS SELECT '(1,2)'::point", "SET LOCAL statement_timeout = 1", "VACUUM t"),
    *("CREATE MATERIALIZED VIEW v AS SELECT 1", "DROP OWNED BY r", "REASSIGN OWNED BY r TO s"),
    *("CREATE RULE r AS ON INSERT TO t DO NOTHING", "CREATE AGGREGATE a (int) (sfunc = f, stype = int)"),
]


def tables(name: str) -> list[str]:
    """Make a table with a column, and one with a key, of a type."""
    return [f"CREATE TABLE t (a {quoted(name)})", f"CREATE TABLE t (a {quoted(name)} PRIMARY KEY)"]


QUERIES: Final = [
    *(
        "SELECT a FROM t TABLESAMPLE SYSTEM (1)",
        "SELECT * FROM (SELECT a FROM t TABLESAMPLE SYSTEM (1)) s",
    ),
    *(
        "SELECT point(1, 2)",
        "SELECT '(1,2)'::point",
        "SELECT circle '<(0,0),1>'",
        "VALUES (path('x'))",
    ),
    *("SELECT to_tsvector('x')", "SELECT to_tsquery('english', 'x')", "SELECT inet_server_addr()"),
    *(
        "WITH s AS (SELECT box '(0,0),(1,1)') SELECT * FROM s",
        "SELECT 1 UNION SELECT pg_advisory_lock(1)",
    ),
    *("SELECT a INTO s FROM t", "SELECT a FROM t FOR SHARE", "SELECT a FROM t FOR NO KEY UPDATE"),
    *("EXPLAIN SELECT a FROM t TABLESAMPLE SYSTEM (1)", "EXPLAIN CREATE TABLE s AS SELECT 1"),
    *("EXPLAIN EXECUTE p", "EXPLAIN SELECT polygon '(0,0)'"),
]
"""Queries that a cluster refuses, though they change nothing."""

ACCEPTED_QUERIES: Final = [
    *("SELECT 1", "SELECT a FROM t FOR UPDATE", "TABLE t", "VALUES (1)", "EXPLAIN SELECT a FROM t"),
    *("SELECT to_tsvector('simple', 'x')", "WITH s AS (SELECT 1) SELECT * FROM s", "SELECT '1'::inet"),
    *("SELECT a FROM t ORDER BY a LIMIT 1", "SELECT count(*) FROM t GROUP BY a HAVING count(*) > 1"),
]

ROWS: Final = [
    *(sql for name in [*TYPES, *SERIALS] for sql in tables(name)),
    *(f"ALTER TABLE t {form}" for form in ALTERS.values()),
    *STATEMENTS.values(),
    *OTHERS,
]


@pytest.mark.parametrize("sql", ROWS)
def test_the_guard_refuses_what_the_local_cluster_refuses(sql: str) -> None:
    assert refused(sql) is None or check(sql, writes=True) is not None


@pytest.mark.parametrize("sql", [*ROWS, *QUERIES, *ACCEPTED_QUERIES])
def test_a_plan_has_no_step_that_the_local_cluster_refuses(sql: str) -> None:
    plan = planned(sql)
    steps = [query for step in plan.steps for query in step.queries]
    assert [(query, refused(query)) for query in steps if refused(query)] == []


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_that_is_refused_blocks_the_plan(sql: str) -> None:
    assert refused(sql) is not None
    assert len(planned(f"SELECT 1; {sql}").blocked) == 1


@pytest.mark.parametrize("sql", ACCEPTED_QUERIES)
def test_a_query_that_is_accepted_is_a_step_or_is_left_out_with_a_reason(sql: str) -> None:
    plan = planned(sql)
    assert refused(sql) is None
    assert plan.blocked == ()
    assert len(plan.steps) + len(plan.skipped) == 1


@pytest.mark.parametrize("sql", ROWS)
def test_a_plan_says_what_it_did_about_a_refused_statement(sql: str) -> None:
    if refused(sql) is not None:
        plan = planned(sql)
        assert plan.skipped or any(step.notes for step in plan.steps)


@pytest.mark.parametrize("sql", OTHERS)
def test_the_local_cluster_refuses_these(sql: str) -> None:
    assert refused(sql) is not None


class TestTypes:
    """Types of columns."""

    @pytest.mark.parametrize("name", TYPES)
    def test_all_agree_whether_a_type_is_stored(self, name: str) -> None:
        (column, key), row = tables(name), TYPES[name]
        assert (refused(column) is None, check(column, writes=True) is None) == (row.stored, row.stored)
        assert (refused(key) is None, check(key, writes=True) is None) == (row.key, row.key)

    @pytest.mark.parametrize("name", [name for name, row in TYPES.items() if not row.stored])
    def test_the_guard_advises_what_a_plan_makes(self, name: str) -> None:
        (step,) = planned(tables(name)[0]).steps
        replacement = TYPES[name].replacement
        assert without_blanks(replacement) in without_blanks(step.queries[0])
        assert f"Use {replacement}" in str(check(tables(name)[0], writes=True))

    @pytest.mark.parametrize("name", SERIALS)
    def test_a_serial_becomes_the_identity_that_is_advised(self, name: str) -> None:
        (step,) = planned(tables(name)[0]).steps
        assert without_blanks(SERIALS[name].replacement) in without_blanks(step.queries[0])
        assert SERIALS[name].replacement in str(check(tables(name)[0], writes=True))

    @pytest.mark.parametrize("name", EXTENSION_TYPES)
    def test_types_of_extensions_are_replaced(self, name: str) -> None:
        (step,) = planned(tables(f"public.{name}")[0]).steps
        assert step.queries[0] == f"CREATE TABLE t (a {EXTENSION_TYPES[name].replacement})"

    def test_an_unknown_type_needs_a_human(self) -> None:
        (step,) = planned("CREATE TABLE t (a polyhedron)").steps
        assert step.notes[0].startswith("NEEDS A HUMAN: a: type polyhedron is unknown")

    def test_a_domain_of_the_script_is_known(self) -> None:
        made = planned("CREATE DOMAIN geometry AS text; CREATE TABLE t (a geometry)")
        assert [step.notes for step in made.steps] == [(), ()]


class TestAlterTable:
    """Forms of ALTER TABLE."""

    def test_each_row_has_a_statement(self) -> None:
        assert ALTERS.keys() == REFUSED.keys() | ACCEPTED

    @pytest.mark.parametrize("name", ALTERS)
    def test_all_agree_whether_a_form_is_accepted(self, name: str) -> None:
        sql = f"ALTER TABLE t {ALTERS[name]}"
        (tree,) = parse(sql)
        assert [place.node["subtype"] for place in tree.find("AlterTableCmd")] == [f"AT_{name}"]
        accepted = name in ACCEPTED
        assert (refused(sql) is None, check(sql, writes=True) is None) == (accepted, accepted)


class TestStatements:
    """Kinds of statements."""

    def test_each_row_has_a_statement(self) -> None:
        assert STATEMENTS.keys() == unsupported.STATEMENTS.keys()
        assert SUPPORTED_STATEMENTS.isdisjoint(STATEMENTS)

    @pytest.mark.parametrize("kind", STATEMENTS)
    def test_all_refuse_a_statement(self, kind: str) -> None:
        assert [tree.kind for tree in parse(STATEMENTS[kind])] == [kind]
        assert refused(STATEMENTS[kind]) is not None
        assert check(STATEMENTS[kind], writes=True) is not None

    def test_the_dialect_has_a_rule_for_each_supported_statement(self) -> None:
        assert dialect_statements.RULES.keys() == SUPPORTED_STATEMENTS
