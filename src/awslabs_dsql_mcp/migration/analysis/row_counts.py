"""Numbers of rows that the statements of a script change, as far as the script alone tells.

A transaction changes at most 3,000 rows (`dsql.limits`), and each statement is a transaction of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.migration.script.mentions import Name, mentions, relation_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_MAX_DEPTH: Final = 50  # of queries within queries that are looked into
_SETS: Final = ("unnest", "_table", "_elements", "_elements_text", "_each", "_each_text", "_keys")
_MORE_SETS: Final = ("_recordset", "_subscripts", "_matches", "_path_query")
_AGGREGATES: Final = frozenset(("count", "sum", "min", "max", "avg", "string_agg", "array_agg", "json_agg"))
_CONDITIONS: Final = ("whereClause", "groupClause", "havingClause", "distinctClause", "limitOffset")


@dataclass(frozen=True)
class Rows:
    """A number of rows.

    Attributes:
        most: There are no more; ``None`` if that is not known.
        exact: There are so many.
    """

    most: int | None
    exact: bool = False

    def times(self, other: "Rows") -> "Rows":
        """Combine each row with each of another set."""
        if 0 in (self.most, other.most):
            return Rows(0, self.exact and other.exact)
        if self.most is None or other.most is None:
            return _UNKNOWN
        return Rows(self.most * other.most, self.exact and other.exact)

    def plus(self, other: "Rows") -> "Rows":
        """Add the rows of another set."""
        if self.most is None or other.most is None:
            return _UNKNOWN
        return Rows(self.most + other.most, self.exact and other.exact)


_UNKNOWN: Final = Rows(None)
_ONE: Final = Rows(1, exact=True)


class RowCounts:
    """Rows of the tables that a script makes, up to some place in it."""

    def __init__(self) -> None:
        self._of: dict[Name, Rows] = {}

    def take(self, statement: ScriptStatement) -> Rows | None:
        """Go on by a statement.

        Returns:
            The rows that it changes; ``None`` for one that changes none, or whose rows are cut into steps.
        """
        top, kind = statement.tree, statement.kind
        if kind == "CreateStmt" and not top.get("if_not_exists"):
            self._of[relation_name(top["relation"])] = Rows(0, exact=True)
        elif kind == "CopyStmt" and top.get("is_from"):
            self._add(top, Rows((statement.item.data or "").count("\n")))
        elif kind == "RenameStmt" and "relation" in top and "subname" not in top:
            old = relation_name(top["relation"])
            self._of[old[0], top["newname"]] = self._of.pop(old, _UNKNOWN)
        elif kind in ("DropStmt", "AlterObjectSchemaStmt", "DoStmt", "CallStmt"):
            self._of.clear()
        elif kind in ("InsertStmt", "UpdateStmt", "DeleteStmt"):
            return self._change(statement, top)
        return None

    def _change(self, statement: ScriptStatement, top: Node) -> Rows | None:
        if any(functions.is_user_defined(strings(one.get("funcname"))) for one in statement.mentions.calls):
            self._of.clear()
        ctes = self._queries(top, {}, 0)
        if ctes is None:  # a WITH that changes data too
            self._of.clear()
            return _UNKNOWN
        if statement.kind != "InsertStmt":
            rows = self._of.get(relation_name(top["relation"]), _UNKNOWN)
            narrows = {"whereClause", "fromClause", "usingClause"} & top.keys()
            if statement.kind == "DeleteStmt":  # of other tables too, by foreign keys
                self._of = {name: Rows(count.most) for name, count in self._of.items()}
            return Rows(rows.most, exact=rows.exact and not narrows)
        select: Node | None = top.get("selectStmt", {}).get("SelectStmt")
        added = self._select(select, ctes, 0) if select is not None else _ONE
        added = Rows(added.most, exact=added.exact and "onConflictClause" not in top)
        self._add(top, added)
        return None if select is None or "valuesLists" in select else added

    def _add(self, top: Node, rows: Rows) -> None:
        table = relation_name(top["relation"])
        self._of[table] = self._of.get(table, _UNKNOWN).plus(rows)

    def _queries(self, top: Node, outer: Mapping[str, Rows], depth: int) -> dict[str, Rows] | None:
        """Count the rows of the queries of a WITH; ``None`` if one changes data."""
        found = dict(outer)
        clause: Node = top.get("withClause", {})
        for item in clause.get("ctes", ()):
            query: Node = item["CommonTableExpr"]["ctequery"]
            if "SelectStmt" not in query:
                return None
            rows = (
                _UNKNOWN if clause.get("recursive") else self._select(query["SelectStmt"], found, depth + 1)
            )
            found[item["CommonTableExpr"]["ctename"]] = rows
        return found

    def _select(self, select: Node, outer: Mapping[str, Rows], depth: int) -> Rows:
        ctes = self._queries(select, outer, depth)
        if ctes is None or depth > _MAX_DEPTH:
            return _UNKNOWN
        if "valuesLists" in select:
            rows = Rows(len(select["valuesLists"]), exact=True)
        elif select.get("op", "SETOP_NONE") != "SETOP_NONE":
            left = self._select(select["larg"], ctes, depth + 1)
            is_union = select["op"] == "SETOP_UNION"
            rows = left.plus(self._select(select["rarg"], ctes, depth + 1)) if is_union else left
            rows = Rows(rows.most, exact=rows.exact and is_union and bool(select.get("all")))
        else:
            rows = self._plain(select, ctes, depth)
        if any(field in select for field in _CONDITIONS):
            rows = Rows(rows.most)
        if "limitCount" in select:
            limit = _integer(select["limitCount"])
            rows = Rows(rows.most if limit is None else min(limit, rows.most or limit))
        return rows

    def _plain(self, select: Node, ctes: Mapping[str, Rows], depth: int) -> Rows:
        values: list[Node] = [item["ResTarget"].get("val", {}) for item in select.get("targetList", ())]
        calls: list[Node] = [value["FuncCall"] for value in values if "FuncCall" in value]
        names = [strings(call.get("funcname"))[-1] for call in calls]
        if "groupClause" not in select and any(
            name in _AGGREGATES and "over" not in call for name, call in zip(names, calls, strict=True)
        ):
            return _ONE
        rows = _ONE
        for item in select.get("fromClause", ()):
            rows = rows.times(self._from(item, ctes, depth + 1))
        for call in mentions(values).calls:
            if not _returns_set(call):
                continue
            rows = rows.times(_series(call) if any(call is one for one in calls) else _UNKNOWN)
        return rows

    def _from(self, item: Node, ctes: Mapping[str, Rows], depth: int) -> Rows:
        ((kind, top),) = item.items()
        rows = _UNKNOWN
        if kind == "RangeVar":
            own = ctes.get(top["relname"]) if "schemaname" not in top else None
            rows = own or self._of.get(relation_name(top), _UNKNOWN)
        elif kind == "RangeSubselect":
            rows = self._select(top["subquery"]["SelectStmt"], ctes, depth)
        elif kind == "RangeFunction" and len(top["functions"]) == 1:
            call: Node = top["functions"][0]["List"]["items"][0].get("FuncCall", {})
            rows = _series(call) if call else _UNKNOWN
        elif kind == "JoinExpr" and depth <= _MAX_DEPTH:
            left, right = (self._from(top[side], ctes, depth + 1) for side in ("larg", "rarg"))
            if top.get("jointype") != "JOIN_INNER":
                left, right = (one if one.most != 0 else Rows(1) for one in (left, right))
            crossed = left.times(right)
            narrows = "quals" in top or "usingClause" in top or top.get("isNatural")
            rows = Rows(crossed.most, exact=crossed.exact and not narrows)
        return rows


def _integer(node: object) -> int | None:
    text = constant(node)
    return int(text) if text is not None and text.isascii() and text.lstrip("-").isdigit() else None


def _returns_set(call: Node) -> bool:
    name = strings(call.get("funcname"))
    return functions.is_user_defined(name) or name[-1].endswith(("generate_series", *_SETS, *_MORE_SETS))


def _series(call: Node) -> Rows:
    """Count the rows of a call of generate_series; those of any other are unknown."""
    if strings(call.get("funcname"))[-1:] != ["generate_series"]:
        return _UNKNOWN
    given = [_integer(argument) for argument in call.get("args", ())]
    start, stop, step = (*given, 1) if len(given) == 2 else (*given, None, None)[:3]  # noqa: PLR2004 - no step
    if start is None or stop is None or not step:
        return _UNKNOWN
    return Rows(max(0, (stop - start) // step + 1), exact=True)
