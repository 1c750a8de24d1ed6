"""Ways past the dialect that the protocol offers: each is shut, or leads to the same rules."""

# ruff: noqa: S608 - statements are what is tested

import struct
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import pq
from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult
from typing_extensions import LiteralString

from awslabs_dsql_mcp.dsql.settings import SETTABLE
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.dialect.settings import refused_setting
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Bound, Parsed
from support.local_cluster.logins import connect, connect_raw, token
from support.local_cluster.raw_client import Client, dial, fields

SET_CONFIG = 2078  # its oid in every PostgreSQL


@contextmanager
def logged_in(cluster: LocalCluster) -> Generator[Client, None, None]:
    """Log in with all that has to be sent in one piece."""
    with dial(cluster) as client:
        assert client.ask(wire.SSL_REQUEST) == b"S"
        client.encrypt()
        client.send(wire.startup({"user": "admin", "database": "postgres"}) + wire.password(token(cluster)))
        until_ready(client)
        yield client


def until_ready(client: Client) -> list[wire.Message]:
    """Read up to a ReadyForQuery, or the end of the connection."""
    read: list[wire.Message] = []
    while (message := client.read()) is not None and message.kind != wire.READY_FOR_QUERY:
        read.append(message)
    return read


def error_of(read: list[wire.Message]) -> tuple[str, str]:
    (found,) = [fields(message) for message in read if message.kind == wire.ERROR_RESPONSE]
    return found["C"], found["M"]


def told(result: PGresult) -> tuple[bytes | None, bytes | None]:
    return result.error_field(DiagnosticField.SQLSTATE), result.error_field(DiagnosticField.MESSAGE_PRIMARY)


def test_no_function_is_called_by_its_number(dsql: LocalCluster) -> None:
    arguments = (b"statement_timeout", b"7", b"f")
    values = b"".join(struct.pack("!i", len(argument)) + argument for argument in arguments)
    call = struct.pack("!IHH", SET_CONFIG, 0, len(arguments)) + values + b"\0\0"
    with logged_in(dsql) as client:
        client.send(wire.message(messages.FUNCTION_CALL, call))
        assert error_of(until_ready(client)) == ("0A000", "unsupported message: FunctionCall")
        client.send(wire.query("SHOW statement_timeout"))
        (row,) = [message for message in until_ready(client) if message.kind == messages.DATA_ROW]
        assert b"5min" in row.body


@pytest.mark.parametrize("name", [b"dsql", b"dsql refused", b"dsql again"])
def test_a_client_names_its_statements_as_it_likes(
    dsql: LocalCluster, admin: psycopg.Connection, name: bytes
) -> None:
    admin.execute("CREATE TABLE named (v int)")
    connection = connect_raw(dsql)
    assert connection.prepare(name, b"INSERT INTO named VALUES (1)").status == pq.ExecStatus.COMMAND_OK
    for statement in (b"BEGIN", b"TRUNCATE named", b"ROLLBACK", b"BEGIN"):
        connection.exec_params(statement, None)
    for _ in range(2):
        assert connection.exec_prepared(name, None).status == pq.ExecStatus.COMMAND_OK
    connection.exec_(b"COMMIT")
    connection.finish()
    assert admin.execute("SELECT count(*) FROM named").fetchone() == (2,)
    admin.execute("DROP TABLE named")


def test_a_statement_is_judged_by_the_text_that_was_prepared(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE TABLE judged (v int)")
    connection = connect_raw(dsql)
    connection.prepare(b"a", b"INSERT INTO judged VALUES (1)")
    assert told(connection.prepare(b"a", b"SELECT 1"))[0] == b"42P05"
    connection.exec_(b"BEGIN")
    connection.exec_(b"CREATE TABLE judged_too (v int)")
    assert told(connection.exec_prepared(b"a", None)) == (
        b"0A000",
        b"ddl and dml are not supported in the same transaction",
    )
    connection.exec_(b"ROLLBACK")
    connection.finish()
    admin.execute("DROP TABLE judged")


@pytest.mark.parametrize("end", [b"DEALLOCATE ALL", b""])
def test_a_statement_that_is_gone_is_unknown(dsql: LocalCluster, end: bytes) -> None:
    connection = connect_raw(dsql)
    connection.prepare(b"a", b"SELECT 1")
    if end:
        connection.exec_(end)
        connection.prepare(b"b", b"SELECT 2")
        assert connection.exec_prepared(b"b", None).get_value(0, 0) == b"2"
    else:
        connection.close_prepared(b"a")
    assert told(connection.exec_prepared(b"a", None)) == (b"26000", b'prepared statement "a" does not exist')
    connection.finish()


def test_a_statement_that_is_gone_is_not_judged_by_its_text(dsql: LocalCluster) -> None:
    connection = connect_raw(dsql)
    connection.prepare(b"a", b"CREATE TABLE never_made (v int)")
    connection.exec_(b"DEALLOCATE ALL")
    connection.exec_(b"BEGIN")
    connection.exec_(b"CREATE TABLE never_made (v int)")
    assert told(connection.exec_prepared(b"a", None)) == (b"26000", b'prepared statement "a" does not exist')
    connection.exec_(b"ROLLBACK")
    connection.finish()


def test_a_portal_that_no_bind_made_is_unknown(dsql: LocalCluster) -> None:
    with logged_in(dsql) as client:
        client.send(messages.execute(b"c") + wire.message(messages.SYNC))
        assert error_of(until_ready(client)) == ("34000", 'portal "c" does not exist')


def test_a_write_by_a_named_portal_leaves_the_unnamed_one_open(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    """A write in a block has a savepoint before it, which must not take the place of a client's portal."""
    admin.execute("CREATE TABLE held (id int PRIMARY KEY, v int)")
    admin.execute("INSERT INTO held VALUES (1, 0), (2, 0)")
    one_row = wire.message(messages.EXECUTE, b"\0" + (1).to_bytes(4, "big"))

    def bound(portal: bytes, sql: bytes) -> bytes:
        return messages.parse(Parsed(b"", sql, b"\0\0")) + messages.bind_plainly(portal, b"")

    with logged_in(dsql) as client:
        client.send(wire.query("BEGIN"))
        until_ready(client)
        client.send(bound(b"", b"SELECT id::text FROM held ORDER BY id") + one_row)
        client.send(bound(b"w", b"UPDATE held SET v = 9 WHERE id = 1") + messages.execute(b"w"))
        client.send(one_row + wire.message(messages.SYNC))
        rows = [message for message in until_ready(client) if message.kind == messages.DATA_ROW]
        assert [messages.read_text_row(row.raw) for row in rows] == ["1", "2"]
    admin.execute("DROP TABLE held")


def test_a_text_that_is_known_means_what_it_means_now(dsql: LocalCluster, admin: psycopg.Connection) -> None:
    """The same Parse, after a change of what decides its meaning: settings, names, transactions."""
    admin.execute("CREATE TABLE known (v text)")
    admin.execute("INSERT INTO known VALUES ('a table')")
    connection = connect_raw(dsql)

    def ask(sql: bytes = b"SELECT v FROM known") -> tuple[bytes | None, bytes | None]:
        found = connection.exec_params(sql, None)
        return (found.get_value(0, 0) if found.ntuples else None), told(found)[0]

    def do(*statements: bytes) -> None:
        for sql in statements:
            assert connection.exec_(sql).status == pq.ExecStatus.COMMAND_OK

    accented = b"SELECT convert_to('\xe9', 'UTF8')"
    assert ask() == (b"a table", None)
    do(b"CREATE SCHEMA nearer", b"CREATE VIEW nearer.known AS SELECT text 'a view' AS v")
    do(b"SET search_path = nearer, public")
    assert ask() == (b"a view", None)
    do(b"DROP VIEW nearer.known")
    assert ask() == (b"a table", None)
    do(b"BEGIN", b"DROP TABLE public.known")
    assert ask() == (None, b"42P01")
    do(b"ROLLBACK")
    assert ask() == (b"a table", None)
    assert ask(accented)[1] == b"22021"
    do(b"SET client_encoding = 'LATIN1'")
    assert ask(accented) == (b"\\xc3a9", None)
    do(b"SET client_encoding = 'UTF8'")
    assert ask(accented)[1] == b"22021"
    connection.exec_(b"BEGIN")
    assert ask(b"CREATE TABLE known_too (v text)") == (None, None)
    assert ask(b"CREATE TABLE known_too (v text)")[1] == b"0A000"  # the second DDL of a transaction
    connection.exec_(b"ROLLBACK")
    assert ask(b"CREATE TABLE known_too (v text)") == (None, None)
    do(b"DROP TABLE known_too", b"DROP TABLE public.known", b"DROP SCHEMA nearer")
    connection.finish()


def test_a_statement_that_is_run_in_other_words_is_answered_as_any(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    """The session runs a query of its own in its place, whose rows alone are no concern of the client's."""
    admin.execute("CREATE TABLE narrowed (id int PRIMARY KEY, v int)")
    parsed = messages.parse(Parsed(b"", b"ALTER TABLE narrowed DROP COLUMN v", b"\0\0"))
    with logged_in(dsql) as client:
        client.send(parsed + messages.bind_plainly(b"", b"") + wire.message(messages.DESCRIBE, b"P\0"))
        client.send(messages.execute(b"") + wire.message(messages.SYNC))
        answers = [(message.kind, message.body) for message in until_ready(client)]
        assert answers == [(b"1", b""), (b"2", b""), (b"n", b""), (b"C", b"ALTER TABLE\0")]
    admin.execute("DROP TABLE narrowed")


@pytest.mark.parametrize("options", [r"-c dsql.max\_rows=9", "--dsql.max-rows=9", "-c dsql.max_rows=9"])
def test_no_setting_comes_in_by_its_spelling(dsql: LocalCluster, options: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r'parameter "dsql.max_rows" not supported'):
        connect(dsql, options=options)


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT set_config(%s, '9', false)", ["dsql.max_rows"]),
        ("SELECT set_config('dsql.' || 'max_rows', '9', false)", []),
        ("SELECT set_config(upper('Dsql.max_rows'), '9', false)", []),
        ("SELECT set_config(n, '0', true) FROM (VALUES ('dsql.rows')) AS v (n)", []),
        ("SELECT set_config(CASE WHEN random() < 2 THEN 'dsql.max_rows' END, '9', false)", []),
        ("SELECT set_config((SELECT 'dsql.max_rows'), '9', false)", []),
        ("SELECT * FROM set_config((SELECT 'dsql.max_rows'), '9', false)", []),
        ("SELECT set_config(%s, '9', false)", ["statement_timeout"]),
        ("SELECT set_config((SELECT 'lock_timeout'), '9', false)", []),
        ("SELECT set_config('dsql.max' || left('_rows', (random() * 0)::int + 5), '9', false)", []),
        ("SELECT set_config('statement_' || left('timeout', (random() * 0)::int + 7), '9', false)", []),
        ("SELECT set_config('standard_conforming_' || %s, 'off', false)", ["strings"]),
        ("SELECT set_config('client_' || 'encoding', 'S-JIS', false)", []),
        ("SELECT set_config('client_encoding', 'gb' || 'k', false)", []),
    ],
)
def test_no_setting_is_set_by_a_computed_name_that_set_is_refused_for(
    dsql: LocalCluster, sql: LiteralString, values: list[str]
) -> None:
    with (
        connect(dsql) as connection,
        pytest.raises(psycopg.errors.FeatureNotSupported, match="not supported"),
    ):
        connection.execute(sql, values)


def test_no_function_runs_a_text_that_the_dialect_does_not_see(dsql: LocalCluster) -> None:
    within = "_dsql_set_config(''dsql.max_rows'', ''9'', false)"
    with connect(dsql) as connection:
        for call in (
            f"ts_stat('SELECT to_tsvector(''simple'', {within})')",
            f"ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ({within})::tsquery')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT {call}".encode())
        connection.execute("SELECT ts_rewrite('a'::tsquery, 'a'::tsquery, 'b'::tsquery)")


ASCII_INSIDE = ("BIG5", "GB18030", "GBK", "JOHAB", "SJIS", "SHIFT_JIS_2004", "UHC", "Shift-JIS", "win936")


@pytest.mark.parametrize("encoding", ASCII_INSIDE)
def test_no_encoding_hides_a_backslash_from_the_dialect(dsql: LocalCluster, encoding: str) -> None:
    """In these a character may end with the byte of a backslash, behind which a text would not end."""
    with pytest.raises(psycopg.OperationalError, match=r'"client_encoding" to ".+" not supported'):
        connect(dsql, client_encoding=encoding)
    connection = connect_raw(dsql)
    for change in (
        f"SET client_encoding = '{encoding}'",
        f"SET NAMES '{encoding}'",
        f"ALTER ROLE admin SET client_encoding = '{encoding}'",
        f"CREATE FUNCTION f() RETURNS int LANGUAGE sql SET client_encoding = '{encoding}' RETURN 1",
    ):
        assert told(connection.exec_(change.encode()))[0] == b"0A000"
    connection.exec_(b"SELECT E'\xbf\\'; SET dsql.max_rows = 9; --'")
    assert connection.exec_(b"SHOW dsql.max_rows").get_value(0, 0) == b"3000"
    connection.finish()


def test_every_encoding_in_which_a_backslash_may_be_a_part_of_a_character_is_known(
    admin: psycopg.Connection,
) -> None:
    """PostgreSQL keeps no database in those (PostgreSQL documentation, "Character Set Support")."""
    names = admin.execute(
        "SELECT DISTINCT pg_encoding_to_char(n) FROM generate_series(0, 60) AS n "
        "WHERE pg_encoding_to_char(n) <> ''"
    ).fetchall()
    assert len(names) > 40
    refused = {name for (name,) in names if refused_setting("client_encoding", name)}
    assert refused == {name.replace("-", "_").upper() for name in ASCII_INSIDE[:7]}


LARGE = "x" * 1_100_000
"""What makes a text too long for the parser."""


@pytest.mark.parametrize(
    "sql",
    [
        f"SET dsql.max_rows = 9 -- {LARGE}",
        f"/* {LARGE} /* nested */ */ SET dsql.max_rows = 9",
        f"SELECT '{LARGE}'; SET dsql.max_rows = 9",
        f"SELECT '{LARGE}', pg_catalog.SET_CONFIG('dsql.' || 'max_rows', '9', false)",
        f"SELECT $a${LARGE}$a$, \"_dsql_set_config\"('dsql.max_rows', '9', false)",
        f"SELECT E'{LARGE}\\'', U&\"\\005fdsql_set_config\"('dsql.max_rows', '9', false), ' '",
        f"SELECT '{LARGE}', ts_stat('SELECT pg_catalog._dsql_set_config(''dsql.max_rows'', ''9'', false)')",
        f"CREATE TEMPORARY TABLE never (a text DEFAULT '{LARGE}')",
        f"SELECT 1{' + 1' * 130_000} FROM pg_catalog._dsql_set_config('dsql.max_rows', '9', false)",
    ],
    ids=lambda sql: sql[:20],
)
def test_no_size_hides_a_statement_from_the_dialect(dsql: LocalCluster, sql: str) -> None:
    connection = connect_raw(dsql)
    assert told(connection.exec_(sql.encode())) == (
        b"0A000",
        b"unsupported statement: of more than 1 MB, and not a single query, change of rows or view",
    )
    assert connection.exec_(b"SHOW dsql.max_rows").get_value(0, 0) == b"3000"
    connection.finish()


def test_large_queries_and_changes_of_rows_pass(admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE large (a int PRIMARY KEY, t text)")
    words = "; SET dsql.max_rows = 9 /* -- _dsql_set_config U& \\"
    big = f"{words}{'y' * 400_000}"
    escaped = big.replace("\\", "\\\\")
    values = f"(1, '{big}'), (2, $b${big}$b$), (3, E'{escaped}'), (4, E'\\'{escaped}\\\\')"
    admin.execute(f"INSERT INTO large VALUES {values};".encode())
    counted = f"SELECT count(*) FROM large WHERE t = '{big}' /* {LARGE} */"
    assert admin.execute(counted.encode()).fetchone() == (3,)
    rows = ", ".join(f"({n}{' + 0' * 20}, 'a{n}')" for n in range(10, 2_990))
    assert admin.execute(f"INSERT INTO large VALUES {rows}".encode()).rowcount == 2_980
    admin.execute("DROP TABLE large")


def test_no_encoding_hides_a_statement_from_the_dialect(dsql: LocalCluster) -> None:
    connection = connect_raw(dsql)
    connection.exec_(b"SET client_encoding = 'LATIN1'")
    assert told(connection.exec_(b"SET dsql.max_rows = 9 -- \xe9"))[0] == b"0A000"
    assert told(connection.exec_(b"CREATE TEMP TABLE caf\xe9 (a int)"))[0] == b"0A000"
    for sql in (
        b"CREATE TABLE caf\xe9 (a int PRIMARY KEY, n numeric)",
        b"INSERT INTO caf\xe9 VALUES (1, 1); SELECT 1",
    ):
        assert connection.exec_(sql).status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
    assert connection.exec_(b"SELECT '\xe9t\xe9', a FROM caf\xe9").get_value(0, 0) == b"\xe9t\xe9"
    connection.exec_(b"SET client_encoding = 'UTF8'")
    kind = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'n'"
    shown = connection.exec_(f"{kind} AND attrelid = 'café'::regclass".encode())
    assert shown.get_value(0, 0) == b"numeric(18,6)"
    connection.exec_("DROP TABLE café".encode())
    connection.finish()


def test_what_may_be_set_by_a_computed_name_is_what_may_be_set(dsql: LocalCluster) -> None:
    with connect(dsql) as connection:
        for name in sorted(SETTABLE - {"disable_sync_create_index"}):
            read = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert read is not None
            connection.execute("SELECT set_config(lower(%s), %s, false)", [name.upper(), read[0]])


def test_other_settings_are_set_by_a_computed_name(dsql: LocalCluster) -> None:
    with connect(dsql) as connection:
        for name in (*SETTABLE, "enable_seqscan"):
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            value = row[0] if row else None
            set_again = connection.execute("SELECT set_config(%s, %s, false)", [name, value])
            assert set_again.fetchone() == (value,)
        connection.execute("SELECT set_config('search_' || %s, 'pg_catalog', false)", ["path"])
        assert connection.execute("SHOW search_path").fetchone() == ("pg_catalog",)
        with pytest.raises(psycopg.errors.NullValueNotAllowed):
            connection.execute("SELECT set_config(NULL, 'x', false)")


@pytest.mark.parametrize("options", ["-d 5", "-fs", "-P", "-c", "-c x", "search_path=public"])
def test_no_option_but_settings_comes_in(dsql: LocalCluster, options: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="setting configuration parameter"):
        connect(dsql, options=options)


def test_a_setting_may_have_white_space_in_it(dsql: LocalCluster) -> None:
    with connect(dsql, options=r"-c application_name=a\ b --search-path=public") as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("a b",)


@pytest.mark.parametrize("what", [wire.query("SELECT 1"), wire.message(messages.PARSE, b"\0SELECT 1\0\0\0")])
def test_what_may_not_come_among_copied_data_fails_the_copy(
    dsql: LocalCluster, admin: psycopg.Connection, what: bytes
) -> None:
    admin.execute("CREATE TABLE copied_into (v int)")
    with logged_in(dsql) as client:
        client.send(wire.query("COPY copied_into FROM STDIN"))
        copy_in = client.read()
        assert copy_in is not None
        assert copy_in.kind == messages.COPY_IN
        client.send(wire.message(messages.COPY_DATA, b"1\n") + what)
        code, words = error_of(until_ready(client))
        assert (code, "during COPY from stdin" in words) == ("57014", True)
        client.send(wire.query("SELECT 1"))
        assert [message.kind for message in until_ready(client)] == [b"T", b"D", b"C"]
    assert admin.execute("SELECT count(*) FROM copied_into").fetchone() == (0,)
    admin.execute("DROP TABLE copied_into")


@pytest.mark.parametrize(
    "wrong",
    [
        wire.message(messages.FLUSH, b"x"),
        wire.message(messages.PARSE, b"no end"),
        messages.parse(Parsed(b"", b"SELECT 1", b"\0\1")),
        messages.bind(Bound(b"", b"", b"\0\0\0\1\0\0\0\x09x\0\0")),
        wire.message(messages.EXECUTE, b"\0"),
        wire.message(messages.CLOSE),
        wire.message(wire.QUERY, b"SELECT 1\0; SELECT 2\0"),
    ],
)
def test_a_message_of_the_wrong_format_ends_the_connection(dsql: LocalCluster, wrong: bytes) -> None:
    with logged_in(dsql) as client:
        client.send(wrong + wire.message(messages.SYNC))
        assert error_of(until_ready(client)) == ("08P01", "invalid message format")
        assert client.read() is None
