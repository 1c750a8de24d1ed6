"""``dsql_lint``, and what it adds to the errors of ``transact``."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid, StatementFailed, StatementRefused
from awslabs_dsql_mcp.lint.model import Diagnostic, Linter, LintReport, advice
from awslabs_dsql_mcp.lint.own_rules import DSQL_RULES, own_diagnostics
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.text import truncate_sentence
from awslabs_dsql_mcp.tools.spec import ToolSpec, search_hint, to_text_result

_UNSUPPORTED: Final = "0A000"
_TIMEOUT: Final = 20.0  # seconds for a script
_QUICK_TIMEOUT: Final = 1.5  # seconds that an error may wait for it
_MAX_QUICK: Final = 20_000  # characters
_MAX_FINDINGS: Final = 50  # findings that are shown
_MAX_LENGTH: Final = 300  # characters of a text in a finding
_NOT_ALL: Final = "Neither dsql-lint nor this server knows every rule: a cluster has the last word."


class DsqlLint:
    """Lints scripts.

    Args:
        linter: dsql-lint.
        characters: Characters of fixed SQL that are shown, at most.
    """

    def __init__(self, linter: Linter, *, characters: int) -> None:
        self._linter = linter
        self._characters = characters

    def spec(self) -> ToolSpec:
        """The tool as it is announced."""

        async def dsql_lint(
            sql: Annotated[str, Field(description="A script: any number of statements.")],
            fix: Annotated[bool, Field(description="Also give the script as fixed.")] = False,  # noqa: FBT002 - clients pass arguments by name
        ) -> CallToolResult:
            return to_text_result(await self.dsql_lint(sql, fix=fix))

        return ToolSpec(
            "dsql_lint",
            dsql_lint,
            "Lint SQL for Aurora DSQL",
            "What Aurora DSQL does not take of PostgreSQL DDL (a pg_dump, a migration): rule, line, what to "
            "write instead. Nothing is run.",
            family="schema-changes",
            meta=search_hint("check sql compatibility"),
        )

    async def dsql_lint(self, sql: str, *, fix: bool = False) -> ToolOutput:
        """List what Aurora DSQL does not support in a script.

        Args:
            sql: Any number of statements.
            fix: Whether to give the script with what can be fixed.

        Raises:
            RequestInvalid: The text is empty, too large or no text.
            NotConfigured: There is no dsql-lint.
            TimedOut: It took too long.
        """
        if not sql.strip():
            raise RequestInvalid("sql is empty.", hint="Give one or more statements.")
        linted = await self._linter.lint(sql, fix=fix, timeout=_TIMEOUT)
        more = await asyncio.to_thread(own_diagnostics, sql, linted.diagnostics)
        return _answer(linted, more, fix=fix, characters=self._characters)


class LintAdvice:
    """Adds dsql-lint's advice to errors about what Aurora DSQL does not have.

    Args:
        linter: dsql-lint.
    """

    def __init__(self, linter: Linter) -> None:
        self._linter = linter

    async def add(self, error: DsqlError, statements: Sequence[str]) -> None:
        """Put what to write instead into the error's hint; without dsql-lint, or in haste, leave it as it is.

        Args:
            error: What `transact` met.
            statements: What it was given.
        """
        if not _is_about_dsql(error) or sum(map(len, statements)) > _MAX_QUICK:
            return
        try:
            linted = await self._linter.lint("\n;\n".join(statements), fix=True, timeout=_QUICK_TIMEOUT)
        except DsqlError:
            return
        if told := advice(linted, single=len(statements) == 1):
            error.hint = f"{error.hint} {told}" if error.hint else told


def _is_about_dsql(error: DsqlError) -> bool:
    if isinstance(error, StatementRefused):
        return error.code in DSQL_RULES
    return isinstance(error, StatementFailed) and error.sqlstate == _UNSUPPORTED


def _answer(linted: LintReport, more: Sequence[Diagnostic], *, fix: bool, characters: int) -> ToolOutput:
    found = sorted((*linted.diagnostics, *more), key=lambda finding: finding.line)
    summary = _summary(linted, more, fix=fix)
    lines = [summary, *(_line(finding, fix=fix) for finding in found[:_MAX_FINDINGS])]
    if len(found) > _MAX_FINDINGS:
        lines.append(f"… and {len(found) - _MAX_FINDINGS} more: mend these, and lint again.")
    structured: dict[str, object] = {
        "summary": summary,
        "findings": [_facts(f) for f in found[:_MAX_FINDINGS]],
    }
    if linted.fixed_sql is not None:
        fixed = _whole_lines(linted.fixed_sql, characters)
        cut = "" if fixed == linted.fixed_sql else " (its beginning: too long; lint a part at a time)"
        lines += [f"Fixed SQL{cut}:", fixed.rstrip()]
        structured |= {"fixed_sql": fixed, "fixed_sql_cut": bool(cut)}
    lines.append(_NOT_ALL)
    return ToolOutput("\n".join(lines), structured)


def _summary(linted: LintReport, more: Sequence[Diagnostic], *, fix: bool) -> str:
    if not linted.diagnostics and not more:
        return "Nothing found."
    done = "fixed" if fix else "fixable"
    parts = {
        done: linted.count("fixed"),
        f"{done}, with something to mind": linted.count("fixed_with_warning"),
        "to mend by hand": linted.count("unfixable") + len(more),
    }
    said = ", ".join(f"{number} {what}" for what, number in parts.items() if number)
    ours = f"; {len(more)} of them found by this server's own rules only" if more else ""
    return f"{len(linted.diagnostics) + len(more)} found: {said}{ours}."


def _line(finding: Diagnostic, *, fix: bool) -> str:
    done = "fixed" if fix else "fixable"
    state = {"fixed": done, "fixed_with_warning": f"{done}, mind"}
    told = truncate_sentence(finding.detail if fix and finding.detail else finding.suggestion, _MAX_LENGTH)
    where = f"line {finding.line} {finding.rule} ({state.get(finding.fix, 'by hand')})"
    return f"- {where}: {truncate_sentence(finding.message, _MAX_LENGTH)} {told}".rstrip()


def _facts(finding: Diagnostic) -> dict[str, object]:
    facts = {
        "rule": finding.rule,
        "line": finding.line,
        "message": truncate_sentence(finding.message, _MAX_LENGTH),
        "suggestion": truncate_sentence(finding.suggestion, _MAX_LENGTH),
        "fix": finding.fix,
        "detail": truncate_sentence(finding.detail, _MAX_LENGTH),
    }
    return {name: value for name, value in facts.items() if value != ""}


def _whole_lines(text: str, characters: int) -> str:
    if len(text) <= characters:
        return text
    return text[:characters].rpartition("\n")[0] or text[:characters]
