# ruff: noqa: S608 - scripts are what is put together here
"""Functions of the scripts that hypothesis makes up: before what their bodies name, and what uses them."""

from support.migration.script_tables import Script, Table, quote


def early_function(script: Script) -> None:
    """A function whose body names what may follow, or nothing that is there."""
    script.add("SET check_function_bodies = off")
    name, other, view = script.fresh("e"), script.fresh("e"), script.fresh("v")
    table = Table(script.fresh("t"), {"a": "int", "b": "text"})
    head = f"CREATE {script.maybe('OR REPLACE ')}FUNCTION {name}"
    parameter = script.maybe("x int", "x text DEFAULT 'a'", "OUT n bigint, OUT m text")
    result = "" if parameter.startswith("OUT") else "RETURNS bigint "
    body = script.one(
        (
            *(f"SELECT count(*) FROM {table.name}", f"SELECT max(a)::bigint FROM public.{table.name} AS x"),
            *(f"SELECT {other}()", f"SELECT count(*) FROM {view}", f"SELECT {other}() FROM {table.name}"),
            f"WITH q AS (SELECT 1 AS k) SELECT count(k + a) FROM q, {table.name}",
            f"DELETE FROM {table.name} WHERE b = 'x' RETURNING a::bigint",
        )
    )
    if result == "":
        body = f"SELECT count(*), 'a'::text FROM {table.name}"
    wrong = ("SELECT nothing FROM nowhere", "SELECT nothing(1)", "SELECT 1::nothing", "SELECT (SELECT")
    is_wrong = script.one((*["right"] * 9, "wrong")) == "wrong"  # PostgreSQL takes it, and cannot run it
    body = script.one((*wrong, f"SELECT nothing FROM {table.name}")) if is_wrong else body
    options = script.maybe("STABLE ", "IMMUTABLE STRICT ", "SET search_path = app, public ")
    script.add(f"{head}({parameter}) {result}{options}LANGUAGE sql AS $${body}$$")
    for _ in range(0 if is_wrong else int(script.one(("0", "1", "2")))):
        use_of_function(script, name)
    default = "" if is_wrong else script.maybe(f" DEFAULT {name}()")
    follow = [
        f"CREATE FUNCTION {other}() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {table.name}'",
        f"CREATE TABLE {table.name} (a bigint{default}, b text)",
    ]
    if script.flag():
        follow.reverse()
    for statement in (*follow, f"CREATE VIEW {view} AS SELECT a FROM {table.name}"):
        script.add(statement)
    script.tables.append(table)


def use_of_function(script: Script, name: str) -> None:
    """A statement about a function, or one that uses it."""
    table = script.table() if script.tables else Table("nothing", {"a": "int"})
    column = quote(next(iter(table.columns), "a"))
    view = script.fresh("v")
    script.add(
        script.one(
            (
                f"COMMENT ON FUNCTION {name} IS 'early'",
                f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC",
                f"ALTER FUNCTION {name} OWNER TO CURRENT_USER",
                f"ALTER FUNCTION {name} RENAME TO renamed_{name}",
                f"ALTER FUNCTION {name} STRICT",
                f"DROP FUNCTION {name}",
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint'",
                f"CREATE VIEW {view} AS SELECT {name}() AS n",
                f"CREATE FUNCTION of_{name}() RETURNS bigint LANGUAGE sql AS 'SELECT {name}()'",
                f"CREATE TABLE {script.fresh('t')} (a int, b bigint DEFAULT {name}())",
                f"CREATE TABLE {script.fresh('t')} (a int, CHECK ({name}() IS NOT NULL))",
                f"ALTER TABLE {table.sql} ALTER COLUMN {column} SET DEFAULT {name}()",
                f"ALTER TABLE {table.sql} ADD CHECK ({name}() >= 0) NOT VALID",
                "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC",
            )
        )
    )


def query_of_columns(script: Script) -> None:
    """A view or an INSERT of what operations make of a column, directly or under another name."""
    table = script.table()
    if not table.columns:
        return
    name, _ = script.column(table)
    column = quote(name)
    made = script.one(
        (
            *(f"{column}::text", f"max({column})", f"min({column})::text", f"count(DISTINCT {column})"),
            *(
                f"{column} = {column}",
                f"concat({column})",
                f"to_json({column})::text",
                f"lower({column}::text)",
            ),
            *(f"coalesce({column}, {column})", f"row_number() OVER (ORDER BY {column})", f"{column} || 'x'"),
            *(f"array_agg({column})", f"{column} IS NULL", f"length({column}::text)", f"{column} + {column}"),
        )
    )
    source = script.one(
        (table.sql, f"(SELECT {column} FROM {table.sql}) AS q", f"(SELECT * FROM {table.sql} LIMIT 3) AS q")
    )
    end = script.maybe(f" WHERE {column} > {column}", f" ORDER BY {column} LIMIT 1", f" GROUP BY {column}")
    query = f"SELECT {made} AS made FROM {source}{end}"
    if script.flag():
        script.add(f"CREATE VIEW {script.fresh('v')} AS {query}")
    else:
        kept = script.fresh("kept")
        script.add(f"CREATE TABLE {kept} (made text)")
        script.add(f"INSERT INTO {kept} SELECT made::text FROM ({query}) AS x")


def name_of_a_sequence(script: Script) -> None:
    """Something that has the name which PostgreSQL gives the sequence of an identity."""
    table = script.fresh("t")
    taken = f"{table}_a_seq"
    other = script.one(
        (
            *(f"CREATE TABLE {taken} (a int)", f"CREATE VIEW {taken} AS SELECT 1 AS a"),
            *(f"CREATE SEQUENCE {taken}", f"CREATE INDEX {taken} ON {table} (a)"),
        )
    )
    named = script.maybe("SEQUENCE NAME other", f"SEQUENCE NAME {table}_b")
    identity = f"GENERATED BY DEFAULT AS IDENTITY {f'({named})' if named else ''}"
    made = script.one((f"CREATE TABLE {table} (a bigint {identity})", f"CREATE TABLE {table} (a serial)"))
    parts = [made, other]
    if script.flag() and "INDEX" not in other:
        parts.reverse()
    for part in parts:
        script.add(part)
    script.tables.append(Table(table, {"a": "int"}))
