"""Changes of rows behind which a script checks foreign keys: they must be one transaction here too.

(PostgreSQL documentation, CREATE TABLE, "DEFERRABLE" and "INITIALLY DEFERRED"; SET CONSTRAINTS.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.migration.script.mentions import Name, nested, relation_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.definitions import column_constraints, table_elements
from awslabs_dsql_mcp.sql.parse_tree import Node

_CHANGES: Final = {
    "InsertStmt": "INSERT",
    "CopyStmt": "INSERT",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE",
}
_BEGINS: Final = ("TRANS_STMT_BEGIN", "TRANS_STMT_START")
_ENDS: Final = ("TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE")


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key that can be checked at the end of a transaction.

    Attributes:
        table: The table that refers.
        target: The one that it refers to.
        is_deferred: It is, unless the transaction says otherwise.
    """

    table: Name
    target: Name
    is_deferred: bool


@dataclass(frozen=True)
class Whole:
    """Changes of rows that have to be one transaction.

    Attributes:
        line: The line of the first.
        needs_setting: A foreign key is deferred by SET CONSTRAINTS, and not by itself.
    """

    line: int
    needs_setting: bool


@dataclass
class _Transaction:
    """A transaction of a script as far as it is read.

    Attributes:
        deferring: Numbers of its SET CONSTRAINTS … DEFERRED.
        changes: The tables that each statement changes, and how.
    """

    deferring: list[int] = field(default_factory=list[int])
    changes: list[tuple[ScriptStatement, set[tuple[str, Name]]]] = field(
        default_factory=list[tuple[ScriptStatement, set[tuple[str, Name]]]]
    )


def deferred_changes(statements: Sequence[ScriptStatement]) -> dict[int, Whole]:
    """Find, by their numbers among a script's parts, the statements that must be one transaction.

    Among them are the SET CONSTRAINTS that this takes.
    """
    keys: list[ForeignKey] = []
    found: dict[int, Whole] = {}
    transaction: _Transaction | None = None
    for statement in statements:
        top = statement.tree
        if statement.kind == "TransactionStmt":
            if top.get("kind", _BEGINS[0]) in _BEGINS:
                transaction = transaction or _Transaction()
            elif top.get("kind") in _ENDS:
                found |= _whole(transaction, keys)
                transaction = _Transaction() if top.get("chain") else None
        elif statement.kind in ("CreateStmt", "AlterTableStmt"):
            keys += _foreign_keys(top)
        elif transaction is None:
            continue
        elif statement.kind == "ConstraintsSetStmt":
            transaction.deferring += [statement.number] if top.get("deferred") else []
        elif changed := set(_changed(statement)):
            transaction.changes.append((statement, changed))
    return found | _whole(transaction, keys)


def _whole(transaction: _Transaction | None, keys: Sequence[ForeignKey]) -> dict[int, Whole]:
    """Find the changes between one that may break a foreign key and the last that may mend it."""
    if transaction is None:
        return {}
    first, last, needs_setting = len(transaction.changes), -1, False
    for key in keys:
        if not (key.is_deferred or transaction.deferring):
            continue
        both = {("UPDATE", key.table), ("UPDATE", key.target)}
        breaks = both | {("INSERT", key.table), ("DELETE", key.target)}
        mends = both | {("INSERT", key.target), ("DELETE", key.table)}
        broken = [at for at, (_, changed) in enumerate(transaction.changes) if changed & breaks]
        mended = [at for at, (_, changed) in enumerate(transaction.changes) if changed & mends]
        if broken and mended and broken[0] < mended[-1]:
            first, last = min(first, broken[0]), max(last, mended[-1])
            needs_setting |= not key.is_deferred
    inside = transaction.changes[first : last + 1]
    numbers = [statement.number for statement, _ in inside] + (transaction.deferring if needs_setting else [])
    return {number: Whole(inside[0][0].item.line, needs_setting) for number in numbers}


def _changed(statement: ScriptStatement) -> Iterator[tuple[str, Name]]:
    """Iterate over the tables that a statement changes rows of, in WITH queries too."""
    for fields in nested({statement.kind: statement.tree}):
        for kind in _CHANGES.keys() & fields.keys():
            top: Node = fields[kind]
            if kind != "CopyStmt" or (top.get("is_from") and "relation" in top):
                yield _CHANGES[kind], relation_name(top["relation"])
                if kind == "InsertStmt" and "targetList" in top.get("onConflictClause", {}):
                    yield "UPDATE", relation_name(top["relation"])


def _foreign_keys(top: Node) -> Iterator[ForeignKey]:
    """Iterate over the deferrable foreign keys that a statement makes."""
    table = relation_name(top["relation"])
    commands = [item["AlterTableCmd"] for item in top.get("cmds", ())]
    added = [one.get("def", {}) for one in commands]
    whole = [*table_elements(top, "Constraint"), *(one["Constraint"] for one in added if "Constraint" in one)]
    for constraint in whole:
        if "pktable" in constraint and (constraint.get("deferrable") or constraint.get("initdeferred")):
            yield ForeignKey(
                table, relation_name(constraint["pktable"]), bool(constraint.get("initdeferred"))
            )
    columns = [*table_elements(top, "ColumnDef"), *(one["ColumnDef"] for one in added if "ColumnDef" in one)]
    for column in columns:
        target: Name | None = None
        for constraint in column_constraints(column):
            kind = constraint["contype"]
            if not kind.startswith("CONSTR_ATTR"):
                target = relation_name(constraint["pktable"]) if "pktable" in constraint else None
            elif target is not None and kind in ("CONSTR_ATTR_DEFERRABLE", "CONSTR_ATTR_DEFERRED"):
                yield ForeignKey(table, target, kind == "CONSTR_ATTR_DEFERRED")
