"""Statements that a call with writes may send: those of Aurora DSQL that leave nothing for the next call.

An allow-list over kinds of statements (`dsql.unsupported`). A refusal says what to do instead, and
costs no round trip.
"""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.dsql.objects import COMMENTED_OBJECTS, OBJECTS, is_object, object_kind
from awslabs_dsql_mcp.dsql.unsupported import (
    MATERIALIZED,
    OTHER,
    PROCEDURE,
    STATEMENTS,
    SUPPORTED_STATEMENTS,
    UPKEEP,
    Unsupported,
)
from awslabs_dsql_mcp.guard import function_rules, object_rules, query_rules, table_rules
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.command_names import name
from awslabs_dsql_mcp.sql.functions import Effect
from awslabs_dsql_mcp.sql.parse_tree import constant, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement, schema_elements

_TRANSACTION: Final = Unsupported(
    "transaction-control",
    "{} would take the transaction out of the server's hands: each call runs in one of its own.",
    "Send only the statements. `transact` commits all of them or none; a read needs no transaction.",
)
_SESSION: Final = Unsupported(
    "session-state",
    "{} leaves something in the session, which the calls after this one share.",
    "Leave it out. For a setting that ends with the transaction, put SET LOCAL first in `transact`.",
)
_PREPARED: Final = STATEMENTS["PrepareStmt"]
_ANALYZE: Final = Unsupported(
    "maintenance",
    "{} works outside of a transaction block only, and each call opens one.",
    "Ask the operator to run it, or leave it out: jobs named ANALYZE follow changes of the data (sys.jobs).",
)

_REFUSED_HERE: Final = {
    "TransactionStmt": _TRANSACTION,
    "DiscardStmt": _SESSION,
    "LoadStmt": _SESSION,
    "DeallocateStmt": _PREPARED,
    "CallStmt": PROCEDURE,
    "VacuumStmt": UPKEEP,
    "CopyStmt": Unsupported(
        "copy",
        "{} moves data through a file, a program or a stream, and a call has none of them.",
        "To read, call readonly_query. To load rows of the call or of a file, call load_rows.",
    ),
}
"""Statements that this server does not send, though Aurora DSQL has forms of some."""


def check(source: ParsedStatement) -> Violation | None:
    """Say why a statement may not run, or ``None``."""
    tree = source.tree
    if (found := _rule(source)) is not None:
        return found
    if "CreateFunctionStmt" in tree:
        return None  # a body runs when it is called, and then as a user's function
    return function_rules.check(source, writes=True) or query_rules.check(source)


def _rule(source: ParsedStatement) -> Violation | None:
    """Apply the rule of a kind of statement."""
    tree = source.tree
    if not is_allowed(tree.kind):
        return _refused(source, tree.kind, tree.start)
    rule = _RULES.get(tree.kind)
    return rule(source) if rule else None


def is_allowed(kind: str) -> bool:
    """Return true for a kind of statement that may be sent, if no rule about its parts refuses it."""
    return kind in SUPPORTED_STATEMENTS and kind not in _REFUSED_HERE


def _refused(source: ParsedStatement, kind: str, location: int) -> Violation:
    node = source.tree.find(kind)[0].node
    if kind == "CallStmt" and (called := strings(node["funccall"].get("funcname")))[-2:-1] == ["sys"]:
        return function_rules.refusal_for(Effect.JOB, called, node["funccall"].get("location", location))
    row = _REFUSED_HERE.get(kind) or STATEMENTS.get(kind, OTHER)
    if kind == "CreateTableAsStmt" and node.get("objtype") == "OBJECT_MATVIEW":
        row = MATERIALIZED
    if kind == "VacuumStmt" and not node.get("is_vacuumcmd"):
        row = _ANALYZE
    return Violation(row.rule, location, row.why.format(name(kind, node)), row.instead, row.in_script)


def _set(source: ParsedStatement) -> Violation | None:
    top = source.tree.root
    setting: str = top.get("name", "")
    if top.get("kind") == "VAR_SET_MULTI" or setting.lower().startswith("transaction_"):
        why = _TRANSACTION.why.format("SET TRANSACTION")
        return Violation(_TRANSACTION.rule, source.tree.start, why, _TRANSACTION.instead)
    if top.get("is_local"):
        value = next(map(constant, top.get("args", ())), None)
        return query_rules.unsettable(setting, value, source.word_after(source.tree.start, setting.lower()))
    return Violation(_SESSION.rule, source.tree.start, _SESSION.why.format(source.kind), _SESSION.instead)


def _explain(source: ParsedStatement) -> Violation | None:
    ((kind, _),) = source.tree.root["query"].items()
    if is_allowed(kind):
        return None
    return _refused(source, kind, source.tree.find(kind)[0].location)


def _schema(source: ParsedStatement) -> Violation | None:
    """CREATE SCHEMA: what is in it keeps to the rules of statements of their own."""
    return next(filter(None, map(_rule, schema_elements(source))), None)


def _object(source: ParsedStatement) -> Violation | None:
    top = source.tree.root
    if not is_object(top):
        verb, _, named = source.kind.partition(" ")
        why = f"Aurora DSQL has no {named}, and so none to {verb}."
        return Violation("unsupported-statement", source.tree.start, why, "Leave it out.")
    if top.get("concurrent"):
        location = source.word_after(source.tree.start, "concurrently")
        why = "Aurora DSQL does not have DROP INDEX CONCURRENTLY."
        return Violation("index", location, why, "Write DROP INDEX: it blocks nobody.")
    return None


def _comment(source: ParsedStatement) -> Violation | None:
    kind = object_kind(source.tree.root)
    if kind in COMMENTED_OBJECTS:
        return None
    why = f"Aurora DSQL has no {kind.replace('_', ' ')}, and so none to comment on."
    return Violation("unsupported-statement", source.tree.start, why, "Leave it out.")


def _altered(source: ParsedStatement) -> Violation | None:
    kind = object_kind(source.tree.root)
    if kind in OBJECTS:
        return table_rules.alter_table(source)
    why = f"Aurora DSQL has no {kind.replace('_', ' ')}, and so none to ALTER."
    return Violation("unsupported-statement", source.tree.start, why, "Leave it out.")


_RULES: Final[dict[str, Callable[[ParsedStatement], Violation | None]]] = {
    "VariableSetStmt": _set,
    "ExplainStmt": _explain,
    "DropStmt": _object,
    "RenameStmt": _object,
    "AlterOwnerStmt": _object,
    "AlterObjectSchemaStmt": _object,
    "AlterTableStmt": _altered,
    "IndexStmt": table_rules.index,
    "CreateStmt": table_rules.table,
    "CommentStmt": _comment,
    "CreateSchemaStmt": _schema,
    "CreateDomainStmt": object_rules.domain,
    "AlterDomainStmt": object_rules.altered_domain,
    "CreateSeqStmt": object_rules.sequence,
    "AlterSeqStmt": object_rules.altered_sequence,
    "ViewStmt": object_rules.view,
    "CreateFunctionStmt": object_rules.function,
    "GrantStmt": object_rules.grant,
    "CreateRoleStmt": object_rules.role,
    "AlterRoleStmt": object_rules.role,
    "AlterRoleSetStmt": object_rules.role_setting,
}
