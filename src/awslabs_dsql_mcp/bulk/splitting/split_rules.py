"""Rules against splitting a statement that need the catalog."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.bulk.splitting.cascades import ForeignKey, cascaded_changes
from awslabs_dsql_mcp.bulk.splitting.repeatability import assigned_columns
from awslabs_dsql_mcp.bulk.splitting.split_catalog import ColumnDefinition, Functions
from awslabs_dsql_mcp.bulk.splitting.splitter import SplitStatement
from awslabs_dsql_mcp.bulk.splitting.syntax_rules import outer_calls, self_reading, user_function
from awslabs_dsql_mcp.bulk.splitting.table_info import TableInfo
from awslabs_dsql_mcp.catalog.model import PROGRESS_TABLE
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql import functions, parser
from awslabs_dsql_mcp.sql.parse_tree import Tree, strings


@dataclass(frozen=True)
class SplitContext:
    """A statement and the catalog's information about it.

    Attributes:
        parts: The statement.
        target: The changed table.
        driving: The table by whose key the statement is split.
        reads: The other tables.
        foreign_keys: The foreign keys with actions.
        definitions: Columns of the changed table.
        driving_definitions: Columns of the driving table.
        functions: The functions of the names in `function_names`.
        role: The database role.
    """

    parts: SplitStatement
    target: TableInfo
    driving: TableInfo
    reads: Sequence[TableInfo]
    foreign_keys: Sequence[ForeignKey]
    definitions: Mapping[str, ColumnDefinition]
    driving_definitions: Mapping[str, ColumnDefinition]
    functions: Functions = field(default=Functions(frozenset(), frozenset()))
    role: str = ""


def check(context: SplitContext) -> Violation | None:
    """Return the first reason not to split the statement."""
    found = (rule(context) for rule in _RULES)
    return next((violation for violation in found if violation is not None), None)


def function_names(context: SplitContext) -> set[str]:
    """Names of the functions that the statement may call, in defaults and as ``row.f`` too."""
    trees = [context.parts.tree, *_default_trees(context)]
    called = (strings(place.node.get("funcname")) for tree in trees for place in tree.find("FuncCall"))
    tables = (context.target, context.driving, *context.reads)
    columns = {column.name for table in tables for column in table.columns}
    dotted = (strings(place.node["fields"]) for place in context.parts.tree.find("ColumnRef"))
    attributes = {name[-1] for name in dotted if len(name) > 1} - columns
    return attributes | {name[-1] for name in called if name[0] != "pg_catalog"}


def _default_trees(context: SplitContext) -> list[Tree]:
    """Defaults of the changed table that the statement may evaluate."""
    if context.parts.kind != "INSERT" and "SetToDefault" not in context.parts.tree:
        return []
    defaults = (column.default for column in context.definitions.values())
    return [tree for text in defaults if text for tree in parser.parse(f"SELECT {text}")]


def _view(context: SplitContext) -> Violation | None:
    for table in (context.target, context.driving, *context.reads):
        if not table.is_table:
            return _refuse(
                f"{table.name} is not a table; the tables of a view are not resolved here.",
                "Name the tables themselves.",
            )
    return None


def _own_table(context: SplitContext) -> Violation | None:
    if all(table.table != PROGRESS_TABLE for table in (context.target, context.driving, *context.reads)):
        return None
    return _refuse(f"{PROGRESS_TABLE} is this server's own, and changes with each batch.", "Use `transact`.")


def _reads_target(context: SplitContext) -> Violation | None:
    return self_reading() if any(table.oid == context.target.oid for table in context.reads) else None


def _user_function(context: SplitContext) -> Violation | None:
    for tree in _default_trees(context):
        for place in tree.find("FuncCall"):
            if functions.is_user_defined(name := strings(place.node.get("funcname"))):
                return user_function(f"{'.'.join(name)}, in a default of {context.target.name},")
    return next(map(user_function, sorted(context.functions.user_defined)), None)


def _cascade(context: SplitContext) -> Violation | None:
    updated = None if context.parts.kind == "DELETE" else assigned_columns(context.parts.tree)
    changes = cascaded_changes(context.foreign_keys, context.target.oid, updated)
    moved = next((table.name for table in context.reads if table.oid in changes), None)
    if moved is not None:
        return _refuse(
            f"It reads {moved}, whose rows change with those of {context.target.name} by a foreign key.",
            "Store the keys of the rows to change in another table first; then change the rows by them.",
        )
    if "updated" not in changes.get(context.target.oid, ()):
        return None
    return _refuse(
        f"Foreign keys lead from {context.target.name} back to it, and set columns of rows of later batches.",
        "Set the referencing column first, in a batch_write of its own; then change the rows.",
    )


def _no_primary_key(context: SplitContext) -> Violation | None:
    if context.driving.key is not None:
        return None
    return _refuse(
        f"{context.driving.name} has no primary key by which to split the rows.",
        "Aurora DSQL adds a primary key only in CREATE TABLE: copy the rows into a table that has one.",
    )


def _assigns_key(context: SplitContext) -> Violation | None:
    key = context.driving.key if context.parts.kind == "UPDATE" else None
    if not (keyed := sorted(assigned_columns(context.parts.tree) & set(key.columns if key else ()))):
        return None
    return _refuse(
        f"It sets {keyed[0]}, part of the primary key by which it is split: rows could change batches.",
        "Insert the rows with their new keys, then delete the old ones.",
    )


def _aggregate(context: SplitContext) -> Violation | None:
    called = {strings(node.get("funcname"))[-1] for node in outer_calls(context.parts.tree)}
    found = sorted(called & context.functions.aggregates)
    if context.parts.kind != "INSERT" or not found:
        return None
    return _refuse(
        f"{found[0]}() uses several rows at once, and each batch would see only its own.",
        "Compute it in a subquery on another table, or run it whole with `transact`.",
    )


def _conflicts_between_batches(context: SplitContext) -> Violation | None:
    """Refuse a DO UPDATE that could change a row twice, which one statement does not (SQLSTATE 21000)."""
    clause = context.parts.tree.root.get("onConflictClause", {})
    if clause.get("action") != "ONCONFLICT_UPDATE":
        return None
    elements = [item["IndexElem"] for item in clause.get("infer", {}).get("indexElems", ())]
    names = {element.get("name") for element in elements}
    key = context.driving.key
    if key and names and None not in names and set(key.columns) <= _copied_columns(context, names):
        if not (moved := sorted(names & assigned_columns(context.parts.tree))):
            return None
        return _refuse(f"DO UPDATE sets {moved[0]}, by which rows conflict.", "Leave that column as it is.")
    return _refuse(
        f"Two rows of {context.driving.name} could conflict with the same row of {context.target.name}, "
        "which one statement refuses, and batches would not notice.",
        f"Name columns in ON CONFLICT (…) into which the primary key of {context.driving.name} is copied "
        "unchanged; or write the rows into a table with such a key first.",
    )


def _copied_columns(context: SplitContext, names: Collection[str | None]) -> set[str]:
    """Columns of the driving table that an INSERT copies unchanged into columns of some names."""
    root = context.parts.tree.root
    select = root["selectStmt"]["SelectStmt"]
    renamed = dict(zip(context.parts.column_aliases, context.driving_definitions, strict=False))
    own = list(context.driving_definitions)
    shown = [*context.parts.column_aliases, *own[len(renamed) :]]
    alone = len(select["fromClause"]) == 1 and "RangeVar" in select["fromClause"][0]
    sources: list[str] = []
    for item in select["targetList"]:
        fields = item["ResTarget"]["val"].get("ColumnRef", {}).get("fields", [])
        *qualifiers, last = [part.get("String", {}).get("sval", "*") for part in fields] or [""]
        if last == "*" and not alone:
            break
        is_own = alone or (bool(qualifiers) and qualifiers[-1] == context.parts.alias)
        sources += shown if last == "*" else [last if is_own and last in shown else ""]
    targets = [item["ResTarget"]["name"] for item in root.get("cols", ())] or list(context.definitions)
    pairs = (
        (renamed.get(source, source), into) for source, into in zip(sources, targets, strict=False) if source
    )
    return {
        source
        for source, into in pairs
        if into in names
        and into in context.definitions
        and context.driving_definitions[source].type == context.definitions[into].type
    }


def _refuse(reason: str, instead: str) -> Violation:
    return Violation("not-cuttable", 0, reason, instead)


_RULES: Final = (
    _view,
    _own_table,
    _reads_target,
    _no_primary_key,
    _assigns_key,
    _user_function,
    _aggregate,
    _cascade,
    _conflicts_between_batches,
)
