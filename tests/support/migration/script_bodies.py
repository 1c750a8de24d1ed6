# ruff: noqa: S608 - scripts are what is put together here
"""Functions of each form of results and bodies, of the scripts that hypothesis makes up."""

from support.migration.script_tables import Script, Table, quote


def function_of_a_form(script: Script) -> None:
    """A function whose result and body fit each other, mostly, and something that uses it."""
    table = script.table() if script.tables else Table("t0", {"a": "int"})
    name = script.maybe("public.") + script.fresh("g")
    unchecked = script.flag()
    if unchecked:
        script.add("SET check_function_bodies = off")
    columns = ", ".join(map(quote, table.columns)) or "1"
    first = quote(next(iter(table.columns), "ctid"))
    form = script.one(("rows", "row", "table", "record", "scalar", "many", "void", "changes"))
    parameters = script.maybe("x int", "x int DEFAULT 1", "VARIADIC x int[]", "x text, y int = 2")
    result, bodies = {
        "rows": (
            f"RETURNS SETOF {table.sql}",
            (f"SELECT * FROM {table.sql}", f"TABLE {table.sql}", f"SELECT {columns} FROM {table.sql} AS q"),
        ),
        "row": (
            f"RETURNS {table.sql}",
            (f"SELECT * FROM {table.sql} LIMIT 1", f"SELECT q.* FROM {table.sql} AS q LIMIT 1"),
        ),
        "table": (
            "RETURNS TABLE (n bigint, m text)",
            (
                f"SELECT count(*), max({first}::text) FROM {table.sql}",
                "SELECT 1, 'a'",
                "VALUES (1::bigint, 'x')",
            ),
        ),
        "record": (
            "RETURNS record",
            (f"SELECT count(*), 'a'::text FROM {table.sql}", "SELECT 1, 2"),
        ),
        "scalar": (
            f"RETURNS {script.one(('bigint', 'numeric', 'text'))}",
            (f"SELECT count(*) FROM {table.sql}", "SELECT 1", "SELECT 1; SELECT 2", "SELECT ALL 3 LIMIT 1"),
        ),
        "many": (
            "RETURNS SETOF text",
            (f"SELECT {first}::text FROM {table.sql}", "VALUES ('a'), ('b')", "SELECT 'a' UNION SELECT 'b'"),
        ),
        "void": ("RETURNS void", (f"DELETE FROM {table.sql}", "SELECT 1", "")),
        "changes": (
            f"RETURNS SETOF {table.sql}",
            (
                f"INSERT INTO {table.sql} DEFAULT VALUES RETURNING *",
                f"DELETE FROM {table.sql} RETURNING {columns}",
            ),
        ),
    }[form]
    if unchecked and script.one((*["fits"] * 5, "does not")) == "does not":
        bodies = (
            *(
                "SELECT NULL",
                "SELECT 'a', 'b', 'c', 'd'",
                f"DELETE FROM {table.sql}",
                "SELECT",
                "VALUES (true)",
            ),
            *(
                f"SELECT {first} || 1 FROM {table.sql}",
                "SELECT 1 + now()",
                "",
                f"SELECT nothing FROM {table.sql}",
            ),
        )
    body = script.one(bodies)
    options = script.maybe("STABLE ", "IMMUTABLE STRICT ", "SET search_path = public ", "SECURITY DEFINER ")
    written = script.one(("text", "text", "text", "atomic", "return"))
    if written == "atomic":
        body = f"BEGIN ATOMIC {body}; END" if body else "BEGIN ATOMIC END"
    elif written == "return" and body.startswith("SELECT") and form in ("scalar", "rows", "row"):
        body = script.one((f"RETURN ({body})", "RETURN NULL", "RETURN 1"))
    else:
        body = f"AS $body$ {body} $body$"
    script.add(f"CREATE FUNCTION {name}({parameters}) {result} LANGUAGE sql {options}{body}")
    if script.one(("one", "one", "two")) == "two":
        script.add(f"CREATE FUNCTION {name}(date) RETURNS int LANGUAGE sql RETURN 5")
    _use(script, name, form)


def _use(script: Script, name: str, form: str) -> None:
    view = script.fresh("v")
    is_row = form in ("rows", "row", "table", "many", "changes")
    use = script.maybe(
        *(f"SELECT {name}()", f"COMMENT ON FUNCTION {name}() IS 'of a form'", f"DROP FUNCTION {name}"),
        *(f"ALTER FUNCTION {name} STABLE", f"GRANT EXECUTE ON FUNCTION {name}() TO PUBLIC"),
        *(f"DROP FUNCTION {name}(date)", f"ALTER FUNCTION {name}(date) RENAME TO other"),
        f"CREATE VIEW {view} AS SELECT * FROM {name}()"
        if is_row
        else f"CREATE VIEW {view} AS SELECT {name}() AS n",
        f"CREATE FUNCTION after_{view}() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {name}() AS q'",
    )
    if use:
        script.add(use)
