"""Statements of PostgreSQL's grammar and Aurora DSQL's own, which PostgreSQL's grammar does not have.

::

    CREATE [UNIQUE] INDEX ASYNC [[IF NOT EXISTS] name] ON …
    ALTER TABLE ASYNC name VALIDATE CONSTRAINT …
    AWS IAM GRANT role TO 'arn' [, …] / AWS IAM REVOKE role FROM 'arn' [, …]

They are recognised from the scanner's tokens. ASYNC and AWS IAM statements are then overwritten with blanks,
so that PostgreSQL's grammar reads the rest and every location stays the same. (AWS: Aurora DSQL user guide,
"Asynchronous indexes", "ALTER TABLE", "Database roles and IAM authentication".)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Tree
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement, SourceText
from awslabs_dsql_mcp.sql.parser import ParseError, Token

_PREPOSITIONS: Final = {"grant": "to", "revoke": "from"}
_MIN_IAM_TOKENS: Final = 6


@dataclass(frozen=True)
class IamStatement:
    """AWS IAM GRANT or AWS IAM REVOKE.

    Attributes:
        verb: ``grant`` or ``revoke``.
        role: The role's name, as PostgreSQL folds it.
        arns: String constants as written.
        start: Byte offset of its first token.
    """

    verb: str
    role: str
    arns: tuple[str, ...]
    start: int

    @property
    def kind(self) -> str:
        """The command: ``AWS IAM GRANT`` or ``AWS IAM REVOKE``."""
        return f"AWS IAM {self.verb.upper()}"


class DsqlSyntaxError(ParseError):
    """A syntax error in a text with ASYNC or AWS IAM, where PostgreSQL would find another."""


@dataclass(frozen=True)
class _DsqlForms:
    """Aurora DSQL's own syntax in a text.

    Attributes:
        blanks: First byte, and byte after the last, of what PostgreSQL's grammar must not see.
        asynchronous: Byte offsets of the statements with ASYNC.
        iam: The AWS IAM statements.
    """

    blanks: list[tuple[int, int]]
    asynchronous: set[int]
    iam: list[IamStatement]


def parse(sql: str) -> tuple[ParsedStatement | IamStatement, ...]:
    """Parse a text into its statements, in order.

    Raises:
        ParseError: It is not SQL, or larger than `parser` reads.
    """
    lowered = sql.lower()
    if "async" not in lowered and "aws" not in lowered:
        return _statements(sql, parser.parse(sql))
    try:
        plain: tuple[Tree, ...] | ParseError = parser.parse(sql)
    except ParseError as error:
        if error.code != "syntax":
            raise
        plain = error
    forms = _find_forms(sql)
    if forms.blanks:
        return _parse_rest(sql, forms, plain)
    if isinstance(plain, ParseError):
        raise plain
    return _statements(sql, plain)


def trees(sql: str) -> tuple[Tree, ...]:
    """Parse a text into the trees of its statements; AWS IAM statements have none.

    Raises:
        ParseError: As `parse` does.
    """
    return tuple(statement.tree for statement in parse(sql) if isinstance(statement, ParsedStatement))


def _statements(sql: str, trees: tuple[Tree, ...]) -> tuple[ParsedStatement, ...]:
    text = SourceText(sql)
    return tuple(ParsedStatement(text, tree) for tree in trees)


def _parse_rest(
    sql: str, forms: _DsqlForms, plain: tuple[Tree, ...] | ParseError
) -> tuple[ParsedStatement | IamStatement, ...]:
    text = SourceText(_blank(sql.encode(), forms.blanks))
    try:
        trees = parser.parse(text.sql)
    except ParseError as error:
        if isinstance(plain, ParseError):
            furthest = max(plain, error, key=lambda fault: fault.offset)
            raise DsqlSyntaxError(furthest.code, furthest.offset, furthest.message) from None
        return _statements(sql, plain)
    statements = [ParsedStatement(text, tree, tree.start in forms.asynchronous) for tree in trees]
    return tuple(sorted([*statements, *forms.iam], key=lambda statement: statement.start))


def _blank(data: bytes, spans: Iterable[tuple[int, int]]) -> str:
    blanked = bytearray(data)
    for start, end in spans:
        blanked[start:end] = b" " * (end - start)
    return blanked.decode()


def _find_forms(sql: str) -> _DsqlForms:
    data = sql.encode()
    forms = _DsqlForms([], set(), [])
    for tokens in _segments(parser.tokens(sql)):
        words = [token.word for token in tokens]
        if words[:2] == ["aws", "iam"]:
            forms.iam.append(_parse_iam(tokens, words, data))
            forms.blanks.append((tokens[0].start, tokens[-1].end))
        elif (at := _async_position(words)) and _is_async(tokens, at, data):
            forms.asynchronous.add(tokens[0].start)
            forms.blanks.append((tokens[at].start, tokens[at].end))
    return forms


def _segments(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """Cut tokens at semicolons: too finely inside a function's body, where no form of Aurora DSQL's is."""
    segment: list[Token] = []
    for token in tokens:
        if token.text != ";":
            segment.append(token)
        elif segment:
            yield segment
            segment = []
    if segment:
        yield segment


def _async_position(words: list[str]) -> int | None:
    if words[:3] in (["create", "index", "async"], ["alter", "table", "async"]):
        return 2
    return 3 if words[:4] == ["create", "unique", "index", "async"] else None


def _is_async(tokens: list[Token], at: int, data: bytes) -> bool:
    """Tell ASYNC from an index or a table of that name: by which of the two PostgreSQL's grammar can read."""
    start, end = tokens[0].start, tokens[-1].end
    statement = data[start:end]
    try:
        (tree,) = parser.parse(_blank(statement, [(tokens[at].start - start, tokens[at].end - start)]))
    except ParseError:
        return not _parses(statement.decode())
    return tree.kind == "IndexStmt" or any(
        command.node.get("subtype") == "AT_ValidateConstraint" for command in tree.find("AlterTableCmd")
    )


def _parses(sql: str) -> bool:
    try:
        parser.parse(sql)
    except ParseError:
        return False
    return True


def _parse_iam(tokens: list[Token], words: list[str], data: bytes) -> IamStatement:
    verb = words[2] if len(words) >= _MIN_IAM_TOKENS else ""
    role = _role(tokens[3].text) if words[4:5] == [_PREPOSITIONS.get(verb)] else None
    constants = all(word.startswith("'") if at % 2 == 0 else word == "," for at, word in enumerate(words[5:]))
    if role is None or not constants or len(words) % 2:
        place = tokens[2].start if len(tokens) > 2 else len(data)  # noqa: PLR2004 - after AWS IAM
        raise ParseError(
            "aws-iam",
            len(data[:place].decode()),
            "AWS IAM GRANT and AWS IAM REVOKE take one role and the ARN of an IAM role or user",
        )
    return IamStatement(verb, role, tuple(token.text for token in tokens[5::2]), tokens[0].start)


def _role(token: str) -> str | None:
    """Read a role's name as PostgreSQL does; None for a word that is reserved, or no name."""
    try:
        (tree,) = parser.parse(f"DROP ROLE {token}")
    except ParseError:
        return None
    return tree.root["roles"][0]["RoleSpec"].get("rolename")
