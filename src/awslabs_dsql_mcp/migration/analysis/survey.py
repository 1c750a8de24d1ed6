"""Facts about a whole script that a pass over it needs before it begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.dsql.types import SERIAL_TYPES
from awslabs_dsql_mcp.migration.analysis.deferrals import Whole, deferred_changes
from awslabs_dsql_mcp.migration.analysis.identities import IdentityColumn, changed_defaults, identities
from awslabs_dsql_mcp.migration.analysis.lacking import Lacking, survey_lacking
from awslabs_dsql_mcp.migration.analysis.partitions import Partitions, partitions, redirect
from awslabs_dsql_mcp.migration.analysis.uses import Uses
from awslabs_dsql_mcp.migration.analysis.waits import Waits
from awslabs_dsql_mcp.migration.script.mentions import Name, nested, qualified_name, relation_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.definitions import table_elements
from awslabs_dsql_mcp.sql.parse_tree import Node, strings


@dataclass(frozen=True)
class Survey:
    """What a script holds.

    Attributes:
        statements: Its statements, in order.
        uses: What they do with tables.
        identities: Sequences that become identities of columns.
        lacking: Objects that are not carried over; the conversion adds to them.
        relations: Names of the tables, views, sequences, indexes and row types that it makes or renames.
        functions: Names of functions that it makes.
        waits: Those that wait for what their bodies name.
        partitions: Partitions of its tables.
        roles: Roles that it makes.
        serials: Tables that it makes with a column of a serial type.
        defaults: Columns that get another default after they are made.
        referring: Tables with a foreign key, and those that it refers to.
        added_keys: Columns of the primary keys that tables get after they are made.
        wholes: Changes of rows, by the number of their part, that have to be one transaction.
    """

    statements: Sequence[ScriptStatement]
    uses: Uses
    identities: dict[Name, IdentityColumn]
    lacking: Lacking
    relations: frozenset[Name]
    functions: frozenset[str]
    waits: Waits
    partitions: Partitions
    roles: frozenset[str]
    serials: frozenset[Name]
    defaults: frozenset[tuple[Name, str]]
    referring: frozenset[Name]
    added_keys: frozenset[tuple[Name, tuple[str, ...]]]
    wholes: dict[int, Whole]


def survey(statements: Sequence[ScriptStatement]) -> Survey:
    """Look through a script."""
    parted = partitions(statements)
    statements = list(redirect(statements, parted))
    used = Uses(statements)
    relations: set[Name] = set()
    functions: set[str] = set()
    roles: set[str] = set()
    serials: set[Name] = set()
    defaults: set[tuple[Name, str]] = set()
    referring: set[Name] = set()
    for statement in statements:
        referring.update(_referring(statement))
        defaults.update(changed_defaults(statement))
        top = statement.tree
        relations.update(_relations(statement))
        if statement.kind == "CreateStmt" and any(map(_is_serial, table_elements(top, "ColumnDef"))):
            serials.add(relation_name(top["relation"]))
        elif statement.kind == "CreateFunctionStmt":
            functions.add(qualified_name(strings(top["funcname"]))[1])
        elif statement.kind == "RenameStmt" and top["renameType"] in ("OBJECT_FUNCTION", "OBJECT_ROUTINE"):
            functions.add(top["newname"])
        elif statement.kind == "CreateRoleStmt":
            roles.add(top["role"])
    return Survey(
        statements,
        used,
        identities(statements, used, relations, parted.roots),
        survey_lacking(statements, parted.lines),
        frozenset(relations),
        frozenset(functions),
        Waits(statements),
        parted,
        frozenset(roles),
        frozenset(serials),
        frozenset(defaults),
        frozenset(referring),
        frozenset(key for statement in statements for key in _added_keys(statement)),
        deferred_changes(statements),
    )


def _referring(statement: ScriptStatement) -> Iterator[Name]:
    """Iterate over the two tables of each foreign key that a statement makes."""
    if statement.kind in ("CreateStmt", "AlterTableStmt"):
        for node in nested([statement.tree.get("tableElts"), statement.tree.get("cmds")]):
            if "pktable" in node:
                yield relation_name(statement.tree["relation"])
                yield relation_name(node["pktable"])


def _added_keys(statement: ScriptStatement) -> Iterator[tuple[Name, tuple[str, ...]]]:
    """Iterate over the tables, and columns, of the primary keys that a statement adds."""
    if statement.kind == "AlterTableStmt":
        for item in statement.tree["cmds"]:
            constraint: Node = item["AlterTableCmd"].get("def", {}).get("Constraint", {})
            if constraint.get("contype") == "CONSTR_PRIMARY" and "keys" in constraint:
                yield relation_name(statement.tree["relation"]), tuple(strings(constraint["keys"]))


def _relations(statement: ScriptStatement) -> Iterator[Name]:
    """Iterate over the names of relations that a statement gives."""
    top, kind = statement.tree, statement.kind
    if kind == "IndexStmt" and "idxname" in top:
        yield relation_name(top["relation"])[0], top["idxname"]
    elif kind == "CreateTableAsStmt":
        yield relation_name(top["into"]["rel"])
    elif kind in ("CreateStmt", "ViewStmt", "CreateSeqStmt", "CompositeTypeStmt"):
        made = top.get("view") or top.get("sequence") or top.get("typevar") or top["relation"]
        yield relation_name(made)
    elif kind in ("RenameStmt", "AlterObjectSchemaStmt") and "relation" in top:
        schema, name = relation_name(top["relation"])
        yield top.get("newschema", schema), top.get("newname", name)


def _is_serial(column: Node) -> bool:
    return not SERIAL_TYPES.keys().isdisjoint(strings(column.get("typeName", {}).get("names")))
