"""Split an UPDATE, DELETE or INSERT … SELECT into batches by primary-key range.

A statement can be split if it changes or copies each row of one table independently of the others: then the
batches together do the same as the statement. It cannot if it reads rows that it changes, or uses several
rows at once. The parse tree decides. The text is then divided at its clauses; the parts are parsed again and
compared with the statement, so that no clause is mistaken for another.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, cast

from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql import functions, parser
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings
from awslabs_dsql_mcp.sql.parser import ParseError, Token

_WHOLE_RESULT_CLAUSES: Final = {
    "distinctClause": "DISTINCT",
    "groupClause": "GROUP BY",
    "havingClause": "HAVING",
    "windowClause": "WINDOW",
    "limitCount": "LIMIT",
    "limitOffset": "OFFSET",
    "sortClause": "ORDER BY",
    "lockingClause": "FOR UPDATE",
    "valuesLists": "VALUES",
    "intoClause": "INTO",
}


@dataclass(frozen=True)
class SplitStatement:
    """A statement divided at its clauses.

    Attributes:
        kind: ``UPDATE``, ``DELETE`` or ``INSERT``.
        target: Name of the changed table, as SQL.
        driving: Name of the table by whose key it is split: the target, or the first in FROM of INSERT.
        qualifier: Name or alias of that table in the statement, as SQL.
        reads: Names of all other tables, as SQL.
        assigned_columns: Columns that UPDATE sets.
        calls: Names of functions called outside of subqueries.
        before: Text before WHERE.
        sources: FROM list of a SELECT that finds the same rows.
        condition: Text after WHERE; empty without WHERE.
        after: Text after the condition.
        repeatable: Running it again on a row that it has changed changes nothing.
    """

    kind: str
    target: str
    driving: str
    qualifier: str
    reads: tuple[str, ...]
    assigned_columns: frozenset[str]
    calls: frozenset[str]
    before: str
    sources: str
    condition: str
    after: str
    repeatable: bool

    def where(self, ranges: str) -> str:
        """Combine the statement's condition with another one."""
        return f"(\n{self.condition}\n) AND {ranges}" if self.condition else ranges

    def with_range(self, ranges: str) -> str:
        """Build the statement for the rows of a range."""
        return f"{self.before}\nWHERE {self.where(ranges)}\n{self.after}"


def split(sql: str) -> SplitStatement | Violation:
    """Split a statement, or return the reason why it cannot be split.

    Args:
        sql: One statement that the guard allows, with ``$1`` for its values.
    """
    (tree,) = parser.parse(sql)
    for rule in _RULES:
        if (violation := rule(tree)) is not None:
            return violation
    parts = _divide(tree, sql)
    try:
        equivalent = parts is not None and _is_equivalent(tree, parts)
    except RecursionError:
        equivalent = False
    if parts is None or not equivalent:
        return _refuse(tree, "The clauses of this statement cannot be separated.", "Simplify the statement.")
    return parts


def _select(tree: Tree) -> Node:
    return cast("Node", tree.root.get("selectStmt", {}).get("SelectStmt", {}))


def _refuse(tree: Tree, reason: str, instead: str, location: int | None = None) -> Violation:
    return Violation("not-cuttable", tree.start if location is None else location, reason, instead)


def _statement_kind(tree: Tree) -> Violation | None:
    if tree.kind in ("UpdateStmt", "DeleteStmt") or (tree.kind == "InsertStmt" and _select(tree)):
        return None
    return _refuse(
        tree,
        "Only a single UPDATE, DELETE or INSERT … SELECT can be split into batches.",
        "Use `transact` for anything else.",
    )


def _returning(tree: Tree) -> Violation | None:
    if tree.root.keys() & {"returningClause", "returningList"}:
        return _refuse(
            tree, "RETURNING would return rows of many transactions.", "Leave it out; SELECT afterwards."
        )
    return None


def _common_table_expression(tree: Tree) -> Violation | None:
    for place in tree.find("CommonTableExpr"):
        reason = "The queries in WITH would be evaluated again for each batch, on changed data."
        return _refuse(
            tree,
            reason,
            "Write it as a subquery on other tables, or store its result in a table.",
            place.location,
        )
    return None


def _cursor(tree: Tree) -> Violation | None:
    if "CurrentOfExpr" in tree:
        return _refuse(tree, "WHERE CURRENT OF needs a cursor.", "Name the rows in WHERE.")
    return None


def _whole_result(tree: Tree) -> Violation | None:
    if tree.kind != "InsertStmt":
        return None
    select = _select(tree)
    found = next((word for field, word in _WHOLE_RESULT_CLAUSES.items() if field in select), None)
    if select.get("op", "SETOP_NONE") != "SETOP_NONE":
        found = "UNION, INTERSECT or EXCEPT"
    if found is None and not select.get("fromClause"):
        found = "a SELECT without FROM"
    if found is None:
        return None
    reason = f"{found} uses all rows together, and each batch would see only its own."
    return _refuse(tree, reason, "Leave it out, or run the statement whole with `transact` if it is small.")


def _windows(tree: Tree) -> Violation | None:
    for node in _called_functions(tree):
        if "over" in node or node.get("agg_distinct") or node.get("agg_star"):
            reason = "A window or aggregate function uses several rows; each batch would see only its own."
            return _refuse(tree, reason, "Compute it in a subquery on another table.", node.get("location"))
    return None


def _driving(tree: Tree) -> Violation | None:
    if tree.kind != "InsertStmt" or _leftmost(_select(tree)["fromClause"][0]) is not None:
        return None
    reason = "The rows are split by the primary key of the first table in FROM, and no table is first."
    return _refuse(tree, reason, "Put a table first, followed by inner or left joins.")


def _reads_target(tree: Tree) -> Violation | None:
    name = tree.root["relation"]["relname"]
    for place in tree.find("RangeVar"):
        if place.node["relname"] == name and place.node.get("schemaname") == tree.root["relation"].get(
            "schemaname"
        ):
            return self_reading(tree.start if place.location < 0 else place.location)
    return None


def self_reading(location: int = 0) -> Violation:
    """Violation of a statement that reads the table that it changes."""
    return Violation(
        "not-cuttable",
        location,
        "The statement also reads the table that it changes: later batches would see earlier changes.",
        "Copy the rows to be read to another table first, and read them there.",
    )


def _user_function(tree: Tree) -> Violation | None:
    for place in tree.find("FuncCall"):
        name = strings(place.node.get("funcname"))
        if functions.is_user_defined(name):
            reason = (
                f"{'.'.join(name)}() is a user-defined function, which may read rows that the batches change."
            )
            return _refuse(tree, reason, "Write its expression into the statement.", place.location)
    return None


_RULES: Final[tuple[Callable[[Tree], Violation | None], ...]] = (
    _statement_kind,
    _returning,
    _common_table_expression,
    _cursor,
    _whole_result,
    _windows,
    _driving,
    _reads_target,
    _user_function,
)


def _leftmost(item: Node) -> Node | None:
    """First table of a FROM item, if each row of the join has a row of that table."""
    while "JoinExpr" in item:
        join = item["JoinExpr"]
        if join.get("jointype", "JOIN_INNER") not in ("JOIN_INNER", "JOIN_LEFT") or "alias" in join:
            return None
        item = join["larg"]
    return item.get("RangeVar")


def _called_functions(tree: Tree) -> Iterator[Node]:
    """Iterate over the function calls outside of subqueries."""
    pending: list[Any] = [tree.root]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += cast("list[Any]", item)
        elif isinstance(item, dict):
            fields = cast("Node", item)
            if "FuncCall" in fields:
                yield fields["FuncCall"]
            pending += [value for key, value in fields.items() if key not in ("SubLink", "RangeSubselect")]


def _name_of(relation: Node) -> str:
    schema = relation.get("schemaname")
    return qualified_name(schema, relation["relname"]) if schema else quote_identifier(relation["relname"])


def _divide(tree: Tree, sql: str) -> SplitStatement | None:
    text = sql.encode()
    end = len(text) if tree.end is None else tree.end
    clauses = _Clauses([t for t in parser.tokens(sql) if tree.start <= t.start < end], text, end)
    parts = {"UpdateStmt": _update, "DeleteStmt": _delete, "InsertStmt": _insert}[tree.kind](clauses)
    if parts is None:
        return None
    before, sources, condition, after = parts
    relation = tree.root["relation"]
    driving = _leftmost(_select(tree)["fromClause"][0]) if tree.kind == "InsertStmt" else relation
    if driving is None:
        return None
    alias = driving.get("alias", {}).get("aliasname")
    return SplitStatement(
        kind=tree.kind.removesuffix("Stmt").upper(),
        target=_name_of(relation),
        driving=_name_of(driving),
        qualifier=quote_identifier(alias or driving["relname"]),
        reads=tuple(dict.fromkeys(_name_of(place.node) for place in tree.find("RangeVar"))),
        assigned_columns=_assigned_columns(tree),
        calls=frozenset(strings(node.get("funcname"))[-1] for node in _called_functions(tree)),
        before=before,
        sources=sources,
        condition=condition,
        after=after,
        repeatable=_repeatable(tree),
    )


def _assigned_columns(tree: Tree) -> frozenset[str]:
    if tree.kind != "UpdateStmt":
        return frozenset()
    return frozenset(item["ResTarget"]["name"] for item in tree.root["targetList"])


def _repeatable(tree: Tree) -> bool:
    """Return true if a second run on the same row changes nothing.

    An UPDATE whose values come from columns that it does not set assigns the same values again; a DELETE
    finds no more rows. A volatile function returns another value at each call.
    """
    if tree.kind == "InsertStmt" or any(
        functions.is_volatile(strings(place.node.get("funcname"))) for place in tree.find("FuncCall")
    ):
        return False
    relation = tree.root["relation"]
    row_names = {relation["relname"], relation.get("alias", {}).get("aliasname")}
    assigned = _assigned_columns(tree) | row_names
    values = Tree("Values", {"list": tree.root.get("targetList", [])}, 0, None)
    fields = [place.node.get("fields", []) for place in values.find("ColumnRef")]
    return not any("A_Star" in names[-1] or strings(names)[-1] in assigned for names in fields if names)


class _Clauses:
    """A statement's text, divided at keywords outside of brackets.

    Args:
        tokens: The statement's tokens.
        text: The whole text, as UTF-8.
        end: End of the statement in the text, in bytes.
    """

    def __init__(self, tokens: Sequence[Token], text: bytes, end: int) -> None:
        self.start = tokens[0].start
        self.end = end
        self._text = text
        self._outside = list(_top_level(tokens))

    def find(self, word: str, after: int, before: int | None = None, then: str | None = None) -> Token | None:
        """Find the first keyword in a range of the text that is not used as a name."""
        pairs = pairwise((*self._outside, Token("", self.end, self.end)))
        previous = ""
        for token, follower in pairs:
            name = previous in ("as", ".", "distinct")
            matches = token.word == word and not name and (then is None or follower.word == then)
            if matches and token.start >= after and (before is None or token.start < before):
                return token
            previous = token.word
        return None

    def text(self, start: int, end: int) -> str:
        """A range of the text."""
        return self._text[start:end].decode()


def _top_level(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth -= token.text in (")", "]")
        if depth == 0 and token.text not in (")", "]"):
            yield token
        depth += token.text in ("(", "[")


_Parts = tuple[str, str, str, str]


def _update(clauses: _Clauses) -> _Parts | None:
    verb, then = clauses.find("update", clauses.start), clauses.find("set", clauses.start)
    if verb is None or then is None:
        return None
    more = clauses.find("from", then.end)
    where = clauses.find("where", more.end if more else then.end)
    target = clauses.text(verb.end, then.start)
    stop = where.start if where else clauses.end
    sources = f"{target}\n, {clauses.text(more.end, stop)}" if more else target
    return clauses.text(clauses.start, stop), sources, _text_after(clauses, where, clauses.end), ""


def _delete(clauses: _Clauses) -> _Parts | None:
    verb = clauses.find("from", clauses.start)
    if verb is None:
        return None
    more = clauses.find("using", verb.end)
    where = clauses.find("where", more.end if more else verb.end)
    stop = where.start if where else clauses.end
    target = clauses.text(verb.end, more.start if more else stop)
    sources = f"{target}\n, {clauses.text(more.end, stop)}" if more else target
    return clauses.text(clauses.start, stop), sources, _text_after(clauses, where, clauses.end), ""


def _insert(clauses: _Clauses) -> _Parts | None:
    verb = clauses.find("select", clauses.start)
    source = clauses.find("from", verb.end) if verb else None
    if source is None:
        return None
    conflict = clauses.find("on", source.end, then="conflict")
    end = conflict.start if conflict else clauses.end
    where = clauses.find("where", source.end, end)
    stop = where.start if where else end
    return (
        clauses.text(clauses.start, stop),
        clauses.text(source.end, stop),
        _text_after(clauses, where, end),
        clauses.text(end, clauses.end),
    )


def _text_after(clauses: _Clauses, where: Token | None, end: int) -> str:
    return clauses.text(where.end, end) if where else ""


def _is_equivalent(tree: Tree, parts: SplitStatement) -> bool:
    """Return true if the parts, parsed again, give the statement's parse tree."""
    try:
        (changed,) = parser.parse(parts.with_range("TRUE"))
        (read,) = parser.parse(f"SELECT FROM {parts.sources}\nWHERE {parts.where('TRUE')}")
    except (ParseError, ValueError):
        return False
    old, new = _without_locations(tree.root), _without_locations(changed.root)
    condition = _pop_where(old, tree.kind)
    reading = _without_locations(read.root)
    return (
        _with_true(condition)
        == _conjuncts(_pop_where(new, tree.kind))
        == _conjuncts(reading.get("whereClause"))
        and old == new
        and reading.get("fromClause") == _from(_without_locations(tree.root), tree.kind)
    )


def _pop_where(top: Node, kind: str) -> Node | None:
    holder: Node = top["selectStmt"]["SelectStmt"] if kind == "InsertStmt" else top
    return holder.pop("whereClause", None)


def _from(top: Node, kind: str) -> object:
    if kind == "InsertStmt":
        return top["selectStmt"]["SelectStmt"]["fromClause"]
    more = top.get("fromClause" if kind == "UpdateStmt" else "usingClause", [])
    return [{"RangeVar": top["relation"]}, *more]


_TRUE: Final = {"A_Const": {"boolval": {"boolval": True}}}


def _with_true(condition: Node | None) -> list[object]:
    return [*_conjuncts(condition), _TRUE] if condition else [_TRUE]


def _conjuncts(condition: Node | None) -> list[object]:
    """Operands of AND, flattened as the grammar does when more are appended."""
    if condition is None:
        return []
    both = condition.get("BoolExpr", {})
    return list(both["args"]) if both.get("boolop") == "AND_EXPR" else [condition]


def _without_locations(item: Any) -> Any:  # noqa: ANN401 - any part of a tree
    """Copy without locations; recursion fails on a tree that is too deep, and the statement is refused."""
    if isinstance(item, dict):
        fields = cast("Node", item)
        return {
            key: _without_locations(value)
            for key, value in fields.items()
            if key not in ("location", "stmt_len")
        }
    if isinstance(item, list):
        return [_without_locations(value) for value in cast("list[Any]", item)]
    return item
