"""Columns that the body of a function names, and that none of its tables has."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from awslabs_dsql_mcp.migration.script.mentions import Name, mentions, nested, relation_name
from awslabs_dsql_mcp.sql.definitions import table_elements
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings

_SYSTEM: Final = frozenset(("ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"))
_LISTS: Final = ("colnames", "aliascolnames")

Columns = dict[Name, set[str]]
"""The columns of tables; none for a table that has others besides those that are known."""


def follow(columns: Columns, tree: Tree) -> None:
    """Take what a step makes of the columns of tables."""
    top, kind = tree.root, tree.kind
    if kind == "CreateStmt" and not top.get("if_not_exists"):
        found = {column["colname"] for column in table_elements(top, "ColumnDef")}
        whole = not any("TableLikeClause" in item for item in top.get("tableElts", ()))
        columns.update({relation_name(top["relation"]): found} if whole else {})
    elif kind == "AlterTableStmt":
        own = columns.get(relation_name(top["relation"]), set[str]())
        for item in top["cmds"]:
            command: Node = item["AlterTableCmd"]
            if command["subtype"] == "AT_AddColumn":
                own.add(command["def"]["ColumnDef"]["colname"])
            elif command["subtype"] == "AT_DropColumn":
                own.discard(command["name"])
    elif kind in ("RenameStmt", "AlterObjectSchemaStmt") and "relation" in top:
        _rename(columns, top)


def _rename(columns: Columns, top: Node) -> None:
    schema, name = relation_name(top["relation"])
    own = columns.get((schema, name))
    if own is None:
        return
    if top.get("renameType") == "OBJECT_COLUMN":
        own.discard(top["subname"])
        own.add(top["newname"])
    elif "newschema" in top or top.get("renameType") == "OBJECT_TABLE":
        columns[top.get("newschema", schema), top.get("newname", name)] = columns.pop((schema, name))


def unknown_columns(columns: Mapping[Name, set[str]], function: Node, body: object) -> Iterator[str]:
    """Iterate over the columns that no table of a body has, as far as all its tables are known.

    Args:
        columns: Those of the tables that are there.
        function: The ``CreateFunctionStmt``.
        body: Its parsed body.
    """
    tables = [columns.get(relation_name(relation)) for relation in mentions(body).relations]
    if None in tables or any("RangeFunction" in fields for fields in nested(body)):
        return
    parameters = {item["FunctionParameter"].get("name", "") for item in function.get("parameters", ())} | set(
        strings(function["funcname"])[-1:]
    )
    known = _SYSTEM.union(parameters, _given_names(body), *filter(None, tables))
    for fields in nested(body):
        parts: list[Node] = fields.get("ColumnRef", {}).get("fields", [])
        named = strings(parts)
        is_star = len(named) < len(parts)
        if named and not is_star and named[-1] not in known and parameters.isdisjoint(named):
            yield named[-1]


def _given_names(body: object) -> Iterator[str]:
    """Iterate over the names that a body gives to columns and to rows."""
    for fields in nested(body):
        for key in ("aliasname", "relname", "ctename"):
            yield from _texts([fields.get(key)])
        if "ResTarget" in fields:
            yield from _texts([fields["ResTarget"].get("name")])
        for key in _LISTS:
            yield from strings(fields.get(key))
        for call in filter(None, [fields.get("FuncCall")]):
            yield strings(call["funcname"])[-1]
        if "valuesLists" in fields:
            yield from (f"column{at}" for at in range(1, len(fields["valuesLists"][0]["List"]["items"]) + 1))
        if "CoalesceExpr" in fields or "CaseExpr" in fields:
            yield from ("coalesce", "case")


def _texts(values: Iterable[object]) -> Iterator[str]:
    yield from (value for value in values if isinstance(value, str))
