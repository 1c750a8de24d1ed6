"""Comparison of an expression of a script with what PostgreSQL prints of it once it is stored.

PostgreSQL prints an expression anew (PostgreSQL documentation, "System Catalog Information Functions"): it
adds casts, parentheses and qualified names, and writes IN as ``= ANY (ARRAY[…])`` and BETWEEN as two
comparisons. Both sides are read into the same form first. A cast that is stored and not in the script is
taken for one that PostgreSQL added. A constant that it may have read and printed anew, such as a date,
decides nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, cast

from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_LOCATIONS: Final = frozenset(
    {"location", "typemod", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"}
)
_SPELLINGS: Final = {"t": ("t", "true", "on", "yes", "y", "1"), "f": ("f", "false", "off", "no", "n", "0")}
VERBATIM: Final = frozenset({"text", "varchar", "bpchar", "int2", "int4", "int8", "numeric", "bool"})
"""Types whose constants PostgreSQL prints as they were written."""

_SET_TESTS: Final = {("AEXPR_OP_ANY", "="): "in", ("AEXPR_OP_ALL", "<>"): "not in"}
_LISTS: Final = {"=": "in", "<>": "not in"}
_PLAIN: Final = frozenset({"AEXPR_OP", "AEXPR_LIKE", "AEXPR_ILIKE"})
_OUTPUT_NAMES: Final = {"CoalesceExpr": "coalesce", "CaseExpr": "case", "A_ArrayExpr": "array"}


@dataclass(frozen=True)
class Form:
    """A node of a parse tree, in the form in which nodes are compared.

    Attributes:
        kind: Kind of node.
        value: Its own text, or texts.
        parts: The nodes in it.
    """

    kind: str
    value: object = None
    parts: tuple["Form", ...] = ()


def type_form(type_name: Node) -> Form:
    """Read a ``TypeName``."""
    names = [name for name in strings(type_name.get("names")) if name != "pg_catalog"]
    modifiers = [constant(one) for one in type_name.get("typmods", ())]
    if names == ["numeric"] and len(modifiers) == 1:
        modifiers.append("0")
    is_array = bool(type_name.get("arrayBounds"))
    return Form("type", (tuple(modifiers), is_array), (Form("name", tuple(names)),))


def same(meant: object, stored: object) -> bool | None:
    """Compare two nodes of parse trees; ``None`` if it cannot be told."""
    try:
        return _same(_form(meant), _form(stored))
    except RecursionError:
        return None


def _form(node: object) -> Form:
    if isinstance(node, list):
        return Form("list", None, _forms(cast("list[object]", node)))
    if not isinstance(node, dict):
        return Form("value", node)
    fields = cast("Node", node)
    if len(fields) == 1:
        ((kind, inner),) = fields.items()
        if kind in _FORMS:
            return _FORMS[kind](inner)
    return _any(fields)


def _any(fields: Node) -> Form:
    keys = sorted(fields.keys() - _LOCATIONS)
    return Form("node", tuple(keys), _forms(fields[key] for key in keys))


def _forms(nodes: Iterable[object]) -> tuple[Form, ...]:
    return tuple(map(_form, nodes))


def _call(fields: Node) -> Form:
    rest = {key: value for key, value in fields.items() if key not in ("funcname", "funcformat")}
    names = tuple(name for name in strings(fields["funcname"]) if name != "pg_catalog")
    return Form("call", None, (Form("name", names), _form(rest)))


def _case(fields: Node) -> Form:
    """Read a CASE; without ELSE it is stored with ELSE NULL."""
    return Form("CaseExpr", None, (_any({"defresult": {"A_Const": {"isnull": True}}} | fields),))


def _logical(fields: Node) -> Form:
    kind, parts = str(fields["boolop"]), list[Form]()
    for part in _forms(fields["args"]):
        parts += part.parts if part.kind == kind != "NOT_EXPR" else [part]
    return Form(kind, None, tuple(parts))


def _operation(fields: Node) -> Form:
    kind, left, right = str(fields["kind"]), _form(fields.get("lexpr")), _form(fields.get("rexpr"))
    operator = "".join(strings(fields.get("name"))[-1:])
    if kind == "AEXPR_IN":
        return Form(_LISTS[operator], None, (left, *_items(fields["rexpr"])))
    if (kind, operator) in _SET_TESTS and (array := _without_casts(right)).kind == "array":
        return Form(_SET_TESTS[kind, operator], None, (left, *array.parts))
    if kind in ("AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN"):
        low, high = _items(fields["rexpr"])
        signs = (">=", "<=", "AND_EXPR") if kind == "AEXPR_BETWEEN" else ("<", ">", "OR_EXPR")
        ends = (Form("AEXPR_OP", signs[0], (left, low)), Form("AEXPR_OP", signs[1], (left, high)))
        return Form(signs[2], None, ends)
    if kind == "AEXPR_NOT_DISTINCT":
        return Form("NOT_EXPR", None, (Form("AEXPR_DISTINCT", "=", (left, right)),))
    return Form("AEXPR_OP" if kind in _PLAIN else kind, operator, (left, right))


def _items(listed: Node) -> tuple[Form, ...]:
    return _forms(listed["List"]["items"])


def _without_casts(form: Form) -> Form:
    while form.kind == "cast":
        form = form.parts[1]
    return form


def _column(fields: Node) -> Form:
    return Form(
        "name", tuple(part["String"]["sval"] if "String" in part else "*" for part in fields["fields"])
    )


def _part(fields: Node) -> Form:
    """Read a part of a value: ``(t).a``, of a row of a table, is stored as ``t.a``."""
    names = strings(fields.get("arg", {}).get("ColumnRef", {}).get("fields"))
    parts = strings(fields["indirection"])
    if names and len(parts) == len(fields["indirection"]):
        return Form("name", (*names, *parts))
    return Form("A_Indirection", None, (_form(fields["arg"]), _form(fields["indirection"])))


def _relation(fields: Node) -> Form:
    parts = tuple(fields[key] for key in ("schemaname", "relname") if key in fields)
    return Form("relation", None, (Form("name", parts), _form(fields.get("alias"))))


def _output_name(value: Node) -> str:
    """Name of an output column without AS, as PostgreSQL gives it (``FigureColname`` in parse_target.c)."""
    if "ColumnRef" in value:
        last = value["ColumnRef"]["fields"][-1]
        return last["String"]["sval"] if "String" in last else "*"
    if "FuncCall" in value:
        return strings(value["FuncCall"]["funcname"])[-1]
    if "A_Indirection" in value:
        names = strings(value["A_Indirection"]["indirection"])
        return names[-1] if names else _output_name(value["A_Indirection"]["arg"])
    if "TypeCast" in value:
        inner = _output_name(value["TypeCast"]["arg"])
        return inner if inner != "?column?" else strings(value["TypeCast"]["typeName"]["names"])[-1]
    return next((name for kind, name in _OUTPUT_NAMES.items() if kind in value), "?column?")


_FORMS: Final[dict[str, Callable[[Node], Form]]] = {
    "A_Const": lambda fields: Form("constant", constant({"A_Const": fields})),
    "TypeCast": lambda fields: Form("cast", None, (type_form(fields["typeName"]), _form(fields.get("arg")))),
    "TypeName": type_form,
    "ColumnRef": _column,
    "FuncCall": _call,
    "BoolExpr": _logical,
    "A_Expr": _operation,
    "A_ArrayExpr": lambda fields: Form("array", None, _forms(fields.get("elements", ()))),
    "A_Indirection": _part,
    "CaseExpr": _case,
    "RangeVar": _relation,
    "ResTarget": lambda fields: Form(
        "target", fields.get("name") or _output_name(fields.get("val", {})), (_form(fields.get("val")),)
    ),
}


def _same(meant: Form, stored: Form) -> bool | None:
    if stored.kind == "cast":
        return _same_cast(meant, stored)
    if meant.kind == "cast" and stored.kind == "constant":
        return _same(meant.parts[1], stored)
    if meant.kind == stored.kind == "name":
        return _same_name(meant.value, stored.value)
    if meant.kind == stored.kind == "constant":
        return _same_constant(meant, stored)
    if (meant.kind, meant.value) != (stored.kind, stored.value) or len(meant.parts) != len(stored.parts):
        return False
    return _all(_same(*pair) for pair in zip(meant.parts, stored.parts, strict=True))


def _same_cast(meant: Form, stored: Form) -> bool | None:
    """Compare with a cast, which PostgreSQL may have added."""
    stored_type, inner = stored.parts
    given = meant.parts[1] if meant.kind == "cast" else meant
    if given.kind == inner.kind == "constant":
        return _same_constant(given, inner, stored_type)
    if meant.kind == "cast" and _same(meant.parts[0], stored_type):
        return _same(given, inner)
    return _same(meant, inner)


def _all(found: Iterable[bool | None]) -> bool | None:
    results = list(found)
    return False if False in results else None if None in results else True


def _same_name(meant: object, stored: object) -> bool:
    """Compare names; one of them may be qualified by more parts than the other."""
    one, other = cast("Sequence[str]", meant), cast("Sequence[str]", stored)
    shared = min(len(one), len(other))
    return tuple(one[-shared:]) == tuple(other[-shared:])


def _same_constant(meant: Form, stored: Form, stored_type: Form | None = None) -> bool | None:
    one, other = meant.value, stored.value
    if one == other or one is None or other is None:
        return one == other
    given, printed = str(one), str(other)
    name = cast("tuple[str, ...]", stored_type.parts[0].value)[-1] if stored_type else ""
    if name == "regclass":
        return _same_name(given.replace('"', "").split("."), printed.replace('"', "").split("."))
    if printed in _SPELLINGS and not name:
        return given.lower() in _SPELLINGS[printed]
    try:
        return Decimal(given) == Decimal(printed)
    except InvalidOperation:
        return None if name and name not in VERBATIM else False
