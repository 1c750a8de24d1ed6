"""Redirection of statements to private copies of tables.

The copy is a temporary table of the same name, which an unqualified name finds first (PostgreSQL
documentation, 5.9.3 "The Schema Search Path"); names with a schema are rewritten.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import StatementKind, TableName, TranslatedStatement
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Tree, strings

_QUALIFIED: Final = 2  # a column with its table
_CHANGES: Final = ("InsertStmt", "UpdateStmt", "DeleteStmt")


SURROUNDINGS: Final = """
SELECT pg_catalog.json_build_object(
  'dependents', coalesce(pg_catalog.json_agg(told->'dependents'), '[]'),
  'numbered', coalesce(pg_catalog.json_agg(told->'numbered'), '[]'))
FROM pg_catalog.pg_class,
  LATERAL (SELECT pg_catalog.obj_description(oid, 'pg_class')::json) AS comments (told)
WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind = 'r'
"""
"""Query for what `read_surroundings` reads."""


@dataclass(frozen=True)
class Surroundings:
    """What copies lack of their tables.

    Attributes:
        dependents: Names of what would use the tables past the copies: views, functions, tables of cascades.
        numbered: Names of columns whose values a copy takes and a table refuses.
    """

    dependents: frozenset[str] = frozenset()
    numbered: frozenset[str] = frozenset()


NO_COPIES: Final = Surroundings()


def read_surroundings(text: str) -> Surroundings:
    """Read the row of the query `SURROUNDINGS`."""
    found: dict[str, list[list[str]]] = json.loads(text)
    return Surroundings(*(frozenset(chain(*found[key])) for key in ("dependents", "numbered")))


def is_exact(statement: TranslatedStatement, around: Surroundings) -> bool:
    """Return whether a statement does on the copies all that it would do on the tables themselves.

    Args:
        statement: Any statement.
        around: What the copies lack.
    """
    if statement.kind in (StatementKind.LOCK, StatementKind.CALL, StatementKind.OTHER):
        return False
    if around.dependents and _mentions(statement.sql, around.dependents):
        return False
    if statement.kind is not StatementKind.WRITE:
        return True
    if statement.sql.lstrip()[:4].lower() == "copy":
        return False
    return not around.numbered or not _writes(statement.sql, around.numbered)


def _mentions(sql: str, names: Collection[str]) -> bool:
    """Return whether a text may have one of the names, as an identifier or in a literal."""
    if "u&" in sql.lower():
        return True
    written = "|".join(re.escape(name.replace('"', '""')) for name in names)
    return re.search(rf"(?<!\w)(?:{written})(?!\w)", sql, re.IGNORECASE) is not None


def _writes(sql: str, columns: Collection[str]) -> bool:
    """Return whether a text may write one of the columns otherwise than by leaving it out."""
    try:
        trees = parser.parse(sql)
    except parser.ParseError:
        return True
    for tree in trees:
        for place in tree.find("InsertStmt"):
            if not place.node.get("cols") and "selectStmt" in place.node:
                return True
        targets = (place.node.get("name") for place in tree.find("ResTarget"))
        if not set(columns).isdisjoint(targets):
            return True
    return False


def literal(table: TableName) -> str:
    """Format the name of a table as two SQL literals: schema or NULL, and name."""
    return f"{_quoted(table.schema)}, {_quoted(table.name)}"


def _quoted(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def redirect(sql: str, copied: Collection[TableName]) -> str:
    """Rewrite a statement to use the copies, also where it names a schema.

    Args:
        sql: One statement.
        copied: The tables with a copy.
    """
    names = {table.name for table in copied}
    try:
        places = sorted({at for tree in parser.parse(sql) for at in _qualified(tree, names)}, reverse=True)
    except parser.ParseError:
        return sql
    data, tokens = sql.encode(), parser.tokens(sql)
    for location in places:
        schema = next(token for token in tokens if token.start == location)
        data = data[: schema.start] + b"pg_temp" + data[schema.end :]
    return data.decode()


def _qualified(tree: Tree, names: Collection[str]) -> Iterator[int]:
    """Yield the positions of schema-qualified names of these tables."""
    relations = [place.node for place in tree.find("RangeVar")]
    for kind in _CHANGES:
        relations += [place.node["relation"] for place in tree.find(kind)]
    for place in tree.find("ColumnRef"):
        fields = strings(place.node.get("fields"))
        if len(fields) > _QUALIFIED and fields[1] in names:
            yield place.location
    for relation in relations:
        if "schemaname" in relation and relation["relname"] in names:
            yield relation["location"]
