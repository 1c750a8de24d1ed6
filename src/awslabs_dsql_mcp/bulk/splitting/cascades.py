"""Relations whose rows change when rows of another change: foreign keys with actions, followed to the end."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query

_CASCADE: Final = "c"
_ACTIONS: Final = frozenset({"c", "n", "d"})  # CASCADE, SET NULL, SET DEFAULT in pg_constraint

_FOREIGN_KEYS: Final = """
SELECT f.conrelid::text, f.confrelid::text, f.confdeltype::text, f.confupdtype::text,
  (SELECT json_agg(attname) FROM pg_attribute WHERE attrelid = f.conrelid AND attnum = ANY (f.conkey))::text,
  (SELECT json_agg(attname) FROM pg_attribute WHERE attrelid = f.confrelid AND attnum = ANY (f.confkey))::text
FROM pg_constraint f
WHERE f.contype = 'f' AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))"""

Change = Literal["deleted", "updated"]


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key that changes the referencing rows.

    Attributes:
        child: Object id of the referencing table.
        parent: Object id of the referenced table.
        on_delete: Action of ON DELETE, as in ``pg_constraint``.
        on_update: Action of ON UPDATE.
        child_columns: The referencing columns.
        parent_columns: The referenced columns.
    """

    child: str
    parent: str
    on_delete: str
    on_update: str
    child_columns: frozenset[str]
    parent_columns: frozenset[str]


def foreign_keys_query() -> Query:
    """Query for all foreign keys with actions."""
    return Query(_FOREIGN_KEYS)


def parse_foreign_keys(result: Result) -> list[ForeignKey]:
    """Convert the result of `foreign_keys_query`."""
    rows = (tuple(cell or "" for cell in row) for row in result.rows)
    return [
        ForeignKey(
            child,
            parent,
            on_delete,
            on_update,
            frozenset(json.loads(columns)),
            frozenset(json.loads(referenced)),
        )
        for child, parent, on_delete, on_update, columns, referenced in rows
    ]


def cascaded_changes(
    keys: Iterable[ForeignKey], table: str, updated: frozenset[str] | None
) -> dict[str, frozenset[Change]]:
    """Find the tables that change with a table, and whether their rows are deleted or updated.

    Args:
        keys: The foreign keys of the database.
        table: Object id of the changed table; in the result only if its rows change by a foreign key too.
        updated: The columns that are set; ``None`` if rows are deleted.
    """
    keys = list(keys)
    found: dict[str, set[Change]] = {}
    seen: set[tuple[str, frozenset[str] | None]] = {(table, updated)}
    pending = [(table, updated)]
    while pending:
        parent, columns = pending.pop()
        for key in keys:
            action = key.on_delete if columns is None else key.on_update
            reached = key.parent == parent and (columns is None or columns & key.parent_columns)
            if not reached or action not in _ACTIONS:
                continue
            change = None if columns is None and action == _CASCADE else key.child_columns
            found.setdefault(key.child, set()).add("deleted" if change is None else "updated")
            if (key.child, change) not in seen:
                seen.add((key.child, change))
                pending.append((key.child, change))
    return {child: frozenset(changes) for child, changes in found.items()}
