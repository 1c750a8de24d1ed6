"""Scripts that are more than a list of PostgreSQL's statements: of two directions, or of another database.

Sources: the documentation of goose, sql-migrate, micrate, dbmate, rambler, node-pg-migrate, shmig, MyBatis
Migrations, dbdeploy, tern, Play evolutions and Liquibase ("Formatted SQL changelogs"); sqlcmd and SQL*Plus
for the lines that end a batch.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from awslabs_dsql_mcp.sql.scripts import ScriptItem

_COMMENT: Final = re.compile(r"^[ \t]*(?:--|#)[^\n]*", re.MULTILINE)
_DIRECTION: Final = re.compile(r"(?<![a-z])(up|down)(?=s?(?![a-z]))", re.IGNORECASE)
_OPTIONS: Final = re.compile(r"(?:no[ _]?transaction|transaction:\w+)\s*$", re.IGNORECASE)
_UNDO: Final = re.compile(r"--[\s/]*@undo\b|-{2,}\s*create above / drop below", re.IGNORECASE)
_MAX_WORDS: Final = 4  # of a comment that is a marker, and no sentence that says "up"


class Remark(NamedTuple):
    """A comment that decides something.

    Attributes:
        line: Its line.
        what: The comment.
        why: The reason, and what to do instead.
        is_blocking: The rest must not run without it.
    """

    line: int
    what: str
    why: str
    is_blocking: bool


@dataclass(frozen=True)
class _Comment:
    """A comment between two statements, and the number of statements before it."""

    text: str
    line: int
    before: int


def remarks(script: str, items: Sequence[ScriptItem]) -> Iterator[Remark]:
    """Find the comments by which a migration tool would run a part of a script, or cut it in another way."""
    comments = list(_comments(script, items))
    if (turn := _turn(comments, len(items))) is not None:
        why = (
            "the script has two directions, and only one can be run: send the statements of the one that is "
            f"wanted alone, those above line {turn.line} or those below it"
        )
        yield Remark(turn.line, turn.text, why, is_blocking=True)
    for comment in comments:
        for pattern, why, is_blocking in _DECIDING:
            if re.match(pattern, comment.text, re.IGNORECASE):
                yield Remark(comment.line, comment.text, why, is_blocking)


def _comments(script: str, items: Sequence[ScriptItem]) -> Iterator[_Comment]:
    places = [(0, 0), *((item.start, item.end) for item in items), (len(script), len(script))]
    line, counted = 1, 0
    for number, ((_, end), (start, _)) in enumerate(pairwise(places)):
        for match in _COMMENT.finditer(script, end, start):
            line, counted = line + script.count("\n", counted, match.start()), match.start()
            yield _Comment(match.group().strip(), line, number)


def _turn(comments: Sequence[_Comment], count: int) -> _Comment | None:
    """Find the comment between two directions that both have statements."""
    marks: dict[str, list[tuple[str, _Comment]]] = {}
    for comment in comments:
        if _UNDO.match(comment.text) and 0 < comment.before < count:
            return comment
        if (found := _DIRECTION.search(comment.text)) and len(comment.text.split()) <= _MAX_WORDS:
            form = _OPTIONS.sub("", _DIRECTION.sub("*", comment.text)).strip().lower()
            marks.setdefault(form, []).append((found[1].lower(), comment))
    for marked in marks.values():
        directions = {
            direction
            for (direction, comment), (_, following) in pairwise([*marked, ("", _Comment("", 0, count))])
            if following.before > comment.before
        }
        if len(directions) > 1:
            return next(comment for direction, comment in marked if direction != marked[0][0])
    return None


_PART: Final = "a migration tool would decide if it is run: keep it only if it is wanted"
_DECIDING: Final = (
    (
        r"--\s*changeset\s.*\bendDelimiter:(?!;?\s*$)",
        "end each statement with a semicolon, and remove it",
        True,
    ),
    (r"--\s*changeset\s.*\b(?:dbms|context|contextFilter|labels):", _PART, False),
    (r"--\s*precondition", _PART, False),
    (r"--\s*\+goose\s+envsub\s+on", "write the values of the environment into the statements", True),
)


_DIALECTS: Final = (
    (
        "MySQL",
        r"`\w+`|\bauto_increment\b|\bengine\s*=|^\s*delimiter\s|/\*!\d{5}|^\s*#|\bunsigned\b|^lock tables\b",
    ),
    (
        "SQL Server (T-SQL)",
        r"^\s*go\s*\d*\s*;?\s*$|\[dbo\]|\bidentity\s*\(\d+,\s*\d+\)|\bset\s+nocount\b|\(\[\w+\]",
    ),
    ("Oracle", r"^/\s*$|\bvarchar2\b|\bnumber\s*\(|^\s*(?:prompt|rem|whenever)\s|\bsysdate\b|\bnvarchar2\b"),
    ("SQLite", r"^\s*pragma\b|\bautoincrement\b"),
)
_PLACEHOLDER: Final = re.compile(r"\$\{[^}\n]*\}|\{\{[^}\n]*\}\}|<%.*?%>")


_PROSE: Final = re.compile(r"--[^\n]*|/\*(?!!).*?\*/|'(?:[^']|'')*'|(\$\w*\$).*?\1", re.DOTALL)
"""Comments, strings and bodies: words of another dialect in them say nothing."""


def foreign_dialect(script: str) -> str | None:
    """Name the database whose SQL a script that does not parse is written in, by words of its own."""
    code = _PROSE.sub("''", script)
    for name, signs in _DIALECTS:
        if re.search(signs, code, re.IGNORECASE | re.MULTILINE):
            return name
    return None


def placeholder(text: str) -> str | None:
    """Find a placeholder that a migration tool would replace."""
    found = _PLACEHOLDER.search(text)
    return found and found.group()
