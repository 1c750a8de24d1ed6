"""Uses of tables by statements: a later change of a table may move before those that would not see it."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

Effect = Literal["shape", "order", "copy", "rows", "change"]
"""Depends on columns; on their order; copies the definition; adds rows; changes rows, or goes by a key."""

ANY_TABLE: Final = ("", "")
"""Stands for every table: a function may do anything with them."""

_READERS: Final = frozenset(
    ("ViewStmt", "SelectStmt", "CreateTableAsStmt", "CreateFunctionStmt", "ExplainStmt")
)
_CHANGES: Final = frozenset(("UpdateStmt", "DeleteStmt", "MergeStmt"))


class Use(NamedTuple):
    """Something that a statement does with a table.

    Attributes:
        table: The table.
        effect: Its kind.
        columns: Columns that are given values for certain; ``None`` for all.
        rows: Rows that are added; ``None`` if unknown.
    """

    table: Name
    effect: Effect
    columns: frozenset[str] | None = None
    rows: int | None = None

    def gives(self, column: str) -> bool:
        """Say if a column keeps what it has: the use adds no row without a value for it."""
        return self.effect != "rows" or self.columns is None or column in self.columns


class Uses:
    """What the statements of a script do with its tables, by the statements' places.

    Args:
        statements: The script.
    """

    def __init__(self, statements: Sequence[ScriptStatement]) -> None:
        self._of: dict[Name, list[tuple[int, Use]]] = {ANY_TABLE: []}
        for at, statement in enumerate(statements):
            for use in uses(statement):
                self._of.setdefault(use.table, []).append((at, use))

    def between(self, table: Name, after: int, before: int) -> list[Use]:
        """List what is done with a table, or may be, after one statement and before another."""
        found = (*self._of.get(table, ()), *self._of[ANY_TABLE])
        return [use for at, use in found if after < at < before]


def uses(statement: ScriptStatement) -> Iterator[Use]:
    """Find what a statement does with tables; changes of their definitions are no use."""
    kind, top = statement.kind, statement.tree
    if kind == "CopyStmt" and top.get("is_from"):
        yield from _copy(statement)
    elif kind == "InsertStmt":
        yield from _insert(statement)
    elif kind in _CHANGES:
        yield Use(relation_name(top["relation"]), "change")
    elif kind == "TruncateStmt":
        yield from (Use(relation_name(item["RangeVar"]), "change") for item in top["relations"])
    elif kind == "CreateStmt":
        liked = [item["TableLikeClause"] for item in top.get("tableElts", ()) if "TableLikeClause" in item]
        yield from (Use(relation_name(item["relation"]), "copy") for item in liked)
    if kind in _READERS or kind in _CHANGES or kind in ("InsertStmt", "CopyStmt"):
        yield from _reads(statement)
    if kind in ("DoStmt", "CallStmt") or _calls_users(statement):
        yield Use(ANY_TABLE, "change")


def _copy(statement: ScriptStatement) -> Iterator[Use]:
    top = statement.tree
    columns = frozenset(strings(top["attlist"])) if "attlist" in top else None
    yield Use(relation_name(top["relation"]), "rows", columns, (statement.item.data or "").count("\n"))
    if columns is None:
        yield Use(relation_name(top["relation"]), "order")


def _insert(statement: ScriptStatement) -> Iterator[Use]:
    top = statement.tree
    select: Node = top.get("selectStmt", {}).get("SelectStmt", {})
    values = select.get("valuesLists")
    columns = [item["ResTarget"]["name"] for item in top.get("cols", ())]
    rows = len(values) if values else 1 if not select else None
    yield Use(relation_name(top["relation"]), "rows", frozenset(columns), rows)
    if not columns and select:
        yield Use(relation_name(top["relation"]), "order")
    if "onConflictClause" in top or "withClause" in top:
        yield Use(relation_name(top["relation"]), "change")


def _reads(statement: ScriptStatement) -> Iterator[Use]:
    own = statement.tree.get("relation") if statement.kind in ("InsertStmt", "CopyStmt") else None
    for relation in statement.mentions.relations:
        if relation is not own:
            yield Use(relation_name(relation), "shape")


def _calls_users(statement: ScriptStatement) -> bool:
    if statement.kind not in ("SelectStmt", "InsertStmt", *_CHANGES):
        return False
    named = (strings(call.get("funcname")) for call in statement.mentions.calls)
    return any(functions.is_user_defined(name) for name in named)
