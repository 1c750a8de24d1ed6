"""Expressions whose value is the cluster's own: its roles, its database, its settings, its version.

(PostgreSQL documentation, "System Information Functions and Operators"; sessions recorded in September 2026:
the one database of Aurora DSQL is ``postgres``.)
"""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.script.mentions import body_of, nested
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_ROLE: Final = "is the cluster's role, such as admin"
_DATABASE: Final = "is postgres, the one database of a cluster"
_KEYWORDS: Final = {
    "SVFOP_CURRENT_ROLE": ("current_role", _ROLE),
    "SVFOP_CURRENT_USER": ("current_user", _ROLE),
    "SVFOP_USER": ("user", _ROLE),
    "SVFOP_SESSION_USER": ("session_user", _ROLE),
    "SVFOP_CURRENT_CATALOG": ("current_catalog", _DATABASE),
}
_FUNCTIONS: Final = {
    "current_database": _DATABASE,
    "current_setting": "is a setting of the cluster or of its session",
    "version": "is the cluster's",
    "inet_client_addr": "is the cluster's",
    "inet_client_port": "is the cluster's",
    "pg_conf_load_time": "is the cluster's",
    "pg_postmaster_start_time": "is the cluster's",
}
_MAX_BODIES: Final = 100  # of functions that one statement calls


def system_information(conversion: Conversion, draft: ConvertedStatement) -> list[str]:
    """Write notes on what has a value of the cluster's own in a statement, or in the functions that it calls.

    Args:
        conversion: The script.
        draft: A statement of it, as converted.
    """
    found: dict[str, None] = {}
    waiting = list(_parts(draft))
    seen: set[str] = set()
    while waiting and len(seen) < _MAX_BODIES:
        caller, tree = waiting.pop()
        for fields in nested(tree):
            found |= dict.fromkeys(f"{caller}{clause}" for clause in _clauses(conversion, fields))
            name = _called(fields)
            if name in conversion.lost.bodies and name not in seen:
                seen.add(name)
                waiting += [(f"{name}(): ", inner) for inner in conversion.lost.bodies[name]]
    return [f"{BY_HAND}{clause}" for clause in sorted(found)]


def _parts(draft: ConvertedStatement) -> Iterator[tuple[str, object]]:
    """Iterate over the parts of a statement, each with what a note on it begins with."""
    if draft.kind == "CreateFunctionStmt":
        yield "", body_of(draft.top)
    listed = {"CreateStmt": "tableElts", "AlterTableStmt": "cmds"}.get(draft.kind, "")
    yield "", {field: value for field, value in draft.top.items() if field != listed}
    for item in draft.top.get(listed, ()):
        command: Node = item.get("AlterTableCmd", {})
        column: Node = {**item, **command.get("def", {})}.get("ColumnDef", {})
        name = column.get("colname") or command.get("name")
        yield f"{name}: " if name else "", item


def _clauses(conversion: Conversion, fields: Node) -> Iterator[str]:
    keyword: Node = fields.get("SQLValueFunction", {})
    if keyword.get("op") in _KEYWORDS:
        yield " ".join(_KEYWORDS[keyword["op"]])
    name = _called(fields)
    if name in _FUNCTIONS and name not in conversion.survey.functions:
        yield f"{name}() {_FUNCTIONS[name]}"


def _called(fields: Node) -> str:
    """Name the function that a node calls, without its schema; empty if it calls none."""
    return next(reversed(strings(fields.get("FuncCall", {}).get("funcname"))), "")
