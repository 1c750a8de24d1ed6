"""Messages after the start-up of a connection, written and read.

Source: PostgreSQL documentation, 55.7 "Message Formats" and 55.8 "Error and Notice Message Fields".
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from awslabs_dsql_mcp.local_cluster.protocol.wire import ERROR_RESPONSE, QUERY, message, query

PARSE, BIND, DESCRIBE, EXECUTE, CLOSE, SYNC, FLUSH = b"P", b"B", b"D", b"E", b"C", b"S", b"H"
COPY_DATA, COPY_DONE, COPY_FAIL, FUNCTION_CALL = b"d", b"c", b"f", b"F"
COPY_ENDS = (COPY_DONE, COPY_FAIL)
PARSE_COMPLETE, BIND_COMPLETE, CLOSE_COMPLETE = b"1", b"2", b"3"
ROW_DESCRIPTION, NO_DATA, DATA_ROW = b"T", b"n", b"D"
COMMAND_COMPLETE, EMPTY_QUERY, PORTAL_SUSPENDED = b"C", b"I", b"s"
COPY_IN, COPY_BOTH = b"G", b"W"
BACKEND_KEY, PARAMETER_STATUS, NOTICE = b"K", b"S", b"N"
__all__ = ["ERROR_RESPONSE", "QUERY", "message", "query"]


class Parsed(NamedTuple):
    """A Parse message: name and text of a statement, and the encoded types of its parameters."""

    name: bytes
    sql: bytes
    types: bytes


class Bound(NamedTuple):
    """A Bind message: portal, statement, and the encoded rest."""

    portal: bytes
    statement: bytes
    values: bytes


def read_parse(body: bytes) -> Parsed:
    """Parse the body of a Parse message."""
    name, sql, types = body.split(b"\0", 2)
    return Parsed(name, sql, types)


def parse(parsed: Parsed) -> bytes:
    """Write a Parse message."""
    return message(PARSE, b"\0".join(parsed))


def read_bind(body: bytes) -> Bound:
    """Parse the body of a Bind message."""
    portal, statement, values = body.split(b"\0", 2)
    return Bound(portal, statement, values)


def bind(bound: Bound) -> bytes:
    """Write a Bind message."""
    return message(BIND, b"\0".join(bound))


def bind_plainly(portal: bytes, statement: bytes) -> bytes:
    """Write a Bind message of a statement without parameters."""
    return bind(Bound(portal, statement, b"\0\0\0\0\0\0"))


def execute(portal: bytes) -> bytes:
    """Write an Execute message that runs a portal to its end."""
    return message(EXECUTE, portal + b"\0\0\0\0\0")


def close(what: bytes, name: bytes) -> bytes:
    """Write a Close message of a statement (``S``) or a portal (``P``)."""
    return message(CLOSE, what + name + b"\0")


def first_text(body: bytes) -> bytes:
    """Read the first string of a body."""
    return body[: body.index(b"\0")]


def read_fields(body: bytes) -> dict[str, str]:
    """Read the fields of an ErrorResponse or a NoticeResponse, by their one-letter names."""
    return {part[:1].decode(): part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}


def error(fields: Mapping[str, str]) -> bytes:
    """Write an ErrorResponse."""
    parts = [key.encode() + text.encode("utf-8", "replace") + b"\0" for key, text in fields.items()]
    return message(ERROR_RESPONSE, b"".join(parts) + b"\0")


def command_complete(tag: str) -> bytes:
    """Write a CommandComplete message."""
    return message(COMMAND_COMPLETE, tag.encode() + b"\0")


def text_row(text: str) -> bytes:
    """Write a row of one text column."""
    data = text.encode()
    return message(DATA_ROW, struct.pack("!HI", 1, len(data)) + data)


def read_text_row(message: bytes) -> str:
    """Read a DataRow of one text column."""
    return message[11:].decode("utf-8", "replace")  # behind kind, length, number of columns, length


def parameter_status(name: str, value: str) -> bytes:
    """Write a ParameterStatus message."""
    return message(PARAMETER_STATUS, name.encode() + b"\0" + value.encode() + b"\0")
