"""The answers that a server owes for the lines that it was sent, and those that it gave."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NoReturn, cast

_MAX_ID: Final = 1_000
_SHAPES: Final = ({"result"}, {"error"})

Id = tuple[str, int | str]
"""The type and value of an id: 7 and "7" are two."""


class LineLedger:
    """Answers owed and given, by the rules of JSON-RPC 2.0 and MCP, read by a reader of its own.

    A request that has a valid id is owed one answer with that id; a line that is no message one error, with
    the id that stands in it or none; a notification or a response nothing. What was cancelled while it ran
    may have its answer still, or none.
    """

    def __init__(self) -> None:
        self.lines = 0
        self.answers = 0
        self._owed: Counter[Id] = Counter()
        self._may_come: Counter[Id] = Counter()
        self._by_error: Counter[Id] = Counter()
        self._errors_owed = 0
        self._errors_may_come = 0

    @property
    def is_even(self) -> bool:
        """True once all that is owed was given."""
        return not self._owed and self._errors_owed <= 0

    @property
    def missing(self) -> list[object]:
        """What is owed."""
        return [*self._owed.elements(), *(["an error"] * self._errors_owed)]

    def sent(self, line: bytes) -> None:
        """Count a line."""
        self.lines += 1
        message = _read(line)
        if not isinstance(message, dict):
            self._errors_owed += 1
            return
        fields = cast("dict[str, Any]", message)
        identity = _id_of(fields.get("id"))
        method = fields.get("method")
        is_right = (
            fields.get("jsonrpc") == "2.0" and isinstance(method, str) and len(method) <= _MAX_ID
            and isinstance(fields.get("params"), dict | None)
        )  # fmt: skip
        if is_right and identity is not None:
            self._owed[identity] += 1
        elif is_right and "id" not in fields:
            self._errors_may_come += 1  # some of its parts may be wrong
            if method == "notifications/cancelled":
                self._cancel(cast("dict[str, Any]", fields.get("params") or {}).get("requestId"))
        elif "method" not in fields and ("result" in fields or "error" in fields):
            self._errors_may_come += 1
        else:
            self._errors_owed += 1

    def given(self, line: bytes) -> Iterator[str]:
        """Count a line of the server, and find faults in it."""
        try:
            message = json.loads(line.decode(), parse_constant=_refuse)
        except ValueError as error:
            yield f"{line[:300]!r} is not JSON: {error}"
            return
        if not line.endswith(b"\n") or not isinstance(message, dict):
            yield f"{line[:300]!r} is no message"
            return
        fields = cast("dict[str, Any]", message)
        if fields.pop("jsonrpc", None) != "2.0":
            yield f"{line[:300]!r} is not of JSON-RPC 2.0"
        if "method" in fields:
            if fields.keys() - {"method", "params", "id"}:
                yield f"{line[:300]!r} is neither a request nor a notification"
            return
        self.answers += 1
        if "id" not in fields or fields.keys() - {"id"} not in _SHAPES:
            yield f"{line[:300]!r} is no answer"
            return
        yield from _faults_of(fields, line)
        if not self._settled(_id_of(fields["id"]), is_error="error" in fields):
            yield f"{line[:300]!r} answers nothing"

    def _settled(self, identity: Id | None, *, is_error: bool) -> bool:
        for counts in (self._owed, self._may_come):
            if identity is not None and counts[identity] > 0:
                counts[identity] -= 1
                counts += Counter()  # drops what is zero
                self._by_error[identity] += is_error
                return True
        if not is_error and identity is not None:
            if not self._by_error[identity]:
                return False
            self._by_error[identity] -= 1  # that error was for a line with the same id that is no message
        if self._errors_owed > 0:
            self._errors_owed -= 1
        elif self._errors_may_come > 0:
            self._errors_may_come -= 1
        else:
            return False
        return True

    def _cancel(self, request: object) -> None:
        for identity in [owed for owed in self._owed if _id_of(request) and str(owed[1]) == str(request)]:
            self._owed[identity] -= 1
            self._may_come[identity] += 1
        self._owed += Counter()


def _read(line: bytes) -> object:
    try:
        return json.loads(line.decode(), parse_constant=_refuse, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < _MAX_ID else digits  # int() refuses some thousands of digits


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _id_of(value: object) -> Id | None:
    if isinstance(value, str):
        is_unicode = not any("\ud800" <= character <= "\udfff" for character in value)
        return ("text", value) if len(value) <= _MAX_ID and is_unicode else None
    return ("number", value) if type(value) is int else None


def _faults_of(fields: dict[str, Any], line: bytes) -> Iterator[str]:
    error = fields.get("error")
    if error is not None and not (error.get("message") and isinstance(error.get("code"), int)):
        yield f"{line[:300]!r} is an error without a code or a text"
    if error is not None and error["code"] in (0, -32603):
        yield f"{line[:300]!r} is an error of the server's own"
    if b"a bug of its own" in line:
        yield f"{line[:300]!r} is a bug"
