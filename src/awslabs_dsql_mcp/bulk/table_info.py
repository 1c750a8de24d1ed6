"""What the catalog knows of the tables in a big change: are they tables, and what is the key."""

import json
from dataclasses import dataclass
from typing import Final, cast

from awslabs_dsql_mcp.bulk.keyset import Key
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import qualified_name

# Only plain ASCII identifiers of types come out of this: quote_ident puts all others in quotes.
_TABLES: Final = """
SELECT w.name, c.oid, n.nspname, c.relname, c.relkind,
  (SELECT json_agg(json_build_array(a.attname, quote_ident(tn.nspname) || '.' || quote_ident(t.typname),
                                    array_position(k.conkey, a.attnum), a.attgenerated <> '', a.attidentity)
                   ORDER BY a.attnum)
   FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
   LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text,
  (SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid),
  (SELECT count(*) FROM pg_constraint f WHERE f.conrelid = c.oid AND f.confrelid = c.oid
   AND f.contype = 'f' AND (f.confdeltype IN ('n', 'd') OR f.confupdtype IN ('n', 'd', 'c'))),
  (SELECT json_agg(f.conrelid::text) FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f'
   AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd')))::text
FROM (SELECT $1::text AS name) w
LEFT JOIN pg_class c ON c.oid = to_regclass(w.name) LEFT JOIN pg_namespace n ON n.oid = c.relnamespace"""

_AGGREGATES: Final = "SELECT proname FROM pg_proc WHERE proname = ANY($1::text[]) AND prokind IN ('a', 'w')"


@dataclass(frozen=True)
class ColumnInfo:
    """A column of a table.

    Attributes:
        name: Its name.
        type: Its type as SQL, without modifiers.
        in_key: Its place in the primary key, from 1; ``None`` outside of it.
        computed: Whether it can take no value.
    """

    name: str
    type: str
    key_position: int | None
    is_generated: bool


@dataclass(frozen=True)
class TableInfo:
    """A table as the catalog has it.

    Attributes:
        name: As the statement names it.
        oid: Its id.
        schema: Its schema.
        table: Its own name.
        is_table: Whether it is no view.
        columns: Its columns, in order.
        indexes: How many indexes it has.
        moves: Ids of the tables whose rows change when rows of this one are deleted or changed.
        moves_itself: Whether a foreign key of it on itself changes rows when others are deleted or changed.
    """

    name: str
    oid: str
    schema: str
    table: str
    is_table: bool
    columns: tuple[ColumnInfo, ...]
    indexes: int
    has_self_cascade: bool
    cascade_targets: frozenset[str] = frozenset()

    @property
    def full_name(self) -> str:
        """Its name with its schema, as SQL."""
        return qualified_name(self.schema, self.table)

    @property
    def key(self) -> Key | None:
        """Its primary key."""
        parts = sorted((c.key_position, c.name, c.type) for c in self.columns if c.key_position is not None)
        return Key(tuple(p[1] for p in parts), tuple(p[2] for p in parts)) if parts else None


def table_info_query(name: str) -> Query:
    """Ask about a table, by its name as SQL."""
    return Query(_TABLES, (name,))


def parse_table_info(result: Result) -> TableInfo | None:
    """Read the answer to `table_info_query`; ``None`` if there is no such table."""
    name, oid, schema, table, kind, columns, indexes, itself, moved = (cell or "" for cell in result.rows[0])
    if not oid:
        return None
    listed = cast("list[tuple[str, str, int | None, bool, str]]", json.loads(columns or "[]"))
    return TableInfo(
        name,
        oid,
        schema,
        table,
        kind in ("r", "p"),
        tuple(ColumnInfo(c[0], c[1], c[2], c[3] or c[4] == "a") for c in listed),
        int(indexes),
        itself != "0",
        frozenset(cast("list[str]", json.loads(moved or "[]"))),
    )


def aggregates_among(names: frozenset[str]) -> Query:
    """Ask which functions look at several rows at once."""
    return Query(_AGGREGATES, (sorted(names),))
