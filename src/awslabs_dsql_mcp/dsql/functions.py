"""Functions of PostgreSQL that Aurora DSQL lacks.

Sources: messages of clusters recorded in September 2026 (``datatype line not supported`` for geometric
functions, ``text search configuration "english" does not exist``) and reports from 2025 and 2026 (``function
pg_advisory_lock not supported``, inet_server_addr, pg_backend_pid).
"""

from typing import Final

SHAPES: Final = frozenset(("point", "line", "lseg", "box", "path", "polygon", "circle"))
"""Geometric types, of which Aurora DSQL has neither values nor the functions that make them."""

TEXT_SEARCH: Final = frozenset(
    ("to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery")
)
"""Functions that take a text search configuration first, or use the default one, ``english``."""

TEXT_SEARCH_CONFIGURATION: Final = "simple"
"""The one text search configuration that there is."""

_PREFIXES: Final = ("pg_advisory_", "pg_try_advisory_", "inet_server_", "pg_backend_pid")

RANDOM_UUID: Final = "gen_random_uuid"
"""The function of Aurora DSQL that makes a UUID, of version 4."""

UUID_FUNCTIONS: Final = {
    "uuid_generate_v4": "",
    "uuidv4": "",
    "uuidv7": "values are not in the order of their time",
    "uuid_generate_v1": "values do not hold their time",
    "uuid_generate_v1mc": "values do not hold their time",
}
"""Functions of extensions and later PostgreSQL that `RANDOM_UUID` stands in for: what that changes."""


def is_unsupported(name: str) -> bool:
    """Say whether a function of ``pg_catalog`` is refused as ``function … not supported``."""
    return name.startswith(_PREFIXES)
