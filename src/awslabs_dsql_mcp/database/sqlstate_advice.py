"""Table of next steps for failed statements, by SQLSTATE and message.

SQLSTATEs are PostgreSQL's (documentation, appendix A). Messages of Aurora DSQL are from its user guide
("Troubleshooting", "Quotas and limits", "SQL commands") and from answers recorded on clusters in 2026, since
the guide does not have all of them. Pages of the offline guide explain the reasons.
"""

from typing import Final, NamedTuple

from awslabs_dsql_mcp.dsql import limits

_LARGE: Final = f"CACHE {limits.MIN_LARGE_CACHE}"
_VALUE: Final = f"{limits.MAX_VALUE_BYTES >> 20} MiB"
_SPLITS: Final = "Let batch_write split it."


class Advice(NamedTuple):
    """One row of the table.

    Attributes:
        state: The SQLSTATE; empty for any.
        message_contains: Text that the message must contain, in lower case.
        hint: One imperative sentence.
    """

    state: str
    message_contains: str
    hint: str


def advice_for(state: str | None, message: str) -> str | None:
    """Find the next step; the first matching row counts.

    Args:
        state: The SQLSTATE, if there is one.
        message: The server's message.
    """
    text = message.lower()
    return next(
        (row.hint for row in ADVICE if row.state in ("", state) and row.message_contains in text), None
    )


_NAMES: Final = (
    Advice(
        "42P01", "from-clause entry", "Name the table in FROM, and columns by its alias where it has one."
    ),
    Advice(
        "42P01", "", "Call get_schema for the names of tables; write a name with its schema if it has one."
    ),
    Advice("42703", "", "Call get_schema with the table for the names of its columns."),
    Advice("42702", "", "Write the column with its table or alias: t.column."),
    Advice("42712", "", "Give each table in FROM an alias of its own."),
    Advice("42883", "", "Check the function's name and argument types; cast an argument, such as %s::int."),
    Advice("42725", "", "Cast the arguments, such as %s::text, so that one function fits."),
    Advice("3F000", "", "Call get_schema for the names of schemas, or CREATE SCHEMA first."),
    Advice("42P07", "", "Choose another name, or use the one that exists: get_schema shows it."),
    Advice("42P06", "", "Use the schema that exists."),
    Advice("42701", "", "Name each column once."),
    Advice("42710", "", "Choose another name, or use what exists."),
)
_QUERIES: Final = (
    Advice("42601", "", "Correct the syntax at the position shown; dsql://guide/sql has what differs."),
    Advice("42803", "", "Put the column in GROUP BY, or in an aggregate such as max()."),
    Advice("42P02", "", "Give a value in params for each %s."),
    Advice("08P01", "bind message supplies", "Write %s in place of $1, and give its value in params."),
    Advice("42P18", "", "Cast the placeholder to its type, such as %s::text."),
    Advice("42P10", "conflict", "Name in ON CONFLICT the columns of a unique index or the primary key."),
    Advice("42P10", "", "Use an expression of the select list there."),
    Advice("42804", "attribute", "Write CROSS JOIN LATERAL: LEFT JOIN LATERAL has a defect on Aurora DSQL."),
    Advice("42804", "type json", 'Give a JSON array or scalar as a text: the parameter "[1,2]", not [1,2].'),
    Advice("42804", "", "Cast the value to the type that is expected, such as %s::numeric."),
    Advice("42846", "", "Cast through text: value::text::type."),
    Advice("42809", "is a procedure", "Read the job's row of sys.jobs again, until completed or failed."),
    Advice(
        "42P17", "immutable", "Use functions there that are IMMUTABLE: lower(), date_trunc() on timestamp."
    ),
    Advice("21000", "", "Add LIMIT 1, or use IN in place of =."),
    Advice("22P02", "uuid", "Give a value of the type: a UUID, or a job_id of 26 letters and digits."),
    Advice("22P02", "", "Give a value of the column's type: get_schema shows it."),
    Advice("22001", "", "Shorten the value, or choose text for the column."),
    Advice("22003", "", "Give a smaller number, or cast to bigint or numeric first."),
    Advice("22007", "", "Write dates as 2026-11-30, times as 2026-11-30T12:00:00Z."),
    Advice("22008", "", "Give a date that exists."),
    Advice("22012", "", "Divide by nullif(x, 0)."),
    Advice(
        "25006",
        "",
        "Send changes, and FOR UPDATE, with transact: reads run in a READ ONLY transaction.",
    ),
    Advice("25P02", "", "Run the whole transaction again: a statement before this one failed."),
)
_DATA: Final = (
    Advice("23505", "", "Update the row that exists, or use INSERT … ON CONFLICT."),
    Advice("23503", "still referenced", "Delete or change the rows that refer to it first."),
    Advice("23503", "", "Add the row that is referred to first, or correct the key; get_schema shows both."),
    Advice("23502", "", "Give the column a value."),
    Advice("23514", "", "Give values that satisfy the constraint: get_schema shows it."),
)
_DDL: Final = (
    Advice(
        "0A000", "index async", "Write CREATE INDEX ASYNC, alone in its transact call (dsql://guide/jobs)."
    ),
    Advice("0A000", "concurrently not", "Write CREATE INDEX ASYNC in place of CONCURRENTLY."),
    Advice("0A000", "using not supported", "Leave USING out: every index is a B-tree."),
    Advice("0A000", "sort order not", "Leave ASC and DESC out of the index; ORDER BY in the query."),
    Advice("0A000", "opclass not", "Leave the operator class out of the index."),
    Advice("0A000", "in included columns", "INCLUDE plain columns only."),
    Advice("0A000", "supported in a key", "Index an expression of a plain type: ((doc ->> 'name'))."),
    Advice(
        "55000",
        "is not valid",
        "Wait for the index's job in sys.jobs; if it failed or is gone, drop the index and create it again.",
    ),
    Advice(
        "0A000", "multiple ddl", "Send each DDL statement in a transact call of its own (dsql://guide/ddl)."
    ),
    Advice(
        "0A000", "ddl and dml", "Send DDL and data changes in separate transact calls (dsql://guide/ddl)."
    ),
    Advice(
        "0A000",
        "add column with",
        "Send ADD COLUMN name type alone, then SET DEFAULT, then UPDATE. Let batch_write fill a large table.",
    ),
    Advice("0A000", "set data type", "Add a column of the new type, fill it, drop the old one, then RENAME."),
    Advice(
        "0A000",
        "set not null",
        "Add CHECK (x IS NOT NULL) NOT VALID, then ALTER TABLE ASYNC t VALIDATE CONSTRAINT c.",
    ),
    Advice(
        "0A000", "set statistics", "Leave it out; CREATE STATISTICS covers columns that depend on each other."
    ),
    Advice("0A000", "validate constraint", "Write ALTER TABLE ASYNC t VALIDATE CONSTRAINT c."),
    Advice(
        "0A000",
        "add constraint",
        "Add CHECK and FOREIGN KEY as NOT VALID, UNIQUE by USING INDEX; a PRIMARY KEY only in CREATE TABLE.",
    ),
    Advice("", "cannot drop primary key", "Make a new table without the column, and copy the rows."),
    Advice(
        "0A000",
        "cache size",
        f"Add ({_LARGE}) for speed, or (CACHE {limits.SMALL_CACHE}) for fewer gaps.",
    ),
    Advice("0A000", "must be bigint", "Make the identity column bigint."),
    Advice(
        "42704",
        "serial",
        f"Use bigint GENERATED BY DEFAULT AS IDENTITY ({_LARGE}), or a uuid.",
    ),
    Advice("42704", "text search", "Use ILIKE, or keep the words in a table of their own."),
    Advice("0A000", "collate", "Leave COLLATE out: text sorts by byte; compare lower(x) to ignore case."),
    Advice(
        "0A000",
        "datatype",
        "Use a type that can be stored (dsql://guide/types): jsonb for arrays, text for inet.",
    ),
    Advice(
        "2BP01", "role", "Send AWS IAM REVOKE first, then give away what the role owns (dsql://guide/roles)."
    ),
    Advice("2BP01", "", "Drop what depends on it first; DETAIL names it."),
)
_FORMS: Final = (
    Advice(
        "0A000",
        "truncate",
        f"Let batch_write run DELETE. By hand: under {limits.MAX_ROWS:,} rows each (documentation: dsql://guide/sql).",
    ),
    Advice("0A000", "savepoint", "Leave savepoints out: a transaction is all or nothing."),
    Advice(
        "0A000", "transaction statement: release", "Leave savepoints out: a transaction is all or nothing."
    ),
    Advice(
        "0A000", "transaction statement: rollback", "Leave savepoints out: a transaction is all or nothing."
    ),
    Advice("0A000", "declarecursor", "Page by key: WHERE key > %s ORDER BY key LIMIT 100."),
    Advice("0A000", "createtableas", "Use CREATE TABLE, then INSERT INTO … SELECT; or CREATE VIEW."),
    Advice("0A000", "temporary", "Use WITH, or an ordinary table that you drop afterwards."),
    Advice("0A000", "unlogged", "Leave UNLOGGED out."),
    Advice("0A000", "disable trigger", "Leave it out: there are no triggers."),
    Advice("0A000", "trigger", "Do it in the same transact call: there are no triggers."),
    Advice("0A000", "language", "Write LANGUAGE sql, or do it in the application."),
    Advice(
        "0A000", "procedure", "Write CREATE FUNCTION … LANGUAGE sql, or a list of statements in transact."
    ),
    Advice("0A000", "type not supported", "Use varchar with CHECK for an enum (dsql://guide/types)."),
    Advice("0A000", "compositetype", "Use columns or jsonb (dsql://guide/types)."),
    Advice("0A000", "createrange", "Use two columns, from and to (dsql://guide/types)."),
    Advice("0A000", "extension", "Leave it out: there are no extensions; gen_random_uuid() is built in."),
    Advice(
        "0A000", "merge", "Use INSERT … ON CONFLICT DO UPDATE, or UPDATE and INSERT in one transact call."
    ),
    Advice("0A000", "tablesample", "Read a range of a random key with LIMIT."),
    Advice("0A000", "locking clauses", "Use FOR UPDATE or FOR KEY SHARE."),
    Advice("0A000", "statement: lock", "Use SELECT … FOR UPDATE on the rows, in the same transact call."),
    Advice("0A000", "listen", "Read a table again every few seconds: there are no notifications."),
    Advice("0A000", "notify", "Write to a table that the others read: there are no notifications."),
    Advice("0A000", "vacuum", "Leave VACUUM out: Aurora DSQL reclaims storage itself."),
    Advice("0A000", "createdb", "Use a schema: a cluster has one database, postgres."),
    Advice("0A000", "isolation", "Leave it out: the isolation level is always REPEATABLE READ."),
    Advice("0A000", "configuration parameter", "Leave the setting out (dsql://guide/connecting)."),
    Advice("42704", "configuration parameter", "Leave the setting out: there is none of that name."),
    Advice("0A000", "object type in grant", "GRANT on schemas, tables and sequences (dsql://guide/roles)."),
    Advice("0A000", "system entity", "Leave it out: every role may use the schema public."),
    Advice("0A000", "role", "Write AWS IAM GRANT in place of this form (dsql://guide/roles)."),
    Advice("0A000", "subquery in call", "Give CALL a value, not a query."),
)
_LIMITS: Final = (
    Advice(
        "54000",
        "row limit",
        "Let batch_write split it, load_rows load what no table has. By hand: in ranges of at most "
        f"{limits.MAX_ROWS:,} rows.",
    ),
    Advice(
        "54000",
        "size limit 10mb",
        f"{_SPLITS} By hand: at most {limits.MAX_BYTES >> 20} MiB of changes a transaction (dsql://guide/limits).",
    ),
    Advice(
        "54000",
        "age limit",
        f"Make it shorter: a transaction lives {limits.MAX_TRANSACTION_SECONDS} s at most; narrow it or use "
        "an index.",
    ),
    Advice("54000", "temp space", "Filter or aggregate earlier, add LIMIT, or index the sort's columns."),
    Advice("53200", "", "Filter or aggregate earlier, add LIMIT, or index the sort's columns."),
    Advice(
        "54000",
        "key size",
        "Choose shorter keys: 1 KiB for all their columns together (dsql://guide/limits).",
    ),
    Advice(
        "54000",
        "row size",
        f"Split the row over two tables: {limits.MAX_ROW_BYTES >> 20} MiB is the most for one (dsql://guide/limits).",
    ),
    Advice(
        "54000",
        "datatype limit",
        f"Shorten it: {limits.MAX_CHAR_BYTES:,} for char, {limits.MAX_VARCHAR_BYTES:,} for varchar, {_VALUE} "
        "for a value.",
    ),
    Advice("54000", "column size", f"Shorten the value: {_VALUE} is the most (dsql://guide/limits)."),
    Advice(
        "54000",
        "indexes per table",
        f"Drop an index that no plan uses: {limits.MAX_INDEXES} a table, its primary key included.",
    ),
    Advice(
        "54011",
        "column keys",
        f"Use at most {limits.MAX_KEY_COLUMNS} columns in a key, and INCLUDE the others.",
    ),
    Advice("54011", "", f"Use at most {limits.MAX_COLUMNS} columns, or a jsonb column for the rest."),
    Advice(
        "54000",
        "schemas",
        f"Use one of the {limits.MAX_SCHEMAS} schemas that a database may have (dsql://guide/limits).",
    ),
    Advice(
        "54000",
        "tables not allowed",
        f"Drop tables that are not used: {limits.MAX_TABLES:,} is the most (dsql://guide/limits).",
    ),
    Advice(
        "54000",
        "views not allowed",
        f"Drop views that are not used: {limits.MAX_VIEWS:,} is the most (dsql://guide/limits).",
    ),
    Advice(
        "54000",
        "sequences is not",
        f"Use uuid keys, or drop sequences: {limits.MAX_SEQUENCES:,} is the most (dsql://guide/limits).",
    ),
    Advice("54000", "view definition", "Split the view into smaller ones."),
    Advice("54000", "", "Send less at once (dsql://guide/limits)."),
    Advice("53100", "", "Ask the operator to raise the cluster's storage quota, or delete data."),
    Advice("XX000", "", "Try again in a few seconds; check what was stored before you repeat a change."),
)
_ROLES: Final = (
    Advice("", "look like an iam arn", "Write the role as 'arn:aws:iam::<12 digits>:role/<name>'."),
    Advice("", "grant iam trust", "Ask the operator to run AWS IAM GRANT as admin (dsql://guide/roles)."),
    Advice("", "establish trust", "Write AWS IAM GRANT role TO 'arn:…' (dsql://guide/roles)."),
    Advice("", "login attribute", "Send ALTER ROLE … WITH LOGIN first."),
    Advice("", "iam role", "Name an IAM role that exists, by its whole ARN."),
    Advice("42704", "role", "Create the role WITH LOGIN, or correct its name (dsql://guide/roles)."),
)

ADVICE: Final = (
    *_ROLES,
    *_DDL,
    *_FORMS,
    Advice(
        "0A000", "", "Search the documentation for the form that Aurora DSQL has, or see dsql://guide/sql."
    ),
    *_LIMITS,
    *_NAMES,
    *_QUERIES,
    *_DATA,
)
