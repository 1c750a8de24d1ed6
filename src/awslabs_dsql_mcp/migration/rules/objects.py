"""Statements about objects of any kind: schemas, comments, DROP."""

from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.dsql.objects import CATALOG_SCHEMAS, COMMENTED_OBJECTS, is_object
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules import domains, functions
from awslabs_dsql_mcp.migration.script.mentions import Name, object_name, qualified_name
from awslabs_dsql_mcp.sql.definitions import items
from awslabs_dsql_mcp.sql.functions import is_user_defined
from awslabs_dsql_mcp.sql.parse_tree import Node

_NO_COMMENT: Final = "a comment on what is not carried over"
POSTGRESQLS: Final = "it is about what PostgreSQL has itself, which no user owns"
_FUNCTIONS: Final = frozenset(("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"))


def create_schema(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE SCHEMA over."""
    if draft.top.get("schemaname") == "public":
        conversion.skip(draft, "public is there")
        return
    if draft.text is None:
        draft.changed("what it makes inside follows, a step each")
    conversion.statements.append(draft)


def comment(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a COMMENT over if its object is."""
    kind: str = draft.top["objtype"]
    if kind == "OBJECT_MATVIEW":
        draft.top["objtype"] = kind = "OBJECT_VIEW"
        draft.changed("on a plain view")
    if kind == "OBJECT_TYPE" and qualified_name(object_name(draft.top["object"])) in conversion.types.domains:
        draft.top["objtype"] = kind = "OBJECT_DOMAIN"
        draft.changed("on a domain")
    if kind.removeprefix("OBJECT_") not in COMMENTED_OBJECTS:
        conversion.skip(draft, _NO_COMMENT)
        return
    if (needed := conversion.survey.lacking.subject(kind, draft.top["object"])) is not None:
        conversion.skip(draft, f"it is about {needed}, which is left out")
        return
    if kind in ("OBJECT_TABCONSTRAINT", "OBJECT_DOMCONSTRAINT", "OBJECT_INDEX") and not _is_there(
        conversion, kind, draft.top["object"]
    ):
        conversion.skip(draft, _NO_COMMENT)
        return
    if is_postgresqls(conversion, kind, draft.top["object"]):
        conversion.skip(draft, POSTGRESQLS, human=True)
        return
    if kind == "OBJECT_SEQUENCE":
        _rename(conversion, draft, draft.top["object"])
    elif kind == "OBJECT_ROLE" and not conversion.survey.roles.intersection(object_name(draft.top["object"])):
        conversion.skip(
            draft, "the script does not make the role, and who has not made it may not", human=True
        )
        return
    conversion.statements.append(draft)


def is_postgresqls(conversion: Conversion, kind: str, named: Node) -> bool:
    """Say if a statement is about an object of PostgreSQL's own."""
    parts = [named["RangeVar"].get("schemaname", "")] if "RangeVar" in named else object_name(named)
    if kind == "OBJECT_SCHEMA":
        return any(part in CATALOG_SCHEMAS for part in parts)
    if kind in _FUNCTIONS and len(parts) == 1:
        return parts[0] not in conversion.survey.functions and not is_user_defined(parts)
    return any(part in CATALOG_SCHEMAS for part in parts[:1])


def _is_there(conversion: Conversion, kind: str, named: Node) -> bool:
    """Say if an index or constraint was not left out, as far as the script can tell."""
    parts = object_name(named)
    if kind == "OBJECT_INDEX":
        return parts[-1] in conversion.taken(qualified_name(parts)[0])
    if kind == "OBJECT_DOMCONSTRAINT":
        return not domains.lacks(conversion, named)
    return parts[-1] not in conversion.lost_constraints.get(qualified_name(parts[:-1]), ())


def _rename(conversion: Conversion, draft: ConvertedStatement, named: Node) -> None:
    """Name an identity's sequence in a statement that names it by a list."""
    if "List" in named and (new := conversion.renamed.get(qualified_name(object_name(named)))) is not None:
        named["List"]["items"] = [{"String": {"sval": part}} for part in new]
        draft.changed("the sequence is an identity's")


def drop(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a DROP over if there can be something to drop."""
    top = draft.top
    kind: str = top["removeType"]
    if kind == "OBJECT_MATVIEW":
        top["removeType"] = kind = "OBJECT_VIEW"
        draft.changed("of a plain view")
    for item in items(top.get("objects")):
        conversion.lost.drop(kind, item)
    if not is_object(top) and (top.get("missing_ok") or _all_left_out(conversion, top)):
        conversion.skip(draft, "Aurora DSQL has none of its kind")
        return
    objects = items(top.get("objects"))
    kept = [item for item in objects if conversion.survey.lacking.subject(kind, item) is None]
    if kind == "OBJECT_TABLE" and _are_partitions(conversion, objects, draft.line):
        conversion.skip(draft, "one plain table has the rows of the partition: DELETE them", blocks=True)
        return
    if objects and not kept:
        conversion.skip(draft, "it is about what is left out")
        return
    if any(is_postgresqls(conversion, kind, item) for item in kept):
        conversion.skip(draft, POSTGRESQLS, blocks=True)
        return
    if kept != objects:
        top["objects"] = kept
        draft.changed("objects left out that are not carried over")
    if top.pop("concurrent", None):
        draft.changed("CONCURRENTLY left out")
    for item in kept:
        _forget(conversion, kind, item)
    conversion.statements.append(draft)


def _are_partitions(conversion: Conversion, objects: Iterable[Node], line: int) -> bool:
    """Say if one of some tables is a partition that is made before a line."""
    names = [qualified_name(object_name(item)) for item in objects]
    lines = conversion.survey.partitions.lines
    return any(lines.get(name, line) < line for name in names)


def _all_left_out(conversion: Conversion, top: Node) -> bool:
    """Say if a DROP is about types, triggers or the like that the script itself has made."""
    if top["removeType"] == "OBJECT_TYPE":
        names = [qualified_name(object_name(item)) for item in items(top.get("objects"))]
        types = conversion.types
        return all(
            n in types.enums or n in types.composites or n in conversion.survey.lacking.types for n in names
        )
    return top["removeType"] in (
        "OBJECT_TRIGGER",
        "OBJECT_RULE",
        "OBJECT_POLICY",
        "OBJECT_EXTENSION",
        "OBJECT_AGGREGATE",
    )


def _forget(conversion: Conversion, kind: str, named: Node) -> None:
    functions.forget(conversion, named)
    parts = object_name(named)
    if not parts:
        return
    name: Name = qualified_name(parts)
    if kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"):
        conversion.free(name[0], [name[1]])
    if kind == "OBJECT_TABLE":
        made = conversion.tables.pop(name, None)
        conversion.free(name[0], made.relations if made else [f"{name[1]}_pkey"])
        gone = conversion.constraints.get(name, set[str]()) | (made.constraint_names if made else set[str]())
        conversion.constraints_of(name[0]).difference_update(gone)
        conversion.columns.pop(name, None)
        conversion.constraints.pop(name, None)
        conversion.not_null.pop(name, None)
    elif kind == "OBJECT_VIEW":
        conversion.views.discard(name)
        conversion.columns.pop(name, None)
        conversion.view_columns.pop(name, None)
        conversion.other_rows.pop(name, None)
    elif kind == "OBJECT_DOMAIN":
        conversion.types.domains.pop(name, None)
        conversion.lost_constraints.pop(name, None)
