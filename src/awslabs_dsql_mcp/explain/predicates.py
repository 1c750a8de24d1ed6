"""Columns that the conditions of a plan compare, found by parsing the conditions as SQL."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_RANGES: Final = frozenset({"<", "<=", ">", ">="})
_TEXTS: Final = frozenset({"text", "varchar", "bpchar"})


@dataclass(frozen=True)
class PredicateColumns:
    """Columns of a conjunction of comparisons.

    Attributes:
        equal: Compared for equality, in order.
        ranged: Compared with ``<``, ``<=``, ``>`` or ``>=``.
        other: Used in any other way.
    """

    equal: tuple[str, ...] = ()
    ranged: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


def predicate_columns(condition: str) -> PredicateColumns:
    """Find the columns that an index could narrow; none unless the condition is a plain AND of comparisons.

    Args:
        condition: Condition as in the plan: ``((status = 'open'::text) AND (total > '10'::numeric))``.
    """
    try:
        (tree,) = parser.parse(f"SELECT WHERE {condition}")
    except (parser.ParseError, ValueError):
        return PredicateColumns()
    parts = _conjuncts(tree.root.get("whereClause", {}))
    equal = [column for part in parts if (column := _compared_column(part, "=", {"="}))]
    ranged = [column for part in parts if (column := _compared_column(part, "", _RANGES))]
    every = [strings(place.node.get("fields"))[-1:] for place in tree.find("ColumnRef")]
    other = [name for names in every for name in names if name not in (*equal, *ranged)]
    return PredicateColumns(_once(equal), _once(name for name in ranged if name not in equal), _once(other))


def _once(columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(columns))


def _conjuncts(condition: Node) -> list[Node]:
    found: list[Node] = []
    pending = [condition]
    while pending:
        part = pending.pop(0)
        both = part.get("BoolExpr", {})
        if both.get("boolop") == "AND_EXPR":
            pending = [*both.get("args", ()), *pending]
        else:
            found.append(part)
    return found


def _compared_column(part: Node, null: str, operators: AbstractSet[str]) -> str | None:
    """Find the column that a part compares with anything but a column, by one of the operators."""
    if null and part.get("NullTest", {}).get("nulltesttype") == "IS_NULL":
        return _column(part["NullTest"].get("arg", {}))
    expression = part.get("A_Expr", {})
    if expression.get("kind") not in ("AEXPR_OP", "AEXPR_OP_ANY"):
        return None
    if not set(strings(expression.get("name"))) <= operators:
        return None
    left, right = (_column(expression.get(side, {})) for side in ("lexpr", "rexpr"))
    return None if left and right else left or right


def _column(node: Node) -> str | None:
    """Name of a column, also inside a cast to a text type, which does not matter to an index."""
    cast = node.get("TypeCast")
    if cast and set(strings(cast.get("typeName", {}).get("names"))) & _TEXTS:
        node = cast.get("arg", {})
    names = strings(node.get("ColumnRef", {}).get("fields"))
    return names[-1] if names else None
