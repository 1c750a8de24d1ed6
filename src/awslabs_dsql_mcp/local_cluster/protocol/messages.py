"""Messages after the start-up of a connection, written and read.

Source: PostgreSQL documentation, 55.7 "Message Formats" and 55.8 "Error and Notice Message Fields".
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from awslabs_dsql_mcp.local_cluster.protocol.wire import (
    ERROR_RESPONSE,
    QUERY,
    Malformed,
    Message,
    message,
    query,
)

PARSE, BIND, DESCRIBE, EXECUTE, CLOSE, SYNC, FLUSH = b"P", b"B", b"D", b"E", b"C", b"S", b"H"
COPY_DATA, COPY_DONE, COPY_FAIL, FUNCTION_CALL = b"d", b"c", b"f", b"F"
COPY_ENDS = (COPY_DONE, COPY_FAIL)
PARSE_COMPLETE, BIND_COMPLETE, CLOSE_COMPLETE = b"1", b"2", b"3"
ROW_DESCRIPTION, NO_DATA, DATA_ROW = b"T", b"n", b"D"
COMMAND_COMPLETE, EMPTY_QUERY, PORTAL_SUSPENDED = b"C", b"I", b"s"
COPY_IN, COPY_BOTH = b"G", b"W"
BACKEND_KEY, PARAMETER_STATUS, NOTICE = b"K", b"S", b"N"
__all__ = ["ERROR_RESPONSE", "QUERY", "message", "query"]


class WrongFormat(Malformed):
    """A message whose fields are not those of its type."""


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
    """Parse the body of a Parse message.

    Raises:
        WrongFormat: It does not have its two strings.
    """
    return Parsed(*_two_strings(body))


def copy_fail(reason: str) -> Message:
    """Make a CopyFail message."""
    body = reason.encode() + b"\0"
    return Message(COPY_FAIL, body, message(COPY_FAIL, body))


def parse(parsed: Parsed) -> bytes:
    """Write a Parse message."""
    return message(PARSE, b"\0".join(parsed))


def read_bind(body: bytes) -> Bound:
    """Parse the body of a Bind message.

    Raises:
        WrongFormat: It does not have its two strings.
    """
    return Bound(*_two_strings(body))


def _two_strings(body: bytes) -> tuple[bytes, bytes, bytes]:
    first, _, rest = body.partition(b"\0")
    second, end, rest = rest.partition(b"\0")
    if not end:
        raise WrongFormat("message format")
    return first, second, rest


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
    """Read the first string of a body.

    Raises:
        WrongFormat: It does not end.
    """
    text, end, _ = body.partition(b"\0")
    if not end:
        raise WrongFormat("message format")
    return text


def check_format(kind: bytes, body: bytes) -> None:
    """Check that a message of a client has all its fields and no more, as PostgreSQL does.

    PostgreSQL may go on after an error about that, from a state that the session cannot know.

    Raises:
        WrongFormat: It does not.
    """
    if kind not in _FIELDS:
        return
    try:
        end = _FIELDS[kind](body)
    except (ValueError, struct.error):  # no end of a string; no number where one should be
        end = -1
    if end != len(body):
        raise WrongFormat("message format")


def _text_end(body: bytes, at: int = 0) -> int:
    return body.index(0, at) + 1


def _numbers_end(body: bytes, at: int, size: int) -> int:
    """Pass over a count of two bytes, and so many numbers of a size."""
    (count,) = _COUNT.unpack_from(body, at)
    return int(at + 2 + size * count)


def _values_end(body: bytes, at: int) -> int:
    """Pass over a count of two bytes, and so many values, each behind its length; -1 stands for NULL."""
    (count,) = _COUNT.unpack_from(body, at)
    at += 2
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(body, at)
        at += 4 + max(length, 0)
    return at


def _bind_end(body: bytes) -> int:
    strings = _text_end(body, _text_end(body))
    return _numbers_end(body, _values_end(body, _numbers_end(body, strings, 2)), 2)


_COUNT: Final = struct.Struct("!H")
_LENGTH: Final = struct.Struct("!i")
_FIELDS: Final[dict[bytes, Callable[[bytes], int]]] = {
    QUERY: _text_end,
    PARSE: lambda body: _numbers_end(body, _text_end(body, _text_end(body)), 4),
    BIND: _bind_end,
    EXECUTE: lambda body: _text_end(body) + 4,
    DESCRIBE: lambda body: _text_end(body, 1),
    CLOSE: lambda body: _text_end(body, 1),
    COPY_FAIL: _text_end,
    **dict.fromkeys((SYNC, FLUSH, COPY_DONE), lambda _: 0),
}
"""Functions by type of message, each of which passes over the fields and returns where they end."""


def decode(sql: bytes) -> str:
    """Read a text in any encoding; bytes that are not UTF-8 become lone surrogates."""
    return sql.decode("utf-8", "surrogateescape")


def encode(sql: str) -> bytes:
    """Write such a text as it came."""
    return sql.encode("utf-8", "surrogateescape")


def read_fields(body: bytes) -> dict[str, str]:
    """Read the fields of an ErrorResponse or a NoticeResponse, by their one-letter names."""
    return {part[:1].decode(): part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}


def error(texts: Mapping[str, str]) -> bytes:
    """Write an ErrorResponse."""
    return message(ERROR_RESPONSE, fields(texts))


def notice(text: str) -> bytes:
    """Write a NoticeResponse."""
    return message(NOTICE, fields({"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": text}))


def fields(texts: Mapping[str, str]) -> bytes:
    """Write the fields of an ErrorResponse or a NoticeResponse."""
    parts = [key.encode() + text.encode("utf-8", "replace") + b"\0" for key, text in texts.items()]
    return b"".join(parts) + b"\0"


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
