"""Lines of a client that keeps to no rule of the protocol, made up from a seed."""

import copy
import json
import random
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from support.line_client import LEGACY, MODERN

Era = Literal["2025-11-25", "2026-07-28", "mixed"]

_CLIENT: Final = {"name": "fuzz", "version": "1"}
ENVELOPE: Final[dict[str, Any]] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": _CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
}
"""``_meta`` of each request of a stateless client."""

OPENING: Final[dict[str, Any]] = {
    "protocolVersion": LEGACY,
    "capabilities": {"elicitation": {}},
    "clientInfo": _CLIENT,
}
"""Params of ``initialize``."""

_TOOL_CALLS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("readonly_query", {"sql": "SELECT 1"}),
    ("readonly_query", {"sql": "SELECT %s::int + 1", "params": [41], "limit": 5}),
    ("readonly_query", {"sql": "SELECT * FROM generate_series(1, 500)"}),
    ("readonly_query", {"sql": "SELECT pg_sleep(0.02)"}),
    ("readonly_query", {"sql": "SELECT nosuch"}),
    ("transact", {"sql_list": ["SELECT 1", "SELECT 2"], "params_list": [None, []], "dry_run": True}),
    ("transact", {"sql_list": ["DELETE FROM nosuch"], "max_rows_affected": 1}),
    ("transact", {"sql_list": ["DROP TABLE IF EXISTS nosuch"]}),
    ("get_schema", {}),
    ("get_schema", {"table_name": "nosuch", "detail": "names", "after": "", "limit": 3}),
    ("explain_query", {"sql": "SELECT 1", "analyze": True}),
    ("job_status", {"job_id": "", "wait_s": 0}),
    ("batch_write", {"sql": "DELETE FROM nosuch WHERE a = %s", "params": [1], "dry_run": True}),
    ("load_rows", {"table": "nosuch", "rows": [{"a": 1}], "on_conflict": "skip", "verify": True}),
    ("migrate", {"statements": "CREATE TABLE t (id serial)", "dry_run": True}),
    ("dsql_lint", {"sql": "CREATE TABLE t (id serial)", "fix": True}),
    ("dsql_search_documentation", {"search_phrase": "limits", "limit": 2}),
    ("dsql_read_documentation", {"url": "dsql://guide/limits", "start_index": 1, "max_length": 99}),
    ("dsql_recommend", {"url": "dsql://guide/limits"}),
    ("nosuch", {}),
)
_REQUESTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("ping", {}),
    ("ping", {}),
    ("initialize", OPENING),
    ("server/discover", {}),
    ("tools/list", {}),
    ("tools/list", {"cursor": "x"}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "dsql://guide/limits"}),
    ("resources/read", {"uri": "dsql://schema/public/nosuch"}),
    ("resources/read", {"uri": "nosuch:x"}),
    ("resources/subscribe", {"uri": "dsql://schema"}),
    ("subscriptions/listen", {"notifications": {"toolsListChanged": True}}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "design_table", "arguments": {"purpose": "orders"}}),
    ("prompts/get", {"name": "nosuch"}),
    (
        "completion/complete",
        {
            "ref": {"type": "ref/resource", "uri": "dsql://schema/{schema}/{table}"},
            "argument": {"name": "table", "value": ""},
            "context": {"arguments": {"schema": "public"}},
        },
    ),
    (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "design_table"}, "argument": {"name": "x", "value": ""}},
    ),
    ("logging/setLevel", {"level": "debug"}),
    ("tasks/list", {}),
    ("roots/list", {}),
    ("elicitation/create", {"message": "x", "requestedSchema": {}}),
    ("notifications/initialized", {}),
    ("", {}),
    ("nosuch/\u2028\x00", {}),
)
_NOTIFICATIONS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("notifications/initialized", {}),
    ("notifications/roots/list_changed", {}),
    ("notifications/progress", {"progressToken": 1, "progress": 1, "message": "x"}),
    ("notifications/nosuch", {"a": [1]}),
    ("notifications/message", {"level": "info", "data": "x"}),
    ("tools/list", {}),
    ("tools/call", {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}}),
)
_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 1.5, 10**9, 2**63, 10**40, -(2**31), 1e300, "", "x", "\x00", "a\nb", "7"),
    *("\u2028", "\U0001f600", "\u202e", "%s", "'", '"', "SELECT 1", "dsql://guide", "{}", "[1]", "null"),
    *([], {}, [None], [[]], {"": ""}, {"a": {"b": []}}, ["SELECT 1"], [1, "x", None], "y" * 1001, "z" * 5000),
)
_RESPONSES: Final[tuple[dict[str, Any], ...]] = (
    *({"result": {}}, {"result": {"action": "accept"}}, {"result": 5}, {"result": {}, "error": {}}, {}),
    *({"error": {"code": 1, "message": "x"}}, {"error": "x"}, {"error": {}}),
)
_WRONG_IDS: Final[tuple[Any, ...]] = (None, 1.5, True, False, [], {}, [1], {"a": 1}, "i" * 1001)
_NO_MESSAGES: Final = (
    *(b"", b" ", b"\t", b"hello", b"null", b"true", b"0", b'""', b"[]", b"{}", b"[[]]", b"{", b"]", b"\x00"),
    *(b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"Content-Length: 20", b"GET / HTTP/1.1", b"\r", b"\x1b[2J"),
    *(b'{"jsonrpc":"2.0"}', b"NaN", b"-", b"1e999999", b"9" * 5_000, b"[" * 100_000, b'{"a":' * 300),
)


class LineMaker:
    """The lines of one client, all different, the same for a seed.

    Args:
        seed: Any number.
        era: The revision that its requests are of; or each of one of them.
    """

    def __init__(self, seed: int, era: Era) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seed finds it again
        self._era = era
        self._ids: list[int | str] = ["nosuch", 0]
        self._kinds = (
            *((self._request, 50), (self._notification, 6), (self._cancellation, 10), (self._response, 6)),
            *((self._no_request, 8), (self._batch, 2), (self._broken, 12), (self._no_message, 5)),
            (self._large, 1),
        )

    def line(self) -> bytes:
        """Make up the next line, without its line feed; one in eight ends with a carriage return."""
        kinds, weights = zip(*self._kinds, strict=True)
        made: bytes = self._random.choices(kinds, weights)[0]()
        return made.replace(b"\n", b" ") + self._random.choice((b"", b"", b"", b"", b"", b"", b"", b"\r"))

    def answer_to(self, question: Mapping[str, Any]) -> bytes:
        """Answer a request of the server, in one of many ways."""
        choice = random.Random(str(question["id"]))  # noqa: S311 - when it is asked changes no other line
        good = {"action": choice.choice(("accept", "decline", "cancel")), "content": {"run": True}}
        told = choice.choice(({"result": good}, {"result": good}, *filter(None, _RESPONSES)))
        return _encoded({"jsonrpc": "2.0", "id": question["id"], **told})

    def _message(self) -> dict[str, Any]:
        choice = self._random
        method, given = choice.choice(_REQUESTS)
        if choice.random() < 0.5:
            tool, arguments = choice.choice(_TOOL_CALLS)
            method, given = "tools/call", {"name": tool, "arguments": arguments}
        params: dict[str, Any] = copy.deepcopy(given)
        meta: dict[str, Any] = {}
        is_modern = choice.random() < 0.5 if self._era == "mixed" else self._era == MODERN
        if is_modern:
            meta |= copy.deepcopy(ENVELOPE)
        if choice.random() < 0.3:
            meta["progressToken"] = choice.choice((1, "t", 0, -1, None, True, 1.5, [], "p" * 1001))
        if meta:
            params["_meta"] = meta
        if choice.random() < 0.4:
            params = self._mutated(params)
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": self._id(), "method": method, "params": params}
        if choice.random() < 0.1:
            del message["params"]
        return message

    def _id(self) -> int | str:
        choice = self._random
        if choice.random() < 0.05:
            return choice.choice(self._ids)
        number = choice.getrandbits(50)
        made = choice.choice((number, number, -number, str(number), f"{number:x}-é", f"{number} \u2028"))
        self._ids.append(made)
        return made

    def _mutated(self, params: dict[str, Any]) -> dict[str, Any]:
        """Change one place of a value, or a few."""
        choice = self._random
        for _ in range(choice.choice((1, 1, 1, 2, 5))):
            holder: Any = params
            while places := _places_in(holder):
                place = choice.choice(places)
                inner = holder[place]
                if not isinstance(inner, dict | list) or choice.random() < 0.2:
                    self._change(holder, place)
                    break
                holder = cast("Any", inner)
        return params

    def _change(self, holder: Any, place: Any) -> None:  # noqa: ANN401 - any JSON value, and a place in it
        choice = self._random
        match choice.randrange(5):
            case 0:
                del holder[place]
            case 1 if isinstance(holder, dict):
                cast("dict[str, Any]", holder)[choice.choice(("x", "", "cursor", "cluster", place + " "))] = 1
            case 2 if isinstance(holder[place], str):
                holder[place] += choice.choice(("x", "\x00", ";", " --", "\u2029", "' OR"))
            case _:
                holder[place] = copy.deepcopy(choice.choice(_VALUES))

    def _request(self) -> bytes:
        message = self._message()
        members = list(message.items())
        self._random.shuffle(members)
        return _encoded(dict(members))

    def _notification(self) -> bytes:
        method, params = self._random.choice(_NOTIFICATIONS)
        params = copy.deepcopy(params)
        if self._era == MODERN:
            params["_meta"] = ENVELOPE
        if self._random.random() < 0.3 and params:
            params = self._mutated(copy.deepcopy(params))
        return _encoded({"jsonrpc": "2.0", "method": method, "params": params})

    def _cancellation(self) -> bytes:
        choice = self._random
        cancelled: object = choice.choice(self._ids[-3:] if choice.random() < 0.8 else self._ids)
        if choice.random() < 0.1:
            cancelled = choice.choice(_WRONG_IDS)
        params = {"requestId": cancelled, "reason": choice.choice(("x", "a\nError: b", ""))}
        return _encoded({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def _response(self) -> bytes:
        choice = self._random
        told = choice.choice(_RESPONSES)
        answered = choice.choice((1, 2, 3, "1", "x", None, 1.5, *self._ids[-3:]))
        return _encoded({"jsonrpc": "2.0", "id": answered, **told})

    def _no_request(self) -> bytes:
        """Make up a request with one member that no request has."""
        choice = self._random
        message = self._message()
        wrong: Mapping[str, tuple[Any, ...]] = {
            "id": _WRONG_IDS,
            "jsonrpc": ("1.0", 2, 2.0, None, "2.0 ", []),
            "method": (5, None, [], {}, True, "m" * 1001),
            "params": ([], [1], "x", 5, True, None),
            "result": ({}, 5, None),
            "error": ({}, None),
            "extra": (1, None, {}),
        }
        name = choice.choice(list(wrong))
        message[name] = choice.choice(wrong[name])
        return _encoded(message)

    def _batch(self) -> bytes:
        return b"[" + b",".join(self._request() for _ in range(self._random.randrange(1, 4))) + b"]"

    def _broken(self) -> bytes:
        """Make up a message, and break its bytes."""
        choice = self._random
        line = bytearray(self._random.choice((self._request, self._response, self._notification))())
        at = choice.randrange(len(line))
        match choice.randrange(8):
            case 0:
                del line[at:]
            case 1:
                line[at] ^= 1 << choice.randrange(8)
            case 2:
                line[at:at] = choice.choice(
                    (b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\x00", b"\xf5", b"\xe2\x80")
                )
            case 3:
                line += choice.choice((b"}", b"{}", b" x", b"\x00", b",", bytes(line)))
            case 4:
                line[:0] = choice.choice((b"\xef\xbb\xbf", b"\x1e", b",", b"data: ", b" "))
            case 5:
                del line[at : at + choice.randrange(1, 9)]
            case 6:
                escape = choice.choice((b"\\ud83d", b"\\udc00\\ud800", b"\\x"))
                line = line.replace(b'":"', b'":"' + escape, 1)
            case _:
                line = line.replace(b":", b":" + choice.choice((b"NaN", b"01", b"-", b"1e", b"'")), 1)
        return bytes(line)

    def _no_message(self) -> bytes:
        return self._random.choice(_NO_MESSAGES)

    def _large(self) -> bytes:
        choice = self._random
        size = choice.choice((40_000, 40_000, 300_000, 2_000_000))
        if choice.random() < 0.02:
            size = 17 << 20
        filled = choice.choice(
            (b'"' + b"x" * size + b'"', b"[" + b"1," * (size // 2) + b"1]", b"[" * size, b"1" * size)
        )
        head = b'{"jsonrpc":"2.0","id":%b,"method":"tools/call","params":' % json.dumps(self._id()).encode()
        meta = json.dumps(ENVELOPE).encode() if self._era != LEGACY else b"{}"
        arguments = b'{"sql":"SELECT cardinality(ARRAY[%s])","params":[' + filled + b"]}"
        return head + b'{"_meta":%b,"name":"readonly_query","arguments":%b}}' % (meta, arguments)


def _places_in(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    return list(value) if isinstance(value, dict) else list(range(len(value)))  # pyright: ignore[reportUnknownArgumentType] - of any JSON value


def _encoded(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
