"""Columns that the body of a function names, and that none of what it reads has."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.script.mentions import (
    Name,
    mentions,
    nested,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.sql.definitions import builtin_type, items, table_elements
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings

_SYSTEM: Final = frozenset(("ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"))
_LISTS: Final = ("colnames", "aliascolnames")

_SCALARS: Final = frozenset(
    ("generate_series", "generate_subscripts", "regexp_split_to_table", "string_to_table")
)
"""Functions of PostgreSQL that give one column, which has their name or that of the alias."""
_PLAIN: Final = frozenset(
    ("ColumnRef", "FuncCall", "A_Const", "A_Expr", "BoolExpr", "NullTest", "CoalesceExpr")
)
_TABLES: Final = frozenset(("RangeTableFunc", "JsonTable"))  # XMLTABLE and JSON_TABLE, which name columns
_RELATIONS: Final = ("OBJECT_TABLE", "OBJECT_VIEW")
_OUTPUTS: Final = ("FUNC_PARAM_OUT", "FUNC_PARAM_INOUT", "FUNC_PARAM_TABLE")


@dataclass
class Columns:
    """The columns of what a body may read.

    Attributes:
        relations: Those of tables and views; none for one that has others besides those that are known.
        functions: Those of functions, of all with the name; ``None`` where some are not known.
    """

    relations: dict[Name, set[str]] = field(default_factory=dict[Name, set[str]])
    functions: dict[Name, set[str] | None] = field(default_factory=dict[Name, "set[str] | None"])


def follow(columns: Columns, tree: Tree) -> None:
    """Take what a step makes of the columns of tables."""
    top, kind = tree.root, tree.kind
    if kind == "CreateStmt" and not top.get("if_not_exists"):
        found = {column["colname"] for column in table_elements(top, "ColumnDef")}
        whole = not any("TableLikeClause" in item for item in top.get("tableElts", ()))
        columns.relations.update({relation_name(top["relation"]): found} if whole else {})
    elif kind == "ViewStmt":
        _follow_view(columns, top)
    elif kind == "CreateFunctionStmt":
        _follow_function(columns, top)
    elif kind == "DropStmt" and top["removeType"] in _RELATIONS:
        for item in top["objects"]:
            columns.relations.pop(qualified_name(object_name(item)), None)
    elif kind == "AlterTableStmt":
        _alter(columns, top)
    elif kind in ("RenameStmt", "AlterObjectSchemaStmt") and "relation" in top:
        _rename(columns, top)


def _alter(columns: Columns, top: Node) -> None:
    own = columns.relations.get(relation_name(top["relation"]), set[str]())
    for item in top["cmds"]:
        command: Node = item["AlterTableCmd"]
        if command["subtype"] == "AT_AddColumn":
            own.add(command["def"]["ColumnDef"]["colname"])
        elif command["subtype"] == "AT_DropColumn":
            own.discard(command["name"])


def _rename(columns: Columns, top: Node) -> None:
    schema, name = relation_name(top["relation"])
    own = columns.relations.get((schema, name))
    if own is None:
        return
    if top.get("renameType") == "OBJECT_COLUMN":
        own.discard(top["subname"])
        own.add(top["newname"])
    elif "newschema" in top or top.get("renameType") in _RELATIONS:
        columns.relations.pop((schema, name))
        columns.relations[top.get("newschema", schema), top.get("newname", name)] = own


def _follow_view(columns: Columns, top: Node) -> None:
    view, aliases = relation_name(top["view"]), strings(top.get("aliases"))
    found = _outputs(columns, top["query"].get("SelectStmt", {}))
    columns.relations.pop(view, None)
    if found is not None and (not aliases or len(aliases) >= len(found)):
        columns.relations[view] = set(aliases or found)


def _outputs(columns: Columns, query: Node) -> list[str] | None:
    """List the columns that a query gives; ``None`` where they are not known."""
    while "larg" in query:
        query = query["larg"]
    if "valuesLists" in query or "targetList" not in query:
        return None
    found: list[str] = []
    for item in query["targetList"]:
        target: Node = item["ResTarget"]
        fields = target["val"].get("ColumnRef", {}).get("fields", [])
        if "A_Star" not in (fields[-1] if fields else {}):
            if "name" not in target and not _is_named_surely(target["val"]):
                return None
            found.append(target.get("name") or names.expression_name(target["val"]) or "?column?")
            continue
        sources = [source.get("RangeVar") for source in items(query.get("fromClause"))]
        known = [columns.relations.get(relation_name(one)) for one in sources if one]
        if len(fields) > 1 or None in sources or None in known or "withClause" in query:
            return None
        found += [name for one in known for name in one or ()]
    return found


def _is_named_surely(value: Node) -> bool:
    """Tell if it is known which name a column of an expression has: not of a subquery, or of CASE."""
    while cast_ := value.get("TypeCast") or value.get("CollateClause"):
        value = cast_["arg"]
    return not _PLAIN.isdisjoint(value)


def _follow_function(columns: Columns, top: Node) -> None:
    name = qualified_name(strings(top["funcname"]))
    given = [item["FunctionParameter"] for item in items(top.get("parameters"))]
    outputs = [one.get("name") for one in given if one.get("mode") in _OUTPUTS]
    typed: Node = top.get("returnType", {})
    found: set[str] | None = {one for one in outputs if one}
    if not outputs and builtin_type(typed) is None:
        found = columns.relations.get(qualified_name(strings(typed.get("names")) or [""]))
    before = columns.functions.get(name, set[str]())
    is_known = found is not None and before is not None and None not in outputs
    columns.functions[name] = {*(found or ()), *(before or ())} if is_known else None


def unknown_columns(columns: Columns, function: Node, body: object) -> Iterator[str]:
    """Iterate over the columns that no table of a body has, as far as all its tables are known.

    Args:
        columns: Those of what is there.
        function: The ``CreateFunctionStmt``.
        body: Its parsed body.
    """
    tables = [columns.relations.get(relation_name(relation)) for relation in mentions(body).relations]
    tables += [_of_function(columns, one["RangeFunction"]) for one in nested(body) if "RangeFunction" in one]
    if None in tables or any(not _TABLES.isdisjoint(fields) for fields in nested(body)):
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


def _of_function(columns: Columns, source: Node) -> set[str] | None:
    """Find the columns of the functions of a FROM clause, besides those that are named there."""
    found = {"ordinality"}
    for item in source["functions"]:
        call, *defined = items(item["List"]["items"])
        named = strings(call.get("FuncCall", {}).get("funcname"))
        is_builtin = named[-1:] and named[-1] in _SCALARS and qualified_name(named) not in columns.functions
        own = set[str]() if is_builtin else columns.functions.get(qualified_name(named or [""]))
        if own is None or any(defined) or "coldeflist" in source:
            return None
        found |= own
    return found


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
