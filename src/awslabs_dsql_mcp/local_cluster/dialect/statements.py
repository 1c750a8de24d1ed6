"""Which statements a cluster has, what each is to a transaction, and the rule that looks into it.

What is not here is refused as ``unsupported statement: X``, where X is PostgreSQL's name of the parse node:
so do clusters, wherever there is a record, but for the texts of `_REFUSED`.
"""

from collections.abc import Callable
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import indexes, objects, queries, settings, tables
from awslabs_dsql_mcp.local_cluster.dialect.model import Kind
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import Refusal, unsupported
from awslabs_dsql_mcp.sql.dsql_script import Statement

Rule = Callable[[Statement], Refusal | None]


def _anything(_: Statement) -> None:
    return None


def _deallocate(statement: Statement) -> Refusal | None:
    return unsupported("unsupported statement: Deallocate") if "name" in statement.tree.top else None


def _analyze(statement: Statement) -> Refusal | None:
    return unsupported("unsupported VACUUM statement") if statement.tree.top.get("is_vacuumcmd") else None


_READS: Final = Kind.READ  # or what `queries.kind` finds

_RULES: Final[dict[str, tuple[Kind, Rule]]] = {
    "SelectStmt": (_READS, queries.refused),
    "InsertStmt": (_READS, queries.refused),
    "UpdateStmt": (_READS, queries.refused),
    "DeleteStmt": (_READS, queries.refused),
    "CopyStmt": (_READS, queries.copy),
    "ExplainStmt": (_READS, queries.explain),
    "TransactionStmt": (Kind.OTHER, settings.transaction),
    "VariableSetStmt": (Kind.SESSION, settings.change),
    "VariableShowStmt": (Kind.SESSION, _anything),
    "ConstraintsSetStmt": (Kind.SESSION, _anything),
    "DeallocateStmt": (Kind.SESSION, _deallocate),
    "CallStmt": (Kind.CALL, queries.refused),
    "VacuumStmt": (Kind.OTHER, _analyze),
    "CreateStmt": (Kind.DDL, tables.create),
    "AlterTableStmt": (Kind.DDL, tables.alter),
    "IndexStmt": (Kind.DDL, indexes.create),
    "CreateDomainStmt": (Kind.DDL, tables.domain),
    "AlterDomainStmt": (Kind.DDL, tables.altered_domain),
    "CreateSeqStmt": (Kind.DDL, objects.sequence),
    "AlterSeqStmt": (Kind.DDL, objects.altered_sequence),
    "ViewStmt": (Kind.DDL, objects.view),
    "CreateFunctionStmt": (Kind.DDL, objects.function),
    "CreateSchemaStmt": (Kind.DDL, objects.schema),
    "CreateStatsStmt": (Kind.DDL, _anything),
    "AlterStatsStmt": (Kind.DDL, _anything),
    "DropStmt": (Kind.DDL, objects.about),
    "RenameStmt": (Kind.DDL, objects.about),
    "AlterOwnerStmt": (Kind.DDL, objects.about),
    "AlterObjectSchemaStmt": (Kind.DDL, objects.about),
    "CommentStmt": (Kind.DDL, _anything),
    "GrantStmt": (Kind.DDL, objects.grant),
    "GrantRoleStmt": (Kind.DDL, _anything),
    "AlterDefaultPrivilegesStmt": (Kind.DDL, _anything),
    "CreateRoleStmt": (Kind.DDL, objects.role),
    "AlterRoleStmt": (Kind.DDL, objects.role),
    "DropRoleStmt": (Kind.DDL, _anything),
}

_REFUSED: Final = {
    "MergeStmt": "unsupported statement type: MERGE",
    "CreateTrigStmt": "CREATE TRIGGER not supported",
    "CreateEnumStmt": "CREATE TYPE not supported",
    "AlterEnumStmt": "ALTER TYPE not supported",
    "AlterTypeStmt": "ALTER TYPE not supported",
}

_TRANSACTION_KINDS: Final = {
    "TRANS_STMT_BEGIN": Kind.BEGIN,
    "TRANS_STMT_START": Kind.BEGIN,
    "TRANS_STMT_COMMIT": Kind.COMMIT,
    "TRANS_STMT_ROLLBACK": Kind.ROLLBACK,
}

_FIRST_WORDS: Final = {
    **dict.fromkeys(("select", "values", "table", "with", "explain"), Kind.READ),
    **dict.fromkeys(("insert", "update", "delete", "copy"), Kind.WRITE),
    **dict.fromkeys(("create", "alter", "drop", "grant", "revoke", "comment"), Kind.DDL),
    **dict.fromkeys(("begin", "start"), Kind.BEGIN),
    **dict.fromkeys(("commit", "end"), Kind.COMMIT),
    **dict.fromkeys(("rollback", "abort"), Kind.ROLLBACK),
    **dict.fromkeys(("set", "show", "reset", "deallocate"), Kind.SESSION),
    "call": Kind.CALL,
}


def refused(statement: Statement) -> Refusal | None:
    """Say why a cluster refuses a statement."""
    tree = statement.tree
    if tree.kind in _RULES:
        _, rule = _RULES[tree.kind]
        return rule(statement)
    name = tree.kind.removesuffix("Stmt")
    return unsupported(_REFUSED.get(tree.kind, f"unsupported statement: {name}"))


def kind(statement: Statement) -> Kind:
    """What an accepted statement is to the transaction."""
    tree = statement.tree
    if tree.kind == "TransactionStmt":
        return _TRANSACTION_KINDS.get(str(tree.top.get("kind", "TRANS_STMT_BEGIN")), Kind.OTHER)
    found, _ = _RULES.get(tree.kind, (Kind.OTHER, _anything))
    return queries.kind(tree) if found is _READS else found


def guessed(sql: str) -> Kind:
    """What a text seems to be that nothing here can read."""
    head = sql[:_HEAD].split(maxsplit=1)
    return _FIRST_WORDS.get(head[0].lower().rstrip(";("), Kind.OTHER) if head else Kind.OTHER


_HEAD: Final = 1_000  # characters
