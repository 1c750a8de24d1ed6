# ruff: noqa: S608 - scripts are what is put together here
"""Indexes, views, sequences, functions, comments and privileges of the scripts that hypothesis makes up."""

from support.migration.script_tables import Script, quote


def index(script: Script) -> None:
    table = script.table()
    if not table.columns:
        return
    column, type_name = script.column(table)
    quoted = quote(column)
    item = quoted + script.maybe(" DESC", " NULLS FIRST", " DESC NULLS LAST", " ASC")
    if type_name == "text" and script.flag():
        item = script.one(
            (
                f"lower({quoted})",
                f"{quoted} text_pattern_ops",
                f'{quoted} COLLATE "C"',
                f"({quoted} || 'x') DESC",
            )
        )
    last = quote(list(table.columns)[-1])
    more = script.maybe(f", {last}") if last != quoted else ""
    head = f"CREATE {script.maybe('UNIQUE ')}INDEX {script.maybe('CONCURRENTLY ')}"
    name = script.fresh("i")
    script.add(
        f"{head}{script.maybe(name + ' ', f'IF NOT EXISTS {name} ')}ON {script.maybe('ONLY ')}{table.sql} "
        f"{script.maybe('USING btree ', 'USING hash ', 'USING gin ', 'USING brin ')}({item}{more})"
        f"{script.maybe(f' INCLUDE ({last})')}{script.maybe(' NULLS NOT DISTINCT')}"
        f"{script.maybe(f' WHERE {quoted} IS NOT NULL', ' WITH (fillfactor=50)', ' TABLESPACE pg_default')}"
    )
    use = script.maybe("key", "primary", "cluster", "rename", "drop", "comment", "reindex", "attach")
    if use:
        script.add(
            {
                "key": f"ALTER TABLE {table.sql} ADD CONSTRAINT by_index UNIQUE USING INDEX {name}",
                "primary": f"ALTER TABLE {table.sql} ADD PRIMARY KEY USING INDEX {name}",
                "cluster": f"ALTER TABLE {table.sql} CLUSTER ON {name}",
                "rename": f"ALTER INDEX {name} RENAME TO other_{name}",
                "drop": f"DROP INDEX {name}",
                "comment": f"COMMENT ON INDEX {name} IS 'fast'",
                "reindex": f"REINDEX INDEX {name}",
                "attach": f"ALTER INDEX {name} SET (fillfactor=60)",
            }[use]
        )


def view(script: Script) -> None:
    table, other = script.table(), script.table()
    name = script.fresh("v")
    listed = ", ".join(map(quote, table.columns)) or "1 AS one"
    what = script.one(("VIEW", "VIEW", "OR REPLACE VIEW", "MATERIALIZED VIEW", "RECURSIVE VIEW"))
    where = script.maybe(
        *(" WHERE true", " LIMIT 10", " GROUP BY " + listed, " WITH CHECK OPTION", " ORDER BY 1 DESC"),
        *(f" CROSS JOIN {other.sql} AS o", " UNION ALL SELECT " + listed + f" FROM {table.sql}"),
        f" WHERE EXISTS (SELECT FROM {other.sql})",
    )
    columns = f" ({listed})" if what.startswith("RECURSIVE") else ""
    first = quote(next(iter(table.columns), "a"))
    script.add(f"CREATE {what} {name}{columns} AS SELECT {listed} FROM {table.sql}{where}")
    use = script.maybe("refresh", "rename", "default", "over", "drop", "comment", "grant", "owner")
    if use:
        script.add(
            {
                "refresh": f"REFRESH MATERIALIZED VIEW {name}",
                "rename": f"ALTER VIEW {name} RENAME TO old_{name}",
                "default": f"ALTER VIEW {name} ALTER {first} SET DEFAULT NULL",
                "over": f"CREATE VIEW over_{name} AS SELECT count(*) AS n FROM {name}",
                "drop": f"DROP VIEW {name}",
                "comment": f"COMMENT ON VIEW {name} IS 'seen'",
                "grant": f"GRANT SELECT ON {name} TO PUBLIC",
                "owner": f"ALTER VIEW {name} OWNER TO CURRENT_USER",
            }[use]
        )


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
    changes = ("RESTART WITH 4", "RESTART", "INCREMENT 3", "MAXVALUE 50", "CACHE 5", "OWNED BY NONE", "CYCLE")
    use = script.maybe(
        *(
            "default",
            "setval",
            "nextval",
            "owned",
            "alter",
            "dump",
            "dump",
            "rename",
            "schema",
            "insert",
            "drop",
        )
    )
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
    others = {
        "nextval": f"SELECT nextval('{name}')",
        "rename": f"ALTER SEQUENCE {name} RENAME TO other_{name}",
        "schema": f"COMMENT ON SEQUENCE {name} IS 'counts'",
        "drop": f"DROP SEQUENCE {name}",
    }
    if use in others:
        script.add(others[use])
    if use == "insert" and integers:
        table, column = integers[-1]
        script.add(
            f"INSERT INTO {table.sql} ({quote(column)}) VALUES (nextval('{name}')), (currval('{name}'))"
        )
    if use == "alter":
        script.add(f"ALTER SEQUENCE {name} {script.one(changes)}")


def function(script: Script) -> None:
    name, table = script.fresh("f"), script.table()
    script.add(
        script.one(
            (
                f"CREATE FUNCTION {name}(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x + 1'",
                f"CREATE OR REPLACE FUNCTION {name}(x int = 2) RETURNS int AS $$SELECT x$$ LANGUAGE sql",
                f"CREATE FUNCTION {name}() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
                f"CREATE FUNCTION {name}() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$",
                f"CREATE FUNCTION {name}(x text) RETURNS text STABLE STRICT LANGUAGE sql RETURN upper(x)",
                f"CREATE FUNCTION {name}() RETURNS bigint LANGUAGE sql RETURN (SELECT 1 FROM {table.sql})",
                f"CREATE FUNCTION {name}() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM {table.name}'",
                f"CREATE FUNCTION {name}() RETURNS SETOF {table.sql} LANGUAGE sql RETURN NULL",
                f"CREATE FUNCTION {name}(VARIADIC x int[]) RETURNS int LANGUAGE sql RETURN x[1]",
                f"CREATE PROCEDURE {name}() LANGUAGE sql AS 'SELECT 1'",
                f"CREATE AGGREGATE {name}(int) (sfunc = int4pl, stype = int)",
                "DO $$ BEGIN NULL; END $$",
                f"CREATE RULE {name} AS ON DELETE TO {table.sql} DO INSTEAD NOTHING",
                f"CREATE POLICY {name} ON {table.sql} USING (true)",
                f"ALTER TABLE {table.sql} ENABLE ROW LEVEL SECURITY",
                f"CREATE STATISTICS {name} ON (1 + 1) FROM {table.sql}",
                "CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq)",
                f'CREATE COLLATION {name} FROM "C"',
                f"CREATE PUBLICATION {name} FOR TABLE {table.sql}",
            )
        )
    )
    use = script.maybe("call", "drop", "comment", "owner", "execute")
    if use:
        script.add(
            {
                "call": f"SELECT {name}()",
                "drop": f"DROP FUNCTION {name}",
                "comment": f"COMMENT ON FUNCTION {name} IS 'works'",
                "owner": f"ALTER FUNCTION {name} OWNER TO CURRENT_USER",
                "execute": f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC",
            }[use]
        )


def comment(script: Script) -> None:
    table = script.table()
    text = script.one(("'about it'", "'it''s; --'", "E'two\\nlines'", "NULL", "U&'\\00e9'", "$$a 'b'$$"))
    name = next(iter(table.columns), "a")
    short = table.name.rpartition(".")[2]
    on = script.one(
        (
            f"TABLE {table.sql}",
            f"COLUMN {table.sql}.{quote(name)}",
            "SCHEMA app",
            "SCHEMA public",
            f"CONSTRAINT {quote(short + '_pkey')} ON {table.sql}",
            f"CONSTRAINT {quote(f'{short}_{name}_check')} ON {table.sql}",
            f"INDEX {quote(short + '_pkey')}",
            "DATABASE script",
            "ROLE reader",
        )
    )
    script.add(f"COMMENT ON {on} IS {text}")


def grant(script: Script) -> None:
    if "role" not in script.others:
        script.fresh("role")
        script.add("CREATE ROLE reader" + script.maybe(" LOGIN", " LOGIN PASSWORD 'x'", " NOINHERIT"))
    table = script.table()
    column = quote(next(iter(table.columns), "a"))
    script.add(
        script.one(
            (
                f"GRANT SELECT ON {table.sql} TO reader",
                f"GRANT ALL ON TABLE {table.sql} TO reader",
                f"GRANT SELECT ON {table.sql} TO PUBLIC",
                f"REVOKE ALL ON {table.sql} FROM PUBLIC",
                f"GRANT SELECT ({column}), UPDATE ({column}) ON {table.sql} TO reader",
                f"GRANT ALL ON {table.sql} TO CURRENT_USER",
                f"ALTER TABLE {table.sql} OWNER TO reader",
                "GRANT USAGE ON SCHEMA public TO reader",
                "GRANT CREATE ON SCHEMA public TO reader",
                "REVOKE ALL ON SCHEMA public FROM PUBLIC",
                "GRANT USAGE ON SCHEMA app TO reader",
                "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO reader",
                "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO reader",
                "GRANT USAGE ON TYPE mood TO reader",
                "GRANT CONNECT ON DATABASE script TO reader",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader",
                f"GRANT INSERT, UPDATE ON {table.sql} TO reader WITH GRANT OPTION",
                "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
                "REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM reader",
                "CREATE ROLE writer IN ROLE reader",
                "GRANT reader TO CURRENT_USER",
                "ALTER ROLE reader SET search_path = app",
                "ALTER ROLE reader RENAME TO readers",
                "SET ROLE reader",
                "DROP ROLE reader",
            )
        )
    )
