"""Whether one big change can be cut into many by ranges of a key, and where in its text the cuts go.

A change can be cut where each row of one table, by its key, is changed or copied for itself: then the
batches together do what the statement would have done. What looks at rows that it changes, or at several
rows at once, cannot. The parse tree decides; the text is then divided at its clauses, and what was divided is
parsed again and compared, so that no clause is ever taken for another.
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

_WHOLE: Final = {
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
    """A statement that can be cut, divided at its clauses.

    Attributes:
        kind: ``UPDATE``, ``DELETE`` or ``INSERT``.
        target: Name of the table that is changed, as SQL.
        driving: Name of the table whose key cuts: the target, or what INSERT … SELECT reads first.
        qualifier: How the statement calls that table, as SQL.
        reads: Names of all other tables in it, as SQL.
        sets: Columns that UPDATE sets.
        calls: Names of functions that it calls outside of subqueries.
        before: Text before WHERE.
        sources: What stands in FROM of a SELECT that finds the same rows.
        condition: Text behind WHERE; empty without one.
        after: Text behind the condition.
        repeatable: Running it again on a row that it has changed changes nothing more.
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
        """The statement's own condition together with another."""
        return f"(\n{self.condition}\n) AND {ranges}" if self.condition else ranges

    def with_range(self, ranges: str) -> str:
        """The statement for the rows of a range."""
        return f"{self.before}\nWHERE {self.where(ranges)}\n{self.after}"


def split(sql: str) -> SplitStatement | Violation:
    """Divide a statement, or say why it cannot be cut.

    Args:
        sql: One statement that the guard lets pass, with ``$1`` for its values.
    """
    (tree,) = parser.parse(sql)
    for rule in _RULES:
        if (objection := rule(tree)) is not None:
            return objection
    found = _divide(tree, sql)
    try:
        known = found is not None and _same(tree, found)
    except RecursionError:
        known = False
    if found is None or not known:
        return _refuse(tree, "The clauses of this statement cannot be told apart.", "Write it more plainly.")
    return found


def _select(tree: Tree) -> Node:
    return cast("Node", tree.root.get("selectStmt", {}).get("SelectStmt", {}))


def _refuse(tree: Tree, why: str, instead: str, location: int | None = None) -> Violation:
    return Violation("not-cuttable", tree.start if location is None else location, why, instead)


def _kind(tree: Tree) -> Violation | None:
    if tree.kind in ("UpdateStmt", "DeleteStmt") or (tree.kind == "InsertStmt" and _select(tree)):
        return None
    return _refuse(
        tree,
        "Only one UPDATE, DELETE or INSERT … SELECT can be cut into batches.",
        "Use `transact` for anything else.",
    )


def _returning(tree: Tree) -> Violation | None:
    if tree.root.keys() & {"returningClause", "returningList"}:
        return _refuse(
            tree, "RETURNING would give rows of many transactions.", "Leave it out; SELECT afterwards."
        )
    return None


def _with(tree: Tree) -> Violation | None:
    for place in tree.find("CommonTableExpr"):
        why = "What WITH computes would be computed anew for each batch, on changed data."
        return _refuse(
            tree, why, "Write it as a subquery on other tables, or keep it in a table.", place.location
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
    found = next((word for field, word in _WHOLE.items() if field in select), None)
    if select.get("op", "SETOP_NONE") != "SETOP_NONE":
        found = "UNION, INTERSECT or EXCEPT"
    if found is None and not select.get("fromClause"):
        found = "a SELECT without FROM"
    if found is None:
        return None
    why = f"{found} looks at the rows together, and each batch would only see its own."
    return _refuse(tree, why, "Leave it out, or run the statement whole with `transact` if it is small.")


def _windows(tree: Tree) -> Violation | None:
    for node in _called_functions(tree):
        if "over" in node or node.get("agg_distinct") or node.get("agg_star"):
            why = "A window or aggregate function looks at rows together; each batch would only see its own."
            return _refuse(tree, why, "Compute it in a subquery on another table.", node.get("location"))
    return None


def _driving(tree: Tree) -> Violation | None:
    if tree.kind != "InsertStmt" or _leftmost(_select(tree)["fromClause"][0]) is not None:
        return None
    why = "The rows are to be cut by the primary key of the first table in FROM, and there is none."
    return _refuse(tree, why, "Put a table first, with inner or left joins behind it.")


def _reads_target(tree: Tree) -> Violation | None:
    name = tree.root["relation"]["relname"]
    for place in tree.find("RangeVar"):
        if place.node["relname"] == name and place.node.get("schemaname") == tree.root["relation"].get(
            "schemaname"
        ):
            return self_reading(tree.start if place.location < 0 else place.location)
    return None


def self_reading(location: int = 0) -> Violation:
    """Refuse what reads the table that it changes: later batches would see what earlier ones changed."""
    return Violation(
        "not-cuttable",
        location,
        "The statement also reads the table that it changes: later batches would see what earlier ones did.",
        "Keep what is to be read in another table first, and read it there.",
    )


def _users_code(tree: Tree) -> Violation | None:
    for place in tree.find("FuncCall"):
        name = strings(place.node.get("funcname"))
        if functions.is_user_defined(name):
            why = f"{'.'.join(name)}() is a function of your own, which may read what the batches change."
            return _refuse(tree, why, "Write its expression into the statement.", place.location)
    return None


_RULES: Final[tuple[Callable[[Tree], Violation | None], ...]] = (
    _kind,
    _returning,
    _with,
    _cursor,
    _whole_result,
    _windows,
    _driving,
    _reads_target,
    _users_code,
)


def _leftmost(item: Node) -> Node | None:
    """The table that a FROM item begins with, if each of its rows is sure to come with its key."""
    while "JoinExpr" in item:
        join = item["JoinExpr"]
        if join.get("jointype", "JOIN_INNER") not in ("JOIN_INNER", "JOIN_LEFT") or "alias" in join:
            return None
        item = join["larg"]
    return item.get("RangeVar")


def _called_functions(tree: Tree) -> Iterator[Node]:
    """All function calls that are not in a subquery."""
    waiting: list[Any] = [tree.root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += cast("list[Any]", item)
        elif isinstance(item, dict):
            fields = cast("Node", item)
            if "FuncCall" in fields:
                yield fields["FuncCall"]
            waiting += [value for key, value in fields.items() if key not in ("SubLink", "RangeSubselect")]


def _named(relation: Node) -> str:
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
        target=_named(relation),
        driving=_named(driving),
        qualifier=quote_identifier(alias or driving["relname"]),
        reads=tuple(dict.fromkeys(_named(place.node) for place in tree.find("RangeVar"))),
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
    """Whether a second run on the same row changes nothing more.

    An UPDATE whose values come from columns that it does not set gives the same values again; a DELETE finds
    nothing more. What a volatile function gives is another value at each call.
    """
    if tree.kind == "InsertStmt" or any(
        functions.is_volatile(strings(place.node.get("funcname"))) for place in tree.find("FuncCall")
    ):
        return False
    relation = tree.root["relation"]
    whole = {relation["relname"], relation.get("alias", {}).get("aliasname")}
    touched = _assigned_columns(tree) | whole
    values = Tree("Values", {"list": tree.root.get("targetList", [])}, 0, None)
    fields = [place.node.get("fields", []) for place in values.find("ColumnRef")]
    return not any("A_Star" in names[-1] or strings(names)[-1] in touched for names in fields if names)


class _Clauses:
    """A statement's text, divided at words that stand outside of all brackets.

    Args:
        tokens: The statement's tokens.
        text: The whole text, as UTF-8.
        end: Where the statement ends in it.
    """

    def __init__(self, tokens: Sequence[Token], text: bytes, end: int) -> None:
        self.start = tokens[0].start
        self.end = end
        self._text = text
        self._outside = list(_outside(tokens))

    def find(self, word: str, after: int, before: int | None = None, then: str | None = None) -> Token | None:
        """The first such word in a stretch of the text that is a keyword, not a name."""
        pairs = pairwise((*self._outside, Token("", self.end, self.end)))
        previous = ""
        for token, follower in pairs:
            name = previous in ("as", ".", "distinct")
            fits = token.word == word and not name and (then is None or follower.word == then)
            if fits and token.start >= after and (before is None or token.start < before):
                return token
            previous = token.word
        return None

    def text(self, start: int, end: int) -> str:
        """A stretch of the text."""
        return self._text[start:end].decode()


def _outside(tokens: Sequence[Token]) -> Iterator[Token]:
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
    return clauses.text(clauses.start, stop), sources, _behind(clauses, where, clauses.end), ""


def _delete(clauses: _Clauses) -> _Parts | None:
    verb = clauses.find("from", clauses.start)
    if verb is None:
        return None
    more = clauses.find("using", verb.end)
    where = clauses.find("where", more.end if more else verb.end)
    stop = where.start if where else clauses.end
    target = clauses.text(verb.end, more.start if more else stop)
    sources = f"{target}\n, {clauses.text(more.end, stop)}" if more else target
    return clauses.text(clauses.start, stop), sources, _behind(clauses, where, clauses.end), ""


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
        _behind(clauses, where, end),
        clauses.text(end, clauses.end),
    )


def _behind(clauses: _Clauses, where: Token | None, end: int) -> str:
    return clauses.text(where.end, end) if where else ""


def _same(tree: Tree, found: SplitStatement) -> bool:
    """Whether the parts mean what the statement means, by the grammar's own account."""
    try:
        (changed,) = parser.parse(found.with_range("TRUE"))
        (read,) = parser.parse(f"SELECT FROM {found.sources}\nWHERE {found.where('TRUE')}")
    except (ParseError, ValueError):
        return False
    old, new = _without_locations(tree.root), _without_locations(changed.root)
    condition = _take_where(old, tree.kind)
    reading = _without_locations(read.root)
    return (
        _with_true(condition) == _flat(_take_where(new, tree.kind)) == _flat(reading.get("whereClause"))
        and old == new
        and reading.get("fromClause") == _from(_without_locations(tree.root), tree.kind)
    )


def _take_where(top: Node, kind: str) -> Node | None:
    holder: Node = top["selectStmt"]["SelectStmt"] if kind == "InsertStmt" else top
    return holder.pop("whereClause", None)


def _from(top: Node, kind: str) -> object:
    if kind == "InsertStmt":
        return top["selectStmt"]["SelectStmt"]["fromClause"]
    more = top.get("fromClause" if kind == "UpdateStmt" else "usingClause", [])
    return [{"RangeVar": top["relation"]}, *more]


_TRUE: Final = {"A_Const": {"boolval": {"boolval": True}}}


def _with_true(condition: Node | None) -> list[object]:
    return [*_flat(condition), _TRUE] if condition else [_TRUE]


def _flat(condition: Node | None) -> list[object]:
    """The parts that AND joins, as the grammar flattens them when more are added behind."""
    if condition is None:
        return []
    both = condition.get("BoolExpr", {})
    return list(both["args"]) if both.get("boolop") == "AND_EXPR" else [condition]


def _without_locations(item: Any) -> Any:  # noqa: ANN401 - any part of a tree
    """A copy without positions. Trees that are too deep for this are refused as too deep to compare."""
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
