"""Catalog queries that check if a DDL step was applied, for use after its answer was lost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from typing_extensions import LiteralString

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.migration.analysis.signatures import input_parameters
from awslabs_dsql_mcp.migration.script.mentions import qualified_name, relation_name
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings

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
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1::text AND c.relname = $2::text "
    "AND k.conname = $3::text"
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
_FUNCTION: Final = (
    "SELECT count(*) > 0 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
    "WHERE n.nspname = $1::text AND p.proname = $2::text AND p.proargtypes::text = "
    "(SELECT coalesce(string_agg(to_regtype(t.name)::oid::text, ' ' ORDER BY t.place), '') "
    "FROM unnest(string_to_array($3::text, chr(10))) WITH ORDINALITY t(name, place))"
)
_ROLE: Final = "SELECT count(*) > 0 FROM pg_roles WHERE rolname = $1::text"
_DROPPED: Final = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE")
_REPEATABLE: Final = frozenset(
    {"AT_ColumnDefault", "AT_DropNotNull", "AT_SetStorage", "AT_SetIdentity", "AlterSeqStmt"}
    | {"CommentStmt", "GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt", "AlterRoleStmt"}
)


@dataclass(frozen=True)
class AppliedCheck:
    """A check if a step was applied.

    Attributes:
        query: Query for one row: ``t`` if the object exists; ``f`` or NULL if not.
        expect_absent: The step drops the object: it was applied if the object does not exist.
        repeatable: No check is needed: applying the step again changes nothing.
    """

    query: Query | None
    expect_absent: bool = False
    repeatable: bool = False

    def applied(self, answer: object) -> bool:
        """Interpret the query's value: ``t``, ``f`` or ``None``."""
        return (answer == "t") != self.expect_absent


def check_for(sql: str) -> AppliedCheck | None:
    """Find the check for a step; ``None`` if the catalog cannot show it."""
    found = trees(sql)
    return check_tree(found[0]) if found else None


def check_tree(tree: Tree) -> AppliedCheck | None:
    """Find the check for a parsed step; ``None`` if the catalog cannot show it."""
    if tree.kind in _REPEATABLE or tree.root.get("replace"):
        return AppliedCheck(None, repeatable=True)
    query = _QUERIES.get(tree.kind)
    return query(tree.root) if query else None


def _setval(top: Node) -> AppliedCheck | None:
    """Recognize setval, which is repeatable."""
    called = [target["ResTarget"].get("val", {}).get("FuncCall", {}) for target in top.get("targetList", ())]
    names = [strings(call.get("funcname"))[-1:] for call in called]
    return AppliedCheck(None, repeatable=True) if names == [["setval"]] else None


def _relation(relation: Node) -> AppliedCheck:
    return AppliedCheck(Query(_RELATION, relation_name(relation)))


def _function(top: Node) -> AppliedCheck | None:
    """Check for a function by its name and the types of its parameters, a line each."""
    types = [parameter.get("argType", {}) for parameter in input_parameters(top.get("parameters", []))]
    if any("pct_type" in one for one in types):
        return None
    names = [
        ".".join(map(quote_identifier, strings(one["names"]))) + "[]" * ("arrayBounds" in one)
        for one in types
    ]
    return AppliedCheck(Query(_FUNCTION, (*qualified_name(strings(top["funcname"])), "\n".join(names))))


def _index(top: Node) -> AppliedCheck | None:
    if not top.get("idxname"):
        return None
    schema, _ = relation_name(top["relation"])
    return AppliedCheck(Query(_INDEX, (schema, top["idxname"])))


def _alter_table(top: Node) -> AppliedCheck | None:
    """Check for a single command of ALTER TABLE; converted steps have only one."""
    if len(top["cmds"]) > 1:
        return None
    command: Node = top["cmds"][0]["AlterTableCmd"]
    subtype: str = command["subtype"]
    if subtype in _REPEATABLE:
        return AppliedCheck(None, repeatable=True)
    sql, expect_absent = _ALTER_TABLE.get(subtype, (None, False))
    defined: Node = command.get("def", {})
    name = command.get("name") or defined.get("Constraint", {}).get("conname")
    name = name or defined.get("ColumnDef", {}).get("colname")
    if sql is None or name is None:
        return None
    return AppliedCheck(Query(sql, (*relation_name(top["relation"]), name)), expect_absent=expect_absent)


def _drop(top: Node) -> AppliedCheck | None:
    if len(top["objects"]) > 1 or top.get("removeType") not in _DROPPED:
        return None
    parts = strings(top["objects"][0]["List"]["items"])
    return AppliedCheck(Query(_RELATION, qualified_name(parts)), expect_absent=True)


_ALTER_TABLE: Final[dict[str, tuple[LiteralString, bool]]] = {
    "AT_AddConstraint": (f"SELECT count(*) > 0 {_CONSTRAINT}", False),
    "AT_ValidateConstraint": (f"SELECT bool_or(k.convalidated) {_CONSTRAINT}", False),
    "AT_DropConstraint": (f"SELECT count(*) > 0 {_CONSTRAINT}", True),
    "AT_AddColumn": (_COLUMN, False),
    "AT_DropColumn": (_COLUMN, True),
}
_QUERIES: Final[dict[str, Callable[[Node], AppliedCheck | None]]] = {
    "CreateStmt": lambda top: _relation(top["relation"]),
    "ViewStmt": lambda top: _relation(top["view"]),
    "CreateSeqStmt": lambda top: _relation(top["sequence"]),
    "IndexStmt": _index,
    "CreateSchemaStmt": lambda top: AppliedCheck(Query(_SCHEMA, (top.get("schemaname"),))),
    "CreateDomainStmt": lambda top: AppliedCheck(Query(_TYPE, qualified_name(strings(top["domainname"])))),
    "CreateRoleStmt": lambda top: AppliedCheck(Query(_ROLE, (top["role"],))),
    "CreateFunctionStmt": _function,
    "AlterTableStmt": _alter_table,
    "DropStmt": _drop,
    "SelectStmt": _setval,
}
