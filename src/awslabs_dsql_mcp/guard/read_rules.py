"""Rules for reads: an allow-list over the syntax tree.

Whatever passes leaves the database, the session and the server as they were, but for what the user's own
functions do; the READ ONLY transaction that it runs in stands behind the guard.
"""

from typing import Final

from awslabs_dsql_mcp.guard import function_rules
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.parse_tree import Tree, constant
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

_TOPS: Final = frozenset({"SelectStmt", "VariableShowStmt", "ExplainStmt"})

_NODES: Final = _TOPS | frozenset(
    # clauses and what stands in FROM
    "Alias ColumnDef CommonTableExpr CTECycleClause CTESearchClause DefElem JoinExpr List RangeFunction "  # noqa: SIM905 - a wall of quotes reads worse
    "RangeSubselect RangeTableFunc RangeTableFuncCol RangeTableSample RangeVar ResTarget SortBy WindowDef "
    "WithClause GroupingFunc GroupingSet "
    # values and names
    "A_ArrayExpr A_Const A_Indices A_Indirection A_Star BitString Boolean ColumnRef Float Integer ParamRef "
    "RowExpr String TypeName "
    # expressions
    "A_Expr BoolExpr BooleanTest CaseExpr CaseWhen CoalesceExpr CollateClause FuncCall MinMaxExpr "
    "NamedArgExpr NullTest SQLValueFunction SubLink TypeCast XmlExpr XmlSerialize "
    # SQL/JSON
    "JsonAggConstructor JsonArgument JsonArrayAgg JsonArrayConstructor JsonArrayQueryConstructor "
    "JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate JsonKeyValue JsonObjectAgg "
    "JsonObjectConstructor JsonOutput JsonParseExpr JsonReturning JsonScalarExpr JsonSerializeExpr "
    "JsonTable JsonTableColumn JsonTablePathSpec JsonValueExpr".split()
)

_WRITES: Final = {
    "InsertStmt": "INSERT",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE",
    "MergeStmt": "MERGE",
}
_ELSEWHERE: Final = "Send it with `transact`."
_LOCKED: Final = ("update", "share", "no", "key")


def check(source: ParsedStatement) -> Violation | None:
    """Say why a statement is no read, or ``None``.

    Args:
        source: One statement; Aurora DSQL's own ones are all changes and never come here.
    """
    tree = source.tree
    if tree.kind == "ExplainStmt" and not analyzes(tree):
        return function_rules.check(source, executed="ExecuteStmt" in tree)
    if tree.kind not in _TOPS:
        return change(source.kind, tree.start)
    return _not_allowed(source) or function_rules.check(source)


def change(kind: str, location: int) -> Violation:
    """Refuse a statement that is no read from its first word on."""
    why = f"{kind} is not a read: a read-only call runs SELECT, VALUES, TABLE, SHOW and EXPLAIN."
    return Violation("not-a-read", location, why, _ELSEWHERE)


def analyzes(tree: Tree) -> bool:
    """Say if an EXPLAIN runs its statement: ANALYZE is given, and not switched off each time.

    PostgreSQL lets the last of several win; whoever writes both gets the careful answer.
    """
    return any(
        option.node.get("defname", "").lower() == "analyze"
        and (constant(option.node.get("arg")) or "on").lower() not in ("off", "false", "f", "0")
        for option in tree.find("DefElem")
    )


def _not_allowed(source: ParsedStatement) -> Violation | None:
    tree = source.tree
    if "LockingClause" in tree:
        return Violation(
            "row-lock",
            source.pair_after(tree.start, "for", _LOCKED),
            "FOR UPDATE and FOR SHARE mark rows, which a READ ONLY transaction refuses (SQLSTATE 25006).",
            "Leave the clause out to read. To lock rows that you are about to change, send the SELECT and "
            "the change together with `transact`.",
        )
    for kind in tree.nodes:
        if kind not in _NODES:
            return _unknown_node(source, kind)
    return None


def _unknown_node(source: ParsedStatement, kind: str) -> Violation:
    location = source.tree.find(kind)[0].location
    if kind in _WRITES:
        return _write_inside(source, _WRITES[kind], location)
    return Violation(
        "not-a-read",
        location,
        f"{source.kind} holds a part that does more than read ({kind}).",
        "Use SELECT, VALUES, TABLE, SHOW or EXPLAIN of these; a change, send with `transact`.",
    )


def _write_inside(source: ParsedStatement, verb: str, location: int) -> Violation:
    if source.kind == "EXPLAIN":
        why = f"EXPLAIN ANALYZE runs its statement, and {verb} changes data."
        instead = "EXPLAIN without ANALYZE shows the plan and changes nothing."
    else:
        why = f"{verb} changes data, here inside of {source.kind}: a read-only call changes nothing."
        instead = "Send it with `transact`, or read with SELECT alone."
    return Violation("write-in-read", source.command_after(location, verb.lower()), why, instead)
