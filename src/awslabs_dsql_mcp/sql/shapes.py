"""Shape of a statement: what it does to which rows, without its literals, as may be kept once it has run.

A literal may be a secret. So a statement is kept with ``%s`` in the place of each, and of the values that its
WHERE compares, or that it inserts, only a digest: enough to see that two statements meant one row. Numbers
and UUIDs, which name a row and say nothing of it, are kept as they are.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.sql import dsql_syntax, parser
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, constant, strings
from awslabs_dsql_mcp.sql.parser import ParseError, Token
from awslabs_dsql_mcp.text import truncate

MAX_LOOKED_AT: Final = 20_000
"""Characters of a statement that is looked into: the event loop waits meanwhile."""

_MAX_TEXT: Final = 240
_LITERAL: Final = re.compile(r"'|\d|\.\d|[eEbBxXnN]'|[uU]&'|\$(?!\d)")
_PARAMETER: Final = re.compile(r"\$\d+")
_IDENTIFIES: Final = re.compile(
    r"-?\d{1,20}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_SECRETLY: Final = re.compile(r"\bpassword\b", re.IGNORECASE)
_CHANGES: Final = {
    "InsertStmt": "INSERT",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE",
    "MergeStmt": "MERGE",
}
_MANY: Final = re.compile(r"%s(?:, ?%s){3,}")
_NATIONAL: Final = re.compile(r"\b[nN]%s")
_MANY_ROWS: Final = re.compile(r"(\([^()]*\))(?:, \1)+")


@dataclass(frozen=True)
class ComparedValue:
    """A value that names a row.

    Attributes:
        digest: The same for the same value, within a process.
        shown: The value itself, if it only identifies; else empty.
    """

    digest: str
    shown: str = ""


@dataclass(frozen=True)
class RowAccess:
    """A change of a table's rows, or a lock of them.

    Attributes:
        table: The table.
        verb: ``INSERT``, ``UPDATE``, ``DELETE``, ``MERGE`` or ``SELECT FOR UPDATE``.
        values: Values of the columns that WHERE holds equal to a constant, or that one row is inserted with.
        counts: A column is set to itself plus or minus a constant, ``n = n + 1``, or a value to be inserted.
    """

    table: TableName
    verb: str
    values: Mapping[str, ComparedValue] = field(default_factory=dict[str, ComparedValue])
    counts: bool = False


@dataclass(frozen=True)
class StatementShape:
    """A statement without its literals.

    Attributes:
        text: The statement on a line, shortened, with ``%s`` for each value.
        accesses: The tables whose rows it changes or locks.
        sequences: Sequences that it draws from by name, as it writes them.
        of_catalogs: It reads system catalogs and no other tables, as this server itself does.
    """

    text: str
    accesses: tuple[RowAccess, ...] = ()
    sequences: tuple[str, ...] = ()
    of_catalogs: bool = False


def shape(sql: str, params: Sequence[object], digest: Callable[[str], str]) -> StatementShape:
    """Find what a statement does, and take its literals out.

    Args:
        sql: The statement, with ``$1`` for values that come apart from it.
        params: Those values.
        digest: Makes a text of a fixed length of a value, which does not tell it.
    """
    if len(sql) > MAX_LOOKED_AT:
        verb = re.match(r"\s*([A-Za-z]{1,20})", sql)
        return StatementShape(f"{verb[1].upper() if verb else 'statement'} … ({len(sql):,} characters)")
    try:
        trees = dsql_syntax.trees(sql)
        text = _without_literals(parser.tokens(sql))
    except (ParseError, RecursionError, ValueError):
        return StatementShape("a statement that cannot be read")
    values = _Values(params, digest)
    accesses = tuple(access for tree in trees for access in _accesses(tree, values))
    drawn = dict.fromkeys(name for tree in trees for name in _drawn(tree))
    return StatementShape(text, accesses, tuple(drawn), not accesses and _reads_catalogs_alone(trees))


def _reads_catalogs_alone(trees: Sequence[Tree]) -> bool:
    own = {node.get("ctename") for tree in trees for node, _ in tree.find("CommonTableExpr")}
    tables = [_name(node) for tree in trees for node, _ in tree.find("RangeVar")]
    return bool(tables) and all(
        table.schema in ("sys", "pg_catalog", "information_schema")
        or table.table.startswith("pg_")
        or (table.schema is None and table.table in own)
        for table in tables
    )


def _without_literals(tokens: Sequence[Token]) -> str:
    if not tokens:
        return "a statement that cannot be read"
    if any(_SECRETLY.fullmatch(token.text) for token in tokens):
        return f"{tokens[0].word.upper()} … PASSWORD"
    pieces: list[str] = []
    end = tokens[0].start
    for token in tokens:
        if token.start > end:
            pieces.append(" ")
        is_value = _LITERAL.match(token.text) or _PARAMETER.fullmatch(token.text)
        pieces.append("%s" if is_value else token.text.replace("%", "%%"))
        end = token.end
    text = _MANY.sub("%s, …", _NATIONAL.sub("%s", "".join(pieces)))
    return truncate(_MANY_ROWS.sub(r"\1, …", text), _MAX_TEXT)


class _Values:
    """Values of constants and parameters.

    Args:
        params: The parameters.
        digest: Hides a value.
    """

    def __init__(self, params: Sequence[object], digest: Callable[[str], str]) -> None:
        self._params = params
        self._digest = digest

    def of(self, node: Node) -> ComparedValue | None:
        """Give the value of a node; `None` unless it is a constant or a parameter, cast or not."""
        while "TypeCast" in node:
            node = node["TypeCast"].get("arg", {})
        if "ParamRef" in node:
            number = node["ParamRef"].get("number", 0)
            if not 1 <= number <= len(self._params) or self._params[number - 1] is None:
                return None
            text = str(self._params[number - 1])
        else:
            found = constant(node) if "A_Const" in node else None
            if found is None or node["A_Const"].get("isnull"):
                return None
            text = found
        text = text.lower() if _IDENTIFIES.fullmatch(text) else text
        return ComparedValue(self._digest(text), text if _IDENTIFIES.fullmatch(text) else "")


def _accesses(tree: Tree, values: _Values) -> Iterator[RowAccess]:
    own = {place.node.get("ctename") for place in tree.find("CommonTableExpr")}
    for kind, verb in _CHANGES.items():
        for node, _ in tree.find(kind):
            relation = node.get("relation", {})
            if not relation.get("relname"):
                continue
            others = "fromClause" in node or "usingClause" in node or "sourceRelation" in node
            told = _inserted(node, values) if verb == "INSERT" else _compared(node, relation, others, values)
            yield RowAccess(_name(relation), verb, told, _counts(node, relation, values))
    for node, _ in tree.find("SelectStmt"):
        if "lockingClause" not in node:
            continue
        locked = _locked(node["lockingClause"])
        sources = [source for each in node.get("fromClause", []) for source in _sources(each)]
        for source in sources:
            relation = source.get("RangeVar", {})
            table = _name(relation)
            if table.table and (table.schema or table.table not in own) and _is_of(relation, locked):
                told = _compared(node, relation, len(sources) > 1, values)
                yield RowAccess(table, "SELECT FOR UPDATE", told)


def _sources(source: Node) -> Iterator[Node]:
    """Iterate over what FROM lists, joined or not."""
    join = source.get("JoinExpr")
    if join is None:
        yield source
        return
    for side in ("larg", "rarg"):
        yield from _sources(join.get(side, {}))


def _locked(clauses: Sequence[Node]) -> frozenset[str] | None:
    """Give the names that FOR UPDATE OF lists; `None` if a clause locks all."""
    names: set[str] = set()
    for clause in clauses:
        listed = clause.get("LockingClause", {}).get("lockedRels", [])
        if not listed:
            return None
        names.update(each.get("RangeVar", {}).get("relname", "") for each in listed)
    return frozenset(names)


def _is_of(relation: Node, locked: frozenset[str] | None) -> bool:
    return locked is None or _called(relation) in locked


def _called(relation: Node) -> str:
    """Give the name by which a statement calls a table: its alias, if it has one."""
    name: str = relation.get("alias", {}).get("aliasname") or relation.get("relname", "")
    return name


def _name(relation: Node) -> TableName:
    return TableName(relation.get("schemaname"), relation.get("relname", ""))


def _column(node: Node, relation: Node, others: bool) -> str:  # noqa: FBT001 - says what the names may be of
    """Give the name of a column of a table; empty if it is, or may be, another table's."""
    names = strings(node.get("ColumnRef", {}).get("fields"))
    is_own = names[-2:-1] == [_called(relation)] if len(names) > 1 else not others
    return names[-1] if names and is_own else ""


def _compared(
    node: Node,
    relation: Node,
    others: bool,  # noqa: FBT001 - as above
    values: _Values,
) -> dict[str, ComparedValue]:
    found: dict[str, ComparedValue] = {}
    waiting: list[Node] = [node.get("whereClause", {})]
    while waiting:
        part = waiting.pop()
        both = part.get("BoolExpr", {})
        if both.get("boolop") == "AND_EXPR":
            waiting += both.get("args", [])
            continue
        comparison = part.get("A_Expr", {})
        if comparison.get("kind") != "AEXPR_OP" or strings(comparison.get("name")) != ["="]:
            continue
        sides = comparison.get("lexpr", {}), comparison.get("rexpr", {})
        for side, other in (sides, sides[::-1]):
            column, value = _column(side, relation, others), values.of(other)
            if column and value is not None:
                found[column] = value
    return found


def _inserted(node: Node, values: _Values) -> dict[str, ComparedValue]:
    columns = [item.get("ResTarget", {}).get("name", "") for item in node.get("cols", [])]
    lists = node.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists", [])
    if len(lists) != 1:
        return {}
    items = lists[0].get("List", {}).get("items", [])
    told = ((column, values.of(item)) for column, item in zip(columns, items, strict=False))
    return {column: value for column, value in told if value is not None}


def _counts(node: Node, relation: Node, values: _Values) -> bool:
    """Say if a column is set to itself plus or minus a value that is no column's of the table."""
    others = "fromClause" in node
    for item in node.get("onConflictClause", node).get("targetList", []):
        target = item.get("ResTarget", {})
        sum_ = target.get("val", {}).get("A_Expr", {})
        if strings(sum_.get("name")) not in (["+"], ["-"]):
            continue
        sides = sum_.get("lexpr", {}), sum_.get("rexpr", {})
        for side, other in (sides, sides[::-1]):
            proposed = strings(other.get("ColumnRef", {}).get("fields"))[:1] == ["excluded"]
            if _column(side, relation, others) == target.get("name") and (proposed or values.of(other)):
                return True
    return False


def _drawn(tree: Tree) -> Iterator[str]:
    for node, _ in tree.find("FuncCall"):
        if strings(node.get("funcname"))[-1:] == ["nextval"] and node.get("args"):
            argument = node["args"][0]
            while "TypeCast" in argument:
                argument = argument["TypeCast"].get("arg", {})
            name = constant(argument) if "A_Const" in argument else None
            if name:
                yield name
