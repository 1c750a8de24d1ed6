"""What a table is made of: the catalog queries, and the text their rows become."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.core.results import Result
from awslabs_dsql_mcp.core.transactions import Query
from awslabs_dsql_mcp.errors import RequestInvalid

Row = Sequence[str | None]

_USERS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'sys')"
_NAMED = f"n.nspname = coalesce($1, n.nspname) AND c.relname = $2 AND {_USERS}"

# One row a column, of every relation of that name.
_COLUMNS = f"""
SELECT n.nspname, c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE {_NAMED} AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
ORDER BY n.nspname, a.attnum"""  # noqa: S608 - put together from constants

_CONSTRAINTS = f"""
SELECT n.nspname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_NAMED} ORDER BY n.nspname, k.contype DESC, k.conname"""  # noqa: S608 - see above

_INDEXES = f"""
SELECT n.nspname, i.relname, x.indisvalid, pg_get_indexdef(x.indexrelid)
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_NAMED} AND NOT x.indisprimary ORDER BY n.nspname, i.relname"""  # noqa: S608 - see above

_NAMES = f"""
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {_USERS}
AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2 LIMIT 1000"""  # noqa: S608 - see above

_KINDS = {"r": "table", "v": "view", "m": "materialized view", "p": "table", "f": "foreign table"}


@dataclass(frozen=True)
class TableName:
    """A table's name as PostgreSQL folds it; without a schema, the one of every schema is meant."""

    schema: str | None
    table: str


def parse_name(text: str) -> TableName:
    """Read ``table``, ``schema.table`` or either part quoted.

    Unquoted parts are folded to lower case (PostgreSQL documentation, "Identifiers and Key Words").

    Raises:
        RequestInvalid: It is not a name of one or two parts.
    """
    parts: list[str] = []
    rest = text.strip()
    while True:
        part, rest = _next_part(rest)
        parts.append(part)
        if not rest.startswith("."):
            break
        rest = rest[1:]
    if rest or not all(parts) or len(parts) > 2:  # noqa: PLR2004 - schema and table
        raise RequestInvalid(
            f"{text[:80]!r} is not a table's name.",
            hint='Give table or schema.table; quote a part that has capitals: "Order Lines".',
        )
    return TableName(parts[0] if len(parts) > 1 else None, parts[-1])


def _next_part(text: str) -> tuple[str, str]:
    if not text.startswith('"'):
        end = next((i for i, c in enumerate(text) if c in '."'), len(text))
        return text[:end].strip().lower(), text[end:]
    end = 1
    while (end := text.find('"', end)) >= 0 and text[end : end + 2] == '""':
        end += 2
    return (text[1:end].replace('""', '"'), text[end + 1 :]) if end >= 0 else ("", text)


def queries(name: TableName) -> tuple[Query, ...]:
    """Give the queries whose results `describe` reads, in its order; one round trip for all."""
    params = (name.schema, name.table)
    return (Query(_COLUMNS, params), Query(_CONSTRAINTS, params), Query(_INDEXES, params), Query(_NAMES))


def describe(name: TableName, results: Sequence[Result]) -> list[dict[str, object]]:
    """Fold the results of `queries` into one description for each schema that has the name.

    Raises:
        RequestInvalid: No table of that name; the error names the nearest.
    """
    columns, constraints, indexes, names = (result.rows for result in results)
    if not columns:
        raise _unknown(name, names)
    schemas = dict.fromkeys(str(row[0]) for row in columns)
    return [_table(schema, columns, constraints, indexes) for schema in schemas]


def text_of(tables: Sequence[Mapping[str, object]]) -> str:
    """Write a description as compact JSON, a table a line."""
    return "\n".join(json.dumps(table, ensure_ascii=False) for table in tables)


def _table(
    schema: str, columns: Iterable[Row], constraints: Iterable[Row], indexes: Iterable[Row]
) -> dict[str, object]:
    mine = [row for row in columns if row[0] == schema]
    described: dict[str, object] = {
        "schema": schema,
        "name": mine[0][1],
        "kind": _KINDS[mine[0][2] or "r"],
        "columns": [_column(row) for row in mine],
    }
    if found := [f"{row[1]} {row[2]}" for row in constraints if row[0] == schema]:
        described["constraints"] = found
    if found := [_index(row) for row in indexes if row[0] == schema]:
        described["indexes"] = found
    return described


def _column(row: Row) -> str:
    _, _, _, name, kind, not_null, default, identity, generated = row
    facts = [f"{name} {kind}"]
    if not_null == "t":
        facts.append("NOT NULL")
    if identity:
        facts.append("GENERATED " + ("ALWAYS" if identity == "a" else "BY DEFAULT") + " AS IDENTITY")
    elif generated:
        facts.append(f"GENERATED ALWAYS AS ({default}) STORED")
    elif default is not None:
        facts.append(f"DEFAULT {default}")
    return " ".join(facts)


def _index(row: Row) -> str:
    return f"{row[3]}" + ("" if row[2] == "t" else " -- not valid: still being built, or its job failed")


def _unknown(name: TableName, names: Iterable[Row]) -> RequestInvalid:
    known = [(str(schema), str(table)) for schema, table in names]
    near = difflib.get_close_matches(name.table, [table for _, table in known], 5, 0.5)
    shown = [f"{schema}.{table}" for schema, table in known if table in near] or [
        f"{schema}.{table}" for schema, table in known[:10]
    ]
    wanted = f"{name.schema}.{name.table}" if name.schema else name.table
    return RequestInvalid(
        f"There is no table or view {wanted}.",
        code="unknown_table",
        hint=("Did you mean " if near else "There are: ") + ", ".join(shown[:10]) + ("?" if near else ".")
        if shown
        else "The database has no tables yet.",
    )
