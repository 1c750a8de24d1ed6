"""Columns and indexes of the tables that a plan can name, read from the catalog by the session itself."""

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from awslabs_dsql_mcp.dsql.objects import CATALOG_SCHEMAS

COPIES: Final = "pg_temp"
"""Schema of the session's private copies; Aurora DSQL has no temporary tables."""
QUERY: Final = """
SELECT pg_catalog.json_build_object(
  'batched', pg_catalog.current_setting('dsql.enable_batched_nestloop', true),
  'indexes', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(t.relname), pg_catalog.quote_ident(i.relname),
      x.indisprimary,
      (SELECT pg_catalog.json_agg(pg_catalog.quote_ident(a.attname) ORDER BY place)
       FROM pg_catalog.unnest(x.indkey) WITH ORDINALITY AS keys (number, place)
       JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = number)))
    FROM pg_catalog.pg_index x
    JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
    JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname NOT IN {CATALOG_SCHEMAS} AND x.indislive
      AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)),
  'tables', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(t.relname), t.reltuples,
      (SELECT pg_catalog.json_agg(pg_catalog.quote_ident(a.attname)) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = t.oid AND a.attnum > 0)))
    FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname NOT IN {CATALOG_SCHEMAS} AND t.relkind = 'r'
      AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)))
""".replace("{CATALOG_SCHEMAS}", str(CATALOG_SCHEMAS))


class Index(NamedTuple):
    """An index.

    Attributes:
        name: As PostgreSQL writes it, with quotes where they are needed, like all names here.
        is_primary: It is the primary key's, and so the table itself.
        columns: Columns that it has, in their order, those of INCLUDE at the end; no expressions.
    """

    name: str
    is_primary: bool
    columns: tuple[str, ...]


class Table(NamedTuple):
    """A table.

    Attributes:
        rows: Number of rows, from its statistics; negative without any.
        columns: Its columns.
    """

    rows: float
    columns: frozenset[str]


class Relations(NamedTuple):
    """What a plan needs to know of the catalog.

    Attributes:
        indexes: Indexes of a table, by schema and name.
        tables: The tables, by schema and name.
        joins_in_batches: The setting ``dsql.enable_batched_nestloop``.
    """

    indexes: Mapping[tuple[str, str], Sequence[Index]]
    tables: Mapping[tuple[str, str], Table]
    joins_in_batches: bool

    def origin(self, schema: str, table: str) -> str:
        """Find the schema of a table, or of the one that a private copy is of."""
        if schema != COPIES:
            return schema
        return next((found for found, name in self.tables if name == table and found != COPIES), "public")

    def find_primary_key(self, schema: str, table: str) -> Index | None:
        """Find a table's primary key."""
        return next((index for index in self.indexes.get((schema, table), ()) if index.is_primary), None)

    def find_index(self, schema: str, table: str, name: str) -> Index | None:
        """Find an index by its name."""
        return next((index for index in self.indexes.get((schema, table), ()) if index.name == name), None)


NONE: Final = Relations({}, {}, joins_in_batches=True)


def read_relations(row: str) -> Relations:
    """Read the row of `QUERY`."""
    found = json.loads(row)
    indexes: dict[tuple[str, str], list[Index]] = {}
    for schema, table, name, is_primary, columns in found["indexes"] or ():
        index = Index(name, is_primary, tuple(columns or ()))
        indexes.setdefault((_shown(schema), table), []).append(index)
    tables = {
        (_shown(schema), table): Table(rows, frozenset(names or ()))
        for schema, table, rows, names in found["tables"] or ()
    }
    return Relations(indexes, tables, found["batched"] != "off")


def _shown(schema: str) -> str:
    """Name of a schema in a plan, which has no number for the session's temporary one."""
    return COPIES if schema.startswith("pg_temp_") else schema
