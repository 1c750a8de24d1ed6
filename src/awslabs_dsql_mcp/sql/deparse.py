"""Parse trees written as SQL again, by libpg_query's own deparser."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Node
from awslabs_dsql_mcp.sql.parser import ParseError

_MAX_DEPTH: Final = 200
_VERSION: Final = 180004  # of the grammar


def deparse(kind: str, top: Node) -> str:
    """Write a statement's tree as SQL.

    Args:
        kind: Its node type.
        top: Its fields.

    Raises:
        ParseError: It is nested too deep to be written.
    """
    from postgast import deparse, pg_query_pb2  # noqa: PLC0415 - loads a C library and protobuf: at first need

    message = pg_query_pb2.ParseResult(version=_VERSION)
    _fill(message.stmts.add().stmt, {kind: top}, 0)
    return deparse(message)


def _fill(message: Any, fields: Node, depth: int) -> None:  # noqa: ANN401 - protobuf's, made at run time
    """Give a message the values of a node.

    protobuf's own ``json_format.ParseDict`` lists the fields of the type for each node anew, and ``Node`` has
    some 270 of them: that took most of the time of a script.

    Raises:
        ParseError: The node is nested too deep to be written.
    """
    if depth > _MAX_DEPTH:
        raise ParseError("too-complex", 0, "it is nested too deep to be rewritten")
    known = _fields(message.DESCRIPTOR)
    for name, value in fields.items():
        field = known[name]
        if field.message_type is None:
            _set(message, field, value)
        elif isinstance(value, list):
            repeated = getattr(message, field.name)
            for item in cast("list[Node]", value):
                _fill(repeated.add(), item, depth + 1)
        else:
            inner = getattr(message, field.name)
            inner.SetInParent()
            _fill(inner, value, depth + 1)


def _set(message: Any, field: Any, value: object) -> None:  # noqa: ANN401 - as above
    if isinstance(value, list):
        getattr(message, field.name).extend(value)
    elif field.enum_type is not None:
        setattr(message, field.name, field.enum_type.values_by_name[value].number)
    else:
        setattr(message, field.name, value)


@cache
def _fields(descriptor: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
    """Fields of a type of message, by their names in JSON."""
    return {name: field for field in descriptor.fields for name in (field.name, field.json_name)}


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
