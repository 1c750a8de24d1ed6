"""Was a step of DDL applied? Questions to the catalog, for when its own answer was lost.

Each question is answered by one row: whether the step's work is there, and what keeps it from being ready.
"""

from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.core.columns import name_of, relation_name
from awslabs_dsql_mcp.core.dsql_syntax import parse
from awslabs_dsql_mcp.core.results import Result
from awslabs_dsql_mcp.core.transactions import Query
from awslabs_dsql_mcp.core.tree import Node, Tree, strings

_RELATION: Final = (
    "SELECT count(*) > 0 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1::text AND c.relname = $2::text"
)
_INDEX: Final = (
    "SELECT bool_or(i.indisvalid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1::text AND c.relname = $2::text"
)
_CONSTRAINT: Final = (
    "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1::text AND c.relname = $2::text AND k.conname = $3::text"
)
_COLUMN: Final = (
    "SELECT count(*) > 0 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1::text AND c.relname = $2::text "
    "AND a.attname = $3::text AND NOT a.attisdropped"
)
_SCHEMA: Final = "SELECT count(*) > 0 FROM pg_namespace WHERE nspname = $1::text"
_TYPE: Final = (
    "SELECT count(*) > 0 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
    "WHERE n.nspname = $1::text AND t.typname = $2::text"
)
_ROLE: Final = "SELECT count(*) > 0 FROM pg_roles WHERE rolname = $1::text"
_REPEATABLE: Final = frozenset(
    {"AT_ColumnDefault", "AT_DropNotNull", "AT_SetStorage", "AT_SetIdentity", "AlterSeqStmt"}
    | {"CommentStmt", "GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt", "AlterRoleStmt"}
)


@dataclass(frozen=True)
class Sign:
    """How to find out whether a step was applied.

    Attributes:
        query: Gives one row: ``t`` if it is there; ``f`` or NULL if not.
        gone: The step drops it: it was applied when the query finds nothing.
        repeatable: There is nothing to find out: doing it again changes nothing.
    """

    query: Query | None
    gone: bool = False
    repeatable: bool = False

    def applied(self, result: Result) -> bool:
        """Read the answer."""
        return (result.rows[0][0] == "t") != self.gone


def sign_of(sql: str) -> Sign | None:
    """Find a step's sign; ``None`` where the catalog cannot tell."""
    trees = parse(sql).trees
    return _sign(trees[0]) if trees else None


def _sign(tree: Tree) -> Sign | None:
    top = tree.top
    if tree.kind in _REPEATABLE or top.get("replace"):
        return Sign(None, repeatable=True)
    match tree.kind:
        case "CreateStmt":
            return _relation(top["relation"])
        case "ViewStmt":
            return _relation(top["view"])
        case "CreateSeqStmt":
            return _relation(top["sequence"])
        case "IndexStmt" if top.get("idxname"):
            schema, _ = relation_name(top["relation"])
            return Sign(Query(_INDEX, (schema, top["idxname"])))
        case "CreateSchemaStmt" if top.get("schemaname"):
            return Sign(Query(_SCHEMA, (top["schemaname"],)))
        case "CreateDomainStmt":
            return Sign(Query(_TYPE, name_of(strings(top["domainname"]))))
        case "CreateRoleStmt":
            return Sign(Query(_ROLE, (top["role"],)))
        case "AlterTableStmt" if len(top["cmds"]) == 1:
            return _alteration(relation_name(top["relation"]), top["cmds"][0]["AlterTableCmd"])
        case "DropStmt" if len(top["objects"]) == 1:
            return _drop(top)
        case _:
            return None


def _relation(relation: Node) -> Sign:
    return Sign(Query(_RELATION, relation_name(relation)))


def _alteration(table: tuple[str, str], command: Node) -> Sign | None:
    subtype: str = command["subtype"]
    if subtype in _REPEATABLE:
        return Sign(None, repeatable=True)
    if subtype == "AT_AddConstraint" and (name := command["def"]["Constraint"].get("conname")):
        return Sign(Query(f"SELECT count(*) > 0 {_CONSTRAINT}", (*table, name)))
    if subtype == "AT_ValidateConstraint":
        return Sign(Query(f"SELECT bool_or(k.convalidated) {_CONSTRAINT}", (*table, command["name"])))
    if subtype == "AT_DropConstraint":
        return Sign(Query(f"SELECT count(*) > 0 {_CONSTRAINT}", (*table, command["name"])), gone=True)
    if subtype == "AT_AddColumn":
        return Sign(Query(_COLUMN, (*table, command["def"]["ColumnDef"]["colname"])))
    if subtype == "AT_DropColumn":
        return Sign(Query(_COLUMN, (*table, command["name"])), gone=True)
    return None


def _drop(top: Node) -> Sign | None:
    if top.get("removeType") not in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"):
        return None
    parts = strings(top["objects"][0]["List"]["items"])
    return Sign(Query(_RELATION, name_of(parts)), gone=True)
