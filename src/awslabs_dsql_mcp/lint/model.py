"""dsql-lint's findings, read from its JSON output and summed up for an error.

Source of the shapes: dsql-lint 0.2.22, ``--format json``, schema version 1.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Final, Protocol, cast

from awslabs_dsql_mcp.text import truncate_sentence

MAX_LINTED: Final = 1_000_000
"""Longest text that is linted, in UTF-8 bytes: as much as the guard parses."""

UNPARSED: Final = "parse_error"
"""The rule of a statement that dsql-lint cannot parse, which PostgreSQL's grammar often can."""

_TOKEN_ERROR: Final = re.compile(r"Failed to tokenize SQL: .* at Line: (\d+), Column: ", re.DOTALL)
_LONGEST_ADVICE: Final = 240


@dataclass(frozen=True)
class Diagnostic:
    """A part of a statement that Aurora DSQL does not support.

    Attributes:
        rule: The rule's stable id: dsql-lint's in snake case, this server's in kebab case.
        line: The line that it is about, from 1.
        message: Description of the fault.
        suggestion: The form to write instead; may be empty.
        fix: Result of ``--fix``: ``fixed``, ``fixed_with_warning`` or ``unfixable``.
        detail: Changes that a fix makes, and their consequences; may be empty.
        statement: The beginning of the statement.
    """

    rule: str
    line: int
    message: str
    suggestion: str = ""
    fix: str = "unfixable"
    detail: str = ""
    statement: str = ""


@dataclass(frozen=True)
class LintReport:
    """Findings in a script.

    Attributes:
        diagnostics: Findings, in the order of the script.
        fixed_sql: The script with its fixes; ``None`` when no fix was asked for.
    """

    diagnostics: tuple[Diagnostic, ...]
    fixed_sql: str | None = None

    @property
    def token_error(self) -> Diagnostic | None:
        """The error that made dsql-lint give up the whole text, with the line of the unreadable token."""
        for finding in self.diagnostics:
            if finding.rule == UNPARSED and (place := _TOKEN_ERROR.match(finding.message)):
                return replace(finding, line=int(place.group(1)))
        return None

    def count(self, fix: str) -> int:
        """Count the findings with a fix of one kind."""
        return sum(finding.fix == fix for finding in self.diagnostics)


class Linter(Protocol):
    """Finds what Aurora DSQL does not support in SQL text."""

    async def lint(self, sql: str, *, fix: bool, timeout: float) -> LintReport:
        """Lint a text of any number of statements, within so many seconds.

        Raises:
            RequestInvalid: The text is too large, or not Unicode.
            NotConfigured: There is nothing to lint with.
            TimedOut: It took too long.
        """
        ...


def parse(output: str) -> LintReport:
    """Read the output of ``dsql-lint --format json`` for one text.

    Raises:
        ValueError: It is not of that shape.
    """
    try:
        (file,) = json.loads(output)["files"]
        if file["error"]:
            raise ValueError(str(file["error"]))
        fixed = file["fixed_sql"]
        found = tuple(_diagnostic(diagnostic) for diagnostic in file["diagnostics"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no output of dsql-lint: {error!r}") from None
    return LintReport(found, None if fixed is None else str(fixed))


def advice(linted: LintReport, *, single: bool) -> str | None:
    """Put findings into a sentence or two, for an error.

    Args:
        linted: The findings, with fixes.
        single: True if the text was one statement, so that its fixed form can be shown whole.
    """
    found = next((finding for finding in linted.diagnostics if finding.rule != UNPARSED), None)
    if found is None:
        return None
    fixed = " ".join((linted.fixed_sql or "").split())
    if single and fixed and not linted.count("unfixable") and len(fixed) <= _LONGEST_ADVICE:
        caution = f" Mind: {truncate_sentence(found.detail, _LONGEST_ADVICE)}" if found.fix != "fixed" else ""
        return f"dsql-lint writes it as: {fixed}{caution}"
    told = found.suggestion or found.message
    return f"dsql-lint ({found.rule}): {truncate_sentence(told, _LONGEST_ADVICE)}"


def _diagnostic(diagnostic: dict[str, object]) -> Diagnostic:
    fix = cast("dict[str, object]", diagnostic.get("fix_result") or {})
    return Diagnostic(
        rule=str(diagnostic["rule"]),
        line=int(str(diagnostic["line"])),
        message=str(diagnostic["message"]),
        suggestion=str(diagnostic.get("suggestion") or ""),
        fix=str(fix.get("status", "unfixable")),
        detail=str(fix.get("detail") or ""),
        statement=str(diagnostic.get("statement_preview") or ""),
    )
