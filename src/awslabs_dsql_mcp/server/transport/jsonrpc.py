"""JSON-RPC messages from lines of bytes: a message, or the error that answers the line.

A line that no reader takes is answered, never dropped, since its sender waits. Its id is looked for even
where the rest cannot be read; an id that cannot be found is null (JSON-RPC 2.0, section 5).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from mcp.types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    jsonrpc_message_adapter,
)
from mcp.types import JSONRPCMessage as Message
from pydantic import ValidationError

from awslabs_dsql_mcp import json_text
from awslabs_dsql_mcp.json_reader import LARGE, MAX_DEPTH, JsonReader, TooMuch, check_utf8
from awslabs_dsql_mcp.large_work import uncollected
from awslabs_dsql_mcp.server.transport.limits import MAX_LINE, MAX_NAME
from awslabs_dsql_mcp.server.transport.line_reader import CutLine
from awslabs_dsql_mcp.server.transport.line_scan import depth_of, find_id

UNREADABLE: Final = "awslabs-dsql-mcp/unreadable"
"""Key in a request's ``_meta``: why its text cannot be taken as it is."""

_TOO_LONG: Final = (
    f"The line is longer than {MAX_LINE >> 20} MiB. Send less at once: a transaction of Aurora DSQL changes "
    "at most 10 MiB; load_rows reads larger data from a file."
)
_HAS_BOM: Final = "The line begins with a byte order mark; JSON has none."
_BOM: Final = b"\xef\xbb\xbf"
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class MessageRejected(Exception):
    """A line that is no message.

    Args:
        code: JSON-RPC error code.
        reason: For the sender, one sentence.
        responds_to: The id of the server's own request that the line was to answer.
    """

    def __init__(self, code: int, reason: str, responds_to: int | str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self._responds_to = responds_to

    def answer(self, line: bytes) -> JSONRPCError:
        """Build the error that answers the line; the id of a response is the server's, not the client's."""
        answered = find_id(line) if self._responds_to is None else None
        return JSONRPCError(jsonrpc="2.0", id=answered, error=self._error)

    @property
    def response(self) -> JSONRPCError | None:
        """The error that ends the server's own request, if the line was to answer one."""
        if self._responds_to is None:
            return None
        return JSONRPCError(jsonrpc="2.0", id=self._responds_to, error=self._error)

    @property
    def _error(self) -> ErrorData:
        return ErrorData(code=self.code, message=str(self))


@dataclass(frozen=True)
class Rejection:
    """What becomes of a line that is no message.

    Attributes:
        reason: Why it is none.
        answer: The error that answers it.
        response: The error that ends the server's own request, if the line was to answer one.
    """

    reason: str
    answer: JSONRPCError
    response: JSONRPCError | None = None


def take_line(line: bytes) -> Message | Rejection:
    """Read one line, whatever it is; in any thread."""
    try:
        return read_message(line)
    except MessageRejected as rejected:
        return Rejection(str(rejected), rejected.answer(line), rejected.response)


def read_message(line: bytes) -> Message:
    """Read one line.

    Args:
        line: One message in UTF-8, with or without its line feed.

    Returns:
        The message. A request with a lone surrogate is returned with a note in its ``_meta``
        (`UNREADABLE`): the tool that it calls can then answer in words that reach a model.

    Raises:
        MessageRejected: The line is none.

    Sources: JSON-RPC 2.0, sections 4 to 6; MCP 2026-07-28, "Base Protocol"; RFC 8259, section 8.
    """
    if isinstance(line, CutLine) or len(line) > MAX_LINE:
        raise MessageRejected(INVALID_REQUEST, _TOO_LONG)
    value = _read_large(line) if len(line) > LARGE else _read_small(line)
    try:  # not pydantic's own parser: it would round numbers
        message = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        raise MessageRejected(INVALID_REQUEST, _wrong_shape(value), _broken_response(value)) from None
    if isinstance(message, JSONRPCNotification) and "id" in value:
        # An id that is none makes a request a notification, which nobody answers.
        raise MessageRejected(INVALID_REQUEST, _wrong_shape(value))
    if isinstance(message, JSONRPCRequest) and not _is_id(message.id):
        raise MessageRejected(INVALID_REQUEST, _wrong_shape(value))
    if isinstance(message, JSONRPCRequest | JSONRPCNotification):
        meta = (message.params or {}).get("_meta")
        if meta is not None and not isinstance(meta, dict):
            raise MessageRejected(INVALID_PARAMS, "params._meta has to be an object.")
        for kind, name in _names(message):
            if isinstance(name, str) and len(name) > MAX_NAME:
                raise MessageRejected(INVALID_PARAMS, f"{kind} has more than {MAX_NAME:,} characters.")
    return message


def _names(message: JSONRPCRequest | JSONRPCNotification) -> Iterator[tuple[str, object]]:
    """Give what answers repeat."""
    yield "method", message.method
    params = message.params or {}
    yield from ((f"params.{field}", params.get(field)) for field in ("name", "uri"))
    meta, arguments = params.get("_meta"), params.get("arguments")
    if isinstance(meta, dict):
        yield "progressToken", cast("dict[str, object]", meta).get("progressToken")
    if isinstance(arguments, dict):
        yield from (("The name of an argument", name) for name in cast("dict[str, object]", arguments))


def _read_small(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None
    if line.startswith(_BOM):
        raise MessageRejected(PARSE_ERROR, _HAS_BOM)
    if depth_of(line) > MAX_DEPTH:
        raise MessageRejected(INVALID_REQUEST, f"The message is nested more than {MAX_DEPTH} levels deep.")
    value = _parse(text)
    return _with_surrogates_marked(value) if _SURROGATE.search(line) else value


def _read_large(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        check_utf8(line)
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None
    if line.startswith(_BOM):
        raise MessageRejected(PARSE_ERROR, _HAS_BOM)
    reader = JsonReader(line)
    try:
        with uncollected():
            value = reader.read()
    except TooMuch as error:
        raise MessageRejected(INVALID_REQUEST, f"The message {error}.") from None
    except ValueError as error:
        raise MessageRejected(PARSE_ERROR, f"The line is not JSON: {error}.") from None
    return _with_surrogates_marked(value) if reader.has_lone_surrogate else value


def _not_utf8(error: UnicodeDecodeError) -> MessageRejected:
    byte = f"byte 0x{error.object[error.start]:02X} at offset {error.start}"
    return MessageRejected(PARSE_ERROR, f"The line is not UTF-8: {byte}.")


def _parse(text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json_text.loads(text)
    except json.JSONDecodeError as error:
        raise MessageRejected(
            PARSE_ERROR, f"The line is not JSON: {error.msg} at character {error.pos}."
        ) from None
    except ValueError as error:
        raise MessageRejected(PARSE_ERROR, f"The line is not JSON: {error}.") from None


def _broken_response(message: object) -> int | str | None:
    """Give the id of what is a response but for its shape."""
    if not isinstance(message, dict) or "method" in message:
        return None
    fields = cast("dict[str, object]", message)
    answered = fields.get("id")
    is_response = "result" in fields or "error" in fields
    return answered if is_response and isinstance(answered, int | str) else None


def _wrong_shape(message: object) -> str:
    if isinstance(message, list):
        return "Batches are not supported: send each message on a line of its own."
    if not isinstance(message, dict):
        return "A message has to be a JSON object."
    fields = cast("dict[str, object]", message)
    for name, is_right, expected in _FIELDS:
        if name in fields and not is_right(fields[name]):
            return f"{name} has to be {expected}."
    return "The message has no jsonrpc." if "jsonrpc" not in fields else "The message has no method."


def _is_id(value: object) -> bool:
    return type(value) is int or (isinstance(value, str) and len(value) <= MAX_NAME)


_AN_ID: Final = f"a text of at most {MAX_NAME:,} characters, or an integer"
_FIELDS: Final[tuple[tuple[str, Callable[[object], bool], str], ...]] = (
    ("jsonrpc", lambda value: value == "2.0", 'the text "2.0"'),
    ("id", _is_id, _AN_ID),
    ("method", lambda value: isinstance(value, str), "a text"),
    ("params", lambda value: isinstance(value, dict), "an object"),
    ("result", lambda value: isinstance(value, dict), "an object"),
    ("error", lambda value: isinstance(value, dict), "an object with code and message"),
)
"""Members of a message: name, test, and what is expected."""


def _with_surrogates_marked(message: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace lone surrogates, and note them in the request's ``_meta``.

    Raises:
        MessageRejected: One is in its id: no answer can repeat that, and another id would be nobody's.
    """
    if _is_unicode(message):
        return message
    given: object = message
    fields = cast("dict[str, object]", given) if isinstance(given, dict) else {}
    if not _is_unicode(fields.get("id")):
        raise MessageRejected(INVALID_REQUEST, "id has a lone surrogate, which is not Unicode.")
    return _marked(without_surrogates(message))


def _is_unicode(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _marked(message: object) -> object:
    match message:
        case {"params": {"_meta": dict()}}:
            cast("Any", message)["params"]["_meta"][UNREADABLE] = "a lone surrogate"
        case {"params": dict()}:
            cast("Any", message)["params"]["_meta"] = {UNREADABLE: "a lone surrogate"}
        case _:
            pass
    return message


def without_surrogates(value: object) -> object:
    """Copy a JSON value with each lone surrogate replaced by a question mark."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [without_surrogates(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {without_surrogates(key): without_surrogates(item) for key, item in pairs}
    return value
