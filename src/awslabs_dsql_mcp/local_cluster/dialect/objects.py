"""Sequences, views, functions, roles, grants; DROP, RENAME and the like for all kinds of objects.

Recorded on clusters: the texts for sequences, functions, procedures, GRANT, and DROP and RENAME of a type.
By likeness: COMMENT, settings and bodies of functions, TEMPORARY sequences and views, a sequence's type,
OWNER TO, SET SCHEMA, role attributes.
"""

from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.objects import (
    COMMENTED_OBJECTS,
    GRANTED_OBJECTS,
    SYSTEM_SCHEMAS,
    is_object,
    object_kind,
)
from awslabs_dsql_mcp.dsql.unsupported import ROLE_OPTIONS
from awslabs_dsql_mcp.local_cluster.dialect import queries
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import (
    INVALID_PARAMETER,
    TOO_LARGE,
    Refusal,
    unsupported,
)
from awslabs_dsql_mcp.local_cluster.dialect.settings import refused_setting
from awslabs_dsql_mcp.local_cluster.dialect.tables import refused_cache, refused_persistence
from awslabs_dsql_mcp.sql.definitions import is_builtin, option
from awslabs_dsql_mcp.sql.dsql_syntax import parse
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.sql.parser import ParseError

_SPELLED: Final = {
    "isreplication": "REPLICATION",
    "connectionlimit": "CONNECTION LIMIT",
    "validUntil": "VALID UNTIL",
}

_VERBS: Final = {
    "DropStmt": "DROP",
    "RenameStmt": "RENAME",
    "AlterOwnerStmt": "ALTER OWNER",
    "AlterObjectSchemaStmt": "ALTER SET SCHEMA",
}


def about(statement: ParsedStatement) -> Refusal | None:
    """DROP, RENAME, OWNER TO, SET SCHEMA: of the kinds of objects that a cluster has."""
    top = statement.tree.root
    if not is_object(top):
        return unsupported(f"unsupported object in {_VERBS[statement.tree.kind]} statement")
    if top.get("concurrent"):
        return unsupported("DROP INDEX CONCURRENTLY must be first action in transaction")
    return None


def comment(statement: ParsedStatement) -> Refusal | None:
    """COMMENT: of the kinds of objects that a cluster has."""
    kind = object_kind(statement.tree.root)
    return None if kind in COMMENTED_OBJECTS else unsupported("unsupported object in COMMENT statement")


def sequence(statement: ParsedStatement) -> Refusal | None:
    """CREATE SEQUENCE."""
    top = statement.tree.root
    if (temporary := refused_persistence(top["sequence"], "sequence", "SEQUENCE")) is not None:
        return temporary
    return refused_cache("CREATE SEQUENCE", top.get("options")) or _refused_sequence_type(top)


def altered_sequence(statement: ParsedStatement) -> Refusal | None:
    """ALTER SEQUENCE: its cache and type keep to the rules of CREATE SEQUENCE."""
    top = statement.tree.root
    changes_cache = option(top.get("options"), "cache") is not None
    found = refused_cache("ALTER SEQUENCE", top.get("options")) if changes_cache else None
    return found or _refused_sequence_type(top)


def view(statement: ParsedStatement) -> Refusal | None:
    """CREATE VIEW."""
    if len(statement.written()) > limits.MAX_VIEW_CHARACTERS:
        return Refusal(TOO_LARGE, "view definition too large")
    return refused_persistence(statement.tree.root["view"], "view", "VIEW") or queries.refused(statement)


def function(statement: ParsedStatement) -> Refusal | None:
    """CREATE FUNCTION: in LANGUAGE SQL."""
    top = statement.tree.root
    if top.get("is_procedure"):
        return unsupported("PROCEDURE is not supported")
    language = constant((option(top.get("options"), "language") or {}).get("arg"))
    if language and language.lower() != "sql":
        return unsupported(f"CREATE FUNCTION with language {language} not supported")
    for place in statement.tree.find("VariableSetStmt"):
        value = next(map(constant, place.node.get("args", ())), None)
        if (found := refused_setting(place.node.get("name", ""), value)) is not None:
            return found
    return None


def body(statement: ParsedStatement) -> tuple[ParsedStatement, ...]:
    """Read the statements of a function's body that is a text; none if PostgreSQL is to say what is wrong."""
    text = (option(statement.tree.root.get("options"), "as") or {}).get("arg", {})
    try:
        parsed = parse(";".join(strings(text.get("List", {}).get("items"))))
    except ParseError:
        return ()
    return tuple(one for one in parsed if isinstance(one, ParsedStatement))


def grant(statement: ParsedStatement) -> Refusal | None:
    """GRANT and REVOKE on objects."""
    top = statement.tree.root
    if object_kind(top) not in GRANTED_OBJECTS:
        return unsupported("unsupported object type in GRANT")
    on_objects = top.get("targtype", "ACL_TARGET_OBJECT") == "ACL_TARGET_OBJECT"
    if top.get("objtype") == "OBJECT_SCHEMA" and on_objects and SYSTEM_SCHEMAS & {*strings(top["objects"])}:
        return unsupported("feature not supported on system entity")
    return None


def role(statement: ParsedStatement) -> Refusal | None:
    """CREATE ROLE and ALTER ROLE: LOGIN and memberships; who may connect is IAM's business."""
    for item in statement.tree.root.get("options", ()):
        name = item["DefElem"]["defname"]
        if name not in ROLE_OPTIONS:
            return unsupported(f"role option {_SPELLED.get(name, name.upper())} not supported")
    return None


def _refused_sequence_type(top: Node) -> Refusal | None:
    type_name = (option(top.get("options"), "as") or {}).get("arg", {}).get("TypeName")
    if type_name is None or is_builtin(type_name, "int8"):
        return None
    return Refusal(INVALID_PARAMETER, "sequence type must be bigint")
