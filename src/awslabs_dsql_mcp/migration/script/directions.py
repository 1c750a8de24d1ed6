"""Comments that part a script in two: the statements that make a change, and those that take it back.

A migration tool runs one half. The tools have markers of their own (see the documentation of goose,
sql-migrate, micrate, dbmate, rambler, node-pg-migrate, shmig, MyBatis Migrations, dbdeploy, tern and Play
evolutions), and people write others. So a comment is a marker by its words: one that names a direction, and
beside it only those that name a tool or the half itself, or those that its counterpart has too.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from awslabs_dsql_mcp.migration.script.mentions import nested, object_name
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.sql.scripts import ScriptItem

_EITHER: Final = frozenset(("do", "apply", "migrate", "deploy", "execute"))
"""Words for running a half: forward, unless a word of the other direction is beside them."""
_FORWARD: Final = frozenset(
    ("up", "ups", "forward", "forwards", "rollforward", "install", "upgrade", "setup", "redo")
)
_BACK: Final = frozenset(
    (
        *("down", "downs", "undo", "revert", "unapply", "rollback", "backout", "backward", "backwards"),
        *("reverse", "undeploy", "uninstall", "downgrade", "teardown"),
    )
)
_DIRECTIONS: Final = _EITHER | _FORWARD | _BACK
_NEUTRAL: Final = frozenset(
    (
        *("goose", "micrate", "rambler", "dbmate", "shmig", "sqlx", "tern", "flyway", "sql", "migration"),
        *("migrations", "script", "section", "part", "half", "block", "direction", "step", "steps"),
        *("changes", "this", "is", "the", "here", "begin", "begins", "start", "starts", "below", "follows"),
    )
)
_MAX_WORDS: Final = 4  # of a comment that is a marker only because another is its counterpart

_COMMENT: Final = re.compile(r"--[^\n\r]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_OPTIONS: Final = re.compile(r"\bno[ _]?transaction\b|\btransaction:\w+", re.IGNORECASE)
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TWO_WORDS: Final = re.compile(r"\b(roll|back|tear|set)[\s-]+(back|forward|out|down|up)\b")
_PREFIX: Final = re.compile(
    rf"(?:[+@!]\w+\s+|\b\w+:|^[^\w]*\w+:\s*)(?=(?:{'|'.join(sorted(_DIRECTIONS, key=len, reverse=True))})\b)"
)
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_DESCRIPTION: Final = re.compile(r"[(\[,:\u2013\u2014]|\s-+\s")
_NAMES: Final = frozenset(("relname", "idxname", "schemaname", "extname", "role", "trigname"))
_NAME_LISTS: Final = frozenset(("typeName", "domainname", "funcname", "defnames"))
_UNDO: Final = re.compile(r"--[\s/]*@undo\b|-{2,}\s*create above / drop below", re.IGNORECASE)


@dataclass(frozen=True)
class Comment:
    """A comment between two statements.

    Attributes:
        text: The comment with its signs.
        line: Its line.
        before: Number of the script's parts before it.
    """

    text: str
    line: int
    before: int


class _Mark(NamedTuple):
    """Words of a comment about a direction: ``rest`` is what is left without those that any marker has."""

    is_back: bool
    rest: tuple[str, ...]


def comments(script: str, items: Sequence[ScriptItem]) -> Iterator[Comment]:
    """Iterate over the comments between the statements of a script, and behind them."""
    places = [(0, 0), *((item.start, item.end) for item in items), (len(script), len(script))]
    line, counted = 1, 0
    for number, ((_, end), (start, _)) in enumerate(pairwise(places)):
        for match in _COMMENT.finditer(script, end, start):
            line, counted = line + script.count("\n", counted, match.start()), match.start()
            yield Comment(match.group().strip(), line, number)


def turn(found: Sequence[Comment], statements: Sequence[ScriptStatement], count: int) -> Comment | None:
    """Find the comment behind which a script goes the other way.

    Args:
        found: The comments of the script.
        statements: Its statements.
        count: Number of its parts.

    Returns:
        The first comment of the second direction, where both have statements; ``None`` for one direction.
    """
    marks: dict[tuple[str, ...], list[tuple[bool, Comment]]] = {}
    for comment in found:
        if 0 < comment.before < count and _UNDO.match(comment.text):
            return comment
        if (mark := _read(comment.text)) is not None:
            marks.setdefault(mark.rest, []).append((mark.is_back, comment))
    for marked in marks.values():
        followed = {
            is_back
            for (is_back, comment), (_, following) in pairwise([*marked, (False, Comment("", 0, count))])
            if following.before > comment.before
        }
        if len(followed) > 1:
            return next(comment for is_back, comment in marked if is_back != marked[0][0])
    lone = (comment for is_back, comment in marks.get((), ()) if is_back)
    return next((comment for comment in lone if _takes_back(statements, comment.before)), None)


def _read(text: str) -> _Mark | None:
    """Read a comment as a marker; ``None`` for one without a direction, with both, or that is a sentence."""
    plain = _TWO_WORDS.sub(r"\1\2", _OPTIONS.sub("", _CAMEL.sub(" ", text)).lower())
    plain = _PREFIX.sub("", plain)
    first = next((word for word in _WORD.finditer(plain) if word.group() in _DIRECTIONS), None)
    if first is None:
        return None
    described = _DESCRIPTION.search(plain, first.end())
    head = plain[: described.start()] if described else plain
    for words in (_WORD.findall(head), _WORD.findall(plain)):
        rest = tuple(word for word in words if word not in _DIRECTIONS | _NEUTRAL)
        is_back = not _BACK.isdisjoint(words)
        if is_back and not _FORWARD.isdisjoint(words):
            return None
        if not rest or len(words) <= _MAX_WORDS:
            return _Mark(is_back, rest)
    return None


def _takes_back(statements: Sequence[ScriptStatement], before: int) -> bool:
    """Say if a statement behind a place takes away what one before it made or filled."""
    made = {name for one in statements if one.number < before for name in _named(one)}
    taken = (name for one in statements if one.number >= before for name in _taken(one))
    return not made.isdisjoint(taken)


def _named(statement: ScriptStatement) -> Iterator[str]:
    for fields in nested(statement.tree):
        yield from (fields[key] for key in _NAMES & fields.keys() if isinstance(fields[key], str))
    for key in _NAME_LISTS & statement.tree.keys():
        yield from strings(statement.tree[key])[-1:]


def _taken(statement: ScriptStatement) -> Iterator[str]:
    """Name the objects that a statement drops, or takes something away from."""
    top, kind = statement.tree, statement.kind
    if kind == "DropStmt":
        yield from (name for one in top.get("objects", ()) for name in object_name(one)[-1:])
    elif kind == "DropRoleStmt":
        yield from (role["RoleSpec"].get("rolename", "") for role in top["roles"])
    elif kind == "TruncateStmt":
        yield from (one["RangeVar"]["relname"] for one in top["relations"])
    elif kind == "DeleteStmt" or (kind == "AlterTableStmt" and any(map(_drops, top["cmds"]))):
        yield top["relation"]["relname"]


def _drops(command: Node) -> bool:
    return command["AlterTableCmd"].get("subtype", "").startswith("AT_Drop")
