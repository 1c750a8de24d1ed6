"""What this server's own rules find in a script and dsql-lint passes without a word.

dsql-lint 0.2.22 says nothing of MERGE, SELECT INTO, columns of type money or xml, operator classes and some
more. The guard's rules judge each statement by itself; a rule counts only when it is Aurora DSQL's, not when
it is this server's (a SET, say, or a role's password).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.guard import guard
from awslabs_dsql_mcp.lint.model import UNPARSED, Diagnostic
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.text import one_line

DSQL_RULES: Final = frozenset(
    {
        "alter-table",
        "column-type",
        "create-from-query",
        "function-language",
        "grant",
        "index",
        "index-async",
        "lock-strength",
        "lock-table",
        "merge",
        "no-extensions",
        "no-materialized-views",
        "no-procedures",
        "no-triggers",
        "no-types",
        "one-database",
        "sequence-cache",
        "table",
        "temporary",
        "truncate",
        "unsupported-statement",
    }
)
"""Rules of the guard that are Aurora DSQL's."""


@dataclass(frozen=True)
class Piece:
    """A statement of a script.

    Attributes:
        text: The statement, without its semicolon.
        line: The line of its first token, from 1.
        last_line: The line of its last.
    """

    text: str
    line: int
    last_line: int


def pieces(script: str) -> tuple[Piece, ...]:
    """Split a script at its semicolons, save those in parentheses or in a body of BEGIN ATOMIC.

    Returns:
        The statements; none if the text cannot be split into tokens.
    """
    data = script.encode()
    return tuple(
        Piece(
            data[start:end].decode(),
            data.count(b"\n", 0, start) + 1,
            data.count(b"\n", 0, end) + 1,
        )
        for start, end in _spans(parser.tokens(script))
    )


def own_diagnostics(script: str, found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Find what Aurora DSQL refuses in statements of which dsql-lint said nothing, or not parsed.

    Args:
        script: SQL text without NUL and lone surrogates.
        found: What dsql-lint found in it.
    """
    said = {finding.line for finding in found if finding.rule != UNPARSED}
    return tuple(
        finding
        for piece in pieces(script)
        if said.isdisjoint(range(piece.line, piece.last_line + 1))
        for finding in _judged(piece)
    )


def _judged(piece: Piece) -> Iterator[Diagnostic]:
    refusal = guard.check_statement(piece.text, writes=True).refusal
    if refusal is not None and refusal.rule in DSQL_RULES:
        line = piece.line + refusal.line - 1
        yield Diagnostic(refusal.rule, line, refusal.why, refusal.instead, statement=one_line(piece.text))


def _spans(tokens: Sequence[parser.Token]) -> Iterator[tuple[int, int]]:
    start: int | None = None
    end = depth = 0
    previous, atomic = "", False
    for token in tokens:
        word = token.word
        depth += (word == "(") - (word == ")")
        atomic = (atomic or (previous, word) == ("begin", "atomic")) and word != "end"
        if word == ";" and depth <= 0 and not atomic:
            if start is not None:
                yield start, end
            start, depth = None, 0
        else:
            start, end = (token.start if start is None else start), token.end
        previous = word
    if start is not None:
        yield start, end
