"""Which tables a statement names, and which name an error is about."""

import re
from typing import Final

from awslabs_dsql_mcp.sql import dsql_syntax
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.parser import ParseError

# PostgreSQL's messages of 42P01, 42703 and 42501, in English (Aurora DSQL has no other lc_messages).
_RELATION: Final = re.compile(r'relation "(.+?)" does not exist')
_COLUMN: Final = re.compile(
    r'column (?:"([^"]+)"|(?:\S+\.)?([^\s".]+)) (?:of relation "[^"]+" )?does not exist'
)
_DENIED: Final = re.compile(r"permission denied for (?:table|view) (\S+)")


def missing_relation(message: str) -> TableName | None:
    """The table that an undefined_table error (42P01) misses."""
    found = _RELATION.search(message)
    if found is None:
        return None
    schema, _, table = found.group(1).rpartition(".")
    return TableName(schema or None, table)


def missing_column(message: str) -> str | None:
    """The column that an undefined_column error (42703) misses."""
    found = _COLUMN.search(message)
    return (found.group(1) or found.group(2)) if found else None


def denied_relation(message: str) -> str | None:
    """The table that an insufficient_privilege error (42501) is about, without its schema."""
    found = _DENIED.search(message)
    return found.group(1) if found else None


def tables_in(sql: str) -> tuple[TableName, ...]:
    """The tables and views that a statement names, in order; none for a text that does not parse."""
    try:
        trees = dsql_syntax.trees(sql)
    except (ParseError, RecursionError):
        return ()
    named: dict[TableName, None] = {}
    for tree in trees:
        own = {place.node.get("ctename") for place in tree.find("CommonTableExpr")}
        for place in tree.find("RangeVar"):
            name = TableName(place.node.get("schemaname"), place.node.get("relname", ""))
            if name.schema or name.table not in own:
                named[name] = None
        relation = tree.root.get("relation", {})  # of INSERT, UPDATE, DELETE: a field, not a node of its own
        if relation.get("relname"):
            named[TableName(relation.get("schemaname"), relation["relname"])] = None
    return tuple(named)
