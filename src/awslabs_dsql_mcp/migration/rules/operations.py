"""Operations on columns whose type changed: those with another result than in PostgreSQL.

(PostgreSQL documentation, chapters 8 "Data Types" and 9 "Functions and Operators": what each type's
operators, order and text form are.)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from awslabs_dsql_mcp.migration.analysis.lineage import Columns, Scope, sorted_by
from awslabs_dsql_mcp.migration.analysis.user_types import TypeReplacement
from awslabs_dsql_mcp.migration.conversion import Conversion
from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_ORDERS: Final = frozenset(("<", ">", "<=", ">="))
_EQUALS: Final = frozenset(("=", "<>", "!="))
_SUMS: Final = frozenset("+-")
_ARITHMETIC: Final = frozenset("+-*/")
_TEXTS: Final = frozenset(("text", "varchar", "bpchar", "name", "char"))
_TO_TEXT: Final = frozenset(("concat", "concat_ws", "format", "quote_literal", "quote_nullable", "text"))
_TO_JSON: Final = frozenset(
    (
        *("to_json", "to_jsonb", "json_build_object", "json_build_array", "jsonb_build_object"),
        *("jsonb_build_array", "row_to_json", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"),
    )
)
_TO_JSONB: Final = frozenset(name for name in _TO_JSON if "jsonb" in name)
_COLLECTING: Final = frozenset(("count", "coalesce", "array_agg", "nullif", "sum", "any_value"))
_WINDOW: Final = frozenset(("lag", "lead", "first_value", "last_value", "nth_value", *_COLLECTING))
_GROUPS: Final = frozenset(("sortClause", "distinctClause", "groupClause"))
_STATEMENTS: Final = frozenset(("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"))
_MATCHING: Final = frozenset(
    (
        *("replace", "split_part", "strpos", "position", "translate", "starts_with", "regexp_match"),
        *("regexp_matches", "regexp_replace", "regexp_split_to_array", "regexp_split_to_table"),
    )
)
"""Functions that look for equal texts in a text."""
_SCALED: Final = frozenset(("avg", "scale", "stddev", "variance", "sqrt", "exp", "ln", "log", "power"))


@dataclass(frozen=True)
class Difference:
    """An operation whose result is another than in PostgreSQL.

    Attributes:
        column: The column.
        change: The change of its type.
        what: The effect, as a clause about the column.
    """

    column: str
    change: TypeReplacement
    what: str

    @property
    def is_form(self) -> bool:
        """Only the number of digits of a number differs."""
        return self.change.was == "numeric"

    @property
    def clause(self) -> str:
        """The difference as a clause."""
        return f"{self.column} was {self.change.former}: {self.what}"


def differences(
    conversion: Conversion, kind: str, top: object, tables: Iterable[Name] = ()
) -> list[Difference]:
    """Find the operations of a statement or an expression that have another result.

    Args:
        conversion: The script as far as it is read.
        kind: The node type of a statement; empty for an expression.
        top: Its fields, or the expression.
        tables: Tables whose columns an expression may name.
    """
    if not conversion.columns:
        return []
    level = {name[1]: columns_of(conversion, name) for name in tables}
    scope = Scope(lambda name: columns_of(conversion, name), (level,))
    found = list(_walk(conversion, {kind: top} if kind else top, scope))
    return list(dict.fromkeys(found))


def outputs(conversion: Conversion, query: Node) -> Columns:
    """List the columns that a query gives, each with the change of its type."""
    return Scope(lambda name: columns_of(conversion, name)).outputs(query)


def retyped(conversion: Conversion, query: Node, names: Sequence[str]) -> Iterator[str]:
    """Write a note on each column of a view that is computed from columns whose type changed.

    Args:
        conversion: The script as far as it is read.
        query: The query of the view.
        names: The names of its columns.
    """
    top: Node = query.get("SelectStmt", {})
    scope = Scope(lambda name: columns_of(conversion, name)).inside(top)
    found: Columns = [("", change) for _, change in outputs(conversion, query)] if "larg" in top else []
    for item in top.get("targetList", ()):
        value: Node = item["ResTarget"].get("val", {})
        if "ColumnRef" in value:
            found += [("", None) for _ in scope.targets([item])]
            continue
        call: Node = value.get("FuncCall", {})
        collected = call.get("args") if strings(call.get("funcname"))[-1:] == ["array_agg"] else None
        change = scope.value(collected[0] if collected else value)
        found.append(("[]" if collected else "", change))
    for name, (array, change) in zip(names, found, strict=False):
        now = change.now.partition("(")[0] if change else ""
        if change is not None and now != change.was:
            former = f"an array of what was {change.former}" if array else f"was {change.former}"
            yield f"{name}: {former}, is {now}{array}"


def columns_of(conversion: Conversion, name: Name) -> Columns:
    """List the columns of a table or a view of the script."""
    changed = conversion.columns.get(name, {})
    order = conversion.view_columns.get(name) or list(conversion.source.tables.get(name, {}))
    return [(column, changed.get(column)) for column in order] if order else list(changed.items())


def _walk(conversion: Conversion, node: object, scope: Scope) -> Iterator[Difference]:
    waiting: list[tuple[Any, Scope, Columns]] = [(node, scope, [])]
    while waiting:
        inner, around, columns = waiting.pop()
        if isinstance(inner, list):
            waiting += [(item, around, columns) for item in cast("list[Any]", inner)]
        if not isinstance(inner, dict):
            continue
        value: Any
        for kind, value in cast("Node", inner).items():
            if kind in _STATEMENTS or (kind in ("larg", "rarg") and "limitOption" in value):
                within = around.inside(value)
                query = {"SelectStmt" if kind in ("larg", "rarg") else kind: value}
                given = around.outputs(query) if _GROUPS & value.keys() or "larg" in value else []
                yield from _groups(value, within, given)
                yield from _conflicts(conversion, value, within)
                yield from _stored(conversion, kind, value, around, within)
                waiting.append((value, within, given))
                continue
            if kind == "SortBy":
                yield from _sorts(sorted_by(value, around, columns))
            elif isinstance(value, dict):
                yield from _operation(kind, cast("Node", value), around)
                yield from _equalities(kind, cast("Node", value), around)
                yield from _xml(kind, cast("Node", value), around)
            waiting.append((cast("object", value), around, [] if kind == "FuncCall" else columns))


def _operation(kind: str, node: Node, scope: Scope) -> Iterator[Difference]:
    if kind == "A_Expr":
        yield from _operator(node, scope)
    elif kind == "FuncCall":
        yield from _call(strings(node.get("funcname"))[-1], node, scope)
    elif kind == "TypeCast":
        typed: Node = node["typeName"]
        name = "[]" if "arrayBounds" in typed else (strings(typed.get("names")) or [""])[-1]
        yield from _casts(scope.carried(node["arg"]), name)
    elif kind == "MinMaxExpr":
        yield from _sorts(scope.carried(node["args"]))
    elif kind == "A_Indirection":
        for name, change in scope.carried(node.get("arg")):
            if change.now == "jsonb":
                yield Difference(name, change, "its parts are those of JSON here")
    elif kind == "SubLink" and _ORDERS.intersection(strings(node.get("operName"))):
        yield from _sorts(scope.carried(node.get("testexpr")))


def _xml(kind: str, node: Node, scope: Scope) -> Iterator[Difference]:
    """IS DOCUMENT and what is written like functions of XML."""
    if kind in ("XmlExpr", "XmlSerialize"):
        for name, change in scope.carried([node.get("args"), node.get("expr")]):
            yield Difference(name, change, "what is done with XML gets another value here")


def _equalities(kind: str, node: Node, scope: Scope) -> Iterator[Difference]:
    """What looks for equal values and is no operator."""
    if kind == "SubLink" and "testexpr" in node:
        yield from _equals(scope.carried([node["testexpr"], {"SubLink": node}]))
    elif kind == "CaseExpr" and "arg" in node:
        yield from _equals(scope.carried([node["arg"], *(when["CaseWhen"]["expr"] for when in node["args"])]))
    elif kind == "JoinExpr":
        yield from _joins(node, scope)
    elif kind in ("WindowDef", "over"):
        yield from _equals(scope.carried(node.get("partitionClause")))


def _operator(node: Node, scope: Scope) -> Iterator[Difference]:
    operator = strings(node.get("name"))[-1]
    found = list(scope.carried(_operands(node, operator)))
    if operator in _ORDERS or "BETWEEN" in node["kind"]:
        yield from _sorts(found)
    elif operator in _EQUALS or node["kind"] in ("AEXPR_IN", "AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT"):
        yield from _equals(found)
    elif operator == "||":
        for name, change in found:
            if change.was in ("numeric", "money", "tsvector", "tsquery") or change.now == "jsonb":
                yield Difference(name, change, "|| gives another value here")
    else:
        for name, change in found:
            if change.was == "money" and operator not in _SUMS:
                yield Difference(name, change, f"{operator} does not round to cents here")
            elif change.was == "numeric" and operator == "/":
                yield Difference(name, change, "/ gives another number of digits here")
            elif not change.ordered and change.was != "enum":
                yield Difference(name, change, f"{operator} is that of {change.now} here")


def _operands(node: Node, operator: str) -> list[Node]:
    """List the operands of an operator; a chain of sums, or of one operator, is looked at link by link."""
    sides: list[Node] = [node[side] for side in ("lexpr", "rexpr") if side in node]
    if operator not in _ARITHMETIC:
        return sides
    seen = _SUMS if operator in _SUMS else {operator}
    return [side for side in sides if seen.isdisjoint(strings(side.get("A_Expr", {}).get("name")))]


def _call(function: str, node: Node, scope: Scope) -> Iterator[Difference]:
    found = scope.carried(node.get("args"))
    if function in ("min", "max"):
        yield from _sorts(found)
    elif "agg_distinct" in node:
        yield from _equals(found)
    elif function not in _WINDOW:
        for name, change in found:
            if change.folds and function not in _MATCHING:
                continue
            text = function in _TO_TEXT or function in _TO_JSON
            if change.was == "money" or (change.was == "numeric" and (text or function in _SCALED)):
                yield Difference(name, change, f"{function}() gives another value here")
            elif not (change.ordered or change.was == "enum"):
                same = function in (_TO_JSONB if change.now == "jsonb" else _TO_TEXT | _TO_JSON)
                if not same or (function == "text" and change.was == "inet"):
                    yield Difference(name, change, f"{function}() gets {change.now} here")


def _casts(found: Iterable[tuple[str, TypeReplacement]], to: str) -> Iterator[Difference]:
    for name, change in found:
        was, text = change.was, to in _TEXTS
        if was in ("numeric", "money"):
            different = text or to in ("json", "jsonb", "bytea")
        elif change.ordered or was == "enum" or change.folds:
            different = False
        elif change.now == "jsonb":
            different = to not in ("json", "jsonb")
        else:
            different = was == "inet" if text else to not in (was, "inet", "cidr")
        if different:
            form = "its text form is another here" if text else f"its cast to {to} is that of {change.now}"
            yield Difference(name, change, form)


def _equals(found: Iterable[tuple[str, TypeReplacement]]) -> Iterator[Difference]:
    for name, change in found:
        if change.folds:
            yield Difference(name, change, "here its values are equal only byte by byte")


def _groups(query: Node, within: Scope, given: Columns) -> Iterator[Difference]:
    """DISTINCT, GROUP BY and set operations, which look for equal values."""
    distinct: list[Node] = query.get("distinctClause", [])
    merges = "larg" in query and query.get("op") != "SETOP_NONE" and "all" not in query
    if merges or distinct == [{}]:
        yield from _equals((name, change) for name, change in given if change is not None)
    waiting = [*query.get("groupClause", ()), *(one for one in distinct if one)]
    while waiting:
        item = waiting.pop()
        if "GroupingSet" in item:
            waiting += item["GroupingSet"].get("content", [])
        else:
            yield from _equals(sorted_by({"node": item}, within, given))


def _joins(join: Node, scope: Scope) -> Iterator[Difference]:
    """USING and NATURAL, which compare columns of one name."""
    names = strings(join.get("usingClause"))
    if join.get("isNatural"):
        names = list({name for columns in scope.levels[0].values() for name, _ in columns})
    columns = [{"ColumnRef": {"fields": [{"String": {"sval": name}}]}} for name in names]
    yield from _equals(scope.carried(columns))


def _conflicts(conversion: Conversion, insert: Node, within: Scope) -> Iterator[Difference]:
    """ON CONFLICT, which looks for a row with an equal key."""
    if "onConflictClause" not in insert:
        return
    inferred: list[Node] = insert["onConflictClause"].get("infer", {}).get("indexElems", [])
    names = [item["IndexElem"].get("name") for item in inferred]
    table = relation_name(insert["relation"])
    for name, change in columns_of(conversion, table):
        if change is not None and (name in names or not names):
            yield from _equals([(name, change)])
    yield from _equals(within.carried([item["IndexElem"].get("expr", {}) for item in inferred]))


def _sorts(found: Iterable[tuple[str, TypeReplacement]]) -> Iterator[Difference]:
    for name, change in found:
        if not change.ordered:
            kind = "JSON" if change.now == "jsonb" else "text"
            yield Difference(name, change, f"here it sorts and compares as {kind}")


def _stored(
    conversion: Conversion, kind: str, node: Node, around: Scope, within: Scope
) -> Iterator[Difference]:
    """Values that are assigned to columns of text, which is a cast to text."""
    if kind == "InsertStmt":
        table = relation_name(node["relation"])
        names: Sequence[str] = [item["ResTarget"]["name"] for item in node.get("cols", ())]
        names = names or list(conversion.source.tables.get(table, {}))
        query: Node = node.get("selectStmt", {})
        if "valuesLists" in query.get("SelectStmt", {}):
            return
        inner = around if "withClause" not in node else within
        given: Columns = inner.outputs(query)
    elif kind == "UpdateStmt":
        table = relation_name(node["relation"])
        targets = [item["ResTarget"] for item in node.get("targetList", ())]
        names = [target["name"] for target in targets]
        given = [("", None)] * len(targets)
        for at, target in enumerate(targets):
            carried = next(within.carried(target["val"]), None)
            given[at] = carried or ("", None)
    else:
        return
    for name, (own, change) in zip(names, given, strict=False):
        typed = conversion.source.column(table, name)
        if change is not None and typed is not None and typed.name in _TEXTS and change.was != typed.name:
            yield from _casts([(own, change)], "text")
