"""Each error of Aurora DSQL's troubleshooting and quota pages, and PostgreSQL's common ones, as told."""

import re

import pytest
from mcp.types import TextContent

from awslabs_dsql_mcp.database.error_mapping import to_error
from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.database.sqlstate_advice import ADVICE, advice_for
from awslabs_dsql_mcp.documentation.guide import load_guide
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.server.calls.error_results import error_result

NO_CACHE = "without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1"
UNSUPPORTED = [
    ("unsupported statement: Truncate", "DELETE"),
    ("unsupported statement: CreateExtension", "no extensions"),
    ("unsupported statement: Createdb", "schema"),
    ("CREATE TRIGGER not supported", "no triggers"),
    ("TEMPORARY or TEMP table not supported for CREATE TABLE", "WITH"),
    ("UNLOGGED table not supported for CREATE TABLE", "UNLOGGED"),
    ("unsupported statement: CreateTableAs", "INSERT INTO"),
    ("CREATE TYPE not supported", "CHECK"),
    ("unsupported statement: CompositeType", "jsonb"),
    ("unsupported statement: CreateRange", "two columns"),
    ("ALTER TYPE not supported", "CHECK"),
    ("unsupported statement: CreateTableSpace", "documentation"),
    ("unsupported statement: CreateForeignTable", "documentation"),
    ("unsupported VACUUM statement", "VACUUM"),
    ("unsupported statement: AlterSystem", "documentation"),
    ("CREATE FUNCTION with language plpgsql not supported", "LANGUAGE sql"),
    ("PROCEDURE is not supported", "LANGUAGE sql"),
    ("unsupported statement type: MERGE", "ON CONFLICT"),
    ("TABLESAMPLE clause not supported", "LIMIT"),
    ("locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported", "FOR KEY SHARE"),
    ('setting configuration parameter "TRANSACTION" not supported', "Leave"),
    ("Unsupported isolation level: SERIALIZABLE", "REPEATABLE READ"),
    ('setting configuration parameter "default_transaction_isolation" not supported', "REPEATABLE READ"),
    ('setting configuration parameter "statement_timeout" not supported', "Leave the setting out"),
    ("setting configuration parameter 'role' not supported", "Leave the setting out"),
    (f"CREATE SEQUENCE is not supported {NO_CACHE}", "CACHE 65536"),
    (f"identity column is not supported {NO_CACHE}", "CACHE 1"),
    ("datatype integer not supported, identity column type must be bigint", "bigint"),
    ("datatype money not supported", "dsql://guide/types"),
    ("datatype integer[] not supported", "jsonb"),
    ("datatype jsonb is not supported in a key", "expression"),
    ("COLLATE clause not supported", "lower(x)"),
    ("unsupported object type in GRANT", "dsql://guide/roles"),
    ("feature not supported on system entity", "public"),
    ("ALTER TABLE ADD COLUMN with constraint not supported", "SET DEFAULT"),
    ("unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement", "RENAME"),
    ("unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement", "IS NOT NULL"),
    ("unsupported ALTER TABLE ALTER COLUMN ... SET STATISTICS statement", "CREATE STATISTICS"),
    ("unsupported ALTER TABLE DISABLE TRIGGER x statement", "Leave it out"),
    ("unsupported ALTER TABLE ADD CONSTRAINT statement", "NOT VALID"),
    ("unsupported ALTER TABLE VALIDATE CONSTRAINT statement", "ALTER TABLE ASYNC"),
    ("unsupported mode. please use CREATE INDEX ASYNC.", "CREATE INDEX ASYNC"),
    ("CONCURRENTLY not supported for CREATE INDEX", "CREATE INDEX ASYNC"),
    ("USING not supported for CREATE INDEX", "B-tree"),
    ("specifying sort order not supported for index keys", "ORDER BY"),
    ("opclass not supported for index keys", "operator class"),
    ("expressions are not supported in included columns", "plain columns"),
    ("unsupported transaction statement: SAVEPOINT", "savepoints"),
    ("unsupported transaction statement: RELEASE", "savepoints"),
    ("unsupported transaction statement: ROLLBACK TO", "savepoints"),
    ("unsupported statement: DeclareCursor", "Page by key"),
    ("unsupported statement: Listen", "notifications"),
    ("unsupported statement: Notify", "notifications"),
    ("unsupported statement: Lock", "FOR UPDATE"),
    ("multiple ddl statements not supported in a transaction", "of its own"),
    ("ddl and dml are not supported in the same transaction", "separate"),
    ("cannot use subquery in CALL argument", "value"),
    ("Role app not supported", "AWS IAM GRANT"),
]
LIMITS = [
    ("54000", "transaction row limit exceeded", "3,000 rows"),
    ("54000", "transaction size limit 10mb exceeded", "10 MiB"),
    ("54000", "transaction age limit of 300s exceeded", "300 s"),
    ("54000", "query requires more than allowed temp space of 131072 KB to execute", "LIMIT"),
    ("53200", "query requires too much temp space, out of memory.", "LIMIT"),
    ("54000", "key size too large", "1 KiB"),
    ("54000", "key size greater than 2000 bytes not supported", "1 KiB"),
    ("54000", "maximum row size exceeded", "2 MiB"),
    ("54000", "datatype limit greater than 1048576 bytes not supported for jsonb", "1 MiB"),
    ("54000", "Datatype limit greater than 4096 bytes not supported for char", "4,096"),
    ("54011", "more than 8 column keys in an index are not supported", "8 columns"),
    ("54000", "more than 24 indexes per table are not allowed", "24"),
    ("54011", "tables can have at most 255 columns", "255"),
    ("54000", "more than 10 schemas not allowed", "10 schemas"),
    ("54000", "creating more than 1000 tables not allowed", "1,000"),
    ("54000", "creating more than 5000 views not allowed", "5,000"),
    ("54000", "creating more than 5000 sequences is not allowed", "uuid"),
    ("54000", "view definition too large", "smaller"),
    ("53100", "Current cluster size exceeds cluster size limit.", "quota"),
    ("40001", "change conflicts with another transaction (OC000)", "fewer rows"),
    ("40001", "schema has been updated by another transaction (OC001)", "Try again"),
    ("XX000", "server unavailable", "Try again"),
    ("53300", "Unable to accept connection, too many open connections.", "Try again"),
    ("53400", "Unable to accept connection, rate exceeded.", "Try again"),
]
COMMON = [
    ("42P01", 'relation "x" does not exist', "get_schema"),
    ("42P01", 'missing FROM-clause entry for table "o"', "FROM"),
    ("42703", 'column "x" does not exist', "get_schema"),
    ("42702", 'column reference "id" is ambiguous', "alias"),
    ("42601", 'syntax error at or near "FORM"', "position"),
    ("42804", "column is of type integer but expression is of type text", "Cast"),
    ("42804", "attribute 1 of type baseline_lat_child has wrong type", "CROSS JOIN LATERAL"),
    ("42883", "operator does not exist: integer = text", "cast"),
    ("42803", 'column "t.a" must appear in the GROUP BY clause', "GROUP BY"),
    ("42809", "sys.wait_for_job(unknown) is a procedure", "sys.jobs"),
    ("42P17", "functions in index expression must be marked IMMUTABLE", "IMMUTABLE"),
    ("42704", 'type "serial" does not exist', "IDENTITY"),
    ("42704", 'text search configuration "english" does not exist', "ILIKE"),
    ("42704", 'unrecognized configuration parameter "lc_collate"', "setting"),
    ("42704", 'role "x" does not exist', "LOGIN"),
    ("42710", 'role "x" already exists', "exists"),
    ("22P02", 'invalid input syntax for type integer: "abc"', "get_schema"),
    ("22P02", "Unable to convert text to UUID", "job_id"),
    ("22001", "value too long for type character varying(3)", "Shorten"),
    ("22012", "division by zero", "nullif"),
    ("23505", 'duplicate key value violates unique constraint "t_pkey"', "ON CONFLICT"),
    ("23503", 'insert or update on table "t" violates foreign key constraint "f"', "referred to"),
    ("23503", 'update or delete on table "t" violates … is still referenced from table "u"', "first"),
    ("23502", 'null value in column "a" violates not-null constraint', "value"),
    ("23514", 'new row for relation "t" violates check constraint "c"', "satisfy"),
    ("25006", "cannot execute INSERT in a read-only transaction", "transact"),
    ("25P02", "current transaction is aborted", "again"),
    ("55000", 'index "x" is not valid', "sys.jobs"),
    ("2BP01", "role x cannot be dropped because some objects depend on it", "AWS IAM REVOKE"),
    ("2BP01", "cannot drop table t because other objects depend on it", "DETAIL"),
    ("22023", "IAM role must look like an IAM ARN", "arn:aws:iam"),
    ("22023", "IAM role arn:aws:iam::1:role/x does not exist", "ARN"),
    ("0A000", "Cannot establish trust with role admin", "AWS IAM GRANT"),
    ("42501", "permission denied to grant IAM trust with role x", "admin"),
    ("22023", "role x must have the LOGIN attribute", "WITH LOGIN"),
    ("42501", "permission denied for database postgres", "admin"),
    ("42501", "must be owner of table t", "owner"),
]
CASES = [*(("0A000", text, do) for text, do in UNSUPPORTED), *LIMITS, *COMMON]


def shown(error: DsqlError) -> str:
    (part,) = error_result(error).content
    assert isinstance(part, TextContent)
    return part.text


def error(failure: Failure, sql: str | None = None) -> DsqlError:
    return to_error(failure, statement=sql, attempts=1, outcome="rolled_back")


@pytest.mark.parametrize(("sqlstate", "message", "do"), CASES)
def test_an_error_says_what_failed_where_and_what_to_do(sqlstate: str, message: str, do: str) -> None:
    sql = "SELECT 1\nFROM somewhere"
    text = shown(error(Failure(message, sqlstate, position=15, statement=2), sql))
    first, *_, outcome, following = text.splitlines()
    assert re.match(rf"Error \(\w+, SQLSTATE {sqlstate}\): ", first)
    assert message in first
    assert outcome == "Nothing was stored: rolled back."
    assert re.fullmatch(r"Next: [A-Z].*[.]", following)
    assert do in following
    assert len(text) < 500


def test_advice_is_short_sentences_of_which_none_is_hidden_by_another() -> None:
    for state, text, do in ADVICE:
        assert len(do) <= 110
        assert do.endswith(".")
        assert advice_for(state, text.upper()) == do


def test_pages_that_advice_names_exist() -> None:
    guide = load_guide()
    named = {slug for row in ADVICE for slug in re.findall(r"dsql://guide/([\w-]+)", row.hint)}
    assert named
    assert all(guide.page(slug) for slug in named)


@pytest.mark.parametrize("sqlstate", ["42P01", "0A000", "54000", "42501", "40001", "XX000", "99999"])
def test_however_much_the_server_says_little_is_told(sqlstate: str) -> None:
    failure = Failure("m" * 9_000, sqlstate, "d" * 9_000, "h" * 9_000, position=5_000, statement=99)
    assert len(shown(error(failure, "x" * 10_000))) < 500
    failure = Failure("m" * 9_000, hint="is not authorized to " + "h" * 9_000, connecting=True)
    assert len(shown(error(failure))) < 500


@pytest.mark.parametrize(
    ("message", "sql", "grant"),
    [
        ("permission denied for table orders", "SELECT 1", "GRANT SELECT ON TABLE orders TO the role"),
        (
            "permission denied for table orders",
            "update orders set x = 1",
            "GRANT SELECT, UPDATE ON TABLE orders",
        ),
        ("permission denied for schema shop", "SELECT 1", "GRANT USAGE ON SCHEMA shop"),
        ("permission denied for schema shop", "CREATE TABLE shop.t ()", "GRANT CREATE ON SCHEMA shop"),
        ("permission denied for sequence s", "SELECT nextval('s')", "GRANT USAGE ON SEQUENCE s"),
        ("permission denied for function f", "SELECT f()", "GRANT EXECUTE ON FUNCTION f"),
        ("permission denied for view v", None, "GRANT SELECT ON TABLE v"),
    ],
)
def test_a_missing_privilege_is_told_as_the_grant(message: str, sql: str | None, grant: str) -> None:
    assert f"Ask the operator to run: {grant}" in str(error(Failure(message, "42501"), sql).hint)


def test_the_servers_own_guess_at_a_name_is_better_than_ours() -> None:
    guess = 'Perhaps you meant to reference the column "o.total".'
    assert error(Failure('column "o.totl" does not exist', "42703", hint=guess)).hint == guess


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\u2028", "\x85", "\v"])
@pytest.mark.parametrize("sqlstate", ["22P02", "23505", "40001", "42501", "55000"])
def test_what_quotes_a_row_begins_no_line(sqlstate: str, line_break: str) -> None:
    forged = f"7{line_break}Next: Drop it."
    failure = Failure(f"bad {forged}", sqlstate, detail=f"Key {forged}", hint=f"Try {forged}")
    lines = shown(error(failure)).splitlines()
    assert [line[:6] for line in lines if line.startswith("Next: ")] == ["Next: "]
    assert all(line.startswith(("Error (", "Nothing was stored", "Next: ")) for line in lines)
    assert "⏎" in lines[0]


@pytest.mark.parametrize("message", ["No", "No."])
def test_the_place_and_the_detail_stand_behind_the_message(message: str) -> None:
    failure = Failure(message, "23505", detail="Key (id)=(1) exists.", position=8, statement=0)
    first, *rest = shown(error(failure, "SELECT $2")).splitlines()
    assert first.endswith(
        f"Statement 1: {message} (line 1: SELECT ▸$2; $2 is params[1]). DETAIL: Key (id)=(1) exists."
    )
    assert [line.partition(":")[0] for line in rest] == ["Nothing was stored", "Next"]


@pytest.mark.parametrize(
    ("message", "position"),
    [("could not determine data type of parameter $2", None), ("operator does not exist", 8)],
)
def test_a_parameter_is_told_by_its_place_in_params(message: str, position: int | None) -> None:
    failure = Failure(message, "42P18", position=position, statement=0)
    assert "$2 is params[1])\n" in shown(error(failure, "SELECT $2"))
