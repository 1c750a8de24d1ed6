"""Aurora DSQL's own statements, which PostgreSQL's grammar does not have.

::

    CREATE [UNIQUE] INDEX ASYNC [[IF NOT EXISTS] name] ON …
    ALTER TABLE ASYNC name VALIDATE CONSTRAINT …
    AWS IAM GRANT role TO 'arn' / AWS IAM REVOKE role FROM 'arn'

They are recognised from the scanner's tokens. ASYNC is then overwritten with blanks, so that the rest is
parsed by PostgreSQL's grammar and every position stays what it was. (AWS: Aurora DSQL user guide,
"Asynchronous indexes", "ALTER TABLE", "Database roles and IAM authentication".)
"""

import re
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Tree
from awslabs_dsql_mcp.sql.parser import ParseError, Token

_IAM: Final = {"grant": "to", "revoke": "from"}
_MIN_IAM_TOKENS: Final = 6


@dataclass(frozen=True)
class Parsed:
    """A text's statements.

    Attributes:
        trees: One for each statement of PostgreSQL's grammar.
        asynchronous: ASYNC was written where Aurora DSQL has it.
        iam: ``AWS IAM GRANT`` or ``AWS IAM REVOKE``, which have no tree.
    """

    trees: tuple[Tree, ...]
    asynchronous: bool = False
    iam: str | None = None


def parse(sql: str) -> Parsed:
    """Parse a text into statements of PostgreSQL's grammar or Aurora DSQL's.

    Raises:
        Fault: It is neither, or larger than what is looked at.
    """
    lowered = sql.lower()
    if "async" not in lowered and "aws" not in lowered:
        return Parsed(parser.parse(sql))
    try:
        plain: Parsed | ParseError = Parsed(parser.parse(sql))
    except ParseError as fault:
        if fault.rule != "syntax":
            raise
        plain = fault
    return _parse_dsql(sql, plain)


def _parse_dsql(sql: str, plain: Parsed | ParseError) -> Parsed:
    found = parser.tokens(sql)
    words = [token.word for token in found[:5]]
    if words[:2] == ["aws", "iam"]:
        return _iam(found, len(sql))
    if (at := _async_at(words)) is None:
        if isinstance(plain, ParseError):
            raise plain
        return plain
    return _without_async(sql, found[at], plain, index=words[0] == "create")


def _async_at(words: list[str]) -> int | None:
    if words[:3] == ["create", "index", "async"] or words[:3] == ["alter", "table", "async"]:
        return 2
    return 3 if words[:4] == ["create", "unique", "index", "async"] else None


def _without_async(sql: str, word: Token, plain: Parsed | ParseError, *, index: bool) -> Parsed:
    data = sql.encode()
    blanked = data[: word.start] + b" " * (word.end - word.start) + data[word.end :]
    try:
        trees = parser.parse(blanked.decode())
    except ParseError as fault:
        if isinstance(plain, Parsed):
            return plain
        raise max(plain, fault, key=lambda fault: fault.offset) from None
    if index or _only_validates(trees):
        return Parsed(trees, asynchronous=True)
    if isinstance(plain, ParseError):
        raise plain
    return plain


def _only_validates(trees: tuple[Tree, ...]) -> bool:
    return all(
        place.node.get("subtype") == "AT_ValidateConstraint"
        for tree in trees
        for place in tree.find("AlterTableCmd")
    )


def _iam(found: tuple[Token, ...], end: int) -> Parsed:
    words = [token.word for token in found]
    while words and words[-1] == ";":
        words.pop()
    verb = words[2] if len(words) > 2 else ""  # noqa: PLR2004 - after AWS IAM
    if ";" not in words and not _is_iam(words, verb):
        raise ParseError(
            "aws-iam",
            min(found[2].start if len(found) > 2 else end, end),  # noqa: PLR2004 - after AWS IAM
            "AWS IAM GRANT and AWS IAM REVOKE take one role and the ARN of an IAM role or user",
        )
    if ";" in words:
        second = found[words.index(";") + 1]
        raise ParseError("multiple-statements", second.start, "the text holds more than one statement")
    return Parsed((), iam=f"AWS IAM {verb.upper()}")


def _is_iam(words: list[str], verb: str) -> bool:
    return (
        len(words) >= _MIN_IAM_TOKENS
        and words[4] == _IAM.get(verb)
        and re.fullmatch(r'[a-z_]\w*|"(?:[^"]|"")+"', words[3]) is not None
        and all(word.startswith("'") if at % 2 == 0 else word == "," for at, word in enumerate(words[5:]))
        and len(words) % 2 == 0
    )
