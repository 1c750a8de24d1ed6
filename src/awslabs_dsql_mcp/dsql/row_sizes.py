"""Sizes of rows and index entries, as far as column types tell.

How Aurora DSQL encodes a row is not published, so these are PostgreSQL's sizes (PostgreSQL documentation,
"Data Types"). Most rows are below the least that is counted anyhow.
"""

from collections.abc import Mapping
from typing import Final

FIXED: Final[Mapping[str, int]] = {
    "bool": 1,
    "int2": 2,
    "int4": 4,
    "oid": 4,
    "float4": 4,
    "date": 4,
    "int8": 8,
    "float8": 8,
    "time": 8,
    "timestamp": 8,
    "timestamptz": 8,
    "timetz": 12,
    "interval": 16,
    "uuid": 16,
}
"""Bytes of a value of the types whose values all have one size."""

USUAL: Final = 32
"""Bytes that PostgreSQL's planner takes for a value without statistics (``get_typavgwidth``)."""

_NUMERIC: Final = 8  # bytes around the digits, of which four are two bytes


def value_size(kind: str, text: str) -> int:
    """Give the size of a value.

    Args:
        kind: Name of its type, such as ``int8``; empty for one that is not PostgreSQL's own.
        text: The value's text.
    """
    if (fixed := FIXED.get(kind)) is not None:
        return fixed
    if kind == "bytea" and text.startswith("\\x"):
        return len(text) // 2 - 1
    if kind == "numeric":
        return _NUMERIC + len(text) // 2
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
