"""Any text is translated, and PostgreSQL 16 takes what it is given for what it is meant to be."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import pq

from awslabs_dsql_mcp.local_cluster.dialect import (
    Refusal,
    StatementKind,
    TableName,
    raise_sql,
    refusal_in,
    translate,
)

NONCE = "5f0e"

PIECES = (
    "select", "from", "t", "a", "(", ")", "[", "]", ",", ";", "'", '"', "$$", "$1", "--", "/*", "*/", "\n",
    "create", "table", "index", "async", "unique", "on", "alter", "validate", "constraint", "c", "aws", "iam",
    "grant", "to", "'arn'", "numeric", "decimal", "pg_catalog.", "int", "add", "column", "primary key", "set",
    "with", "as", "insert into t", "values", "update t set", "=", "1", "for update", "of", "é", "\0",
    "\ud800", "explain", "analyze", "verbose", "begin", "commit", "generated always", "identity", "cache",
    "schema", "domain", "char", "using", "default", "show", "disable_sync_create_index", "role", "copy",
)  # fmt: skip

SQL_LIKE = st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join) | st.lists(
    st.sampled_from(PIECES)
).map("".join)


@settings(max_examples=settings().max_examples * 5)
@given(st.text() | SQL_LIKE)
def test_any_text_is_translated(text: str) -> None:
    found = translate(text, NONCE)
    assert found
    for one in found:
        assert one.changed or one.sql in text
        assert text[one.offset :].startswith(one.sql) or one.changed
        assert one.changed or (one.tag, one.hide_rows) == (None, False)
        assert (one.kind in (StatementKind.WRITE, StatementKind.LOCK)) >= bool(one.writes)


STATEMENTS = st.lists(
    st.sampled_from(
        ("SELECT ';'", "SELECT $$;--$$", "UPDATE é SET a = '/*'", 'SELECT ";"', "BEGIN", "SELECT 1")
    ),
    min_size=2,
)
GAPS = st.sampled_from((";", " ; ", ";\n;", "-- é;\n;", "/* ; /* é */ */;", ";--\n", "; /**/ "))


@given(STATEMENTS, st.data())
def test_statements_are_cut_where_they_were_put_together(statements: list[str], data: st.DataObject) -> None:
    gaps = [data.draw(GAPS) for _ in statements]
    text = "".join(part for pair in zip(gaps, statements, strict=True) for part in pair)
    found = translate(text, NONCE)
    assert [one.sql for one in found] == statements
    assert all(text.startswith(one.sql, one.offset) for one in found)


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15)
"""Fifteen characters have at most 60 bytes: PostgreSQL cuts names of more than 63."""


@given(NAMES, NAMES)
def test_a_written_table_s_name_is_the_one_that_was_quoted(schema: str, name: str) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    (found,) = translate(f"TABLE {quoted(schema)}.{quoted(name)} FOR UPDATE", NONCE)
    assert found.writes == (TableName(schema, name),)


TEXTS = st.text()
REFUSALS = st.builds(Refusal, st.just("0A000"), TEXTS, hint=st.none() | TEXTS, detail=st.none() | TEXTS)


# The statement fails and leaves nothing: one session serves all examples.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REFUSALS)
def test_postgresql_s_error_carries_any_refusal(session: psycopg.Connection, refusal: Refusal) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as failed:
        session.execute(raise_sql(refusal, NONCE).encode())
    assert failed.value.diag.message_primary
    assert refusal_in(failed.value.diag.message_primary, NONCE) == refusal


def test_a_refusal_fails_when_it_is_prepared_and_after_the_end_of_a_failed_block(
    session: psycopg.Connection,
) -> None:
    sql = raise_sql(Refusal("0A000", "x"), NONCE)
    prepared = session.pgconn.prepare(b"", sql.encode())
    assert prepared.error_field(pq.DiagnosticField.SQLSTATE) == b"22P02"
    session.execute("BEGIN")
    for sqlstate in (b"22P02", b"25P02"):
        assert session.pgconn.exec_(sql.encode()).error_field(pq.DiagnosticField.SQLSTATE) == sqlstate
    session.execute("ROLLBACK")


STORED = {
    "smallint", "integer", "bigint", "real", "double precision", "numeric", "character", "character varying",
    "text", "date", "time without time zone", "time with time zone", "timestamp without time zone",
    "timestamp with time zone", "interval", "boolean", "bytea", "uuid", "json", "jsonb",
}  # fmt: skip

TYPES = """
select quote_ident(typname), format_type(oid, null) from pg_type
where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm') and typcategory <> 'A'
  and typname not in ('pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'gtsvector',
    'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary')
"""
"""All that a column can have in PostgreSQL; not what only its catalogs and indexes hold."""


def test_each_type_of_postgresql_is_stored_or_refused_by_its_displayed_name(
    session: psycopg.Connection,
) -> None:
    types = session.execute(TYPES.encode()).fetchall()
    assert {displayed for _, displayed in types} > STORED
    for name, displayed in types:
        for written in (f"pg_catalog.{name}", f"pg_catalog.{name}[]"):
            (found,) = translate(f"CREATE TABLE t (c {written})", NONCE)
            shown = displayed + "[]" * written.endswith("[]")
            expected = None if shown in STORED else Refusal("0A000", f"datatype {shown} not supported")
            assert refusal_in(found.sql.replace("''", "'"), NONCE) == expected


ACTIONS = (
    "ALTER a TYPE int", "ALTER a SET NOT NULL", "ALTER a SET STATISTICS 5", "ALTER a SET (n_distinct = 5)",
    "ALTER a RESET (n_distinct)", "ALTER a SET COMPRESSION pglz", "VALIDATE CONSTRAINT c", "CLUSTER ON i",
    "SET WITHOUT CLUSTER", "SET ACCESS METHOD heap", "SET TABLESPACE s",
    "ENABLE TRIGGER g", "ENABLE ALWAYS TRIGGER g", "ENABLE REPLICA TRIGGER g", "DISABLE TRIGGER g",
    "INHERIT p", "NO INHERIT p", "OF p", "NOT OF", "ENABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY",
    "DISABLE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY", "ENABLE RULE r", "DISABLE RULE r",
    "ENABLE ALWAYS RULE r", "ENABLE REPLICA RULE r", "REPLICA IDENTITY FULL", "OPTIONS (a 'b')",
    "ALTER a OPTIONS (a 'b')",
)  # fmt: skip
"""What no view has either."""


def test_actions_of_alter_table_are_named_as_postgresql_names_them(session: psycopg.Connection) -> None:
    session.execute("DROP VIEW IF EXISTS no_table; CREATE VIEW no_table AS SELECT 1 AS a")
    for action in ACTIONS:
        with pytest.raises(psycopg.Error) as failed:
            session.execute(f"ALTER TABLE no_table {action}".encode())
        (found,) = translate(f"ALTER TABLE no_table {action}", NONCE)
        refusal = refusal_in(found.sql.replace("''", "'"), NONCE)
        assert refusal
        named = refusal.message.removeprefix("unsupported ALTER TABLE ").removesuffix(" statement")
        assert str(failed.value).startswith(f"ALTER action {named} cannot be performed")


def test_numeric_columns_get_their_precision_and_no_other(session: psycopg.Connection) -> None:
    session.execute("DROP TABLE IF EXISTS prices; DROP DOMAIN IF EXISTS price")
    for sql in (
        "CREATE DOMAIN price AS numeric -- of one",
        'CREATE TABLE prices (a numeric CHECK (a > 0::numeric), b decimal(4, 1), "numeric" dec, n price)',
        "ALTER TABLE prices ADD COLUMN é numeric, ADD d pg_catalog.numeric",
    ):
        (found,) = translate(sql, NONCE)
        session.execute(found.sql.encode())
    shown = session.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'prices'::regclass AND attnum > 0 UNION ALL "
        "SELECT typname, format_type(typbasetype, typtypmod) FROM pg_type WHERE typname = 'price'"
    ).fetchall()
    assert dict(shown) == {
        **dict.fromkeys(("a", "numeric", "é", "d", "price"), "numeric(18,6)"),
        "b": "numeric(4,1)",
        "n": "price",
    }


def test_what_a_cluster_shows_of_itself(session: psycopg.Connection) -> None:
    for name, value in {
        "server_version": "16.15",
        "server_version_num": "160015",
        "max_connections": "20",
    }.items():
        (found,) = translate(f"SHOW {name}", NONCE)
        cursor = session.execute(found.sql.encode())
        assert cursor.fetchall() == [(value,)]
        assert cursor.description
        assert [column.name for column in cursor.description] == [name]


def test_a_parameter_of_dsql_s_own_can_be_set_and_shown(session: psycopg.Connection) -> None:
    for sql in ("SET disable_sync_create_index = off", "SHOW disable_sync_create_index"):
        (found,) = translate(sql, NONCE)
        cursor = session.execute(found.sql.encode())
    assert cursor.fetchall() == [("off",)]
