"""A script as people have it: statements, psql's own lines, and the rows of COPY … FROM stdin.

PostgreSQL's scanner stops at the backslashes of psql, so a script is cut by a lexer that knows only where
strings, comments and bodies end (PostgreSQL documentation, "Lexical Structure"; "psql", meta-commands).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LEXEME: Final = re.compile(
    r"""(?P<blank>\s+|--[^\n]*)|(?P<comment>/\*)"""
    r"""|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*\""""
    r"""|\$(?P<tag>[^\W\d]\w*|)\$.*?\$(?P=tag)\$|\$\d+"""
    r"""|(?P<word>[^\W\d][\w$]*)|(?P<end>;)|(?P<open>[(\[])|(?P<close>[)\]])|.""",
    re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_COPY: Final = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_END_OF_ROWS: Final = re.compile(r"^\\\.[ \r]*(?:\n|\Z)", re.MULTILINE)
_ESCAPE: Final = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_CONTROL: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

Row = tuple["str | None", ...]


@dataclass(frozen=True)
class ScriptItem:
    """A part of a script.

    Attributes:
        text: A statement without its semicolon, or a line of psql's.
        line: The line it begins in, from 1.
        meta: Whether it is a line of psql's.
        rows: What follows a COPY … FROM stdin; ``None`` for anything else.
    """

    text: str
    line: int
    meta: bool = False
    rows: tuple[Row, ...] | None = None


def split_script(script: str) -> Iterator[ScriptItem]:
    """Cut a script into its parts, in order."""
    at = 0
    line, counted = 1, 0
    while (start := _after_blanks(script, at)) < len(script):
        line, counted = line + script.count("\n", counted, start), start
        if script[start] == "\\":
            end = _end_of_line(script, start)
            yield ScriptItem(script[start:end].rstrip(), line, meta=True)
            at = end
            continue
        end = _end_of_statement(script, start)
        text = script[start:end].rstrip()
        at = end + 1
        if _COPY.match(text):
            rows, at = _copied(script, _end_of_line(script, end) + 1)
            yield ScriptItem(text, line, rows=rows)
        elif text:
            yield ScriptItem(text, line)


def decode_row(line: str) -> Row:
    r"""Read a row of COPY's text format: fields between tabs, ``\N`` for NULL, backslash escapes."""
    fields = line.split("\t")
    return tuple(None if field == r"\N" else _ESCAPE.sub(_unescaped, field) for field in fields)


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _CONTROL.get(code, code)


def _copied(script: str, start: int) -> tuple[tuple[Row, ...], int]:
    ending = _END_OF_ROWS.search(script, start)
    end, after = (ending.start(), ending.end()) if ending else (len(script), len(script))
    lines = script[start:end].split("\n")
    if lines[-1] == "":
        lines.pop()
    return tuple(decode_row(line.removesuffix("\r")) for line in lines), after


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


def _end_of_statement(script: str, at: int) -> int:
    """Find the semicolon that ends a statement: not in parentheses, nor in a body of BEGIN ATOMIC."""
    depth = body = 0
    previous = ""
    while match := _LEXEME.match(script, at):
        kind = match.lastgroup
        if kind == "comment":
            at = _after_comment(script, match.end())
            continue
        if kind == "end" and depth <= 0 and not body:
            return at
        depth += (kind == "open") - (kind == "close")
        if kind == "word":
            word = match.group().lower()
            body += (previous, word) == ("begin", "atomic") or (body > 0 and word == "case")
            body -= body > 0 and word == "end"
            previous = word
        at = match.end()
    return len(script)


def _after_comment(script: str, at: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(script, at)):
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
    return len(script) if depth else at
