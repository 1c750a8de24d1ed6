"""Parse trees written as SQL again, by libpg_query's own deparser."""

from typing import Final

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Node
from awslabs_dsql_mcp.sql.parser import ParseError

_MAX_DEPTH: Final = 200


def deparse(kind: str, top: Node) -> str:
    """Write a statement's tree as SQL.

    Args:
        kind: Its node type.
        top: Its fields.

    Raises:
        ParseError: It is nested too deep to be written.
    """
    from google.protobuf import json_format  # noqa: PLC0415 - loads a C library and protobuf: at first need
    from postgast import deparse, pg_query_pb2  # noqa: PLC0415 - as above

    parsed = {"version": 180004, "stmts": [{"stmt": {kind: top}}]}
    try:
        message = json_format.ParseDict(parsed, pg_query_pb2.ParseResult(), max_recursion_depth=_MAX_DEPTH)
    except json_format.ParseError as error:
        raise ParseError(
            "too-complex", 0, f"it is too complex to be rewritten ({type(error).__name__})"
        ) from None
    return deparse(message)


def column(definition: str) -> Node:
    """Make a ``ColumnDef`` of a column's definition as CREATE TABLE has it."""
    (tree,) = parser.parse(f"CREATE TABLE t ({definition})")
    return tree.root["tableElts"][0]["ColumnDef"]


def type_name(name: str) -> Node:
    """Make a ``TypeName`` of a type as SQL writes it."""
    return column(f"c {name}")["typeName"]


def constraint(definition: str) -> Node:
    """Make a ``Constraint`` of a column's constraint as CREATE TABLE has it."""
    return column(f"c text {definition}")["constraints"][0]


def literal(text: str | None) -> str:
    """Write a value as SQL that means the same under every setting of standard_conforming_strings."""
    if text is None:
        return "NULL"
    quoted = "'" + text.replace("'", "''").replace("\\", "\\\\") + "'"
    return f"E{quoted}" if "\\" in text else quoted
