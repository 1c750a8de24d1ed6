"""Rules for DDL about tables and their indexes, applied before a statement is sent.

Each rule refuses what a cluster refuses with SQLSTATE 0A000, 42704 or 54000; the facts and their sources are
in `dsql`. What no rule knows is left to the cluster.
"""

from collections.abc import Iterator
from itertools import chain

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.alter_table import AlterTableForm, refused_form
from awslabs_dsql_mcp.dsql.clauses import (
    COLUMN_CLAUSES,
    INDEX_CLAUSES,
    INDEX_METHOD,
    KEY_CLAUSES,
    TABLE_CLAUSES,
    clauses_in,
)
from awslabs_dsql_mcp.guard.ddl_violations import no_cache_size, not_persistent, unsupported, unusable_type
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.definitions import (
    builtin_type,
    column_constraints,
    has_cache_size,
    is_builtin,
    keys,
    option,
    table_elements,
)
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement


def index(source: ParsedStatement) -> Violation | None:
    """CREATE INDEX: only ASYNC, and b-tree in ascending order."""
    top, start = source.tree.root, source.tree.start
    if top.get("concurrent"):
        return unsupported(
            "index",
            source.word_after(start, "concurrently"),
            "CONCURRENTLY",
            "Write CREATE INDEX ASYNC: it blocks nobody.",
        )
    if not source.asynchronous:
        unique = "UNIQUE " if top.get("unique") else ""
        return Violation(
            "index-async",
            source.word_after(start, "index"),
            "Aurora DSQL builds indexes only as a job, with ASYNC.",
            f"Write CREATE {unique}INDEX ASYNC …, alone in its call. It answers with a job_id: follow it in "
            "sys.jobs, or with job_status, until the status is completed.",
        )
    if (using := source.word_after(start, "using")) != start and top.get("accessMethod") != INDEX_METHOD:
        return unsupported("index", using, "USING in an index", "Leave USING out: every index is a b-tree.")
    if (count := len(top.get("indexParams", ()))) > limits.MAX_KEY_COLUMNS:
        return _too_many_key_columns(count, start)
    return next(_index_elements(source), None)


def _index_elements(source: ParsedStatement) -> Iterator[Violation]:
    start = source.tree.start
    for place in source.tree.find("IndexElem"):
        if place.node.get("ordering") in ("SORTBY_ASC", "SORTBY_DESC"):
            word = str(place.node["ordering"]).removeprefix("SORTBY_").lower()
            yield unsupported(
                "index", source.word_after(start, word), "ASC and DESC in an index", "Leave them out."
            )
        if "opclass" in place.node:
            name = strings(place.node["opclass"])[-1]
            yield unsupported("index", source.word_after(start, name), "operator classes", "Leave them out.")
        if "collation" in place.node:
            yield unsupported(
                "index", source.word_after(start, "collate"), "COLLATE", COLUMN_CLAUSES["collClause"].instead
            )
    for clause in clauses_in(source.tree.root, INDEX_CLAUSES):
        yield unsupported(
            "index", source.word_after(start, clause.word), f"{clause.spelled} in an index", clause.instead
        )


def table(source: ParsedStatement) -> Violation | None:
    """CREATE TABLE: no temporary or derived tables, and the types and constraints that a cluster has."""
    return _table(source, source.tree.root)


def _table(source: ParsedStatement, top: Node) -> Violation | None:
    if (found := not_persistent(source, top["relation"], "tables")) is not None:
        return found
    for clause in clauses_in(top, TABLE_CLAUSES):
        return unsupported(
            "table",
            source.word_after(source.start, clause.word),
            f"{clause.spelled} in CREATE TABLE",
            clause.instead,
        )
    if top.get("oncommit", "ONCOMMIT_NOOP") != "ONCOMMIT_NOOP":
        return unsupported("table", source.word_after(source.start, "on"), "ON COMMIT", "Leave it out.")
    if (count := len(table_elements(top, "ColumnDef"))) > limits.MAX_COLUMNS:
        why = f"A table has at most {limits.MAX_COLUMNS} columns; this one has {count}."
        return Violation(
            "limit", source.start, why, "Split the table, or keep columns together in one of jsonb."
        )
    return next(chain(_columns(source), _keys(source, top)), None)


def _keys(source: ParsedStatement, top: Node) -> Iterator[Violation]:
    for key in keys(top):
        location = key.constraint.get("location", source.start)
        for clause in clauses_in(key.constraint, KEY_CLAUSES):
            yield unsupported("table", location, f"{clause.spelled} in a key", clause.instead)
        if key.deferrable:
            yield unsupported(
                "table", location, "deferrable keys", "Leave DEFERRABLE out; foreign keys can have it."
            )
        if key.columns > limits.MAX_KEY_COLUMNS:
            yield _too_many_key_columns(key.columns, location)
        for type_name in key.type_names:
            if (row := builtin_type(type_name)) and row.stored and not row.key:
                what = f"keys with columns of type {row.displayed}"
                yield unsupported(
                    "column-type", location, what, "Use a key of text, uuid, a number or a date."
                )
        if key.declared_bytes > limits.MAX_DECLARED_KEY_BYTES:
            why = f"The columns of a key are declared with at most {limits.MAX_DECLARED_KEY_BYTES:,} bytes."
            yield Violation("limit", location, why, "Declare them shorter, or use another key.")


def _too_many_key_columns(count: int, location: int) -> Violation:
    why = f"A key or index has at most {limits.MAX_KEY_COLUMNS} columns; this one has {count}."
    return Violation(
        "limit", location, why, "Keep the columns that tell rows apart; an index INCLUDEs others."
    )


def alter_table(source: ParsedStatement) -> Violation | None:
    """ALTER TABLE: the forms that a cluster has."""
    if source.tree.root.get("objtype") == "OBJECT_VIEW":
        return None
    for place in source.tree.find("AlterTableCmd"):
        subtype: str = place.node.get("subtype", "")
        if source.asynchronous and subtype == "AT_ValidateConstraint":
            continue
        if (form := refused_form(subtype)) is not None:
            spelled = f"{source.kind} … {form.spelled.replace('...', '…')}"
            return unsupported(
                "alter-table", _form_location(source, form), spelled, form.instead, form.in_script
            )
        if subtype == "AT_AddConstraint" and (found := _added_constraint(place.node, place.location)):
            return found
        if subtype == "AT_AddColumn" and (found := _added_column(place.node, place.location)):
            return found
        if subtype == "AT_SetIdentity" and _changes_to_no_cache_size(place.node):
            return no_cache_size("an identity column", place.location)
    return next(_columns(source), None)


def _form_location(source: ParsedStatement, form: AlterTableForm) -> int:
    words = form.spelled.partition("... ")[2] or form.spelled
    found = (source.word_after(source.start, word.lower()) for word in words.split())
    return next((location for location in found if location != source.start), source.start)


def _changes_to_no_cache_size(command: Node) -> bool:
    options = command.get("def", {}).get("List", {}).get("items")
    return option(options, "cache") is not None and not has_cache_size(options)


def _added_column(command: Node, location: int) -> Violation | None:
    column: Node = command["def"]["ColumnDef"]
    if "constraints" not in column:
        return None
    return Violation(
        "alter-table",
        column.get("location", location),
        "ADD COLUMN takes a name and a type, and no default or constraint.",
        "Calls of `transact`, in this order: ADD COLUMN name type; ALTER COLUMN … SET DEFAULT; UPDATE the "
        f"rows that are there, under {limits.MAX_ROWS:,} a call. `batch_write` splits a larger UPDATE.",
    )


def _added_constraint(command: Node, location: int) -> Violation | None:
    constraint: Node = command["def"]["Constraint"]
    kind = constraint.get("contype")
    location = constraint.get("location", location)
    if kind in ("CONSTR_CHECK", "CONSTR_FOREIGN") and not constraint.get("skip_validation"):
        return unsupported(
            "alter-table",
            location,
            "ADD CONSTRAINT that checks the rows at once",
            (
                "Two calls of `transact`, in this order: ADD CONSTRAINT … NOT VALID; ALTER TABLE ASYNC … "
                "VALIDATE CONSTRAINT."
            ),
        )
    if kind == "CONSTR_PRIMARY":
        instead = "A primary key is given in CREATE TABLE: make a new table, copy the rows, and rename."
        return unsupported("alter-table", location, "ADD PRIMARY KEY", instead)
    if kind == "CONSTR_UNIQUE" and "indexname" not in constraint:
        instead = (
            "Calls, in this order: CREATE UNIQUE INDEX ASYNC name ON …; when its job is completed, ALTER "
            "TABLE … ADD CONSTRAINT … UNIQUE USING INDEX name."
        )
        return unsupported("alter-table", location, "ADD UNIQUE (columns)", instead)
    if kind == "CONSTR_UNIQUE" and "deferrable" in constraint:
        return unsupported("alter-table", location, "deferrable keys", "Leave DEFERRABLE out.")
    return _exclusion(constraint, location)


def _exclusion(constraint: Node, location: int) -> Violation | None:
    if constraint.get("contype") != "CONSTR_EXCLUSION":
        return None
    return unsupported(
        "table", location, "EXCLUDE", "Use UNIQUE, or check in the transaction with FOR UPDATE."
    )


def _columns(source: ParsedStatement) -> Iterator[Violation]:
    for place in source.tree.find("ColumnDef"):
        type_name: Node = place.node.get("typeName", {})
        yield from unusable_type(type_name, place.location)
        for clause in clauses_in(place.node, COLUMN_CLAUSES):
            at = place.node["collClause"].get("location") if clause is COLUMN_CLAUSES["collClause"] else 0
            yield unsupported("table", at or place.location, clause.spelled, clause.instead)
        identity = [c for c in column_constraints(place.node) if c.get("contype") == "CONSTR_IDENTITY"]
        if identity and not is_builtin(type_name, "int8"):
            instead = "Write bigint as the type of the column."
            yield unsupported("column-type", place.location, "identity columns of a type but bigint", instead)
    for place in source.tree.find("Constraint"):
        if place.node.get("contype") == "CONSTR_IDENTITY" and not has_cache_size(place.node.get("options")):
            yield no_cache_size("an identity column", place.location)
        if found := _exclusion(place.node, place.location):
            yield found
