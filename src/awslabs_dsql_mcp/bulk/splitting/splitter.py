"""Split an UPDATE, DELETE or INSERT … SELECT into batches by primary-key range.

A statement can be split if it changes or copies each row of one table independently of the others: then the
batches together do the same as the statement. `syntax_rules` and `split_rules` refuse all others. The text is
divided at its clauses (`clauses`); here the parts are parsed again and compared with the statement.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

from awslabs_dsql_mcp.bulk.splitting import clauses, syntax_rules
from awslabs_dsql_mcp.bulk.splitting.clauses import Clauses
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings
from awslabs_dsql_mcp.sql.parser import ParseError


@dataclass(frozen=True)
class SplitStatement:
    """A statement divided at its clauses.

    Attributes:
        kind: ``UPDATE``, ``DELETE`` or ``INSERT``.
        target: Name of the changed table, as SQL.
        driving: Name of the table by whose key it is split: the target, or the first in FROM of INSERT.
        alias: Name or alias of that table in the statement.
        column_aliases: New names that FROM gives its first columns: ``FROM t AS x (a, b)``.
        reads: Names of all other tables, as SQL.
        clauses: Its text.
        tree: Its parse tree.
    """

    kind: str
    target: str
    driving: str
    alias: str
    column_aliases: tuple[str, ...]
    reads: tuple[str, ...]
    clauses: Clauses
    tree: Tree

    @property
    def qualifier(self) -> str:
        """The alias, as SQL."""
        return quote_identifier(self.alias)


def split(sql: str) -> SplitStatement | Violation:
    """Split a statement, or return the reason why it cannot be split.

    Args:
        sql: One statement that the guard allows, with ``$1`` for its values.
    """
    (tree,) = parser.parse(sql)
    if (violation := syntax_rules.check(tree)) is not None:
        return violation
    parts = clauses.divide(tree, sql)
    driving = syntax_rules.driving_table(tree)
    try:
        equivalent = parts is not None and _is_equivalent(tree, parts)
    except RecursionError:
        equivalent = False
    if parts is None or driving is None or not equivalent:
        return syntax_rules.refuse(
            tree, "The clauses of this statement cannot be separated.", "Simplify the statement."
        )
    alias: Node = driving.get("alias", {})
    return SplitStatement(
        kind=tree.kind.removesuffix("Stmt").upper(),
        target=_name_of(tree.root["relation"]),
        driving=_name_of(driving),
        alias=alias.get("aliasname") or driving["relname"],
        column_aliases=tuple(strings(alias.get("colnames"))),
        reads=tuple(dict.fromkeys(_name_of(place.node) for place in tree.find("RangeVar"))),
        clauses=parts,
        tree=tree,
    )


def _name_of(relation: Node) -> str:
    schema = relation.get("schemaname")
    return qualified_name(schema, relation["relname"]) if schema else quote_identifier(relation["relname"])


def _is_equivalent(tree: Tree, parts: Clauses) -> bool:
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
