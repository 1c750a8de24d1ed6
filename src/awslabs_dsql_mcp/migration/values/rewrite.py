"""Values in statements of a script, rewritten for the types that their columns get on Aurora DSQL.

What is no constant cannot be rewritten: it stops the script, as does a number that would be rounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from awslabs_dsql_mcp.dsql.types import TYPES
from awslabs_dsql_mcp.migration.values.source_types import Name, SourceType, SourceTypes, relation
from awslabs_dsql_mcp.migration.values.stored import is_converted, is_json, require_exact, stored
from awslabs_dsql_mcp.migration.values.syntax import NotConverted, Value
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_LITERALS: Final = frozenset(("text", "varchar", "bpchar", "unknown"))
_NUMBERS: Final = frozenset(("int2", "int4", "int8", "numeric"))
_NUMBER_LIKE: Final = frozenset(("money", "oid", "enum", *_NUMBERS, "float4", "float8", *_LITERALS))
_SET_DEFAULT: Final = "T"
"""Of an ALTER DOMAIN (PostgreSQL's source, ``AlterDomainType``)."""
_COMPARED: Final = frozenset(("=", "<>", "!="))
_ORDERED: Final = frozenset((*_COMPARED, "<", "<=", ">", ">=", "BETWEEN", "NOT BETWEEN"))
_SAME_OPERATORS: Final = frozenset(("name", "oid", "money", "xml", "char", "citext"))
"""Types whose operators those of the new type do the work of."""


@dataclass
class Rewriting:
    """What became of a statement's values.

    Attributes:
        columns: Columns whose values are written anew.
        problems: Reasons why the statement cannot be carried over.
    """

    columns: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])


def rewrite(kind: str, top: Node, types: SourceTypes) -> Rewriting:
    """Rewrite the values in a statement's tree.

    Args:
        kind: Its node type.
        top: Its fields; they are changed.
        types: The types of the script's tables, this statement's changes included.
    """
    rewriter = _Rewriter(types)
    if kind == "InsertStmt":
        rewriter.insert(top)
    elif kind == "UpdateStmt":
        rewriter.assign(relation(top["relation"]), top.get("targetList", ()))
    elif kind == "CreateStmt":
        for item in top.get("tableElts", ()):
            rewriter.defaults(item.get("ColumnDef", {}))
    elif kind == "CreateDomainStmt":
        rewriter.defaults({"colname": strings(top["domainname"])[-1], **top})
        rewriter.amounts(top)
    elif kind == "AlterDomainStmt":
        rewriter.domain_default(top)
    elif kind == "AlterTableStmt":
        rewriter.altered(top)
    if kind in ("InsertStmt", "UpdateStmt", "DeleteStmt", "SelectStmt"):
        rewriter.conditions(top)
    elif kind in ("CreateStmt", "AlterTableStmt", "IndexStmt", "ViewStmt"):
        rewriter.amounts(top)
    return rewriter.result


class _Rewriter:
    """Rewrites the values of one statement."""

    def __init__(self, types: SourceTypes) -> None:
        self._types = types
        self.result = Rewriting()

    def insert(self, top: Node) -> None:
        table = relation(top["relation"])
        names = [item["ResTarget"]["name"] for item in top.get("cols", ())]
        names = names or list(self._types.tables.get(table, {}))
        typed = [self._types.column(table, name) for name in names]
        self._selected(top.get("selectStmt", {}).get("SelectStmt", {}), names, typed)
        self.assign(table, top.get("onConflictClause", {}).get("targetList", ()))

    def _selected(self, select: Node, names: Sequence[str], typed: Sequence[SourceType | None]) -> None:
        branches = [select]
        while branches:
            branch = branches.pop()
            branches += [branch[side] for side in ("larg", "rarg") if side in branch]
            for item in branch.get("valuesLists", ()):
                self._row(item["List"]["items"], names, typed)
            targets = [item["ResTarget"] for item in branch.get("targetList", ())]
            if any("A_Star" in field for target in targets for field in _fields(target["val"])):
                continue
            for target, name, column in zip(targets, names, typed, strict=False):
                target["val"] = self._value(target["val"], name, column, cast_it=True)

    def _row(self, values: list[Node], names: Sequence[str], typed: Sequence[SourceType | None]) -> None:
        for at, node in enumerate(values):
            column = typed[at] if at < len(typed) else None
            values[at] = self._value(node, names[at] if at < len(names) else f"value {at + 1}", column)

    def assign(self, table: Name, targets: Sequence[Node]) -> None:
        for item in targets:
            target = item["ResTarget"]
            name: str = target["name"]
            column = self._types.column(table, name)
            if "indirection" in target and column is not None and is_converted(column):
                self._problem(name, "a part of it is set: set the whole value, as JSON")
                continue
            source: Node | None = target["val"].get("MultiAssignRef")
            if source is None:
                target["val"] = self._value(target["val"], name, column)
            elif "RowExpr" in source["source"]:
                parts: list[Node] = source["source"]["RowExpr"]["args"]
                at: int = source["colno"] - 1
                parts[at] = self._value(parts[at], name, column)

    def defaults(self, column: Node) -> None:
        """Rewrite the default of a column's definition."""
        typed = self._types.resolve(column["typeName"]) if "typeName" in column else None
        for item in column.get("constraints", ()):
            constraint: Node = item["Constraint"]
            if constraint.get("contype") == "CONSTR_DEFAULT":
                constraint["raw_expr"] = self._value(
                    constraint["raw_expr"], f"DEFAULT of {column['colname']}", typed
                )

    def altered(self, top: Node) -> None:
        for item in top.get("cmds", ()):
            command: Node = item["AlterTableCmd"]
            if command["subtype"] == "AT_AddColumn":
                self.defaults(command["def"]["ColumnDef"])
            elif command["subtype"] == "AT_ColumnDefault" and "def" in command:
                name: str = command["name"]
                typed = self._types.column(relation(top["relation"]), name)
                command["def"] = self._value(command["def"], f"DEFAULT of {name}", typed)

    def domain_default(self, top: Node) -> None:
        """Rewrite the default that ALTER DOMAIN sets."""
        if top["subtype"] == _SET_DEFAULT and "def" in top:
            typed = self._types.resolve({"names": top["typeName"]})
            top["def"] = self._value(top["def"], f"DEFAULT of {strings(top['typeName'])[-1]}", typed)

    def conditions(self, top: Node) -> None:
        """Rewrite what converted columns are compared with; other operators on them are problems."""
        columns = self._converted(top)
        if columns:
            for node in _nodes(top, "A_Expr"):
                self._compared(node, columns)
            for node in (*_nodes(top, "FuncCall"), *_nodes(top, "A_Indirection")):
                inner = [node["arg"]] if "arg" in node else node.get("args", ())
                for name in filter(None, (_column(argument, columns) for argument in inner)):
                    if columns[name].name not in _SAME_OPERATORS and not _is_count(node):
                        self._used(name, columns[name])

    def amounts(self, top: Node) -> None:
        """Rewrite what columns of money are compared with in CHECKs, views and indexes."""
        columns = {name: typed for name, typed in self._converted(top).items() if typed.name == "money"}
        if not columns:
            return
        for node in _nodes(top, "A_Expr"):
            self._compared(node, columns)
        name, typed = next(iter(columns.items()))
        for node in _nodes(top, "TypeCast"):
            if self._types.resolve(node["typeName"]) == typed:
                written = self._value(node["arg"], name, typed, cast_it=True)
                node.update(written.get("TypeCast", {"arg": written}))

    def _converted(self, top: Node) -> dict[str, SourceType]:
        """Collect the converted columns of the tables that a statement names."""
        tables = [relation(node) for node in _nodes(top, "RangeVar")]
        tables += [relation(top["relation"])] if "relation" in top else []
        named = [pair for table in tables for pair in self._types.columns(table).items()]
        if "domainname" in top:  # whose CHECKs name what they check VALUE
            named.append(("value", self._types.resolve(top["typeName"])))
        return {name: typed for name, typed in named if is_converted(typed)}

    def _compared(self, node: Node, columns: Mapping[str, SourceType]) -> None:
        sides = ("lexpr", "rexpr")
        for side, other in (sides, sides[::-1]):
            name = _column(node.get(side), columns)
            if name is None:
                continue
            whole = node.get("kind") not in ("AEXPR_OP_ANY", "AEXPR_OP_ALL")
            known = _ORDERED if columns[name].name == "money" else _COMPARED
            if not whole or not known.issuperset(strings(node.get("name"))):
                if columns[name].name not in _SAME_OPERATORS:
                    self._used(name, columns[name])
            elif "List" in node.get(other, {}):
                values: list[Node] = node[other]["List"]["items"]
                values[:] = [self._value(value, name, columns[name]) for value in values]
            elif other in node:
                node[other] = self._value(node[other], name, columns[name])

    def _used(self, name: str, typed: SourceType) -> None:
        now = "jsonb" if is_json(typed) else "text"
        self._problem(name, f"it is {now} there: write what is done with it for {now}")

    def _value(self, node: Node, name: str, typed: SourceType | None, *, cast_it: bool = False) -> Node:
        if not node.keys().isdisjoint(("SetToDefault", "ColumnRef", "ParamRef")):
            return node
        try:
            if typed is None or not is_converted(typed):
                self._require_kept(node, typed)
                return node
            text = stored(self._constant(node, typed), typed)
        except NotConverted as error:
            self._problem(name, str(error))
            return node
        if text is None:
            return {"A_Const": {"isnull": True}}
        if name not in self.result.columns:
            self.result.columns.append(name)
        literal: Node = {"A_Const": {"sval": {"sval": text}}}
        if not cast_it:
            return literal
        new = "jsonb" if is_json(typed) else TYPES[typed.name].replacement
        return {"TypeCast": {"arg": literal, "typeName": deparse.type_name(new)}}

    def _require_kept(self, node: Node, typed: SourceType | None) -> None:
        """Refuse a number that would be rounded, and what no column has, for a column of an unknown type."""
        if typed is not None:
            if typed.name == "numeric" and not typed.modifiers and (text := _number(node)) is not None:
                require_exact(text)
            return
        given = self._types.resolve(node["TypeCast"]["typeName"]) if "TypeCast" in node else None
        if "A_ArrayExpr" in node or (given is not None and is_converted(given)):
            kind = "array" if given is None or given.name == "[]" else given.name
            raise NotConverted(
                f"a value of type {kind}, which no column has there: write what the column has"
            )

    def _constant(self, node: Node, typed: SourceType) -> Value:
        if "A_Const" in node:
            return _text_of(node["A_Const"], typed)
        if "TypeCast" in node:
            self._require_same(self._types.resolve(node["TypeCast"]["typeName"]), typed)
            return self._constant(node["TypeCast"]["arg"], typed)
        if "A_ArrayExpr" in node and typed.element is not None:
            elements: list[Node] = node["A_ArrayExpr"].get("elements", [])
            inner = typed.element
            return [self._constant(e, typed if "A_ArrayExpr" in e else inner) for e in elements]
        if "RowExpr" in node and typed.name == "()":
            fields: list[Node] = node["RowExpr"].get("args", [])
            if len(fields) == len(typed.fields):
                return [self._constant(f, inner) for f, (_, inner) in zip(fields, typed.fields, strict=True)]
        negated: Node = node.get("A_Expr", {})
        if strings(negated.get("name")) == ["-"] and "lexpr" not in negated:
            value = self._constant(negated["rexpr"], typed)
            if isinstance(value, str) and not value.startswith("-"):
                return f"-{value}"
        raise NotConverted("it is no constant: write its value")

    def _require_same(self, cast_to: SourceType, typed: SourceType) -> None:
        is_number = typed.name in _NUMBER_LIKE and cast_to.name in _NUMBERS and not cast_to.modifiers
        if not (cast_to == typed or is_number or (cast_to.name in _LITERALS and not cast_to.modifiers)):
            same_array = cast_to.element is not None and typed.element is not None
            if not (
                same_array
                and cast_to.element
                and typed.element
                and cast_to.element.name == typed.element.name
            ):
                raise NotConverted(f"it is cast to {cast_to.name}: write its value")

    def _problem(self, name: str, why: str) -> None:
        problem = f"{name}: {why}"
        if problem not in self.result.problems:
            self.result.problems.append(problem)


def _text_of(value: Node, typed: SourceType) -> Value:
    if "isnull" in value:
        return None
    if "bsval" in value:
        return cast("str", value["bsval"]["bsval"])
    if "boolval" in value and typed.name != "bool":
        raise NotConverted("it is a boolean")
    if not value.keys().isdisjoint(("ival", "fval")) and typed.name not in _NUMBER_LIKE:
        raise NotConverted("it is a number")
    return constant({"A_Const": value})


def _number(node: Node) -> str | None:
    """Read a constant for a numeric column."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    return None if "isnull" in node.get("A_Const", {"isnull": True}) else constant(node)


def _column(node: Node | None, columns: Mapping[str, SourceType]) -> str | None:
    """Name the converted column that an expression is."""
    while node is not None and "TypeCast" in node:
        node = cast("Node", node["TypeCast"]["arg"])
    name = strings((node or {}).get("ColumnRef", {}).get("fields"))[-1:]
    return name[0] if name and name[0] in columns else None


def _fields(node: Node) -> list[Node]:
    return node.get("ColumnRef", {}).get("fields", [])


def _is_count(call: Node) -> bool:
    return strings(call.get("funcname"))[-1:] in (["count"], ["coalesce"], ["max"], ["min"])


def _nodes(top: object, kind: str) -> Iterator[Node]:
    waiting: list[Any] = [top]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            fields = cast("Node", inner)
            if kind in fields:
                yield fields[kind]
            waiting += fields.values()
        elif isinstance(inner, list):
            waiting += cast("list[Any]", inner)
