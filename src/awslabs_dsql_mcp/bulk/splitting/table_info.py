"""Catalog information about the tables of a batch job: kind, columns, primary key."""

import json
from dataclasses import dataclass
from typing import Final, cast

from awslabs_dsql_mcp.bulk.splitting.keyset import Key
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import qualified_name

# Type names are safe to use in SQL: quote_ident quotes all but plain ASCII identifiers.
_TABLES: Final = """
SELECT w.name, c.oid, n.nspname, c.relname, c.relkind,
  (SELECT json_agg(json_build_array(a.attname, quote_ident(tn.nspname) || '.' || quote_ident(t.typname),
                                    array_position(k.conkey, a.attnum), a.attgenerated <> '', a.attidentity,
                                    a.atttypmod, a.atthasdef OR a.attidentity <> '')
                   ORDER BY a.attnum)
   FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
   LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text,
  (SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid),
  (SELECT json_agg((SELECT json_agg(a.attname) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND array_position(x.indkey::int2[], a.attnum) IS NOT NULL))
   FROM pg_index x WHERE x.indrelid = c.oid AND NOT x.indisprimary)::text
FROM (SELECT $1::text AS name) w
LEFT JOIN pg_class c ON c.oid = to_regclass(w.name) LEFT JOIN pg_namespace n ON n.oid = c.relnamespace"""


@dataclass(frozen=True)
class ColumnInfo:
    """A column of a table.

    Attributes:
        name: Its name.
        type: Its type as SQL, without modifiers.
        key_position: Position in the primary key, from 1; ``None`` for other columns.
        is_generated: The column accepts no value.
        modifier: The type's modifier, such as a length or a precision; -1 for none (pg_attribute.atttypmod).
        has_default: It has a DEFAULT, or numbers of its own.
    """

    name: str
    type: str
    key_position: int | None
    is_generated: bool
    modifier: int = -1
    has_default: bool = False

    @property
    def built_in_type(self) -> str:
        """Name of the type, if it is PostgreSQL's own; empty for others."""
        schema, _, name = self.type.partition(".")
        return name.strip('"') if schema == "pg_catalog" else ""  # keywords such as "numeric" are quoted


@dataclass(frozen=True)
class TableInfo:
    """A table in the catalog.

    Attributes:
        name: Name in the statement, as SQL.
        oid: Object id.
        schema: Schema.
        table: Name without the schema.
        is_table: It is a table, not a view.
        columns: Columns, in order.
        indexes: Number of indexes.
        secondary: Columns of each index besides the primary key's, those that it includes among them.
    """

    name: str
    oid: str
    schema: str
    table: str
    is_table: bool
    columns: tuple[ColumnInfo, ...]
    indexes: int
    secondary: tuple[tuple[str, ...], ...] = ()

    @property
    def full_name(self) -> str:
        """Qualified name, as SQL."""
        return qualified_name(self.schema, self.table)

    @property
    def key(self) -> Key | None:
        """Primary key."""
        parts = sorted((c.key_position, c.name, c.type) for c in self.columns if c.key_position is not None)
        return Key(tuple(p[1] for p in parts), tuple(p[2] for p in parts)) if parts else None


def table_info_query(name: str) -> Query:
    """Query for a table by its name as SQL."""
    return Query(_TABLES, (name,))


def parse_table_info(result: Result) -> TableInfo | None:
    """Convert the result of `table_info_query`; ``None`` if there is no such table."""
    name, oid, schema, table, kind, columns, indexes, secondary = (cell or "" for cell in result.rows[0])
    if not oid:
        return None
    listed = cast("list[tuple[str, str, int | None, bool, str, int, bool]]", json.loads(columns or "[]"))
    return TableInfo(
        name,
        oid,
        schema,
        table,
        kind in ("r", "p"),
        tuple(ColumnInfo(c[0], c[1], c[2], c[3] or c[4] == "a", c[5], c[6]) for c in listed),
        int(indexes),
        tuple(tuple(of or ()) for of in cast("list[list[str] | None]", json.loads(secondary or "[]"))),
    )
