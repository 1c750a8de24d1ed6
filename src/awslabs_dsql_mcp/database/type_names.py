"""Names of the built-in types of PostgreSQL by object id, so that no query is needed for them."""

from typing import Final

from psycopg.postgres import types

# Types that a query can return and psycopg does not know (PostgreSQL 16, pg_type.dat).
_MISSING_IN_PSYCOPG: Final = {
    194: "pg_node_tree",
    705: "unknown",
    1263: "cstring[]",
    2275: "cstring",
    2277: "anyarray",
    2278: "void",
    5038: "pg_snapshot",
    5039: "pg_snapshot[]",
}


def type_name(oid: int, modifier: int = -1) -> str | None:
    """Name of a built-in type with its modifier, such as ``numeric(12,2)`` or ``text[]``.

    Args:
        oid: Object id of the type.
        modifier: Type modifier of the column, such as a length; -1 for none.

    Returns:
        ``None`` for a type that is not built in.
    """
    known = types.get(oid)
    return _MISSING_IN_PSYCOPG.get(oid) if known is None else known.get_type_display(oid=oid, fmod=modifier)
