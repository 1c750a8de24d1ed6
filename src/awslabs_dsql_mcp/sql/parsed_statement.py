"""One statement with the text that it came from: where in the text its parts stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Tree
from awslabs_dsql_mcp.sql.parser import Token


@dataclass(frozen=True)
class ParsedStatement:
    """A statement's tree, its text and its name.

    The tree knows where its expressions stand but not its clauses; those are looked for among the tokens,
    and only once there is something to refuse. All locations are byte offsets in the UTF-8 text.

    Attributes:
        sql: The whole text.
        tree: The statement.
        kind: The command: ``CREATE INDEX``.
        asynchronous: It is Aurora DSQL's ASYNC form.
    """

    sql: str
    tree: Tree
    kind: str
    asynchronous: bool = False

    def tokens(self) -> tuple[Token, ...]:
        """The text's tokens."""
        return parser.tokens(self.sql)

    def word_after(self, location: int, word: str) -> int:
        """Where a word first stands at or after a location; the location when it does not."""
        return next((t.start for t in self.tokens() if t.start >= location and t.word == word), location)

    def word_before(self, location: int, word: str) -> int:
        """Where a word last stands before a location; the location when it does not."""
        return next(
            (t.start for t in reversed(self.tokens()) if t.start < location and t.word == word), location
        )

    def pair_after(self, location: int, word: str, followers: Iterable[str]) -> int:
        """Where a word first stands, at or after a location, with one of the others behind it."""
        return next(
            (
                t.start
                for t, then in pairwise(self.tokens())
                if t.start >= location and t.word == word and then.word in followers
            ),
            location,
        )

    def command_after(self, location: int, verb: str) -> int:
        """Where a command's verb first stands: not as the name or alias of something, which it may be too."""
        found = self.tokens()
        before = ("", *(token.word for token in found))
        return next(
            (
                t.start
                for t, previous in zip(found, before, strict=False)
                if t.start >= location
                and t.word == verb
                and previous not in ("with", "as", ",", ".", "recursive")
            ),
            location,
        )
