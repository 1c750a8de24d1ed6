"""A text cut into statements of PostgreSQL's grammar and Aurora DSQL's own.

ASYNC is overwritten with blanks and ``AWS IAM …`` as a whole, so that PostgreSQL's grammar reads the rest and
every position stays what it was (`core.dsql_syntax` does so for one statement; here there may be many).
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Tree
from awslabs_dsql_mcp.sql.parser import ParseError, Token

_PREPOSITIONS: Final = {"grant": "to", "revoke": "from"}
_MIN_IAM_TOKENS: Final = 6


@dataclass(frozen=True)
class Text:
    """A text whose statements PostgreSQL's grammar can read."""

    sql: str

    @cached_property
    def data(self) -> bytes:
        """The text in UTF-8, whose bytes the trees count."""
        return self.sql.encode()

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Its tokens."""
        return parser.tokens(self.sql)

    @cached_property
    def starts(self) -> list[int]:
        """Where its tokens start, in bytes."""
        return [token.start for token in self.tokens]


@dataclass(frozen=True)
class Statement:
    """One statement of PostgreSQL's grammar, and its place in the text.

    Attributes:
        text: The text, ASYNC blanked.
        tree: The statement.
        asynchronous: It is Aurora DSQL's ASYNC form.
    """

    text: Text
    tree: Tree
    asynchronous: bool = False

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The statement's tokens, with their places in the whole text."""
        starts, end = self.text.starts, self.tree.end
        last = len(starts) if end is None else bisect_left(starts, end)
        return self.text.tokens[bisect_left(starts, self.tree.start) : last]

    @property
    def words(self) -> tuple[str, ...]:
        """The statement's tokens as words: in lower case unless quoted."""
        return tuple(token.word for token in self.tokens)

    def written(self, edits: Iterable[tuple[int, int, str]] = ()) -> str:
        """The statement without the comments around it.

        Args:
            edits: What to put in place of parts of it: first byte in the text, byte after the last, new text.
        """
        data, at = self.text.data, self.tree.start
        pieces: list[str] = []
        for start, end, new in sorted(edits):
            pieces += data[at:start].decode(), new
            at = end
        return "".join((*pieces, data[at : self._end()].decode()))

    def _end(self) -> int:
        own = self.text.data[self.tree.start : self.tree.end]
        end = self.tree.start + len(own.rstrip(b"; \t\r\n\f\v"))
        if b"--" in own or b"/*" in own:
            return max((token.end for token in self.tokens if token.text != ";"), default=end)
        return end


@dataclass(frozen=True)
class Iam:
    """AWS IAM GRANT or AWS IAM REVOKE.

    Attributes:
        verb: ``grant`` or ``revoke``.
        role: The role as written.
        arns: String constants as written.
        start: First byte in the text.
    """

    verb: str
    role: str
    arns: tuple[str, ...]
    start: int


ASYNC_SYNTAX: Final = "async-syntax"
"""The rule of a `ParseError` in a text that has ASYNC: PostgreSQL would find its fault elsewhere."""


@dataclass
class _Ours:
    """What a text has of Aurora DSQL's own: bytes to blank, where ASYNC statements start, AWS IAM."""

    blanks: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    asynchronous: set[int] = field(default_factory=set[int])
    iam: list[Iam] = field(default_factory=list[Iam])


def read(sql: str) -> tuple[Statement | Iam, ...]:
    """Cut a text into its statements.

    Raises:
        Fault: It is not SQL, or larger than what is looked at.
    """
    lowered = sql.lower()
    if "async" not in lowered and "aws" not in lowered:
        return _statements(sql, parser.parse(sql))
    try:
        plain: tuple[Tree, ...] | ParseError = parser.parse(sql)
    except ParseError as fault:
        if fault.rule != "syntax":
            raise
        plain = fault
    ours = _find_ours(sql)
    if ours.blanks:
        return _read_ours(sql, ours, plain)
    if isinstance(plain, ParseError):
        raise plain
    return _statements(sql, plain)


def _statements(sql: str, trees: tuple[Tree, ...]) -> tuple[Statement, ...]:
    text = Text(sql)
    return tuple(Statement(text, tree) for tree in trees)


def _read_ours(sql: str, ours: _Ours, plain: tuple[Tree, ...] | ParseError) -> tuple[Statement | Iam, ...]:
    data = bytearray(sql.encode())
    for start, end in ours.blanks:
        data[start:end] = b" " * (end - start)
    blanked = Text(data.decode())
    try:
        trees = parser.parse(blanked.sql)
    except ParseError as fault:
        if isinstance(plain, ParseError):
            raise ParseError(ASYNC_SYNTAX, fault.offset, fault.message) from None
        return _statements(sql, plain)
    read = [Statement(blanked, tree, tree.start in ours.asynchronous) for tree in trees]
    return tuple(sorted([*read, *ours.iam], key=start_of))


def start_of(statement: Statement | Iam) -> int:
    """Where a statement starts, in bytes of the text."""
    return statement.start if isinstance(statement, Iam) else statement.tree.start


def _find_ours(sql: str) -> _Ours:
    ours = _Ours()
    for tokens in _segments(parser.tokens(sql)):
        words = [token.word for token in tokens]
        if _is_iam(words):
            arns = tuple(token.text for token in tokens[5::2])
            ours.iam.append(Iam(words[2], tokens[3].text, arns, tokens[0].start))
            ours.blanks.append((tokens[0].start, tokens[-1].end))
        elif (at := _async_at(words)) is not None:
            ours.asynchronous.add(tokens[0].start)
            ours.blanks.append((tokens[at].start, tokens[at].end))
    return ours


def _segments(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """Tokens between semicolons: too finely cut inside of a function's body, where no form of ours is."""
    segment: list[Token] = []
    for token in tokens:
        if token.text != ";":
            segment.append(token)
        elif segment:
            yield segment
            segment = []
    if segment:
        yield segment


def _async_at(words: list[str]) -> int | None:
    if words[:3] == ["create", "index", "async"]:
        return 2
    if words[:4] == ["create", "unique", "index", "async"]:
        return 3
    validates = "validate" in words[4:] and words[3:4] != ["validate"]
    return 2 if words[:3] == ["alter", "table", "async"] and validates else None


def _is_iam(words: list[str]) -> bool:
    return (
        len(words) >= _MIN_IAM_TOKENS
        and words[:2] == ["aws", "iam"]
        and len(words) % 2 == 0
        and words[4] == _PREPOSITIONS.get(words[2])
        and (words[3].isidentifier() or words[3].startswith('"'))
        and all(word.startswith("'") if at % 2 == 0 else word == "," for at, word in enumerate(words[5:]))
    )
