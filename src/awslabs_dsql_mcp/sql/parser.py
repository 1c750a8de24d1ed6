"""PostgreSQL's own grammar (libpg_query, shipped by postgast), made safe for any text.

libpg_query takes a C string and recurses in C, so texts are bounded first, in one linear pass:

* a NUL would end the text early, a lone surrogate has no UTF-8 form;
* a long run of operator characters is quadratic in PostgreSQL's lexer, which looks at the whole run for
  every ``+`` or ``/*`` that it takes from it;
* a left-deep expression (``1+1+1…``) takes some 500 bytes of C stack for two bytes of SQL. Long texts are
  counted in tokens first and parsed on a thread whose stack is deep enough for all of them.

The JSON tree is used rather than the protobuf one, whose decoder stops at 100 levels.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from awslabs_dsql_mcp.sql import libpg_query
from awslabs_dsql_mcp.sql.identifiers import fold_identifier
from awslabs_dsql_mcp.sql.libpg_query import QueryError
from awslabs_dsql_mcp.sql.parse_tree import Tree, decode

T = TypeVar("T")

MAX_BYTES: Final = 1_000_000
"""Longest text that is parsed, in UTF-8 bytes."""

MAX_TOKENS: Final = 120_000
"""Most tokens in a text: 3,000 rows (a transaction's most) of 19 values, commas counted. A token takes a
kilobyte while it is looked at.
"""

_SHORT: Final = 1_000
"""Bytes up to which no text can be slow or deep: parsed where we are, without counting."""

_DEEP_STACK: Final = 128 << 20
"""Bytes of stack (virtual until touched) for ``MAX_TOKENS`` / 2 levels of a left-deep expression."""

_TOO_DEEP: Final = "its parts are nested or chained thousands of levels deep"

_OPERATOR_RUN: Final = re.compile(r"[~!@#^&|`?+\-*/%<>=]{256,}")
_MAX_RESTARTS: Final = 100

# threading.stack_size() belongs to the process, and so does the lock around changing it.
_STACK_SIZE: Final = threading.Lock()


class ParseError(Exception):
    """A text that cannot be parsed.

    Args:
        code: ``not-text``, ``too-long``, ``too-complex``, ``syntax`` or ``aws-iam``.
        offset: Characters of the text before the error.
        message: Description of the error; PostgreSQL's own for ``syntax``.
    """

    def __init__(self, code: str, offset: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.offset = offset
        self.message = message


@dataclass(frozen=True)
class Token:
    """A token of PostgreSQL's scanner; comments and white space are not tokens.

    Attributes:
        text: As written.
        start: First byte in the UTF-8 text.
        end: The byte after the last.
    """

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token with its ASCII letters in lower case, as PostgreSQL folds names; as written if quoted."""
        return self.text if self.text.startswith('"') else fold_identifier(self.text)


def parse(sql: str) -> tuple[Tree, ...]:
    """Parse a text into its statements.

    Args:
        sql: Any text at all.

    Raises:
        ParseError: It is not SQL, or larger than the limits here.
    """
    data = _encode(sql)
    if len(data) <= _SHORT:
        return _parse(data)
    _bound(sql, data)
    return _with_deep_stack(lambda: _parse(data))


def tokens(sql: str) -> tuple[Token, ...]:
    """Split a text into tokens; only a text that `parse` has bounded.

    Returns:
        The tokens without comments; none if the text cannot be split (an open quote, for instance).
    """
    data = sql.encode()
    try:
        found = libpg_query.scan(data)
    except QueryError:
        return ()
    return tuple(
        Token(data[start:end].decode(), start, end)
        for start, end in found
        if not data.startswith((b"--", b"/*"), start)
    )


def fingerprint(sql: str) -> int:
    """Number of a text that `parse` has taken, the same whatever its constants are; 64 bits."""
    return libpg_query.fingerprint(sql.encode())


def _encode(sql: str) -> bytes:
    try:
        data = sql.encode()
    except UnicodeEncodeError as error:
        raise ParseError("not-text", error.start, "half of a surrogate pair stands alone") from None
    if (nul := sql.find("\0")) >= 0:
        raise ParseError("not-text", nul, "the text contains a NUL character")
    if len(data) > MAX_BYTES:
        raise ParseError(
            "too-long", 0, f"the text has {len(data):,} bytes; at most {MAX_BYTES:,} are looked at"
        )
    return data


def _bound(sql: str, data: bytes) -> None:
    for run in _OPERATOR_RUN.finditer(sql):
        if run.group().count("+") + run.group().count("/*") > _MAX_RESTARTS:
            length = run.end() - run.start()
            raise ParseError("too-complex", run.start(), f"{length:,} operator characters stand in one run")
    if len(data) > MAX_TOKENS and (count := _count_tokens(data)) > MAX_TOKENS:
        raise ParseError(
            "too-complex", 0, f"the text has {count:,} tokens; at most {MAX_TOKENS:,} are looked at"
        )


def _count_tokens(data: bytes) -> int:
    try:
        return libpg_query.count_tokens(data)
    except QueryError:
        return 0  # an open quote or comment: the parser fails on it as well, without recursing


def _parse(data: bytes) -> tuple[Tree, ...]:
    try:
        return _parse_as_is(data)
    except ParseError as error:
        plain = _without_line_comments(data) if error.code == "syntax" and b"--" in data else data
        if plain == data:
            raise
        try:
            return _parse_as_is(plain)
        except ParseError:
            raise error from None


def _without_line_comments(data: bytes) -> bytes:
    """Blank the comments up to the end of a line, as libpg_query refuses one between two parts of a literal.

    (PostgreSQL takes it there: PostgreSQL documentation, "String Constants" and "Comments".)
    """
    try:
        found = libpg_query.scan(data)
    except QueryError:
        return data
    blanked = bytearray(data)
    for start, end in found:
        if data.startswith(b"--", start):
            blanked[start:end] = b" " * (end - start)
    return bytes(blanked)


def _parse_as_is(data: bytes) -> tuple[Tree, ...]:
    try:
        return decode(libpg_query.parse(data))
    except QueryError as error:
        if error.message.startswith("memory exhausted"):
            raise ParseError("too-complex", 0, _TOO_DEEP) from None
        raise ParseError("syntax", error.offset, error.message) from None
    except RecursionError:
        raise ParseError("too-complex", 0, _TOO_DEEP) from None


def _with_deep_stack(work: Callable[[], T]) -> T:
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=run, name="sql-parser")
    with _STACK_SIZE:
        usual = threading.stack_size(_DEEP_STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(usual)
    thread.join()
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result
