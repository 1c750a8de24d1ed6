# ruff: noqa: S608 - scripts are what is put together here
"""Statements other than those that make tables, of the scripts that hypothesis makes up."""

from typing import Final

from support.migration.script_tables import Script, literal, quote
from support.migration.script_values import FIELDS, LITERALS

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
)


def insert(script: Script) -> None:
    table = script.table()
    columns = list(table.columns)
    kind = script.one(
        ("values", "values", "select", "default", "conflict", "returning", "update", "delete", "with", "many")
    )
    listed = ", ".join(map(quote, columns))

    def row() -> str:
        return ", ".join(
            script.one((*LITERALS.get(table.columns[name], ("1",)), "DEFAULT")) for name in columns
        )

    if kind == "default" or not columns:
        script.add(f"INSERT INTO {table.sql} DEFAULT VALUES")
        return
    name, type_name = script.column(table)
    column, value = quote(name), literal(script, type_name)
    count = int(script.one(("1", "2", "3")))
    values = ", ".join(f"({row()})" for _ in range(count))
    script.add(
        {
            "values": f"INSERT INTO {table.sql} ({listed}) VALUES {values}",
            "select": f"INSERT INTO {table.sql} ({quote(name)}) SELECT {value}",
            "conflict": f"INSERT INTO {table.sql} ({listed}) VALUES {values} ON CONFLICT DO NOTHING",
            "returning": f"INSERT INTO {table.sql} ({listed}) VALUES {values} RETURNING {quote(name)}",
            "update": f"UPDATE {table.sql} SET {quote(name)} = {value}",
            "delete": f"DELETE FROM {table.sql} WHERE {quote(name)} IS NULL",
            "with": f"WITH w AS (SELECT {value} AS x) INSERT INTO {table.sql} ({column}) SELECT x FROM w",
            "many": f"INSERT INTO {table.sql} ({quote(name)}) SELECT {value} FROM generate_series(1, 2)",
        }[kind]
    )


_TEXT_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy(script: Script) -> None:
    table = script.table()
    columns = [name for name, type_name in table.columns.items() if type_name in FIELDS]
    if not columns:
        return
    rows = [
        [script.one((*FIELDS[table.columns[name]], "")) for name in columns]
        for _ in range(int(script.one(("1", "2"))))
    ]
    csv = script.flag()
    delimiter = script.one((",", ";") if csv else ("\t", "|"))
    null = script.one(("", "NULL")) if csv else script.one(("\\N", ""))
    header = script.flag()
    options = ["FORMAT csv"] if csv else []
    if delimiter != ("," if csv else "\t"):
        options.append(f"DELIMITER '{delimiter}'")
    if null != ("" if csv else "\\N"):
        options.append(f"NULL '{null}'")
    if header:
        options.append("HEADER")

    def escaped(value: str) -> str:
        if csv:
            plain = not any(special in value for special in ('"', delimiter, "\n", "\\"))
            return value if plain else '"' + value.replace('"', '""') + '"'
        text = value if value == "\\N" else value.translate(_TEXT_ESCAPES)
        return text.replace(delimiter, f"\\{delimiter}") if delimiter != "\t" else text

    lines = [delimiter.join(columns)] if header else []
    lines += [delimiter.join(map(escaped, row)) for row in rows]
    old = script.flag()
    written = f" WITH ({', '.join(options)})" if options else ""
    if old and options:
        written = " WITH " + " ".join(option.replace("FORMAT csv", "CSV") for option in options)
    listed = ", ".join(map(quote, columns))
    command = script.one(("COPY", "COPY", "COPY", "\\copy"))
    end = ";" if command == "COPY" else ""
    script.statements.append(
        "\0" + f"{command} {table.sql} ({listed}) FROM stdin{written}{end}\n" + "\n".join(lines) + "\n\\."
    )


def index(script: Script) -> None:
    table = script.table()
    if not table.columns:
        return
    name, type_name = script.column(table)
    quoted = quote(name)
    item = quoted + script.maybe(" DESC", " NULLS FIRST", " DESC NULLS LAST", " ASC")
    if type_name == "text" and script.flag():
        item = script.one((f"lower({quoted})", f"{quoted} text_pattern_ops", f'{quoted} COLLATE "C"'))
    last = quote(list(table.columns)[-1])
    head = f"CREATE {script.maybe('UNIQUE ')}INDEX {script.maybe('CONCURRENTLY ')}"
    script.add(
        f"{head}{script.maybe(script.fresh('i') + ' ')}ON {table.sql} "
        f"{script.maybe('USING btree ', 'USING hash ')}({item}){script.maybe(f' INCLUDE ({last})')}"
        f"{script.maybe(f' WHERE {quoted} IS NOT NULL', ' WITH (fillfactor=50)')}"
    )


def view(script: Script) -> None:
    table = script.table()
    name = script.fresh("v")
    listed = ", ".join(map(quote, table.columns)) or "1 AS one"
    what = script.one(("VIEW", "VIEW", "OR REPLACE VIEW", "MATERIALIZED VIEW"))
    where = script.maybe(" WHERE true", " LIMIT 10", " GROUP BY " + listed)
    script.add(f"CREATE {what} {name} AS SELECT {listed} FROM {table.sql}{where}")


def sequence(script: Script) -> None:
    name = script.fresh("s")
    options = script.maybe(
        " START 5",
        " INCREMENT 2",
        " MINVALUE -5 MAXVALUE 5 CYCLE",
        " AS smallint",
        " CACHE 10",
        " START WITH 1 NO MINVALUE NO MAXVALUE CACHE 1",
    )
    script.add(f"CREATE SEQUENCE {name}{options}")
    changes = ("RESTART WITH 4", "INCREMENT 3", "MAXVALUE 50", "CACHE 5", "OWNED BY NONE")
    use = script.maybe("default", "setval", "nextval", "owned", "alter", "dump")
    integers = [
        (table, column)
        for table in script.tables
        for column, type_name in table.columns.items()
        if type_name == "int"
    ]
    if use in ("default", "owned", "dump") and integers:
        table, column = integers[-1]
        if use != "default":
            script.add(f"ALTER SEQUENCE {name} OWNED BY {table.sql}.{quote(column)}")
        script.add(
            f"ALTER TABLE ONLY {table.sql} ALTER COLUMN {quote(column)} "
            f"SET DEFAULT nextval('{name}'::regclass)"
        )
    if use in ("setval", "dump"):
        script.add(
            f"SELECT pg_catalog.setval('{name}', {script.one(('3', '5'))}, {script.one(('true', 'false'))})"
        )
    if use == "nextval":
        script.add(f"SELECT nextval('{name}')")
    if use == "alter":
        script.add(f"ALTER SEQUENCE {name} {script.one(changes)}")


def function(script: Script) -> None:
    name = script.fresh("f")
    script.add(
        script.one(
            (
                f"CREATE FUNCTION {name}(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x + 1'",
                f"CREATE OR REPLACE FUNCTION {name}(x int = 2) RETURNS int AS $$SELECT x$$ LANGUAGE sql",
                f"CREATE FUNCTION {name}() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
                f"CREATE FUNCTION {name}() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$",
                f"CREATE FUNCTION {name}(x text) RETURNS text STABLE STRICT LANGUAGE sql RETURN upper(x)",
            )
        )
    )


def comment(script: Script) -> None:
    table = script.table()
    text = script.one(("'about it'", "'it''s; --'", "E'two\\nlines'", "NULL"))
    column = quote(next(iter(table.columns), "a"))
    on = script.one((f"TABLE {table.sql}", f"COLUMN {table.sql}.{column}", "SCHEMA app"))
    script.add(f"COMMENT ON {on} IS {text}")


def grant(script: Script) -> None:
    if "role" not in script.others:
        script.fresh("role")
        script.add("CREATE ROLE reader" + script.maybe(" LOGIN", " LOGIN PASSWORD 'x'", " NOINHERIT"))
    table = script.table()
    script.add(
        script.one(
            (
                f"GRANT SELECT ON {table.sql} TO reader",
                f"GRANT ALL ON TABLE {table.sql} TO reader",
                f"GRANT SELECT ON {table.sql} TO PUBLIC",
                f"REVOKE ALL ON {table.sql} FROM PUBLIC",
                "GRANT USAGE ON SCHEMA public TO reader",
                "GRANT USAGE ON SCHEMA app TO reader",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader",
                f"GRANT INSERT, UPDATE ON {table.sql} TO reader WITH GRANT OPTION",
                "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
                "REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM reader",
            )
        )
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
                f"SELECT count(*) FROM {table.sql}",
            )
        )
    )
