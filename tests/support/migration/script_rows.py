# ruff: noqa: S608 - scripts are what is put together here
"""Statements that change rows, and COPY with its data, of the scripts that hypothesis makes up."""

from dataclasses import dataclass
from typing import Final

from support.migration.script_tables import Script, Table, literal, quote
from support.migration.script_values import EXPRESSIONS, FIELDS, LITERALS

_KINDS: Final = (
    *("values", "values", "select", "default", "conflict", "returning", "update", "delete", "with", "many"),
    *(
        "upsert",
        "copy of rows",
        "update many",
        "overriding",
        "no columns",
        "from other",
        "merge",
        "expression",
    ),
    *("subquery", "alias"),
)


def insert(script: Script) -> None:
    table = script.table()
    columns = list(table.columns)
    kind = script.one(_KINDS)
    if kind == "default" or not columns:
        script.add(f"INSERT INTO {table.sql} DEFAULT VALUES")
        return
    name, type_name = script.column(table)
    column, value, other = quote(name), literal(script, type_name), script.table()
    listed = ", ".join(map(quote, columns))
    values = ", ".join(_row(script, table) for _ in range(int(script.one(("1", "2", "3")))))
    into, plain = f"INSERT INTO {table.sql} ({listed})", f"INSERT INTO {table.sql} ({column})"
    found = {
        "values": f"{into} VALUES {values}",
        "select": f"{plain} SELECT {value}",
        "conflict": f"{into} VALUES {values} ON CONFLICT DO NOTHING",
        "returning": f"{into} VALUES {values} RETURNING {column}",
        "update": f"UPDATE {table.sql} SET {column} = {value}",
        "delete": f"DELETE FROM {table.sql} WHERE {column} IS NULL",
        "with": f"WITH w AS (SELECT {value} AS x) {plain} SELECT x FROM w",
        "many": f"{plain} SELECT {value} FROM generate_series(1, 2)",
        "upsert": f"{into} VALUES {values} ON CONFLICT ({column}) DO UPDATE SET {column} = EXCLUDED.{column}",
        "copy of rows": f"{plain} SELECT {column} FROM {table.sql} LIMIT 1",
        "update many": f"UPDATE {table.sql} SET ({column}) = ROW({value}) WHERE {column} IS NOT NULL",
        "overriding": f"{into} OVERRIDING SYSTEM VALUE VALUES {values}",
        "no columns": f"INSERT INTO {table.sql} VALUES {values}",
        "from other": f"{plain} TABLE {other.sql}",
        "merge": (
            f"MERGE INTO {table.sql} m USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE "
            f"WHEN NOT MATCHED THEN INSERT ({column}) VALUES ({value})"
        ),
        "expression": f"{plain} VALUES ({script.one(EXPRESSIONS.get(type_name, (value,)))})",
        "subquery": f"{plain} VALUES ((SELECT {value})), ((SELECT {column} FROM {table.sql} LIMIT 1))",
        "alias": f"UPDATE ONLY {table.sql} AS x SET {column} = DEFAULT WHERE x.{column} = {value}",
    }
    script.add(found[kind])


def _row(script: Script, table: Table) -> str:
    types = table.columns.values()
    return f"({', '.join(script.one((*LITERALS.get(one, ('1',)), 'DEFAULT')) for one in types)})"


_TEXT_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class _Format:
    """A format of COPY, as its options say it."""

    csv: bool
    delimiter: str
    null: str
    header: str
    more: str
    quote: str = '"'
    escape: str = '"'

    def options(self) -> list[str]:
        found = ["FORMAT csv"] if self.csv else []
        if self.delimiter != ("," if self.csv else "\t"):
            found.append(f"DELIMITER '{self.delimiter}'")
        if self.null != ("" if self.csv else "\\N"):
            found.append(f"NULL '{self.null}'")
        if self.quote != '"':
            found.append(f"QUOTE {_text(self.quote)}")
        if self.escape != self.quote:
            found.append(f"ESCAPE {_text(self.escape)}")
        return found + [one for one in (self.header, self.more) if one]

    def field(self, value: str) -> str:
        """A value as the format has it; what the format takes for NULL stays so."""
        if not self.csv:
            text = value if value == "\\N" else value.translate(_TEXT_ESCAPES)
            return text.replace(self.delimiter, f"\\{self.delimiter}") if self.delimiter != "\t" else text
        specials = (self.quote, self.escape, self.delimiter, "\n", "\\")
        if not any(special in value for special in specials):
            return value
        for special in dict.fromkeys((self.escape, self.quote)):
            value = value.replace(special, self.escape + special)
        return f"{self.quote}{value}{self.quote}"


def _text(character: str) -> str:
    return "''''" if character == "'" else f"'{character}'"


def _format(script: Script, column: str) -> _Format:
    if not script.flag():
        more = script.maybe("ENCODING 'UTF8'", "DEFAULT 'D'", "FREEZE false")
        header = script.maybe("HEADER", "HEADER match")
        return _Format(False, script.one(("\t", "|")), script.one(("\\N", "", "NULL")), header, more)  # noqa: FBT003
    more = script.maybe(
        *(f"FORCE_NULL ({column})", f"FORCE_NOT_NULL ({column})", "DEFAULT 'D'", "ENCODING 'UTF8'"),
    )
    marks = script.one(('""', '""', "''", '"\\', "'\\"))
    delimiter, null = script.one((",", ";", "|")), script.one(("", "NULL", "\\N"))
    return _Format(True, delimiter, null, script.maybe("HEADER", "HEADER match"), more, *marks)  # noqa: FBT003


def copy(script: Script) -> None:
    table = script.table()
    columns = [name for name, type_name in table.columns.items() if type_name in FIELDS]
    if not columns:
        return
    form = _format(script, quote(columns[0]))
    rows = [
        [
            script.one((*FIELDS[table.columns[name]], "", *(["D"] if "DEFAULT" in form.more else [])))
            for name in columns
        ]
        for _ in range(int(script.one(("1", "2"))))
    ]
    options = form.options()
    lines = [form.delimiter.join(columns)] if form.header else []
    lines += [form.delimiter.join(map(form.field, row)) for row in rows]
    written = f" WITH ({', '.join(options)})" if options else ""
    if script.flag() and options and not form.more and "match" not in form.header:
        written = " WITH " + " ".join(option.replace("FORMAT csv", "CSV") for option in options)
    named = f" ({', '.join(map(quote, columns))})"
    listed = script.one((named, named, "")) if len(columns) == len(table.columns) else named
    where = script.one((*[""] * 7, f" WHERE {quote(columns[0])} IS NOT NULL"))
    command = script.one((*["COPY"] * 7, "\\copy"))
    end = ";" if command == "COPY" else ""
    script.statements.append(
        "\0" + f"{command} {table.sql}{listed} FROM stdin{written}{where}{end}\n" + "\n".join(lines) + "\n\\."
    )
