"""Rules against splitting a statement that need the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.bulk.splitter import SplitStatement, self_reading
from awslabs_dsql_mcp.bulk.table_info import TableInfo
from awslabs_dsql_mcp.guard.refusal import Violation


@dataclass(frozen=True)
class SplitContext:
    """A statement and the catalog's information about it.

    Attributes:
        parts: The statement.
        target: The changed table.
        driving: The table by whose key the statement is split.
        reads: The other tables.
        aggregates: Aggregate and window functions outside of subqueries.
    """

    parts: SplitStatement
    target: TableInfo
    driving: TableInfo
    reads: Sequence[TableInfo]
    aggregates: Sequence[str]


def check(context: SplitContext) -> Violation | None:
    """Return the first reason not to split the statement."""
    found = (
        rule(context)
        for rule in (
            _view,
            _reads_target,
            _no_primary_key,
            _assigns_key,
            _aggregate,
            _self_cascade,
            _reads_cascade_target,
        )
    )
    return next((violation for violation in found if violation is not None), None)


def _view(context: SplitContext) -> Violation | None:
    for table in (context.target, context.driving, *context.reads):
        if not table.is_table:
            return _refuse(
                f"{table.name} is not a table; the tables of a view are not resolved here.",
                "Name the tables themselves.",
            )
    return None


def _reads_target(context: SplitContext) -> Violation | None:
    return self_reading() if any(table.oid == context.target.oid for table in context.reads) else None


def _reads_cascade_target(context: SplitContext) -> Violation | None:
    changed = [table.name for table in context.reads if table.oid in context.target.cascade_targets]
    if not changed or context.parts.kind == "INSERT":
        return None
    return _refuse(
        f"It reads {changed[0]}, whose rows change with those of {context.target.name} by a foreign key.",
        "Store the keys of the rows to change in another table first; then change the rows by these keys.",
    )


def _no_primary_key(context: SplitContext) -> Violation | None:
    if context.driving.key is not None:
        return None
    return _refuse(
        f"{context.driving.name} has no primary key by which to split the rows.",
        "Aurora DSQL adds a primary key only in CREATE TABLE: copy the rows into a table that has one.",
    )


def _assigns_key(context: SplitContext) -> Violation | None:
    key = context.driving.key
    if not (keyed := sorted(context.parts.assigned_columns & set(key.columns if key else ()))):
        return None
    return _refuse(
        f"It sets {keyed[0]}, part of the primary key by which it is split: rows could change batches.",
        "Insert the rows with their new keys, then delete the old ones.",
    )


def _aggregate(context: SplitContext) -> Violation | None:
    if context.parts.kind != "INSERT" or not context.aggregates:
        return None
    return _refuse(
        f"{context.aggregates[0]}() uses several rows at once, and each batch would see only its own.",
        "Compute it in a subquery on another table, or run it whole with `transact`.",
    )


def _self_cascade(context: SplitContext) -> Violation | None:
    if context.parts.kind != "DELETE" or not context.target.has_self_cascade:
        return None
    return _refuse(
        f"A foreign key of {context.target.name} on itself changes rows when others are deleted.",
        "Set the referencing column first, in a batch_write of its own; then delete.",
    )


def _refuse(reason: str, instead: str) -> Violation:
    return Violation("not-cuttable", 0, reason, instead)
