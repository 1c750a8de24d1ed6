"""Violations that the rules for tables and for other objects share."""

from collections.abc import Iterator

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.types import ARRAY, EXTENSION_TYPES
from awslabs_dsql_mcp.dsql.unsupported import TEMPORARY
from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.definitions import column_type, is_too_long
from awslabs_dsql_mcp.sql.parse_tree import Node
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement


def unusable_type(type_name: Node, location: int) -> Iterator[Violation]:
    """Refuse a type that a column cannot have, or one that is declared too long."""
    location = type_name.get("location", location)
    row = column_type(type_name)
    if row is not None and row.name in EXTENSION_TYPES:
        return  # a domain may have that name
    if row is not None and not row.stored:
        what = "arrays as columns" if row is ARRAY else f"columns of type {row.displayed}"
        yield unsupported("column-type", location, what, row.advice)
    elif row is not None and is_too_long(type_name):
        why = f"A column of type {row.displayed} is declared with at most {row.max_length:,} bytes."
        yield Violation("limit", location, why, "Declare it shorter, or use text.")


def no_cache_size(what: str, location: int) -> Violation:
    """Refuse a sequence without a size of its cache that a cluster takes."""
    return Violation(
        "sequence-cache",
        location,
        f"Aurora DSQL wants the cache size of {what} given: {limits.SMALL_CACHE}, or "
        f"{limits.MIN_LARGE_CACHE} and more.",
        f"Write CACHE {limits.MIN_LARGE_CACHE} for speed, or CACHE {limits.SMALL_CACHE} to keep the numbers "
        "close to the order of the rows; for an identity column, in parentheses behind IDENTITY.",
    )


def not_persistent(source: ParsedStatement, relation: Node, what: str) -> Violation | None:
    """Refuse a relation that is temporary or unlogged."""
    persistence = "t" if relation.get("schemaname") == "pg_temp" else relation.get("relpersistence", "p")
    if persistence == "p":
        return None
    words = ("temp", "temporary", "unlogged", "pg_temp")
    location = next((token.start for token in source.tokens if token.word in words), source.start)
    word = "TEMPORARY" if persistence == "t" else "UNLOGGED"
    return Violation(TEMPORARY.rule, location, TEMPORARY.why.format(f"{word} {what}"), TEMPORARY.instead)


def unsupported(rule: str, location: int, what: str, instead: str, in_script: str = "") -> Violation:
    """Refuse what Aurora DSQL does not have."""
    return Violation(rule, location, f"Aurora DSQL does not have {what}.", instead, in_script)
