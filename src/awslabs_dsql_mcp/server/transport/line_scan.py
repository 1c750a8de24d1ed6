"""A line that may be broken, looked through without a parser: the id of its message, and its depth."""

import json
import re
from collections.abc import Iterator
from typing import Final, cast

from awslabs_dsql_mcp.json_reader import MAX_DEPTH
from awslabs_dsql_mcp.server.transport.limits import KEPT, MAX_LINE
from awslabs_dsql_mcp.server.transport.line_reader import CutLine

_BRACKETS: Final = re.compile(rb'"|[][{}]+')
_LEVELS: Final = re.compile(rb'"|[{[]+|[]}]+')
_STEP: Final = 1 << 16
_WITHIN_TEXT: Final = re.compile(rb'(?:[^"\\]{1,256}|\\.){0,1000}', re.DOTALL)
_VALUE: Final = rb'\s*:\s*(?:(-?\d{1,18})(?![\d.eE])|("(?:[^"\\]|\\.){0,1000}"))'
_ID: Final = re.compile(_VALUE)
_ID_AT_END: Final = re.compile(
    rb'[{,]\s*"id"' + _VALUE + rb'(?:\s*,\s*"\w{1,20}"\s*:\s*"?[\w./+-]{1,100}"?){0,9}\s*\}\s*\Z'
)


def find_id(line: bytes) -> int | str | None:
    """Find the id of a message that may be broken; ``None`` where there is no valid one.

    Of a line that was cut, both ends are looked at: clients write the id first or last.
    """
    if not isinstance(line, CutLine) and len(line) <= MAX_LINE:
        return _first_id(line)
    found = _first_id(line[:KEPT])
    return found if found is not None else _id_of(_ID_AT_END.search(line[-KEPT:]))


def depth_of(line: bytes) -> int:
    """Count the levels of a text's objects and arrays, without recursion; 0 where they are few."""
    if line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for start, end in _lexemes(line, _LEVELS):
        depth += _levels(line, start, end)
        deepest = max(deepest, depth)
    return deepest


def _first_id(line: bytes) -> int | str | None:
    depth = 0
    for start, end in _lexemes(line, _BRACKETS):
        if depth == 1 and end - start == len('"id"') and line.startswith(b'"id"', start):
            found = _ID.match(line, end)
            if found:
                return _id_of(found)
        depth += _levels(line, start, end)
    return None


def _id_of(found: re.Match[bytes] | None) -> int | str | None:
    if found is None:
        return None
    if found[1]:
        return int(found[1])
    try:
        text = cast("str", json.loads(found[2]))
        text.encode()
    except ValueError:
        return None
    return text


def _lexemes(line: bytes, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Give the places of texts and of runs of brackets.

    In small steps: a pattern for a whole text would keep a record of each of its characters.
    """
    at = 0
    while at < len(line):
        lexeme = pattern.search(line, at, at + _STEP)
        if lexeme is None:
            at += _STEP
            continue
        start, at = lexeme.span()
        if line.startswith(b'"', start):
            while (piece := _WITHIN_TEXT.match(line, at)) and piece[0]:
                at = piece.end()
            if not line.startswith(b'"', at):
                return
            at += 1
        yield start, at


def _levels(line: bytes, start: int, end: int) -> int:
    """Give the levels that are open behind a lexeme and were not before, or below zero."""
    if line.startswith(b'"', start):
        return 0
    opened = line.count(b"{", start, end) + line.count(b"[", start, end)
    return opened - (end - start - opened)
