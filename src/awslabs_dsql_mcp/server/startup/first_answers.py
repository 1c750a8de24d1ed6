"""First answers: what a client asks when it starts, answered before the SDK is loaded.

A client begins alike each time, and with the same version and options the answers are the same. So they are
kept, each for the state of the session and the request that it belongs to (`Conversation`), and given again
byte for byte. At the first message that is none of these the SDK is loaded and reads all of them again, so
that its session is in the state in which it would be without this; what it answers once more is compared
with what was said, and not sent. Whatever is unusual about a line is left to the SDK.

Source: MCP specification 2025-11-25, "Lifecycle"; 2026-07-28, "Discovery".
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, cast

METHODS: Final = frozenset(
    (
        *("initialize", "server/discover", "ping", "tools/list", "prompts/list", "resources/list"),
        "resources/templates/list",
    )
)
"""Requests whose answers depend on nothing but the session's state and themselves."""
_INITIALIZED: Final = "notifications/initialized"
_MEMBERS: Final = frozenset(("jsonrpc", "id", "method", "params"))
_MAX_LINE: Final = 1 << 15  # bytes
_MAX_PARTS: Final = 200  # objects and lists of a line
_MAX_REPEATED: Final = 100  # lines that the SDK reads again
_PLAIN_ID: Final = re.compile(r"[\w.:/-]{1,100}", re.ASCII)
_MAX_ID: Final = 1 << 53


class Question(NamedTuple):
    """A request that the same answer belongs to whenever it comes.

    Attributes:
        id: Its id.
        key: Stands for the session's state and the request, without the id.
        method: Its method.
    """

    id: int | str
    key: str
    method: str


class Lines(Protocol):
    """Lines of standard input."""

    def readline(self) -> bytes:
        """Read a line; ``b""`` at the end."""
        ...

    def unread(self, lines: Sequence[bytes]) -> None:
        """Read lines again."""
        ...


class Answers(Protocol):
    """Kept answers: the result of each, as JSON text, by the key of its question."""

    def get(self, key: str) -> str | None:
        """Return a result."""
        ...

    def keep(self, key: str, result: str) -> None:
        """Keep a result."""
        ...

    def discard(self) -> None:
        """Keep nothing any more."""
        ...


class Conversation:
    """A session as far as its first answers depend on it; of each line whether it goes on as one knows it.

    Attributes:
        is_known: All lines so far were questions, or said that the session is initialized.
    """

    def __init__(self) -> None:
        self.is_known = True
        self._state = ""

    def take(self, line: bytes) -> Question | None:
        """Take the next line; `None` if it asks nothing, or is not known."""
        message = _read(line) if self.is_known else None
        method = message.get("method") if message else None
        if message is not None and method == _INITIALIZED and "id" not in message:
            self._state = _key(self._state, message)
            return None
        if message is None or "id" not in message or method not in METHODS:
            self.is_known = False
            return None
        identifier = message.pop("id")
        meta = _meta(message)
        meta.pop("progressToken", None)  # none of these makes progress
        question = Question(identifier, _key(self._state, message), cast("str", method))
        if method == "initialize":
            self._state = question.key
        return question


class FirstAnswers:
    """The first answers of a session, given and taken.

    Args:
        answers: Kept answers.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._heard = Conversation()
        self._asked: dict[int | str, str] = {}
        self._said: dict[int | str, bytes] = {}
        self._new: list[tuple[str, str]] = []

    @property
    def has_new(self) -> bool:
        """True if there are answers to keep."""
        return bool(self._new)

    def give(self, lines: Lines, write: Callable[[bytes], None], *, until: str | None = None) -> bool:
        """Answer what can be answered; the SDK is to read these lines again.

        Args:
            lines: Standard input.
            write: Writes a line of the answer.
            until: Method behind whose answer the SDK is to be loaded in any case.

        Returns:
            False at the end of the input.

        Raises:
            OSError: The client is gone.
        """
        conversation = Conversation()
        again: list[bytes] = []
        while line := lines.readline():
            question = conversation.take(line)
            is_new = question is not None and question.id not in self._said
            result = self._answers.get(question.key) if question and is_new else None
            if question is None or result is None:
                again.append(line)
                if question is None and conversation.is_known and len(again) <= _MAX_REPEATED:
                    continue  # it only says that the session is initialized
                lines.unread(again)
                return True
            answer = _answer(question.id, result)
            write(answer)
            if question.method != "ping":  # the SDK needs to know of none
                again.append(line)
                self._said[question.id] = answer
            if question.method == until or len(again) > _MAX_REPEATED:
                lines.unread(again)
                return True
        return False

    def hear(self, line: bytes) -> None:
        """Take note of a line that the SDK reads."""
        question = self._heard.take(line)
        if question is not None and question.id not in self._asked:
            self._asked[question.id] = question.key
        elif question is not None or not self._heard.is_known:
            self._heard.is_known = False
            self._asked.clear()  # one of these ids may be used again, for anything

    def was_said(self, identifier: object, answer: bytes) -> bool:
        """Take note of an answer of the SDK; true if the client has it already.

        An error was never said. One with the id of a kept answer is to a later line that uses the id again,
        which may be rejected before the earlier one is answered.
        """
        if not isinstance(identifier, int | str) or not (self._asked or self._said):
            return False
        key = self._asked.pop(identifier, None)
        start = _answer(identifier, "")[:-2]
        if not (answer.startswith(start) and answer.endswith(b"}\n")):
            return False
        said = self._said.pop(identifier, None)
        if said is not None:
            if said != answer:
                self._answers.discard()
            return True
        if key is not None:
            self._new.append((key, answer[len(start) : -2].decode()))
        return False

    def keep_new(self) -> None:
        """Keep the answers that were taken note of; this writes a file, which may take a while."""
        while self._new:
            self._answers.keep(*self._new.pop())


def _answer(identifier: int | str, result: str) -> bytes:
    return f'{{"jsonrpc":"2.0","id":{json.dumps(identifier)},"result":{result}}}\n'.encode()


def _read(line: bytes) -> dict[str, Any] | None:
    """Read a line that nothing is unusual about."""
    if len(line) > _MAX_LINE or line.count(b"{") + line.count(b"[") > _MAX_PARTS or b"\\u" in line:
        return None
    try:
        value = json.loads(
            line.decode(), object_pairs_hook=_once, parse_float=_unusual, parse_constant=_unusual
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    message = cast("dict[str, Any]", value)
    is_plain = message.keys() <= _MEMBERS and message.get("jsonrpc") == "2.0"
    if (
        not is_plain
        or not isinstance(message.get("method", ""), str)
        or not isinstance(message.get("params", {}), dict)
        or not _is_plain_id(message.get("id", 0))
        or not _is_plain_id(_meta(message).get("progressToken", 0))
    ):
        return None
    return message


def _meta(message: dict[str, Any]) -> dict[str, object]:
    meta: object = message.get("params", {}).get("_meta")
    return cast("dict[str, object]", meta) if isinstance(meta, dict) else {}


def _is_plain_id(value: object) -> bool:
    if isinstance(value, str):
        return _PLAIN_ID.fullmatch(value) is not None
    return type(value) is int and abs(value) < _MAX_ID


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _unusual(text: str) -> object:
    raise ValueError(text)


def _key(state: str, message: dict[str, Any]) -> str:
    return f"{state}{json.dumps(message, sort_keys=True)}\n"
