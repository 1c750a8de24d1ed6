"""Scripts cut into statements, psql meta-commands and the rows of COPY … FROM stdin.

PostgreSQL's scanner stops at the backslashes of psql, so a script is cut by a lexer that knows only where
strings, comments and bodies end (PostgreSQL documentation, "Lexical Structure"; "psql", meta-commands). One
without an end runs to the end of the script.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

_PLAIN: Final = r"'(?:[^']|'')*'?"
_ESCAPED: Final = r"'(?:[^'\\]|\\.|'')*'?"
# Words have [A-Za-z_\x80-\U0010ffff], and behind the first also digits and "$". Sets of what they do not have
# compile 20 times as fast, which can be felt at start.
_WORD_START: Final = r"[^\x00-@\[-^`{-\x7f]"
_TAG_PART: Final = r"[^\x00-/:-@\[-^`{-\x7f]"
_WORD_PART: Final = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
_LEXEME: Final = re.compile(
    r"""(?P<blank>[ \t\n\r\f\v]+|--[^\n\r]*)|(?P<comment>/\*)"""
    rf"""|[eE]{_ESCAPED}|(?P<plain>{_PLAIN})|"(?:[^"]|"")*"?"""
    rf"""|\$(?P<tag>(?:{_WORD_START}{_TAG_PART}*)?)\$.*?(?:\$(?P=tag)\$|\Z)|\$[0-9]+"""
    rf"""|(?P<word>{_WORD_START}{_WORD_PART}*)"""
    r"""|(?P<end>;)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<meta>\\)|.""",
    re.DOTALL,
)
# As psql cuts while standard_conforming_strings is off (PostgreSQL documentation, "String Constants").
_NONCONFORMING_LEXEME: Final = re.compile(_LEXEME.pattern.replace(_PLAIN, _ESCAPED), re.DOTALL)
_CONFORMING: Final = re.compile(
    r"(?:set|reset|select\b.*\bset_config)\b.*?\bstandard_conforming_strings\b"
    r"(?:'?\s*(?:=|,|\bto\b)\s*'?(?P<off>of|off|f|fa|fal|fals|false|n|no|0)\b)?",
    re.IGNORECASE | re.DOTALL,
)
_BYTE_ORDER_MARK: Final = "\ufeff"
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_COPY: Final = re.compile(r"\\?copy\b.*\bfrom\s+p?stdin\b", re.IGNORECASE | re.DOTALL)
_END_OF_DATA: Final = re.compile(r"^\\\.\r?(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class ScriptItem:
    r"""A part of a script.

    Attributes:
        text: A statement without its semicolon and comments around it, or a psql meta-command.
        line: The line it begins in, from 1.
        start: Characters of the script before it.
        end: Characters of the script up to its end, its semicolon and its data included.
        meta: True for a meta-command.
        data: The lines that follow a COPY … FROM stdin; ``None`` for anything else.
        data_line: The line in which the data begin.
        framed: The data begin in the line after the statement, and end with a line ``\.``.
        nonconforming: Backslashes in plain literals are escapes.
    """

    text: str
    line: int
    start: int = 0
    end: int = 0
    meta: bool = False
    data: str | None = None
    data_line: int = 0
    framed: bool = True
    nonconforming: bool = False


def without_mark(text: str) -> str:
    """Leave out the byte order mark that some editors put at the start of a file."""
    return text.removeprefix(_BYTE_ORDER_MARK)


def split_script(script: str) -> Iterator[ScriptItem]:
    """Cut a script into its parts, in order; a byte order mark at its start is none of them."""
    at = len(_BYTE_ORDER_MARK) if script.startswith(_BYTE_ORDER_MARK) else 0
    line, counted = 1, 0
    lexeme = _LEXEME
    while (start := _after_blanks(script, at)) < len(script):
        line, counted = line + script.count("\n", counted, start), start
        meta = script[start] == "\\"
        if meta:
            stop = at = _end_of_line(script, start)
        else:
            stop, at = _end_of_statement(script, start, lexeme)
        item = ScriptItem(
            script[start:stop].rstrip() if meta else script[start:stop],
            line,
            start,
            at,
            meta,
            nonconforming=lexeme is not _LEXEME,
        )
        if _COPY.match(item.text):
            begin = _end_of_line(script, at) + 1
            follows = script[at:begin].strip()
            data, at, ended = _data(script, begin)
            framed = ended and (not follows or follows.startswith("--"))
            data_line = line + script.count("\n", start, begin)
            item = replace(item, end=at, data=data, data_line=data_line, framed=framed)
        elif setting := _CONFORMING.match(item.text):
            lexeme = _NONCONFORMING_LEXEME if setting["off"] else _LEXEME
        yield item


def with_escapes(text: str) -> str:
    """Write the plain literals of a nonconforming script that hold a backslash as ``E'…'``."""
    return _NONCONFORMING_LEXEME.sub(
        lambda match: f"E{match.group()}" if match["plain"] and "\\" in match.group() else match.group(), text
    )


def _data(script: str, start: int) -> tuple[str, int, bool]:
    r"""Cut out the data of a COPY: the lines up to ``\.``, in any format (PostgreSQL, psql, "Files")."""
    ending = _END_OF_DATA.search(script, start)
    if ending is None:
        return script[start:], len(script), False
    return script[start : ending.start()], ending.end(), True


def _end_of_line(script: str, at: int) -> int:
    end = script.find("\n", at)
    return len(script) if end < 0 else end


def _after_blanks(script: str, at: int) -> int:
    while match := _LEXEME.match(script, at):
        if match.lastgroup == "comment":
            at = _after_comment(script, match.end())
        elif match.lastgroup in ("blank", "end"):
            at = match.end()
        else:
            break
    return at


def _end_of_statement(script: str, at: int, lexeme: re.Pattern[str]) -> tuple[int, int]:
    """Find the end of a statement's last word, and where the next part can begin.

    A semicolon in parentheses or in a body of BEGIN ATOMIC does not end a statement; a backslash does, which
    begins a meta-command.
    """
    depth = body = 0
    stop = at
    previous = ""
    while match := lexeme.match(script, at):
        kind = match.lastgroup
        if kind == "comment":
            at = _after_comment(script, match.end())
            continue
        if kind == "end" and depth <= 0 and not body:
            return stop, match.end()
        if kind == "meta":
            return stop, at
        depth += (kind == "open") - (kind == "close")
        if kind == "word":
            word = match.group().lower()
            body += (previous, word) == ("begin", "atomic") or (body > 0 and word == "case")
            body -= body > 0 and word == "end"
            previous = word
        at = match.end()
        stop = stop if kind == "blank" else at
    return stop, len(script)


def _after_comment(script: str, at: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(script, at)):
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
    return len(script) if depth else at
