"""JSON with comments and trailing commas, read into values that know their place in the text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from awslabs_dsql_mcp.installer.formats import NotEditable

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
      | (?P<comment>//[^\r\n]*|/\*.*?\*/)
      | (?P<string>"(?:[^"\\\r\n]|\\.)*")
      | (?P<mark>[{}\[\],:])
      | (?P<word>[^\s{}\[\],:"/]+)""",
    re.VERBOSE | re.DOTALL,
)
_MAX_DEPTH = 100  # levels; settings files have five or so


@dataclass(frozen=True)
class Token:
    """A piece of the text that is neither blank nor comment; one with no text ends it."""

    text: str
    start: int
    stop: int


@dataclass(frozen=True)
class Member:
    """A key and its value in an object.

    Attributes:
        key: The key, decoded.
        start: Where the key's quote is.
        value: The value.
        comma: Where the comma behind it is, if there is one.
    """

    key: str
    start: int
    value: "Value"
    comma: int | None


@dataclass(frozen=True)
class Value:
    """A value and its place.

    Attributes:
        data: What ``json`` would have read.
        start: Its first character.
        stop: Behind its last character.
        members: The members, of an object.
    """

    data: object
    start: int
    stop: int
    members: tuple[Member, ...] | None = None

    def member(self, key: str) -> Member | None:
        """Find the member of a key.

        Raises:
            NotEditable: The key is there twice: which one counts differs from client to client.
        """
        found = [member for member in self.members or () if member.key == key]
        if len(found) > 1:
            raise NotEditable(f"it has {key!r} twice in one object")
        return found[0] if found else None


def read_tree(text: str) -> Value | None:
    """Read a text; ``None`` if nothing but blanks and comments is in it.

    Raises:
        NotEditable: It is not JSON, comments and trailing commas allowed.
    """
    reader = _Reader(text)
    if not reader.token.text:
        return None
    value = reader.value(0)
    if reader.token.text:
        raise reader.unexpected("the end")
    return value


class _Reader:
    """Recursive descent with one token of look-ahead (RFC 8259, and what editors allow beside it)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._scan()
        self.token = next(self._tokens)

    def _scan(self) -> Iterator[Token]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise self._wrong(at, "something that is not JSON")
            at = match.end()
            if match.lastgroup not in {"blank", "comment"}:
                yield Token(match.group(), match.start(), at)
        yield Token("", at, at)

    def _wrong(self, at: int, what: str) -> NotEditable:
        return NotEditable(f"line {self._text.count(chr(10), 0, at) + 1} has {what}")

    def unexpected(self, expected: str) -> NotEditable:
        found = repr(self.token.text[:1]) if self.token.text else "the end of the file"
        return self._wrong(self.token.start, f"{found} where {expected} should be")

    def _take(self, text: str = "") -> Token:
        if text and self.token.text != text:
            raise self.unexpected(repr(text))
        taken = self.token
        self.token = next(self._tokens, taken)
        return taken

    def value(self, depth: int) -> Value:
        if depth > _MAX_DEPTH:
            raise self._wrong(self.token.start, f"more than {_MAX_DEPTH} levels")
        if self.token.text == "{":
            return self._object(depth)
        if self.token.text == "[":
            return self._array(depth)
        data, token = self._scalar(), self._take()
        return Value(data, token.start, token.stop)

    def _scalar(self) -> object:
        try:
            return json.loads(self.token.text, parse_constant=_refuse)
        except ValueError:
            raise self.unexpected("a value") from None

    def _object(self, depth: int) -> Value:
        start, members = self._take("{").start, list[Member]()
        while self.token.text != "}":
            if not self.token.text.startswith('"'):
                raise self.unexpected("a key in double quotes")
            key, at = str(self._scalar()), self._take().start
            self._take(":")
            value = self.value(depth + 1)
            members.append(Member(key, at, value, self._comma("}")))
        stop = self._take("}").stop
        return Value({m.key: m.value.data for m in members}, start, stop, tuple(members))

    def _array(self, depth: int) -> Value:
        start, data = self._take("[").start, list[object]()
        while self.token.text != "]":
            data.append(self.value(depth + 1).data)
            self._comma("]")
        return Value(data, start, self._take("]").stop)

    def _comma(self, closing: str) -> int | None:
        """Take the comma behind an item: none is needed before the closing bracket."""
        if self.token.text == closing:
            return None
        return self._take(",").start


def _refuse(constant: str) -> object:
    raise ValueError(constant)
