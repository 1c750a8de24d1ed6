"""Statements that may make a text of a bytea, whose form is a setting, ``bytea_output``, in PostgreSQL."""

from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.migration.script.mentions import Mentions, nested
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_BYTES: Final = frozenset(
    (
        *("bytea", "decode", "convert", "convert_to", "sha224", "sha256", "sha384", "sha512", "digest"),
        *("hmac", "encrypt", "decrypt", "gen_random_bytes", "uuid_send", "int8send", "lo_get", "bytea_send"),
    )
)
"""The type, and functions whose result is of it (PostgreSQL documentation, "Binary String Functions")."""
_TEXTS: Final = frozenset(
    (
        *("text", "varchar", "bpchar", "name", "concat", "concat_ws", "format", "string_agg"),
        *("quote_literal", "quote_nullable", "to_json", "to_jsonb", "json_build_object", "row_to_json"),
        *("jsonb_build_object", "json_build_array", "jsonb_build_array", "json_agg", "jsonb_agg"),
    )
)


def line_of_text(statements: Iterable[ScriptStatement]) -> int | None:
    """Find the line of the first statement that may make a text of a bytea; ``None`` if none does."""
    columns: set[str] = set()
    for statement in statements:
        for fields in nested(statement.tree):
            defined: Node = fields.get("ColumnDef", {})
            if defined and _name(defined.get("typeName", {})) == "bytea":
                columns.add(defined["colname"])
        found = statement.mentions
        if _has_bytes(found, columns) and _makes_text(found):
            return statement.item.line
    return None


def _has_bytes(found: Mentions, columns: set[str]) -> bool:
    return not (_named(found) | (found.columns & columns)).isdisjoint(_BYTES | columns)


def _makes_text(found: Mentions) -> bool:
    return "||" in found.operators or not _named(found).isdisjoint(_TEXTS)


def _named(found: Mentions) -> set[str]:
    called = {strings(call.get("funcname"))[-1] for call in found.calls}
    return called | {_name(typed) for typed in found.types}


def _name(typed: Node) -> str:
    return (strings(typed.get("names")) or [""])[-1]
