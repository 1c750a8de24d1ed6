"""Rules against splitting a statement that its parse tree alone decides."""

from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings, walk

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


def check(tree: Tree) -> Violation | None:
    """Return the first reason not to split a statement."""
    found = (rule(tree) for rule in _RULES)
    return next((violation for violation in found if violation is not None), None)


def refuse(tree: Tree, reason: str, instead: str, location: int = -1) -> Violation:
    """Violation at a place in a statement; at its start without one."""
    return Violation("not-cuttable", tree.start if location < 0 else location, reason, instead)


def self_reading(location: int = 0) -> Violation:
    """Violation of a statement that reads the table that it changes."""
    return Violation(
        "not-cuttable",
        location,
        "The statement also reads the table that it changes: later batches would see earlier changes.",
        "Copy the rows to be read to another table first, and read them there.",
    )


def driving_table(tree: Tree) -> Node | None:
    """Table by whose primary key a statement is split; ``None`` if there is none.

    It is the changed table, or the first table in FROM of an INSERT if each row of the joins has a row of it.
    """
    if tree.kind != "InsertStmt":
        return tree.root["relation"]
    item: Node = select_of(tree)["fromClause"][0]
    while "JoinExpr" in item:
        join = item["JoinExpr"]
        if join.get("jointype", "JOIN_INNER") not in ("JOIN_INNER", "JOIN_LEFT") or "alias" in join:
            return None
        item = join["larg"]
    return item.get("RangeVar")


def select_of(tree: Tree) -> Node:
    """SELECT of an INSERT; empty if it has none."""
    return cast("Node", tree.root.get("selectStmt", {}).get("SelectStmt", {}))


def outer_calls(tree: Tree) -> Iterator[Node]:
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


def _statement_kind(tree: Tree) -> Violation | None:
    if tree.kind in ("UpdateStmt", "DeleteStmt") or (tree.kind == "InsertStmt" and select_of(tree)):
        return None
    return refuse(
        tree,
        "Only a single UPDATE, DELETE or INSERT … SELECT can be split into batches.",
        "Use `transact` for anything else.",
    )


def _returning(tree: Tree) -> Violation | None:
    if tree.root.keys() & {"returningClause", "returningList"}:
        return refuse(
            tree, "RETURNING would return rows of many transactions.", "Leave it out; SELECT afterwards."
        )
    return None


def _common_table_expression(tree: Tree) -> Violation | None:
    for place in tree.find("CommonTableExpr"):
        reason = "The queries in WITH would be evaluated again for each batch, on changed data."
        return refuse(
            tree,
            reason,
            "Write it as a subquery on other tables, or store its result in a table.",
            place.location,
        )
    return None


def _cursor(tree: Tree) -> Violation | None:
    if "CurrentOfExpr" in tree:
        return refuse(tree, "WHERE CURRENT OF needs a cursor.", "Name the rows in WHERE.")
    return None


def _whole_result(tree: Tree) -> Violation | None:
    if tree.kind != "InsertStmt":
        return None
    select = select_of(tree)
    found = next((word for field, word in _WHOLE_RESULT_CLAUSES.items() if field in select), None)
    if select.get("op", "SETOP_NONE") != "SETOP_NONE":
        found = "UNION, INTERSECT or EXCEPT"
    if found is None and not select.get("fromClause"):
        found = "a SELECT without FROM"
    if found is None:
        return None
    reason = f"{found} uses all rows together, and each batch would see only its own."
    return refuse(tree, reason, "Leave it out, or run the statement whole with `transact` if it is small.")


def _windows(tree: Tree) -> Violation | None:
    for node in outer_calls(tree):
        if "over" in node or node.get("agg_distinct") or node.get("agg_star"):
            reason = "A window or aggregate function uses several rows; each batch would see only its own."
            return refuse(
                tree, reason, "Compute it in a subquery on another table.", node.get("location", -1)
            )
    return None


def _driving(tree: Tree) -> Violation | None:
    if driving_table(tree) is not None:
        return None
    reason = "The rows are split by the primary key of the first table in FROM, and no table is first."
    return refuse(
        tree,
        reason,
        "Put a table first, followed by inner or left joins. Rows that no table has, as of generate_series: "
        f"load_rows, or `transact` with a range of at most {limits.MAX_ROWS:,} in each call.",
    )


def _reads_target(tree: Tree) -> Violation | None:
    target = tree.root["relation"]
    for place in tree.find("RangeVar"):
        if all(place.node.get(part) == target.get(part) for part in ("relname", "schemaname")):
            return self_reading(tree.start if place.location < 0 else place.location)
    return None


def _user_function(tree: Tree) -> Violation | None:
    for place in tree.find("FuncCall"):
        name = strings(place.node.get("funcname"))
        if functions.is_user_defined(name):
            return user_function(".".join(name), place.location)
    for place in tree.find("A_Expr"):
        name = strings(place.node.get("name"))
        if not name[-1].isupper() and functions.is_user_defined_operator(name):  # BETWEEN is none
            return user_function(f"operator {'.'.join(name)}", place.location)
    return None


def user_function(name: str, location: int = 0) -> Violation:
    """Violation of a statement that may call a function of the user's."""
    return Violation(
        "not-cuttable",
        location,
        f"{name} is a user-defined function, which may read rows that the batches change.",
        "Write its expression into the statement.",
    )


def _database_state(tree: Tree) -> Violation | None:
    for place in tree.find("FuncCall"):
        name = strings(place.node.get("funcname"))
        if functions.reads_database_state(name):
            reason = f"{'.'.join(name)}() reads a state of the database that the batches change."
            return refuse(tree, reason, "Query for it first, and write the value.", place.location)
    return None


def _evaluated_once(tree: Tree) -> Violation | None:
    """Refuse what a statement evaluates once, and each batch again with another result."""
    for kind in ("RangeTableSample", "SubLink", "RangeSubselect", "RangeFunction"):
        for place in tree.find(kind):
            if (what := _varying(kind, place.node)) is not None:
                reason = f"Each batch would evaluate {what} again, with another result."
                instead = "Store its result in a table first, and read that."
                return refuse(tree, reason, instead, place.location)
    return None


def _varying(kind: str, node: Node) -> str | None:
    """Describe why a part of a statement may give another result each time; ``None`` if it does not."""
    if kind == "RangeTableSample":
        return "TABLESAMPLE"
    names = (strings(call.get("funcname")) for call, _ in walk(node).get("FuncCall", ()))
    if (volatile := next(filter(functions.is_volatile, names), None)) is not None:
        return f"{volatile[-1]}() in FROM or a subquery"
    single = node.get("subLinkType") in ("EXISTS_SUBLINK", "EXPR_SUBLINK")
    query: Node = node.get("subselect") or node.get("subquery") or {}
    return "LIMIT without ORDER BY" if not single and _is_arbitrary(query) else None


def _is_arbitrary(query: Node) -> bool:
    """Return true if a subquery picks some of its rows without an order."""
    select = query.get("SelectStmt", {})
    return bool(select.keys() & {"limitCount", "limitOffset"}) and not select.get("sortClause")


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
    _database_state,
    _evaluated_once,
)
