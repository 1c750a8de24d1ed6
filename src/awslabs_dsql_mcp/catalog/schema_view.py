"""Tables as a view draws them: what `catalog.text` writes, in parts."""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.catalog.model import Column, Constraint, Index, Table
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
        "comment": _cut(table.comment or ""),
        "definition": _cut((table.definition or "").strip()),
        "column_count": table.column_count,
        "columns": [_column(column, table) for column in table.columns[:_MAX_COLUMNS]],
        "keys": [_key(key) for key in table.constraints],
        "referenced_by": [f"{key.table} ({', '.join(key.columns)})" for key in table.referenced_by],
        "indexes": [_index(index) for index in table.indexes],
    }


def _column(column: Column, table: Table) -> dict[str, str]:
    keys = [key for key in table.constraints if column.name in key.columns]
    facts = [fact for key in keys if (fact := _part_of(key))]
    if column.not_null:
        facts.append("not null")
    if column.identity:
        facts.append(f"identity, {column.identity.lower()}")
    elif column.default:
        facts.append(f"{'generated as' if column.generated else 'default'} {column.default}")
    if column.comment:
        facts.append(column.comment)
    return {"name": column.name, "type": column.type, "facts": _cut(" · ".join(facts))}


def _part_of(key: Constraint) -> str:
    """Say what part a column of a key has."""
    return {"p": "primary key", "u": "unique", "f": f"→ {key.target}"}.get(key.kind, "")


def _key(key: Constraint) -> dict[str, object]:
    return {
        "kind": key.kind,
        "text": _cut(f"{key.name}: {key.definition}"),
        "columns": key.columns,
        "target": None if key.target is None else str(key.target),
    }


def _index(index: Index) -> str:
    text = f"{index.name}{' UNIQUE' if index.unique else ''} {index_keys(index)}"
    if not index.valid:
        text += " — not valid, queries do not use it" + (f": {index.job}" if index.job else "")
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
