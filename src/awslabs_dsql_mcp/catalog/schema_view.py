"""Tables as a view draws them: what `catalog.text` writes, in parts."""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.catalog.model import Column, Constraint, Table
from awslabs_dsql_mcp.catalog.text import index_keys

MAX_TABLES: Final = 100
"""Tables of a list of which a view is given everything."""
_MAX_COLUMNS: Final = 150
_MAX_TEXT: Final = 2_000  # characters


def schema_view(tables: Sequence[Table], remaining: int = 0) -> dict[str, object]:
    """Give what a view draws of tables.

    Args:
        tables: The tables.
        remaining: Number of tables after them.
    """
    return {"tables": [_table(table) for table in tables[:MAX_TABLES]], "more": _more(tables, remaining)}


def _more(tables: Sequence[Table], remaining: int) -> int:
    return remaining + max(len(tables) - MAX_TABLES, 0)


def _table(table: Table) -> dict[str, object]:
    return {
        "title": table.title,
        "kind": table.kind,
        "estimate": table.estimate,
        "comment": _cut(table.comment),
        "definition": _cut(table.definition),
        "column_count": table.column_count,
        "columns": [_column(column) for column in table.columns[:_MAX_COLUMNS]],
        "keys": [_key(key) for key in table.constraints],
        "referenced_by": [f"{key.table} ({', '.join(key.columns)})" for key in table.referenced_by],
        "indexes": [
            {
                "name": index.name,
                "keys": _cut(index_keys(index)),
                "unique": index.unique,
                "valid": index.valid,
                "job": _cut(index.job),
            }
            for index in table.indexes
        ],
    }


def _column(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "type": column.type,
        "not_null": column.not_null,
        "default": _cut(column.default),
        "identity": column.identity,
        "generated": column.generated,
        "comment": _cut(column.comment),
    }


def _key(key: Constraint) -> dict[str, object]:
    return {
        "name": key.name,
        "kind": key.kind,
        "definition": _cut(key.definition),
        "columns": key.columns,
        "target": None if key.target is None else str(key.target),
    }


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
