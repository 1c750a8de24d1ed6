"""Results of the bodies of functions that cannot be those which the functions declare.

Only what is certain is found: numbers of columns that are known on both sides, and constants.
(PostgreSQL 16 source: ``check_sql_fn_retval`` in functions.c; documentation, CREATE CAST: which types are
assigned to which.)
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

from awslabs_dsql_mcp.migration.script.mentions import Name, function_body, qualified_name, relation_name
from awslabs_dsql_mcp.sql.definitions import builtin_type, items
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.text import pluralize

_OUTPUTS: Final = ("FUNC_PARAM_OUT", "FUNC_PARAM_INOUT", "FUNC_PARAM_TABLE")
_CHANGES: Final = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_TIMES: Final = frozenset(("date", "time", "timetz", "timestamp", "timestamptz", "interval"))
_OTHERS: Final = _TIMES | {"uuid", "json", "jsonb"}
_NUMBERS: Final = frozenset(("int2", "int4", "int8", "float4", "float8", "numeric"))
_NOT_OF: Final = {
    "sval": _OTHERS | _NUMBERS | {"bool", "bytea"},
    "isnull": _OTHERS | _NUMBERS | {"bool", "bytea"},
    "ival": _OTHERS | {"bool"},
    "fval": _OTHERS | {"bool"},
    "boolval": _OTHERS | _NUMBERS,
}
"""Types that a constant is not assigned to, by its kind; one in quotes, or NULL, is text as a result."""

Relations = Mapping[Name, AbstractSet[str]]


def unfit_result(relations: Relations, function: Node, body: object) -> str | None:
    """Find a result that a function declares, and that its body cannot give.

    Args:
        relations: The columns of tables and views that are known.
        function: The ``CreateFunctionStmt``.
        body: Its parsed body.

    Returns:
        The result and the fault; ``None`` if the body may give it.
    """
    wanted, is_row = _declared(relations, function)
    if wanted is None:
        return None
    name = strings(function["funcname"])[-1]
    what = f"of {pluralize(wanted, 'column')} of {name}()"
    statements = _statements(body)
    if not statements:
        is_empty = bool(function.get("sql_body")) or not (function_body(function) or "").strip()
        return f"{what}, whose body is empty" if is_empty else None
    ((kind, last),) = statements[-1].items()
    given = _columns(relations, kind, last)
    if given == 0:
        return f"{what}, whose body ends in what gives none"
    value = _value(kind, last)
    if given is None or (given == 1 and wanted > 1 and not _is_scalar(value)):  # it may be a whole row
        return None
    if given != wanted:
        return f"{what}, whose body gives {given}"
    return (
        None if is_row or _is_assigned(value, _type(function)) else f"{what}, whose body gives another type"
    )


def _declared(relations: Relations, function: Node) -> tuple[int | None, bool]:
    """Count the columns of a declared result, and tell if it is a row; ``None`` for none, or any."""
    outputs = _outputs(function)
    if len(outputs) > 1:
        return len(outputs), True
    typed = _type(function)
    names = strings(typed.get("names"))
    if "pct_type" in typed or not names:
        return None, False
    if "arrayBounds" in typed or builtin_type(typed) is not None:
        return 1, False
    known = relations.get(qualified_name(names))
    return (len(known), True) if known else (None, False)


def _outputs(function: Node) -> list[Node]:
    parameters = [item["FunctionParameter"] for item in items(function.get("parameters"))]
    return [one for one in parameters if one.get("mode") in _OUTPUTS]


def _type(function: Node) -> Node:
    outputs = _outputs(function)
    return outputs[0]["argType"] if len(outputs) == 1 else function.get("returnType", {})


def _statements(body: object) -> Sequence[Node]:
    """List the statements of a body, whichever way it is written."""
    if isinstance(body, list):
        return cast("list[Node]", body)
    top = cast("dict[str, Any]", body or {})
    if "List" in top:
        inner = [item for item in items(top["List"].get("items")) if item]
        return [one for item in inner for one in _statements(item)] if inner else []
    return [top] if top else []


def _columns(relations: Relations, kind: str, top: Node) -> int | None:
    """Count the columns that a statement gives; ``None`` if that is not known."""
    if kind == "ReturnStmt":
        return 1
    if kind in _CHANGES:
        targets = items(top.get("returningClause", {}).get("exprs"))
        sources = [
            {"RangeVar": top["relation"]},
            *items(top.get("usingClause")),
            *items(top.get("fromClause")),
        ]
        if kind == "MergeStmt":
            sources.insert(0, top["sourceRelation"])
    elif kind == "SelectStmt":
        while "larg" in top:
            top = top["larg"]
        if "valuesLists" in top:
            return len(items(top["valuesLists"][0]["List"].get("items")))
        targets, sources = items(top.get("targetList")), items(top.get("fromClause"))
    else:
        return 0
    widths = [_width(relations, target["ResTarget"]["val"], top, sources) for target in targets]
    return None if None in widths else sum(width or 0 for width in widths)


def _width(relations: Relations, value: Node, top: Node, sources: Sequence[Node]) -> int | None:
    """Count the columns that an expression stands for: those of the tables for a star."""
    fields = value.get("ColumnRef", {}).get("fields", [])
    if "A_Star" not in (fields[-1] if fields else {}):
        return None if "A_Star" in str(value.get("A_Indirection", "")) else 1
    tables = [source.get("RangeVar") for source in sources]
    if "withClause" in top or None in tables or not tables:
        return None
    *_, qualifier = ("", *strings(fields))
    of = [
        one
        for one in tables
        if one and qualifier in ("", one.get("alias", {}).get("aliasname", one["relname"]))
    ]
    known = [relations.get(relation_name(one)) for one in of]
    if not known or any(not one for one in known):
        return None
    return sum(len(one or ()) for one in known)


def _value(kind: str, top: Node) -> Node:
    """Give the only expression of a statement's result; none for what has more, or rows of VALUES."""
    if kind == "ReturnStmt":
        return top["returnval"]
    targets = items(top.get("targetList")) if kind == "SelectStmt" else []
    return targets[0]["ResTarget"]["val"] if len(targets) == 1 else {}


def _is_scalar(value: Node) -> bool:
    typed = value.get("TypeCast", {}).get("typeName")
    return "A_Const" in value or (typed is not None and builtin_type(typed) is not None)


def _is_assigned(value: Node, typed: Node) -> bool:
    """Tell if a value may be assigned to a type, as each may but for some constants."""
    row = builtin_type(typed)
    kind = next((kind for kind in _NOT_OF if kind in value.get("A_Const", {})), None)
    return row is None or kind is None or "arrayBounds" in typed or row.name not in _NOT_OF[kind]
