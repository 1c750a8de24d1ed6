"""What only the catalog can say against cutting a statement."""

from collections.abc import Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.bulk.splitter import SplitStatement, self_reading
from awslabs_dsql_mcp.bulk.table_info import TableInfo
from awslabs_dsql_mcp.guard.refusal import Violation


@dataclass(frozen=True)
class SplitContext:
    """A statement with what the catalog knows of it.

    Attributes:
        parts: The statement.
        target: The table that it changes.
        driving: The table whose key would cut it.
        reads: The other tables in it.
        aggregates: Functions in it, outside of subqueries, that look at several rows at once.
    """

    parts: SplitStatement
    target: TableInfo
    driving: TableInfo
    reads: Sequence[TableInfo]
    aggregates: Sequence[str]


def check(known: SplitContext) -> Violation | None:
    """Find a reason not to cut a statement."""
    found = (
        rule(known)
        for rule in (_view, _reads_target, _keyless, _key_set, _aggregate, _moves_itself, _reads_moved)
    )
    return next((objection for objection in found if objection is not None), None)


def _view(known: SplitContext) -> Violation | None:
    for table in (known.target, known.driving, *known.reads):
        if not table.is_table:
            why = f"{table.name} is no table: what stands behind a view is not known here."
            return _refuse(why, "Name the tables themselves.")
    return None


def _reads_target(known: SplitContext) -> Violation | None:
    return self_reading() if any(table.oid == known.target.oid for table in known.reads) else None


def _reads_moved(known: SplitContext) -> Violation | None:
    moved = [table.name for table in known.reads if table.oid in known.target.cascade_targets]
    if not moved or known.parts.kind == "INSERT":
        return None
    return _refuse(
        f"It looks at {moved[0]}, whose rows change with those of {known.target.name} by a foreign key.",
        "Note the keys to change in a table of their own first; then change the rows by these.",
    )


def _keyless(known: SplitContext) -> Violation | None:
    if known.driving.key is not None:
        return None
    return _refuse(
        f"{known.driving.name} has no primary key, by which the rows could be cut.",
        "Aurora DSQL makes keys only with CREATE TABLE: copy the rows into a table that has one.",
    )


def _key_set(known: SplitContext) -> Violation | None:
    key = known.driving.key
    if not (keyed := sorted(known.parts.assigned_columns & set(key.columns if key else ()))):
        return None
    return _refuse(
        f"It sets {keyed[0]}, part of the primary key by which it is cut: rows could pass the cut.",
        "Insert the rows with their new keys, then delete the old ones.",
    )


def _aggregate(known: SplitContext) -> Violation | None:
    if known.parts.kind != "INSERT" or not known.aggregates:
        return None
    return _refuse(
        f"{known.aggregates[0]}() looks at several rows at once, and each batch would only see its own.",
        "Compute it in a subquery on another table, or run it whole with `transact`.",
    )


def _moves_itself(known: SplitContext) -> Violation | None:
    if known.parts.kind != "DELETE" or not known.target.has_self_cascade:
        return None
    return _refuse(
        f"A foreign key of {known.target.name} on itself changes rows when others are deleted.",
        "Set the referencing column first, in a batch_write of its own; then delete.",
    )


def _refuse(why: str, instead: str) -> Violation:
    return Violation("not-cuttable", 0, why, instead)
