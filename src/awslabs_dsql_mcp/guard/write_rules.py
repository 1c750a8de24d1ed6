"""What a call with writes may be: what Aurora DSQL has, and nothing that the next call would feel.

An allow-list over kinds of statements. What is refused is refused with what to do instead, so that it costs
no round trip. (Aurora DSQL user guide, "Supported SQL commands"; texts and forms seen on clusters in 2026.)
"""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.guard import ddl_rules, function_rules
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.command_names import name
from awslabs_dsql_mcp.sql.functions import Effect
from awslabs_dsql_mcp.sql.parse_tree import strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

_ALLOWED: Final = frozenset(
    "SelectStmt InsertStmt UpdateStmt DeleteStmt ExplainStmt VariableShowStmt VariableSetStmt "  # noqa: SIM905 - a wall of quotes reads worse
    "ConstraintsSetStmt CreateStmt AlterTableStmt IndexStmt ViewStmt CreateSchemaStmt CreateSeqStmt "
    "AlterSeqStmt CreateDomainStmt AlterDomainStmt CreateFunctionStmt AlterFunctionStmt CreateStatsStmt "
    "AlterStatsStmt DropStmt RenameStmt AlterObjectSchemaStmt AlterOwnerStmt CommentStmt GrantStmt "
    "GrantRoleStmt AlterDefaultPrivilegesStmt CreateRoleStmt AlterRoleStmt AlterRoleSetStmt DropRoleStmt "
    "DropOwnedStmt ReassignOwnedStmt".split()
)

_TRANSACTION: Final = (
    "transaction-control",
    "{} would take the transaction out of the server's hands: each call runs in one of its own.",
    "Send only the statements. `transact` commits all of them or none; a read needs no transaction.",
)
_SESSION: Final = (
    "session-state",
    "{} leaves something in the session, which the calls after this one share.",
    "Leave it out. For a setting that ends with the transaction, put SET LOCAL first in `transact`.",
)
_PREPARED: Final = (
    "session-state",
    "{} is about prepared statements, which live in a session; a call does not keep one.",
    "Send the statement itself, with %s for each value and the values as parameters.",
)
_CURSOR: Final = (
    "session-state",
    "{} is about cursors, which Aurora DSQL does not have.",
    "SELECT with ORDER BY a key and LIMIT; for the next page, add WHERE key > the last one you saw.",
)
_CHANNEL: Final = (
    "session-state",
    "{} is about notifications, which Aurora DSQL does not have.",
    "Write messages to a table with `transact`, and read them from there.",
)
_PROGRAM: Final = (
    "no-procedures",
    "{} runs code that Aurora DSQL does not have: it has functions in LANGUAGE SQL and no procedures.",
    "Send the statements themselves, in one list to `transact`.",
)
_CREATE_FROM_QUERY: Final = (
    "create-from-query",
    "{} makes a table from a query, which Aurora DSQL does not have.",
    (
        "Two calls of `transact`, in this order: CREATE TABLE with its columns; then INSERT INTO … SELECT "
        "…, at most 3,000 rows a call."
    ),
)
_MATERIALIZED: Final = (
    "no-materialized-views",
    "{}: Aurora DSQL has no materialized views.",
    "Use CREATE VIEW, or a table that you fill with INSERT … SELECT.",
)

_UPKEEP: Final = (
    "maintenance",
    "{} is upkeep, which Aurora DSQL does by itself.",
    "Leave it out; statistics follow changes of the data (jobs of type ANALYZE in sys.jobs).",
)
_UNSUPPORTED: Final = (
    "unsupported-statement",
    "{} is not a statement that Aurora DSQL has.",
    "Leave it out; the documentation tools find what Aurora DSQL has for the purpose.",
)

_REFUSED: Final = {
    "TransactionStmt": _TRANSACTION,
    "DiscardStmt": _SESSION,
    "LoadStmt": _SESSION,
    "PrepareStmt": _PREPARED,
    "ExecuteStmt": _PREPARED,
    "DeallocateStmt": _PREPARED,
    "DeclareCursorStmt": _CURSOR,
    "FetchStmt": _CURSOR,
    "ClosePortalStmt": _CURSOR,
    "ListenStmt": _CHANNEL,
    "UnlistenStmt": _CHANNEL,
    "NotifyStmt": _CHANNEL,
    "DoStmt": _PROGRAM,
    "CallStmt": _PROGRAM,
    "CreateTableAsStmt": _CREATE_FROM_QUERY,
    "RefreshMatViewStmt": _MATERIALIZED,
    "LockStmt": (
        "lock-table",
        "{}: Aurora DSQL locks no tables.",
        (
            "Leave it out: conflicts are found at COMMIT and the unit is run again. SELECT … FOR UPDATE "
            "protects rows."
        ),
    ),
    "CopyStmt": (
        "copy",
        "{} moves data through a file, a program or a stream, and a call has none of them.",
        "To read, SELECT. To write a few rows, INSERT; to load many, use AWS's aurora-dsql-loader.",
    ),
    "TruncateStmt": (
        "truncate",
        "Aurora DSQL has no TRUNCATE.",
        (
            "Calls of `transact`, in this order: DELETE FROM the table by ranges of its key, under 3,000 "
            "rows a call, until none is left. Or, if nothing depends on it: DROP TABLE, then CREATE TABLE, "
            "one call each."
        ),
    ),
    "MergeStmt": (
        "merge",
        "Aurora DSQL has no MERGE.",
        (
            "INSERT … ON CONFLICT (key) DO UPDATE SET …; or an UPDATE and an INSERT … WHERE NOT EXISTS, in "
            "one list to `transact`."
        ),
    ),
    "VacuumStmt": _UPKEEP,
    "ReindexStmt": _UPKEEP,
    "ClusterStmt": _UPKEEP,
    "CheckPointStmt": _UPKEEP,
    "CreateTrigStmt": (
        "no-triggers",
        "Aurora DSQL has no triggers.",
        "Do the work in the statements that change the table: all in one list to `transact`.",
    ),
    "CreateExtensionStmt": (
        "no-extensions",
        "Aurora DSQL has no extensions.",
        "Use what is built in: gen_random_uuid(), for instance, needs none.",
    ),
    "CreateEnumStmt": (
        "no-types",
        "Aurora DSQL has no types of your own.",
        "Use text or varchar with CHECK (column IN ('a', 'b')), or a domain: CREATE DOMAIN.",
    ),
    "CompositeTypeStmt": (
        "no-types",
        "Aurora DSQL has no composite types.",
        "Use columns, or one of type jsonb.",
    ),
    "CreatedbStmt": (
        "one-database",
        "A cluster has one database, postgres.",
        "CREATE SCHEMA (up to 10 a cluster) keeps things apart; another database is another cluster.",
    ),
}

_KNOWN_OBJECTS: Final = frozenset(
    {"TABLE", "VIEW", "INDEX", "SEQUENCE", "SCHEMA", "FUNCTION", "ROUTINE", "DOMAIN", "STATISTICS", "ROLE"}
)


def check(source: ParsedStatement) -> Violation | None:
    """Say why a statement may not run, or ``None``."""
    tree = source.tree
    if tree.kind not in _ALLOWED:
        return _refused(source, tree.kind, tree.start)
    if (rule := _RULES.get(tree.kind)) and (found := rule(source)):
        return found
    if "CreateFunctionStmt" in tree:
        return None  # a body runs when it is called, and then as a user's function
    return _clauses(source) or function_rules.check(source, writes=True)


def _refused(source: ParsedStatement, kind: str, location: int) -> Violation:
    node = source.tree.find(kind)[0].node
    if kind == "CallStmt" and (called := strings(node["funccall"].get("funcname")))[-2:-1] == ["sys"]:
        return function_rules.refusal_for(Effect.JOB, called, node["funccall"].get("location", location))
    if kind == "CreateTableAsStmt" and node.get("objtype") == "OBJECT_MATVIEW":
        rule, why, instead = _MATERIALIZED
    else:
        rule, why, instead = _REFUSED.get(kind, _UNSUPPORTED)
    return Violation(rule, location, why.format(name(kind, node)), instead)


def _clauses(source: ParsedStatement) -> Violation | None:
    """What Aurora DSQL refuses inside of queries and changes."""
    tree = source.tree
    if "IntoClause" in tree:
        table = tree.find("IntoClause")[0].node.get("rel", {})
        location = source.word_before(table.get("location", tree.start), "into")
        rule, why, instead = _CREATE_FROM_QUERY
        return Violation(rule, location, why.format("SELECT INTO"), instead)
    if "MergeStmt" in tree:
        return _refused(source, "MergeStmt", source.command_after(tree.start, "merge"))
    for place in tree.find("LockingClause"):
        if place.node.get("strength") in ("LCS_FORSHARE", "LCS_FORNOKEYUPDATE"):
            return Violation(
                "lock-strength",
                source.pair_after(tree.start, "for", ("share", "no")),
                "Aurora DSQL has FOR UPDATE and FOR KEY SHARE, and no other row locks.",
                "Use FOR UPDATE.",
            )
    return None


def _set(source: ParsedStatement) -> Violation | None:
    top = source.tree.root
    setting: str = top.get("name", "")
    if top.get("kind") == "VAR_SET_MULTI" or setting.lower().startswith("transaction_"):
        rule, why, instead = _TRANSACTION
        return Violation(rule, source.tree.start, why.format("SET TRANSACTION"), instead)
    if top.get("is_local"):
        return None
    rule, why, instead = _SESSION
    return Violation(rule, source.tree.start, why.format(source.kind), instead)


def _explain(source: ParsedStatement) -> Violation | None:
    ((kind, _),) = source.tree.root["query"].items()
    if kind in _ALLOWED:
        return None
    return _refused(source, kind, source.tree.find(kind)[0].location)


def _object(source: ParsedStatement) -> Violation | None:
    verb, _, named = source.kind.removesuffix(" ASYNC").partition(" ")
    if named in _KNOWN_OBJECTS:
        return ddl_rules.alter_table(source) if source.tree.kind == "AlterTableStmt" else None
    return Violation(
        "unsupported-statement",
        source.tree.start,
        f"Aurora DSQL has no {named}, and so none to {verb}.",
        "Leave it out.",
    )


_RULES: Final[dict[str, Callable[[ParsedStatement], Violation | None]]] = {
    "VariableSetStmt": _set,
    "ExplainStmt": _explain,
    "DropStmt": _object,
    "RenameStmt": _object,
    "AlterOwnerStmt": _object,
    "AlterObjectSchemaStmt": _object,
    "AlterTableStmt": _object,
    "IndexStmt": ddl_rules.index,
    "CreateStmt": ddl_rules.table,
    "CreateSeqStmt": ddl_rules.sequence,
    "ViewStmt": ddl_rules.view,
    "CreateFunctionStmt": ddl_rules.function,
    "GrantStmt": ddl_rules.grant,
}
