"""Refusals of the guard, written for the agent that wrote the statement."""

import re
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.errors import StatementRefused
from awslabs_dsql_mcp.text import one_line

_MAX_EXCERPT: Final = 60
_LEXEME: Final = re.compile(
    r"""--[^\n]*|(?:[uU]&)?"(?:[^"]|"")*"?|(?:[uU]&|\w)?'(?:[^']|'')*'?"""
    r"""|[\w$]+(?:\s*\.\s*(?:[\w$]+|"(?:[^"]|"")*"))*|\S"""
)


@dataclass(frozen=True)
class Violation:
    """A reason to refuse a statement.

    Attributes:
        rule: The rule's stable id, in kebab case.
        location: Byte offset in the UTF-8 text of what it refuses.
        why: What is wrong, in one sentence.
        instead: What to write or do instead, in one or two sentences.
        in_script: The same for a statement of a script; empty where it reads as `instead`.
    """

    rule: str
    location: int
    why: str
    instead: str
    in_script: str = ""


@dataclass(frozen=True)
class Refusal:
    """A refusal, with its place in the text.

    Attributes:
        rule: The rule's stable id, in kebab case: ``multiple-statements``.
        line: Line of what is refused, from 1, in the text as given.
        column: Its column, from 1, in characters.
        text: The text that stands there, shortened.
        why: What is wrong, in one sentence.
        instead: What to write or do instead, in one or two sentences.
        in_script: The same for a statement of a script.
    """

    rule: str
    line: int
    column: int
    text: str
    why: str
    instead: str
    in_script: str

    @property
    def message(self) -> str:
        """Rule, place and reason, on one line."""
        at = f" at `{self.text}`" if self.text else ""
        return f"Refused ({self.rule}), line {self.line}, column {self.column}{at}: {self.why}"

    def __str__(self) -> str:
        """Write the refusal as the agent reads it."""
        return f"{self.message}\nNext: {self.instead}"

    def to_error(self, *, where: str = "", outcome: str = "") -> StatementRefused:
        """Convert it to the error of a call.

        Args:
            where: Put before the message: which statement of several is refused.
            outcome: Put after the message: what became of the others.
        """
        return StatementRefused(f"{where}{self.message}{outcome}", code=self.rule, hint=self.instead)


def locate(objection: Violation, sql: str) -> Refusal:
    """Put an objection in the terms of the text that it is about."""
    before = sql.encode(errors="replace")[: objection.location].decode(errors="replace")
    return locate_at(objection, sql, len(before))


def locate_at(objection: Violation, sql: str, offset: int) -> Refusal:
    """Locate an objection by an offset in characters instead of its own location."""
    return Refusal(
        objection.rule,
        sql.count("\n", 0, offset) + 1,
        offset - (sql.rfind("\n", 0, offset) + 1) + 1,
        _excerpt(sql, offset),
        objection.why,
        objection.instead,
        objection.in_script or objection.instead,
    )


def _excerpt(sql: str, offset: int) -> str:
    found = _LEXEME.match(sql, offset, offset + 2 * _MAX_EXCERPT)
    return one_line(found.group()) if found else ""
