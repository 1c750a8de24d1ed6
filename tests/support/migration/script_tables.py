# ruff: noqa: S608 - scripts are what is put together here
"""Tables of the scripts that hypothesis makes up: made, and altered."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hypothesis import strategies as st

from support.migration.script_values import CHECKS, EXPRESSIONS, LITERALS, OWN_TYPES

_NAMES: Final = {
    "plain": ("a", "b", "c"),
    "quoted": ("Name", "order", "x y"),
    "long": ("id", "é", "a_name_of_63_bytes_or_so_which_PostgreSQL_has_to_shorten_in_others"),
}
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass
class Table:
    name: str
    columns: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def sql(self) -> str:
        return ".".join(map(quote, self.name.split(".")))


@dataclass
class Script:
    """A script as far as it is written."""

    draw: Callable[..., str]
    statements: list[str] = field(default_factory=list[str])
    tables: list[Table] = field(default_factory=list["Table"])
    types: list[str] = field(default_factory=list[str])
    others: dict[str, int] = field(default_factory=dict[str, int])

    def one(self, choices: Sequence[str]) -> str:
        return self.draw(st.sampled_from(choices))

    def maybe(self, *choices: str) -> str:
        """One of the texts or, as often as not, none; hypothesis shrinks to none."""
        return self.draw(
            st.sampled_from(("", "", *choices))
            if len(choices) < 2
            else st.just("") | st.sampled_from(choices)
        )

    def flag(self) -> bool:
        return self.one(("", "yes")) == "yes"

    def fresh(self, kind: str) -> str:
        self.others[kind] = self.others.get(kind, 0) + 1
        return f"{kind}{self.others[kind]}"

    def add(self, statement: str) -> None:
        self.statements.append(statement)

    def table(self) -> Table:
        return self.tables[int(self.one([str(at) for at in range(len(self.tables))]))]

    def column(self, table: Table) -> tuple[str, str]:
        name = self.one(list(table.columns))
        return name, table.columns[name]


def quote(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name != "order" else f'"{name}"'


def literal(script: Script, type_name: str) -> str:
    return script.one(LITERALS.get(type_name, ("1", "NULL")))


def own_type(script: Script) -> None:
    name = script.one([name for name in OWN_TYPES if name not in script.types] or ["mood"])
    if name in script.types:
        script.add(
            script.one(
                (
                    "ALTER TYPE mood ADD VALUE 'calm'",
                    "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'calm' BEFORE 'ok'",
                    "COMMENT ON TYPE mood IS 'how it is'",
                    "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
                    "ALTER TYPE mood RENAME TO state",
                    "ALTER DOMAIN positive SET DEFAULT 3",
                    "ALTER DOMAIN positive DROP NOT NULL",
                    "ALTER DOMAIN amount DROP CONSTRAINT is_amount",
                    "ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000) NOT VALID",
                    "COMMENT ON DOMAIN positive IS 'more than nothing'",
                    "ALTER TYPE pair ADD ATTRIBUTE more text",
                )
            )
        )
        return
    script.types.append(name)
    script.add(OWN_TYPES[name])


def _any_type(script: Script) -> str:
    builtin = [name for name in LITERALS if name.rstrip("[]") not in OWN_TYPES]
    own = [name for name in LITERALS if name.rstrip("[]") in script.types]
    return script.one(["int", "text", *own, *own, *builtin])


def default(script: Script, type_name: str) -> str:
    return script.one((*LITERALS.get(type_name, ("NULL",)), *EXPRESSIONS.get(type_name, ())))


def column_definition(script: Script, table: Table, name: str) -> str:
    kind = script.one(("plain", "plain", "plain", "serial", "identity", "generated"))
    quoted = quote(name)
    if kind == "serial":
        table.columns[name] = "int"
        return f"{quoted} {script.one(('serial', 'bigserial', 'smallserial'))}" + script.maybe(" PRIMARY KEY")
    if kind == "identity":
        table.columns[name] = "int"
        options = script.maybe(
            " (START WITH 10)",
            " (INCREMENT BY 5 CACHE 20)",
            " (SEQUENCE NAME sq)",
            " (INCREMENT -1)",
            " (MINVALUE 5 MAXVALUE 90 CYCLE)",
        )
        when = script.one(("BY DEFAULT", "ALWAYS"))
        return (
            f"{quoted} {script.one(('int', 'bigint'))} GENERATED {when} AS IDENTITY{options}"
            + script.maybe(" PRIMARY KEY")
        )
    numbers = [other for other, type_name in table.columns.items() if type_name == "int"]
    if kind == "generated" and numbers:
        value = script.one((f"{quote(numbers[0])} * 2", f"coalesce({quote(numbers[0])}, 0) + 1"))
        return f"{quoted} int GENERATED ALWAYS AS ({value}) STORED"
    type_name = _any_type(script)
    table.columns[name] = type_name
    parts = [quoted, type_name]
    if type_name in ("text", "varchar"):
        parts.append(script.maybe('COLLATE "C"'))
    if script.flag():
        parts.append(f"DEFAULT {default(script, type_name)}")
    parts.append(
        script.maybe(
            *(
                "NOT NULL",
                "NULL",
                "UNIQUE",
                "PRIMARY KEY",
                "UNIQUE NULLS NOT DISTINCT",
                "CONSTRAINT own UNIQUE",
            ),
            *("CONSTRAINT needed NOT NULL", "UNIQUE DEFERRABLE", "CONSTRAINT own_pk PRIMARY KEY"),
        )
    )
    if type_name in CHECKS and script.flag():
        named = script.maybe(f"CONSTRAINT {table.name.split('.')[-1]}_ck")
        parts.append(f"{named} CHECK ({script.one(CHECKS[type_name]).format(quoted)})")
    if type_name == "int" and script.tables:
        actions = script.maybe(
            *(" ON DELETE CASCADE", " ON UPDATE SET NULL", " ON DELETE SET DEFAULT"),
            *(" DEFERRABLE INITIALLY DEFERRED", " MATCH FULL", " ON DELETE RESTRICT"),
        )
        parts.append(script.maybe(f"REFERENCES {script.table().sql}{actions}"))
    return " ".join(filter(None, parts))


def table(script: Script) -> None:
    table = Table(script.maybe("public.", "app.") + script.fresh(script.one(("t", "t", "T"))))
    if table.name.startswith("app.") and "CREATE SCHEMA app" not in script.statements:
        script.add("CREATE SCHEMA app")
    exists = script.maybe("IF NOT EXISTS ")
    if script.tables and script.one(("new", "new", "new", "of another")) == "of another":
        other = script.table()
        table.columns = dict(other.columns)
        script.add(
            script.one(
                (
                    f"CREATE TABLE {exists}{table.sql} (LIKE {other.sql} INCLUDING ALL)",
                    f"CREATE TABLE {table.sql} (LIKE {other.sql} INCLUDING DEFAULTS)",
                    f"CREATE TABLE {table.sql} AS SELECT * FROM {other.sql}",
                    f"CREATE TABLE {exists}{table.sql} AS TABLE {other.sql} WITH NO DATA",
                    f"SELECT * INTO {table.sql} FROM {other.sql}",
                    f"CREATE TABLE {table.sql} () INHERITS ({other.sql})",
                    f"CREATE TEMP TABLE {table.name.split('.')[-1].lower()} AS TABLE {other.sql}",
                )
            )
        )
        script.tables.append(table)
        return
    names = _NAMES[script.one(("plain", "plain", *_NAMES))]
    count = int(script.one(("1", "2", "3")))
    parts = [column_definition(script, table, name) for name in names[:count]]
    if table.columns:
        parts.append(table_constraint(script, table))
    head = f"CREATE{script.maybe(' UNLOGGED')} TABLE {exists}{table.sql}"
    end = script.maybe(" WITH (fillfactor=70)", " USING heap", f" PARTITION BY HASH ({quote(names[0])})")
    script.add(f"{head} (\n    " + ",\n    ".join(filter(None, parts)) + f"\n){end}")
    script.tables.append(table)


def table_constraint(script: Script, table: Table) -> str:
    columns = [quote(name) for name in table.columns] or ["a"]
    first, last, all_of_them = columns[0], columns[-1], ", ".join(columns)
    return script.maybe(
        f"PRIMARY KEY ({first})",
        f"PRIMARY KEY ({all_of_them})",
        f"UNIQUE ({all_of_them})",
        f"CHECK ({first} IS NOT NULL)",
        f"CHECK ({first} IS NOT NULL OR {last} IS NULL) NO INHERIT",
        f"CONSTRAINT k UNIQUE ({last})",
        f"UNIQUE NULLS NOT DISTINCT ({all_of_them})",
        f"UNIQUE ({first}) INCLUDE ({last})",
        f"CONSTRAINT p PRIMARY KEY ({first}) INCLUDE ({last})",
        f"UNIQUE ({last}) DEFERRABLE INITIALLY DEFERRED",
        f"EXCLUDE ({first} WITH =)",
        f"UNIQUE ({first}) WITH (fillfactor=70)",
    )


def alter_table(script: Script) -> None:
    table = script.table()
    head = f"ALTER TABLE {script.maybe('ONLY ')}{table.sql}"
    kind = script.one(
        (
            "add",
            "drop",
            "rename",
            "default",
            "no default",
            "not null",
            "null",
            "check",
            "unique",
            "primary",
            "foreign",
            "drop check",
            "type",
            "rename table",
            "owner",
            "two",
            "identity",
            "drop key",
            "rename constraint",
            "schema",
            "constraint",
            "using",
            "all",
            "storage",
            "statistics",
            "trigger",
            "if exists",
            "validate",
            "identity off",
        )
    )
    short = table.name.split(".")[-1]
    if kind == "add":
        name = script.one(("d", "e", "Name"))
        script.add(f"{head} ADD COLUMN {column_definition(script, table, name)}")
        return
    name, type_name = script.column(table) if table.columns else ("a", "int")
    quoted = quote(name)
    check = script.one(CHECKS.get(type_name, ("{0} IS NOT NULL",))).format(quoted)
    other = script.table()
    checks, keys = (
        (f"{short}_{name}_check", "late", f"{short}_ck"),
        (f"{short}_pkey", f"{short}_{name}_key", "late_key"),
    )
    late, deferrable = script.maybe(" NOT VALID"), script.maybe(" DEFERRABLE")
    column, perhaps = f"{head} ALTER COLUMN {quoted}", script.one((table.sql, "nothing"))
    script.add(
        {
            "drop": f"{head} DROP COLUMN {quoted}{script.maybe(' CASCADE')}",
            "rename": f"{head} RENAME COLUMN {quoted} TO renamed",
            "default": f"{column} SET DEFAULT {default(script, type_name)}",
            "no default": f"{column} DROP DEFAULT",
            "not null": f"{column} SET NOT NULL",
            "null": f"{column} DROP NOT NULL",
            "check": f"{head} ADD {script.maybe('CONSTRAINT late ')}CHECK ({check}){late}",
            "unique": f"{head} ADD {script.maybe('CONSTRAINT late_key ')}UNIQUE ({quoted})",
            "primary": f"{head} ADD {script.maybe('CONSTRAINT pk ')}PRIMARY KEY ({quoted})",
            "foreign": f"{head} ADD FOREIGN KEY ({quoted}) REFERENCES {other.sql}{deferrable}",
            "drop check": f"{head} DROP CONSTRAINT {script.maybe('IF EXISTS ')}{script.one(checks)}",
            "type": f"{column} TYPE {script.one(('bigint', 'text', 'varchar(5)', 'numeric(6,2)'))}",
            "rename table": f"{head} RENAME TO moved",
            "owner": f"{head} OWNER TO CURRENT_USER",
            "two": f"{column} SET DEFAULT {literal(script, type_name)}, ADD COLUMN two int DEFAULT 2",
            "identity": f"{column} ADD GENERATED BY DEFAULT AS IDENTITY",
            "drop key": f"{head} DROP CONSTRAINT {script.one(keys)}",
            "rename constraint": f"{head} RENAME CONSTRAINT {short}_{name}_check TO ck",
            "schema": f"{head} SET SCHEMA public",
            "constraint": f"{head} ADD {table_constraint(script, table) or 'CHECK (true)'}",
            "using": f"{column} TYPE text USING {quoted}::text || 'x'",
            "all": f"{column} SET NOT NULL, ALTER {quoted} DROP DEFAULT, ADD CHECK ({check})",
            "storage": f"{column} SET STORAGE EXTERNAL",
            "statistics": f"{column} SET STATISTICS 100",
            "trigger": f"{head} {script.one(('DISABLE', 'ENABLE'))} TRIGGER ALL",
            "if exists": f"ALTER TABLE IF EXISTS {perhaps} ADD COLUMN IF NOT EXISTS {quoted} int",
            "validate": f"{head} VALIDATE CONSTRAINT late",
            "identity off": f"{column} DROP IDENTITY IF EXISTS",
        }[kind]
    )
    if kind == "drop":
        table.columns.pop(name, None)
    if kind == "rename":
        table.columns["renamed"] = table.columns.pop(name, "int")
    if kind == "rename table":
        table.name = table.name.removesuffix(short) + "moved"
