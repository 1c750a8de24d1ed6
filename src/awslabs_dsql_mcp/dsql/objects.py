"""Kinds of objects that Aurora DSQL has, by what can be done with them.

Sources: Aurora DSQL user guide, "Supported SQL commands"; AWS's published grammar; messages of clusters
recorded from July to October 2026.
"""

from collections.abc import Mapping
from typing import Any, Final

OBJECTS: Final = frozenset(
    (
        *("TABLE", "VIEW", "INDEX", "SEQUENCE", "SCHEMA", "FUNCTION", "ROUTINE", "DOMAIN", "STATISTIC_EXT"),
        *("ROLE", "COLUMN", "TABCONSTRAINT", "DOMCONSTRAINT"),
    )
)
"""Kinds of objects that DROP, RENAME, OWNER TO and SET SCHEMA can be about, as in ``OBJECT_TABLE``."""

COMMENTED_OBJECTS: Final = OBJECTS - {"STATISTIC_EXT"}
"""Kinds of objects that COMMENT is about: those of AWS's published grammar, and their like."""

GRANTED_OBJECTS: Final = frozenset(("TABLE", "SEQUENCE", "SCHEMA", "FUNCTION", "ROUTINE", "DOMAIN"))
"""Kinds of objects that privileges are granted on."""

SYSTEM_SCHEMAS: Final = frozenset(("public", "sys", "pg_catalog", "information_schema"))
"""Schemas on which nothing is granted: ``feature not supported on system entity``."""

CATALOG_SCHEMAS: Final = ("information_schema", "pg_catalog", "pg_toast", "sys")
"""Schemas in which nothing is a user's."""

_DROPPED_IF_THERE: Final = frozenset(("TRIGGER", "EVENT_TRIGGER"))


def object_kind(node: Mapping[str, Any], field: str = "objtype") -> str:
    """Name the kind of object that a statement is about, such as ``TABLE`` or ``STATISTIC_EXT``.

    Args:
        node: The fields of the parser's node.
        field: The one with the kind, which is left out for some of a table.
    """
    return str(node.get(field, "OBJECT_TABLE")).removeprefix("OBJECT_")


def is_object(node: Mapping[str, Any]) -> bool:
    """Say whether DROP, RENAME, OWNER TO or SET SCHEMA is about a kind of object that Aurora DSQL has.

    ``DROP TRIGGER IF EXISTS`` is accepted, since no trigger exists (AWS's cluster tests, 2026-08-07), and
    ``DROP EVENT TRIGGER IF EXISTS`` too (AWS's published grammar of that day).
    """
    field = next((field for field in ("removeType", "renameType") if field in node), "objectType")
    kind = object_kind(node, field)
    if kind in _DROPPED_IF_THERE:
        return field == "removeType" and bool(node.get("missing_ok"))
    return kind in OBJECTS
