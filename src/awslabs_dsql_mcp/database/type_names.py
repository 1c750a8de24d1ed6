"""Names of PostgreSQL's own types, by object id: no result has to ask for them."""

from typing import Final

from psycopg.postgres import types

# What psycopg leaves out and a query can answer with (PostgreSQL 16, pg_type.dat).
_MORE: Final = {
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
    """Name a type of PostgreSQL's own, with its modifier: ``numeric(12,2)``, ``text[]``.

    Args:
        oid: Its object id.
        modifier: What a column adds to it, such as a length; -1 for nothing.

    Returns:
        ``None`` for a type that PostgreSQL does not come with.
    """
    known = types.get(oid)
    return _MORE.get(oid) if known is None else known.get_type_display(oid=oid, fmod=modifier)
