"""Scripts cut into statements, psql meta-commands and the rows of COPY … FROM stdin.

PostgreSQL's scanner stops at the backslashes of psql, so a script is cut by a lexer that knows only where
strings, comments and bodies end (PostgreSQL documentation, "Lexical Structure"; "psql", meta-commands). One
without an end runs to the end of the script.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LEXEME: Final = re.compile(
    r"""(?P<blank>[ \t\n\r\f\v]+|--[^\n\r]*)|(?P<comment>/\*)"""
    r"""|[eE]'(?:[^'\\]|\\.|'')*'?|'(?:[^']|'')*'?|"(?:[^"]|"")*"?"""
    r"""|\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z_\x80-\U0010ffff0-9]*)?)\$.*?(?:\$(?P=tag)\$|\Z)|\$[0-9]+"""
    r"""|(?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z_\x80-\U0010ffff0-9$]*)"""
    r"""|(?P<end>;)|(?P<open>[(\[])|(?P<close>[)\]])|.""",
    re.DOTALL,
)
_BYTE_ORDER_MARK: Final = "\ufeff"
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
        text: A statement without its semicolon and comments around it, or a psql meta-command.
        line: The line it begins in, from 1.
        start: Characters of the script before it.
        meta: True for a meta-command.
        rows: What follows a COPY … FROM stdin; ``None`` for anything else.
    """

    text: str
    line: int
    start: int = 0
    meta: bool = False
    rows: tuple[Row, ...] | None = None


def split_script(script: str) -> Iterator[ScriptItem]:
    """Cut a script into its parts, in order; a byte order mark at its start is none of them."""
    at = len(_BYTE_ORDER_MARK) if script.startswith(_BYTE_ORDER_MARK) else 0
    line, counted = 1, 0
    while (start := _after_blanks(script, at)) < len(script):
        line, counted = line + script.count("\n", counted, start), start
        if script[start] == "\\":
            end = _end_of_line(script, start)
            yield ScriptItem(script[start:end].rstrip(), line, start, meta=True)
            at = end
            continue
        stop, end = _end_of_statement(script, start)
        text = script[start:stop]
        at = end + 1
        if _COPY.match(text):
            rows, at = _copied(script, _end_of_line(script, end) + 1)
            yield ScriptItem(text, line, start, rows=rows)
        else:
            yield ScriptItem(text, line, start)


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


def _end_of_statement(script: str, at: int) -> tuple[int, int]:
    """Find the end of a statement's last word and the semicolon after it, or the script's end.

    A semicolon in parentheses or in a body of BEGIN ATOMIC does not end a statement.
    """
    depth = body = 0
    stop = at
    previous = ""
    while match := _LEXEME.match(script, at):
        kind = match.lastgroup
        if kind == "comment":
            at = _after_comment(script, match.end())
            continue
        if kind == "end" and depth <= 0 and not body:
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
