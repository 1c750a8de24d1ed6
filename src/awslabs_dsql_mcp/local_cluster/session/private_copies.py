"""Redirection of statements to private copies of tables.

The copy is a temporary table of the same name, which an unqualified name finds first (PostgreSQL
documentation, 5.9.3 "The Schema Search Path"); names with a schema are rewritten.
"""

from collections.abc import Collection, Iterator
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import TableName
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Tree, strings

_QUALIFIED: Final = 2  # a column with its table
_CHANGES: Final = ("InsertStmt", "UpdateStmt", "DeleteStmt")


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
