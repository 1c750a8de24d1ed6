"""Facts about a whole script that a pass over it needs before it begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from awslabs_dsql_mcp.dsql.types import SERIAL_TYPES
from awslabs_dsql_mcp.migration.analysis.identities import IdentityColumn, changed_defaults, identities
from awslabs_dsql_mcp.migration.analysis.lacking import Lacking, survey_lacking
from awslabs_dsql_mcp.migration.analysis.uses import Uses
from awslabs_dsql_mcp.migration.analysis.waits import Waits
from awslabs_dsql_mcp.migration.script.mentions import Name, qualified_name, relation_name
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
        relations: Tables, views and sequences that it makes, each with the place where it is first made.
        functions: Names of functions that it makes.
        waits: Those that wait for what their bodies name.
        roles: Roles that it makes.
        serials: Tables that it makes with a column of a serial type.
        defaults: Columns that get another default after they are made.
    """

    statements: Sequence[ScriptStatement]
    uses: Uses
    identities: dict[Name, IdentityColumn]
    lacking: Lacking
    relations: dict[Name, int]
    functions: frozenset[str]
    waits: Waits
    roles: frozenset[str]
    serials: frozenset[Name]
    defaults: frozenset[tuple[Name, str]]


def survey(statements: Sequence[ScriptStatement]) -> Survey:
    """Look through a script."""
    used = Uses(statements)
    relations: dict[Name, int] = {}
    functions: set[str] = set()
    roles: set[str] = set()
    serials: set[Name] = set()
    defaults: set[tuple[Name, str]] = set()
    for at, statement in enumerate(statements):
        defaults.update(changed_defaults(statement))
        top = statement.tree
        if statement.kind in ("CreateStmt", "ViewStmt", "CreateSeqStmt"):
            made = top.get("relation") or top.get("view") or top["sequence"]
            relations.setdefault(relation_name(made), at)
            if any(_is_serial(column) for column in table_elements(top, "ColumnDef")):
                serials.add(relation_name(made))
        elif statement.kind == "CreateTableAsStmt":
            relations.setdefault(relation_name(top["into"]["rel"]), at)
        elif statement.kind == "CreateFunctionStmt":
            functions.add(qualified_name(strings(top["funcname"]))[1])
        elif statement.kind == "RenameStmt" and top["renameType"] in ("OBJECT_FUNCTION", "OBJECT_ROUTINE"):
            functions.add(top["newname"])
        elif statement.kind == "CreateRoleStmt":
            roles.add(top["role"])
    return Survey(
        statements,
        used,
        identities(statements, used, relations),
        survey_lacking(statements),
        relations,
        frozenset(functions),
        Waits(statements),
        frozenset(roles),
        frozenset(serials),
        frozenset(defaults),
    )


def _is_serial(column: Node) -> bool:
    return not SERIAL_TYPES.keys().isdisjoint(strings(column.get("typeName", {}).get("names")))
