"""Refusals of the types that no column and no key can have; `dsql.types` lists them."""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.dsql.types import DEFAULT_NUMERIC, SERIALS
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import (
    TOO_LARGE,
    UNDEFINED_OBJECT,
    Refusal,
    unsupported,
)
from awslabs_dsql_mcp.sql.definitions import builtin_type, is_builtin, is_too_long
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

_IN_LIMITS: Final = {"bpchar": "char", "varchar": "varchar"}
"""Types as the messages about declared lengths name them."""


def displayed(type_name: Node) -> str:
    """Write a type as PostgreSQL displays it: ``integer[]``."""
    row = builtin_type(type_name)
    shown = row.displayed if row else ".".join(strings(type_name.get("names"))[-1:])
    return f"{shown}[]" if "arrayBounds" in type_name else shown


def refused_column(type_name: Node) -> Refusal | None:
    """Refuse a type that no column can have."""
    names = strings(type_name.get("names"))
    if len(names) == 1 and names[0] in SERIALS:
        return Refusal(UNDEFINED_OBJECT, f'type "{names[0]}" does not exist')
    row = builtin_type(type_name)
    if "arrayBounds" in type_name or (row and not row.stored):
        return unsupported(f"datatype {displayed(type_name)} not supported")
    if row and is_too_long(type_name):
        message = (
            f"Datatype limit greater than {row.max_length} bytes not supported for {_IN_LIMITS[row.name]}"
        )
        return Refusal(TOO_LARGE, message)
    return None


def refused_key(type_name: Node) -> Refusal | None:
    """Refuse a type that no key can have a column of."""
    row = builtin_type(type_name)
    if row is None or row.key:
        return None
    return unsupported(f"datatype {displayed(type_name)} is not supported in a key")


def default_numeric(statement: ParsedStatement, type_names: Iterator[Node]) -> Iterator[tuple[int, int, str]]:
    """List the edits that give numeric columns their default precision."""
    ends = {place: token.end for place, token in enumerate(statement.tokens)}
    at = {token.start: place for place, token in enumerate(statement.tokens)}
    for type_name in type_names:
        if is_builtin(type_name, "numeric") and "typmods" not in type_name:
            place = at[type_name.get("location", 0)]
            if statement.words[place + 1 : place + 2] == (".",):
                place += 2
            yield ends[place], ends[place], DEFAULT_NUMERIC
