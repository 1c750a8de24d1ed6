"""Statements that a cluster has: what each is to a transaction, and the rule that looks into it.

They are those of `dsql.unsupported.SUPPORTED_STATEMENTS`. Any other is refused as ``unsupported statement:
X``, where X is PostgreSQL's name of the parse node: so do clusters, wherever there is a record, but for the
texts of `_REFUSED`.
"""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import indexes, objects, queries, settings, tables
from awslabs_dsql_mcp.local_cluster.dialect.model import StatementKind
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import Refusal, unsupported
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement, schema_elements

Rule = Callable[[ParsedStatement], Refusal | None]


def _anything(_: ParsedStatement) -> None:
    return None


def _deallocate(statement: ParsedStatement) -> Refusal | None:
    return unsupported("unsupported statement: Deallocate") if "name" in statement.tree.root else None


def _role_setting(statement: ParsedStatement) -> Refusal | None:
    change = statement.tree.root["setstmt"]
    resets = str(change.get("kind", "")).startswith("VAR_RESET")
    return None if resets else settings.refused_change(change)


def _analyze(statement: ParsedStatement) -> Refusal | None:
    """VACUUM, which clusters refuse in these words, and ANALYZE, documented with a table's name only."""
    if statement.tree.root.get("is_vacuumcmd"):
        return unsupported("unsupported VACUUM statement")
    return None if statement.tree.root.get("rels") else unsupported("unsupported ANALYZE statement")


def _schema(statement: ParsedStatement) -> Refusal | None:
    return next(filter(None, map(refused, schema_elements(statement))), None)


def _function(statement: ParsedStatement) -> Refusal | None:
    """CREATE FUNCTION: its body has statements that a cluster has, though PostgreSQL would run others."""
    if (found := objects.function(statement)) is not None:
        return found
    body = objects.body(statement)
    if any(inner.tree.kind == "CreateFunctionStmt" for inner in body):
        return unsupported("unsupported statement: CreateFunction")  # so that no text is read without end
    return next(filter(None, map(refused, body)), None)


_READS: Final = StatementKind.READ  # or what `queries.kind` finds

RULES: Final[dict[str, tuple[StatementKind, Rule]]] = {
    "SelectStmt": (_READS, queries.refused),
    "InsertStmt": (_READS, queries.refused),
    "UpdateStmt": (_READS, queries.refused),
    "DeleteStmt": (_READS, queries.refused),
    "CopyStmt": (_READS, queries.copy),
    "ExplainStmt": (_READS, queries.explain),
    "TransactionStmt": (StatementKind.OTHER, settings.transaction),
    "VariableSetStmt": (StatementKind.SESSION, settings.change),
    "VariableShowStmt": (StatementKind.SESSION, _anything),
    "ConstraintsSetStmt": (StatementKind.SESSION, _anything),
    "DeallocateStmt": (StatementKind.SESSION, _deallocate),
    "CallStmt": (StatementKind.CALL, queries.refused),
    "VacuumStmt": (StatementKind.OTHER, _analyze),
    "CreateStmt": (StatementKind.DDL, tables.create),
    "AlterTableStmt": (StatementKind.DDL, tables.alter),
    "IndexStmt": (StatementKind.DDL, indexes.create),
    "CreateDomainStmt": (StatementKind.DDL, tables.domain),
    "AlterDomainStmt": (StatementKind.DDL, tables.altered_domain),
    "CreateSeqStmt": (StatementKind.DDL, objects.sequence),
    "AlterSeqStmt": (StatementKind.DDL, objects.altered_sequence),
    "ViewStmt": (StatementKind.DDL, objects.view),
    "CreateFunctionStmt": (StatementKind.DDL, _function),
    "CreateSchemaStmt": (StatementKind.DDL, _schema),
    "CreateStatsStmt": (StatementKind.DDL, _anything),
    "AlterStatsStmt": (StatementKind.DDL, _anything),
    "DropStmt": (StatementKind.DDL, objects.about),
    "RenameStmt": (StatementKind.DDL, objects.about),
    "AlterOwnerStmt": (StatementKind.DDL, objects.about),
    "AlterObjectSchemaStmt": (StatementKind.DDL, objects.about),
    "CommentStmt": (StatementKind.DDL, objects.comment),
    "GrantStmt": (StatementKind.DDL, objects.grant),
    "GrantRoleStmt": (StatementKind.DDL, _anything),
    "AlterDefaultPrivilegesStmt": (StatementKind.DDL, _anything),
    "CreateRoleStmt": (StatementKind.DDL, objects.role),
    "AlterRoleStmt": (StatementKind.DDL, objects.role),
    "AlterRoleSetStmt": (StatementKind.DDL, _role_setting),
    "DropRoleStmt": (StatementKind.DDL, _anything),
}

_REFUSED: Final = {
    "MergeStmt": "unsupported statement type: MERGE",
    "CreateTrigStmt": "CREATE TRIGGER not supported",
    "CreateEnumStmt": "CREATE TYPE not supported",
    "AlterEnumStmt": "ALTER TYPE not supported",
    "AlterTypeStmt": "ALTER TYPE not supported",
}

_TRANSACTION_KINDS: Final = {
    "TRANS_STMT_BEGIN": StatementKind.BEGIN,
    "TRANS_STMT_START": StatementKind.BEGIN,
    "TRANS_STMT_COMMIT": StatementKind.COMMIT,
    "TRANS_STMT_ROLLBACK": StatementKind.ROLLBACK,
}

_FIRST_WORDS: Final = {
    **dict.fromkeys(("select", "values", "table", "with", "explain"), StatementKind.READ),
    **dict.fromkeys(("insert", "update", "delete", "copy"), StatementKind.WRITE),
    **dict.fromkeys(("create", "alter", "drop", "grant", "revoke", "comment"), StatementKind.DDL),
    **dict.fromkeys(("begin", "start"), StatementKind.BEGIN),
    **dict.fromkeys(("commit", "end"), StatementKind.COMMIT),
    **dict.fromkeys(("rollback", "abort"), StatementKind.ROLLBACK),
    **dict.fromkeys(("set", "show", "reset", "deallocate"), StatementKind.SESSION),
    "call": StatementKind.CALL,
}


def refused(statement: ParsedStatement) -> Refusal | None:
    """Say why a cluster refuses a statement."""
    tree = statement.tree
    if tree.kind in RULES:
        kind, rule = RULES[tree.kind]
        found = rule(statement)
        if found is None and kind is StatementKind.DDL:
            return queries.refused(statement) if "sql_body" in tree.root else queries.refused_values(tree)
        return found
    name = tree.kind.removesuffix("Stmt")
    return unsupported(_REFUSED.get(tree.kind, f"unsupported statement: {name}"))


def kind(statement: ParsedStatement) -> StatementKind:
    """Find the kind of an accepted statement."""
    tree = statement.tree
    if tree.kind == "TransactionStmt":
        return _TRANSACTION_KINDS.get(str(tree.root.get("kind", "TRANS_STMT_BEGIN")), StatementKind.OTHER)
    found, _ = RULES.get(tree.kind, (StatementKind.OTHER, _anything))
    return queries.kind(tree) if found is _READS else found


def guessed(sql: str) -> StatementKind:
    """Guess the kind of a text that does not parse, by its first word."""
    head = sql[:_HEAD].split(maxsplit=1)
    return (
        _FIRST_WORDS.get(head[0].lower().rstrip(";("), StatementKind.OTHER) if head else StatementKind.OTHER
    )


_HEAD: Final = 1_000  # characters
