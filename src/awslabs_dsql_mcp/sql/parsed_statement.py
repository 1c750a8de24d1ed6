"""One statement with the text that it came from: where in the text its parts stand."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.command_names import command
from awslabs_dsql_mcp.sql.parse_tree import Tree
from awslabs_dsql_mcp.sql.parser import Token


@dataclass(frozen=True)
class SourceText:
    """A text whose statements PostgreSQL's grammar reads: ASYNC and AWS IAM statements are blanks in it.

    Attributes:
        sql: The text.
    """

    sql: str

    @cached_property
    def data(self) -> bytes:
        """The text in UTF-8; locations are offsets in it."""
        return self.sql.encode()

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Its tokens."""
        return parser.tokens(self.sql)

    @cached_property
    def starts(self) -> list[int]:
        """Locations of its tokens."""
        return [token.start for token in self.tokens]


@dataclass(frozen=True)
class ParsedStatement:
    """A statement of PostgreSQL's grammar, and its place in a text.

    The tree knows where its expressions stand but not its clauses; those are looked for among the tokens,
    and only once there is something to refuse. All locations are byte offsets in the UTF-8 text.

    Attributes:
        text: The text that holds it, alone or among others.
        tree: Its parse tree.
        asynchronous: True for Aurora DSQL's ASYNC form.
    """

    text: SourceText
    tree: Tree
    asynchronous: bool = False

    @cached_property
    def kind(self) -> str:
        """The command: ``CREATE INDEX``, ``CREATE INDEX ASYNC``."""
        return command(self.tree) + (" ASYNC" if self.asynchronous else "")

    @property
    def start(self) -> int:
        """Location of its first token."""
        return self.tree.start

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Its tokens, without the semicolon that ends it."""
        starts, end = self.text.starts, self.tree.end
        last = len(starts) if end is None else bisect_left(starts, end)
        return self.text.tokens[bisect_left(starts, self.tree.start) : last]

    @property
    def words(self) -> tuple[str, ...]:
        """Its tokens as words: in lower case unless quoted."""
        return tuple(token.word for token in self.tokens)

    def written(self, edits: Iterable[tuple[int, int, str]] = ()) -> str:
        """Write the statement without the comments around it.

        Args:
            edits: Replacements of parts of it: first byte in the text, byte after the last, new text.
        """
        data, at = self.text.data, self.tree.start
        pieces: list[str] = []
        for start, end, new in sorted(edits):
            pieces += data[at:start].decode(), new
            at = end
        return "".join((*pieces, data[at : self._end()].decode()))

    def word_after(self, location: int, word: str) -> int:
        """Locate a word at or after a location; the location itself when there is none."""
        return next((t.start for t in self.tokens if t.start >= location and t.word == word), location)

    def word_before(self, location: int, word: str) -> int:
        """Locate the last such word before a location; the location itself when there is none."""
        return next(
            (t.start for t in reversed(self.tokens) if t.start < location and t.word == word), location
        )

    def pair_after(self, location: int, word: str, followers: Iterable[str]) -> int:
        """Locate a word, at or after a location, that one of the others follows; else the location."""
        return next(
            (
                t.start
                for t, then in pairwise(self.tokens)
                if t.start >= location and t.word == word and then.word in followers
            ),
            location,
        )

    def command_after(self, location: int, verb: str) -> int:
        """Locate a command's verb, which may also be a name or an alias: those are passed over."""
        before = ("", *self.words)
        return next(
            (
                t.start
                for t, previous in zip(self.tokens, before, strict=False)
                if t.start >= location
                and t.word == verb
                and previous not in ("with", "as", ",", ".", "recursive")
            ),
            location,
        )

    def _end(self) -> int:
        own = self.text.data[self.tree.start : self.tree.end]
        end = self.tree.start + len(own.rstrip(b"; \t\r\n\f\v"))
        if b"--" in own or b"/*" in own:
            return max((token.end for token in self.tokens if token.text != ";"), default=end)
        return end


def schema_elements(statement: ParsedStatement) -> Iterator[ParsedStatement]:
    """Read the statements in a CREATE SCHEMA, each as one of its own that stands where the whole does."""
    for element in statement.tree.root.get("schemaElts", ()):
        ((kind, top),) = element.items()
        yield replace(statement, tree=replace(statement.tree, kind=kind, root=top))
