"""Decision whether a batch may be run twice.

It may if each row then is as one of the runs alone would leave it. That must follow from the statement;
otherwise its batches are recorded in the progress table.
"""

from collections.abc import Collection, Iterator
from typing import Final

from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings

# Columns that each change of a row changes (PostgreSQL documentation, "System Columns").
_SYSTEM_COLUMNS: Final = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax"})


def is_repeatable(tree: Tree, columns: Collection[str]) -> bool:
    """Return true if a batch may be run twice.

    A DELETE finds no row twice. An UPDATE assigns the same again if no value comes from what it sets, and
    if what it sets does not decide from which row of another table a value comes. A volatile function or
    a default may give another value at each run, an INSERT another row.

    Args:
        tree: The statement, as `syntax_rules` let it pass.
        columns: Columns of the changed table.
    """
    if tree.kind == "InsertStmt" or _calls_volatile(tree):
        return False
    if tree.kind == "DeleteStmt":
        return True
    values = Tree("Values", {"targetList": tree.root["targetList"]}, 0, None)
    if "SetToDefault" in values or any("indirection" in place.node for place in values.find("ResTarget")):
        return False
    row = _Row(tree, columns)
    if any(map(row.has_changing, _column_references(values))):
        return False
    if "fromClause" not in tree.root or all(map(row.has, _column_references(values))):
        return True
    condition = Tree("Condition", {k: tree.root.get(k, {}) for k in ("fromClause", "whereClause")}, 0, None)
    return not any(map(row.has_changing, _column_references(condition)))


def assigned_columns(tree: Tree) -> frozenset[str]:
    """Columns of existing rows that a statement sets: by UPDATE, or by INSERT's DO UPDATE."""
    holder: Node = tree.root.get("onConflictClause", {}) if tree.kind == "InsertStmt" else tree.root
    return frozenset(str(item["ResTarget"]["name"]) for item in holder.get("targetList", ()))


def _calls_volatile(tree: Tree) -> bool:
    return any(functions.is_volatile(strings(place.node.get("funcname"))) for place in tree.find("FuncCall"))


def _column_references(tree: Tree) -> Iterator[list[str]]:
    """Iterate over the dotted names of columns; ``*`` for all of a row."""
    for place in tree.find("ColumnRef"):
        fields: list[Node] = place.node["fields"]
        yield ["*" if "A_Star" in field else field["String"].get("sval", "") for field in fields]


class _Row:
    """The row that an UPDATE changes, as names in the statement refer to it.

    Args:
        tree: The statement.
        columns: The row's columns.
    """

    def __init__(self, tree: Tree, columns: Collection[str]) -> None:
        relation: Node = tree.root["relation"]
        self._names = {relation["relname"], relation.get("alias", {}).get("aliasname")}
        self._columns = frozenset(columns)
        self._changing = assigned_columns(tree) | _SYSTEM_COLUMNS

    def has(self, name: list[str]) -> bool:
        """Return true if a name can mean nothing but a column of the row."""
        *qualifiers, column = name
        return column in self._columns and (not qualifiers or qualifiers[-1] in self._names)

    def has_changing(self, name: list[str]) -> bool:
        """Return true if a name may mean what is set, the whole row, or a function of it (``row.f``)."""
        *qualifiers, column = name
        if not qualifiers:
            return column == "*" or column in self._changing | self._names
        own = [place for place, part in enumerate(qualifiers) if part in self._names]
        return bool(own) and any(
            part in self._changing or part not in self._columns for part in name[own[-1] + 1 :]
        )
