# ruff: noqa: S608 - scripts are what is put together here
"""Settings, commands of psql, transactions and DROPs of the scripts that hypothesis makes up."""

from typing import Final

from support.migration.script_tables import Script, quote

_SETTINGS: Final = (
    "SET datestyle = 'SQL, DMY'",
    "SET DateStyle TO German",
    "SET datestyle = ISO, MDY",
    "RESET datestyle",
    "SET timezone = 'Europe/Berlin'",
    "SET TIME ZONE 'UTC'",
    "SET TIME ZONE -5",
    "SET timezone TO DEFAULT",
    "SET intervalstyle = sql_standard",
    "SET intervalstyle = 'postgres'",
    "SET bytea_output = 'escape'",
    "SET search_path = app, public",
    "SET search_path = public",
    "SET search_path TO DEFAULT",
    "SELECT pg_catalog.set_config('search_path', 'app', false)",
    "SET statement_timeout = 0",
    "SET client_encoding = 'UTF8'",
    "SET standard_conforming_strings = on",
    "SET standard_conforming_strings = off",
    "SET check_function_bodies = false",
    "SET client_min_messages = warning",
    "SET row_security = off",
    "SELECT set_config('timezone', 'Asia/Tokyo', false)",
    "SET default_tablespace = ''",
    "RESET ALL",
    "SET extra_float_digits = 0",
    "SET lock_timeout = '1s'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET NAMES 'UTF8'",
    "SET LOCAL timezone = 'Europe/Berlin'",
    "SET escape_string_warning = off",
    "SET backslash_quote = on",
    "SET xmloption = content",
    "SET default_table_access_method = heap",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET CONSTRAINTS ALL IMMEDIATE",
    "SET quote_all_identifiers = on",
    "SET array_nulls = off",
    "SET transform_null_equals = on",
    "SET session_replication_role = replica",
    "SET default_transaction_isolation = 'serializable'",
    "SET lc_monetary = 'C'",
    "SET synchronous_commit = off",
    "SET datestyle = 'Postgres, YMD'",
    "SET timezone_abbreviations = 'Australia'",
    "ALTER DATABASE script SET timezone = 'Asia/Tokyo'",
    "DISCARD ALL",
)
_META: Final = (
    "\\echo hello",
    "\\set ON_ERROR_STOP on",
    "\\set v 'a'",
    "\\unset v",
    "\\timing off",
    "\\pset null x",
    "\\encoding UTF8",
    "\\if true\n\\else\nsyntax error;\n\\endif",
    "\\x off",
    "\\qecho done",
    "\\! true",
    "\\conninfo",
    "\\dt",
    "\\set n 1",
    "\\o /dev/null\n\\o",
    "\\if false\nsyntax error;\n\\elif true\n\\echo so\n\\endif",
    "SELECT 5 AS five \\gset",
    "SELECT 1\\; SELECT 2;",
    "SELECT 1 \\g",
    "SELECT 1 AS one\n\\gx",
    "\\p",
    "\\d t1",
    "\\warn done",
    "\\set ECHO all",
    "\\set AUTOCOMMIT on",
    "\\set quiet 1 -- not a comment",
    "\\setenv PAGER cat",
    "-- a comment; with 'quotes' and $$",
    "/* a /* nested */ comment; */",
)


def setting(script: Script) -> None:
    text = script.one(_SETTINGS)
    if "app" in text and "CREATE SCHEMA app" not in script.statements:
        script.add("CREATE SCHEMA app")
    script.add(text)


def meta(script: Script) -> None:
    script.statements.append("\0" + script.one(_META))


def variable(script: Script) -> None:
    table = script.table()
    texts = [name for name, type_name in table.columns.items() if type_name == "text"]
    if texts:
        script.statements.append("\0" + script.one(("\\set v a", "\\set v 'b c'")))
        script.add(f"INSERT INTO {table.sql} ({quote(texts[0])}) VALUES (:'v')")


def drop(script: Script) -> None:
    table = script.table()
    script.add(
        script.one(
            (
                "DROP TABLE IF EXISTS nothing CASCADE",
                "DROP VIEW IF EXISTS v1",
                "DROP INDEX IF EXISTS i1",
                "DROP TYPE IF EXISTS mood",
                "DROP SEQUENCE IF EXISTS s1",
                f"DROP TABLE {table.sql} CASCADE",
                "DROP FUNCTION IF EXISTS f1(int)",
                "DROP SCHEMA IF EXISTS app",
                f"TRUNCATE {table.sql}",
                f"ANALYZE {table.sql}",
                "VACUUM",
                f"LOCK TABLE {table.sql}",
                "DROP EXTENSION IF EXISTS citext",
                f"DROP TABLE {table.sql}",
                "DROP DOMAIN IF EXISTS positive CASCADE",
                "DROP SCHEMA app CASCADE",
                "DROP OWNED BY reader",
                "CREATE SCHEMA IF NOT EXISTS app",
                "CREATE SCHEMA more CREATE TABLE within (a int) CREATE VIEW seen AS SELECT a FROM within",
                "ALTER SCHEMA app RENAME TO application",
                "CHECKPOINT",
                f"EXPLAIN SELECT * FROM {table.sql}",
                f"TABLE {table.sql}",
                "SELECT 1; SELECT 2",
                "SHOW timezone",
                "PREPARE p AS SELECT 1",
                f"SELECT count(*) FROM {table.sql}",
            )
        )
    )


def block(script: Script) -> None:
    """A transaction block around the next statements, or its end."""
    script.add(
        script.one(
            (
                *("BEGIN", "START TRANSACTION", "COMMIT", "END", "COMMIT AND CHAIN"),
                *("ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s"),
                "BEGIN ISOLATION LEVEL SERIALIZABLE",
            )
        )
    )
