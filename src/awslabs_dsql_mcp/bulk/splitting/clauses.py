"""Text of an UPDATE, DELETE or INSERT … SELECT, divided at its clauses.

The division looks at keywords alone; `splitter` parses the parts again and compares them with the statement,
so that a mistaken clause is found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Tree
from awslabs_dsql_mcp.sql.parser import Token


@dataclass(frozen=True)
class Clauses:
    """The parts of a statement's text.

    Attributes:
        before: Text before WHERE.
        sources: FROM list of a SELECT that finds the same rows.
        condition: Text after WHERE; empty without WHERE.
        after: Text after the condition.
    """

    before: str
    sources: str
    condition: str
    after: str

    def where(self, ranges: str) -> str:
        """Combine the statement's condition with another one."""
        return f"(\n{self.condition}\n) AND {ranges}" if self.condition else ranges

    def with_range(self, ranges: str) -> str:
        """Build the statement for the rows of a range."""
        return f"{self.before}\nWHERE {self.where(ranges)}\n{self.after}"


def divide(tree: Tree, sql: str) -> Clauses | None:
    """Divide a statement's text; ``None`` if a keyword is not found."""
    text = sql.encode()
    end = len(text) if tree.end is None else tree.end
    return _DIVIDERS[tree.kind](
        _Text([t for t in parser.tokens(sql) if tree.start <= t.start < end], text, end)
    )


class _Text:
    """A statement's text, divided at keywords outside of brackets.

    Args:
        tokens: The statement's tokens.
        text: The whole text, as UTF-8.
        end: End of the statement in the text, in bytes.
    """

    def __init__(self, tokens: Sequence[Token], text: bytes, end: int) -> None:
        self.start = tokens[0].start
        self.end = end
        self._text = text
        self._outside = list(_top_level(tokens))

    def find(self, word: str, after: int, before: int | None = None, then: str | None = None) -> Token | None:
        """Find the first keyword in a range of the text that is not used as a name."""
        pairs = pairwise((*self._outside, Token("", self.end, self.end)))
        previous = ""
        for token, follower in pairs:
            name = previous in ("as", ".", "distinct")
            matches = token.word == word and not name and (then is None or follower.word == then)
            if matches and token.start >= after and (before is None or token.start < before):
                return token
            previous = token.word
        return None

    def text(self, start: int, end: int) -> str:
        """A range of the text."""
        return self._text[start:end].decode()


def _top_level(tokens: Sequence[Token]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth -= token.text in (")", "]")
        if depth == 0 and token.text not in (")", "]"):
            yield token
        depth += token.text in ("(", "[")


def _update(whole: _Text) -> Clauses | None:
    verb, then = whole.find("update", whole.start), whole.find("set", whole.start)
    if verb is None or then is None:
        return None
    more = whole.find("from", then.end)
    where = whole.find("where", more.end if more else then.end)
    target = whole.text(verb.end, then.start)
    stop = where.start if where else whole.end
    sources = f"{target}\n, {whole.text(more.end, stop)}" if more else target
    return Clauses(whole.text(whole.start, stop), sources, _text_after(whole, where, whole.end), "")


def _delete(whole: _Text) -> Clauses | None:
    verb = whole.find("from", whole.start)
    if verb is None:
        return None
    more = whole.find("using", verb.end)
    where = whole.find("where", more.end if more else verb.end)
    stop = where.start if where else whole.end
    target = whole.text(verb.end, more.start if more else stop)
    sources = f"{target}\n, {whole.text(more.end, stop)}" if more else target
    return Clauses(whole.text(whole.start, stop), sources, _text_after(whole, where, whole.end), "")


def _insert(whole: _Text) -> Clauses | None:
    verb = whole.find("select", whole.start)
    source = whole.find("from", verb.end) if verb else None
    if source is None:
        return None
    conflict = whole.find("on", source.end, then="conflict")
    end = conflict.start if conflict else whole.end
    where = whole.find("where", source.end, end)
    stop = where.start if where else end
    return Clauses(
        whole.text(whole.start, stop),
        whole.text(source.end, stop),
        _text_after(whole, where, end),
        whole.text(end, whole.end),
    )


def _text_after(whole: _Text, where: Token | None, end: int) -> str:
    return whole.text(where.end, end) if where else ""


_DIVIDERS: Final[Mapping[str, Callable[[_Text], Clauses | None]]] = {
    "UpdateStmt": _update,
    "DeleteStmt": _delete,
    "InsertStmt": _insert,
}
