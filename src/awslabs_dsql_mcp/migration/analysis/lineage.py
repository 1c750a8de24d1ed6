"""Columns whose type changed, followed through aliases, subqueries, WITH queries and views."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from awslabs_dsql_mcp.migration.analysis.user_types import COLLATED, TypeReplacement
from awslabs_dsql_mcp.migration.script.mentions import Name, relation_name
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

Columns = list[tuple[str, TypeReplacement | None]]
"""The columns of a relation in order: a name, and the change of its type if it has changed."""

_STATEMENTS: Final = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_SAME_VALUE: Final = frozenset(
    ("lag", "lead", "first_value", "last_value", "nth_value", "any_value", "min", "max", "sum")
)
_NUMBERS: Final = frozenset(("numeric", "money"))
_MAX_NODES: Final = 300  # of one expression; an operation within it is looked at by itself
_ARITHMETIC: Final = frozenset("+-*/")


@dataclass(frozen=True)
class Scope:
    """The relations that the expressions of a query can name.

    Attributes:
        relation: Gives the columns of a table or a view; no columns for one that is unknown.
        levels: The relations by alias, those of the innermost query first.
        queries: The WITH queries by name.
    """

    relation: Callable[[Name], Columns]
    levels: tuple[dict[str, Columns], ...] = ()
    queries: tuple[tuple[str, Columns], ...] = ()

    def inside(self, statement: Node) -> "Scope":
        """Make the scope inside of a statement, from its WITH and FROM clauses and its table."""
        inner = self
        for item in statement.get("withClause", {}).get("ctes", ()):
            query: Node = item["CommonTableExpr"]
            columns = inner.outputs(query.get("ctequery", {}))
            named = _renamed(columns, strings(query.get("aliascolnames")))
            inner = Scope(inner.relation, inner.levels, ((query["ctename"], named), *inner.queries))
        sources: dict[str, Columns] = {}
        level = Scope(inner.relation, (sources, *inner.levels), inner.queries)
        waiting = [*statement.get("fromClause", ()), *statement.get("usingClause", ())]
        if "relname" in statement.get("relation", {}):
            waiting.append({"RangeVar": statement["relation"]})
            sources["excluded"] = self.relation(relation_name(statement["relation"]))
        while waiting:
            item = waiting.pop(0)
            if "JoinExpr" in item:
                waiting[:0] = [item["JoinExpr"]["larg"], item["JoinExpr"]["rarg"]]
            elif "RangeTableSample" in item:
                waiting.insert(0, item["RangeTableSample"]["relation"])
            elif "RangeVar" in item:
                own: Node = item["RangeVar"]
                known = dict(reversed(inner.queries)).get(own["relname"]) if "schemaname" not in own else None
                columns = self.relation(relation_name(own)) if known is None else known
                _add(sources, own["relname"], own, columns)
            elif "RangeSubselect" in item:
                _add(sources, "", item["RangeSubselect"], level.outputs(item["RangeSubselect"]["subquery"]))
        return level

    def outputs(self, query: Node) -> Columns:
        """List the columns that a query gives."""
        kind = next(iter(query), "")
        if kind not in _STATEMENTS:
            return []
        top: Node = query[kind]
        inside = self.inside(top)
        if kind != "SelectStmt":
            returned: list[Node] = top.get("returningClause", {}).get("exprs", [])
            return inside.targets(returned)
        given: Columns = []
        branches: list[tuple[Node, Scope]] = [(top, inside)]
        while branches:
            branch, scope = branches.pop()
            if "larg" in branch:
                sides: list[Node] = [branch["rarg"], branch["larg"]]
                branches += [(side, scope.inside(side)) for side in sides]
                continue
            rows = [cast("list[Node]", item["List"]["items"]) for item in branch.get("valuesLists", ())]
            lists = [[(f"column{at + 1}", scope.value(value)) for at, value in enumerate(r)] for r in rows]
            for columns in lists or [scope.targets(branch.get("targetList", ()))]:
                given = _united(given, columns)
        return given

    def targets(self, targets: Sequence[Node]) -> Columns:
        """List the columns of a target list."""
        found: Columns = []
        for item in targets:
            target: Node = item["ResTarget"]
            fields: list[Node] = target.get("val", {}).get("ColumnRef", {}).get("fields", [])
            if fields and "A_Star" in fields[-1]:
                for alias, columns in self.levels[0].items() if self.levels else ():
                    if strings(fields)[-1:] in ([], [alias]) and alias != "excluded":
                        found += columns
            else:
                name = target.get("name") or (strings(fields) or [_called(target.get("val", {}))])[-1]
                found.append((name, self.value(target.get("val", {}))))
        return found

    def value(self, node: Node) -> TypeReplacement | None:
        """Find the change of type of the column whose values an expression has."""
        return next((change for _, change in self.carried(node)), None)

    def carried(self, node: object) -> Iterator[tuple[str, TypeReplacement]]:
        """Iterate over the changed columns whose values an expression may have as they are."""
        waiting: list[Any] = [node]
        looked = 0
        while waiting and (looked := looked + 1) < _MAX_NODES:
            inner: Any = waiting.pop()
            if isinstance(inner, list):
                waiting += reversed(cast("list[Any]", inner))
                continue
            fields = cast("Node", inner or {})
            for kind, top in fields.items():
                yield from self._carried(kind, top)
                waiting += _same_values(kind, top)

    def _carried(self, kind: str, top: Node) -> Iterator[tuple[str, TypeReplacement]]:
        if kind == "ColumnRef":
            yield from self._column(strings(top.get("fields")))
        elif kind == "TypeCast":
            typed: list[Node] = [top["typeName"]]
            while "TypeCast" in (inner := top["arg"]):
                top = inner["TypeCast"]
                typed.append(top["typeName"])
            yield from (one for one in self.carried(inner) if all(_keeps(one[1], to) for to in typed))
        elif kind == "CollateClause":
            yield from (one for one in self.carried(top["arg"]) if one[1].was == "citext")
        elif kind == "SubLink":
            columns = self.outputs(top["subselect"])[:1]
            yield from ((name, change) for name, change in columns if change is not None)

    def _column(self, parts: list[str]) -> Iterator[tuple[str, TypeReplacement]]:
        name = parts[-1] if parts else ""
        for level in self.levels:
            relations = level.items() if len(parts) < 2 else [(parts[-2], level.get(parts[-2], []))]  # noqa: PLR2004 - a table and a column
            named = [
                change
                for alias, columns in relations
                for own, change in columns
                if own == name and (alias != "excluded" or len(parts) > 1)
            ]
            if named:
                yield from ((name, change) for change in named if change is not None)
                return
        nothing: Columns = []
        whole = next((level[name] for level in self.levels if name in level), nothing)
        yield from ((own, change) for own, change in whole if change is not None)


def sorted_by(order: Node, scope: Scope, outputs: Columns) -> Iterator[tuple[str, TypeReplacement]]:
    """Iterate over the changed columns that a ``SortBy`` sorts by, given the columns of its query."""
    node: Node = order["node"]
    if "A_Const" in node:
        place = constant(node) or ""
        at = int(place) - 1 if place.isdigit() else -1
        found = outputs[at : at + 1] if at >= 0 else []
    else:
        parts = strings(node.get("ColumnRef", {}).get("fields"))
        found = [column for column in outputs if [column[0]] == parts]
    if found:
        yield from ((name, change) for name, change in found if change is not None)
    else:
        yield from scope.carried(node)


def _same_values(kind: str, top: Node) -> list[Node]:
    """List the expressions whose values an expression may have."""
    if kind == "FuncCall":
        return top.get("args", [])[:1] if strings(top.get("funcname"))[-1] in _SAME_VALUE else []
    if kind == "CaseExpr":
        return [*(when["CaseWhen"]["result"] for when in top.get("args", ())), top.get("defresult", {})]
    if kind in ("CoalesceExpr", "MinMaxExpr", "RowExpr"):
        return top.get("args", [])
    if kind == "A_Expr" and strings(top.get("name"))[-1] in _ARITHMETIC:
        return [top[side] for side in ("lexpr", "rexpr") if side in top]
    return top.get("items", []) if kind == "List" else []


def _keeps(change: TypeReplacement, typed: Node) -> bool:
    """Say if a cast to a type keeps what a column of a changed type is about."""
    to = strings(typed.get("names"))[-1:]
    if "arrayBounds" in typed or not to:
        return False
    if change.was in _NUMBERS:
        return to[0] in _NUMBERS and "typmods" not in typed
    if change.was == COLLATED:
        return to[0] in ("text", "varchar", "bpchar")
    return change.was == "enum" and to[0] == "enum"


def _add(sources: dict[str, Columns], name: str, item: Node, columns: Columns) -> None:
    alias: Node = item.get("alias", {})
    sources[alias.get("aliasname", name)] = _renamed(columns, strings(alias.get("colnames")))


def _renamed(columns: Columns, names: Sequence[str]) -> Columns:
    return [(names[at] if at < len(names) else name, change) for at, (name, change) in enumerate(columns)]


def _united(first: Columns, second: Columns) -> Columns:
    if not first:
        return second
    other = [change for _, change in second]
    return [
        (name, change or (other[at] if at < len(other) else None)) for at, (name, change) in enumerate(first)
    ]


def _called(node: Node) -> str:
    if "TypeCast" in node:
        return _called(node["TypeCast"]["arg"]) if "ColumnRef" in node["TypeCast"]["arg"] else ""
    names = {"CoalesceExpr": "coalesce", "CaseExpr": "case"}
    call = strings(node.get("FuncCall", {}).get("funcname"))
    return call[-1] if call else next((name for kind, name in names.items() if kind in node), "")
