"""Scripts that are more than a list of PostgreSQL's statements: of two directions, or of another database.

Sources: the documentation of goose and Liquibase ("Formatted SQL changelogs"); sqlcmd and SQL*Plus for the
lines that end a batch.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from awslabs_dsql_mcp.migration.script import directions
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.scripts import ScriptItem
from awslabs_dsql_mcp.text import one_line


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


def remarks(
    script: str, items: Sequence[ScriptItem], statements: Sequence[ScriptStatement]
) -> Iterator[Remark]:
    """Find the comments by which a migration tool would run a part of a script, or cut it in another way.

    Args:
        script: The script.
        items: Its parts.
        statements: Its statements.
    """
    comments = list(directions.comments(script, items))
    if (turn := directions.turn(comments, statements, len(items))) is not None:
        why = (
            "the script has two directions, and only one can be run: send the statements of the one that is "
            f"wanted alone, those above line {turn.line} or those below it; if all are wanted, remove the "
            "comment"
        )
        yield Remark(turn.line, one_line(turn.text), why, is_blocking=True)
    for comment in comments:
        for pattern, why, is_blocking in _DECIDING:
            if re.match(pattern, comment.text, re.IGNORECASE):
                yield Remark(comment.line, comment.text, why, is_blocking)


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


_LOOKED_AT: Final = 100_000
"""Characters in which a script shows what it is; `re` lets no other thread run until it is through."""


def foreign_dialect(script: str) -> str | None:
    """Name the database whose SQL a script that does not parse is written in, by words of its own."""
    code = _PROSE.sub("''", script[:_LOOKED_AT])
    for name, signs in _DIALECTS:
        if re.search(signs, code, re.IGNORECASE | re.MULTILINE):
            return name
    return None


def placeholder(text: str) -> str | None:
    """Find a placeholder that a migration tool would replace."""
    found = _PLACEHOLDER.search(text[:_LOOKED_AT])
    return found and found.group()
