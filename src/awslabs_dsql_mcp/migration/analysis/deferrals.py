"""Changes of rows behind which a script checks foreign keys: they must be one transaction here too.

(PostgreSQL documentation, CREATE TABLE, "DEFERRABLE" and "INITIALLY DEFERRED"; ALTER TABLE, "ALTER
CONSTRAINT"; SET CONSTRAINTS; psql, "AUTOCOMMIT".)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from awslabs_dsql_mcp.migration.script.mentions import Name, nested, relation_name
from awslabs_dsql_mcp.migration.script.psql_commands import autocommit
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
    """A foreign key, which may be checked at the end of a transaction.

    Attributes:
        table: The table that refers.
        target: The one that it refers to; ``None`` if the script does not make the key.
        name: Its name; empty where it has the one that PostgreSQL gives it.
        is_deferrable: It can be, if the transaction says so.
        is_deferred: It is, unless the transaction says otherwise.
    """

    table: Name
    target: Name | None
    name: str = ""
    is_deferrable: bool = False
    is_deferred: bool = False

    def is_named(self, name: str) -> bool:
        """Tell if it may have a name."""
        given = name.startswith(f"{self.table[1]}_") and "_fkey" in name
        return self.name == name or (not self.name and given)


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
    commits = True
    for statement in statements:
        top = statement.tree
        if statement.item.meta:
            switched = autocommit(statement.item.text)
            commits = commits if switched is None else switched
        elif statement.kind == "TransactionStmt":
            if top.get("kind", _BEGINS[0]) in _BEGINS:
                transaction = transaction or _Transaction()
            elif top.get("kind") in _ENDS:
                found |= _whole(transaction, keys)
                transaction = _Transaction() if top.get("chain") else None
            continue
        transaction = transaction or (None if commits else _Transaction())
        if statement.kind in ("CreateStmt", "AlterTableStmt"):
            keys = list(_altered(top, [*keys, *_foreign_keys(top)]))
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
    touched = sorted({table for _, changed in transaction.changes for _, table in changed})
    for key in keys:
        if not (key.is_deferred or (key.is_deferrable and transaction.deferring)):
            continue
        for target in [key.target] if key.target else touched:
            broken = _first(transaction, key.table, target)
            mended = _last(transaction, key.table, target)
            if broken is not None and mended is not None and broken < mended:
                first, last = min(first, broken), max(last, mended)
                needs_setting |= not key.is_deferred
    inside = transaction.changes[first : last + 1]
    numbers = [statement.number for statement, _ in inside] + (transaction.deferring if needs_setting else [])
    return {number: Whole(inside[0][0].item.line, needs_setting) for number in numbers}


def _first(transaction: _Transaction, table: Name, target: Name) -> int | None:
    """Find the first change that may break a foreign key."""
    breaks = {("UPDATE", table), ("UPDATE", target), ("INSERT", table), ("DELETE", target)}
    return next((at for at, (_, changed) in enumerate(transaction.changes) if changed & breaks), None)


def _last(transaction: _Transaction, table: Name, target: Name) -> int | None:
    """Find the last change that may mend a foreign key."""
    mends = {("UPDATE", table), ("UPDATE", target), ("INSERT", target), ("DELETE", table)}
    return max((at for at, (_, changed) in enumerate(transaction.changes) if changed & mends), default=None)


def _changed(statement: ScriptStatement) -> Iterator[tuple[str, Name]]:
    """Iterate over the tables that a statement changes rows of, in WITH queries too."""
    for fields in nested({statement.kind: statement.tree}):
        for kind in _CHANGES.keys() & fields.keys():
            top: Node = fields[kind]
            if kind != "CopyStmt" or (top.get("is_from") and "relation" in top):
                yield _CHANGES[kind], relation_name(top["relation"])
                if kind == "InsertStmt" and "targetList" in top.get("onConflictClause", {}):
                    yield "UPDATE", relation_name(top["relation"])


def _altered(top: Node, keys: Sequence[ForeignKey]) -> Iterator[ForeignKey]:
    """Iterate over the foreign keys as a statement leaves them."""
    commands = [item["AlterTableCmd"].get("def", {}) for item in top.get("cmds", ())]
    changes: list[Node] = [one["ATAlterConstraint"] for one in commands if "ATAlterConstraint" in one]
    table = relation_name(top["relation"])
    known = set[str]()
    for key in keys:
        for change in changes:
            if key.table == table and key.is_named(change["conname"]):
                known.add(change["conname"])
                key = _deferring(key, change)  # noqa: PLW2901 - one after another
        yield key
    for change in changes:
        if change["conname"] not in known:
            yield _deferring(ForeignKey(table, None, change["conname"]), change)


def _deferring(key: ForeignKey, change: Node) -> ForeignKey:
    is_deferred = bool(change.get("initdeferred"))
    return replace(key, is_deferrable=is_deferred or bool(change.get("deferrable")), is_deferred=is_deferred)


def _foreign_keys(top: Node) -> Iterator[ForeignKey]:
    """Iterate over the foreign keys that a statement makes."""
    table = relation_name(top["relation"])
    commands = [item["AlterTableCmd"] for item in top.get("cmds", ())]
    added = [one.get("def", {}) for one in commands]
    whole = [*table_elements(top, "Constraint"), *(one["Constraint"] for one in added if "Constraint" in one)]
    for constraint in whole:
        if "pktable" in constraint:
            named = ForeignKey(table, relation_name(constraint["pktable"]), constraint.get("conname", ""))
            yield _deferring(named, constraint)
    columns = [*table_elements(top, "ColumnDef"), *(one["ColumnDef"] for one in added if "ColumnDef" in one)]
    for column in columns:
        yield from _column_keys(table, column)


def _column_keys(table: Name, column: Node) -> Iterator[ForeignKey]:
    """Iterate over the foreign keys of a column's definition, in which attributes follow the constraint."""
    key: ForeignKey | None = None
    for constraint in column_constraints(column):
        kind = constraint["contype"]
        if not kind.startswith("CONSTR_ATTR"):
            yield from [] if key is None else [key]
            given = "pktable" in constraint
            key = (
                ForeignKey(table, relation_name(constraint["pktable"]), constraint.get("conname", ""))
                if given
                else None
            )
        elif key is not None and kind in ("CONSTR_ATTR_DEFERRABLE", "CONSTR_ATTR_DEFERRED"):
            is_deferred = key.is_deferred or kind == "CONSTR_ATTR_DEFERRED"
            key = replace(key, is_deferrable=True, is_deferred=is_deferred)
    yield from [] if key is None else [key]
