"""``dsql_lint``, and what it adds to the errors of ``transact``."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid, StatementFailed, StatementRefused
from awslabs_dsql_mcp.lint.model import MAX_LINTED, MAX_STATEMENTS, WAIT, Finding, Linter
from awslabs_dsql_mcp.lint.rules import is_of_aurora_dsql
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput
from awslabs_dsql_mcp.sql.scripts import split_script
from awslabs_dsql_mcp.text import truncate_sentence
from awslabs_dsql_mcp.tools.spec import ToolSpec, search_hint, to_text_result

if TYPE_CHECKING:
    from awslabs_dsql_mcp.lint.examination import Examination

_UNSUPPORTED: Final = "0A000"
_TIMEOUT: Final = 10.0  # seconds for dsql-lint
_MAX_ADVISED: Final = 20_000  # characters of statements that an error gives advice on
_MAX_ADVICE: Final = 240  # characters of SQL in an error
_MAX_FINDINGS: Final = 50  # findings that are shown
_MAX_LENGTH: Final = 300  # characters of a text in a finding
_MAX_LINES: Final = 10  # lines of findings that say the same
_JOB: Final = re.compile(r"\b(?:INDEX|TABLE)\s+ASYNC\b", re.IGNORECASE)
_NOT_ALL: Final = "No linter knows every rule: a cluster has the last word."


class DsqlLint:
    """Lints scripts.

    Args:
        linter: dsql-lint.
        characters: Characters of fixed SQL that are shown, at most.
        migrates: ``migrate`` is offered.
    """

    def __init__(self, linter: Linter, *, characters: int, migrates: bool = False) -> None:
        self._linter = linter
        self._characters = characters
        self._migrates = migrates

    def spec(self) -> ToolSpec:
        """The tool as it is announced."""

        async def dsql_lint(
            sql: Annotated[str, Field(description="Up to 20,000 statements.")],
            fix: Annotated[bool, Field(description="Also give the script as fixed.")] = False,  # noqa: FBT002 - clients pass arguments by name
        ) -> CallToolResult:
            return to_text_result(await self.dsql_lint(sql, fix=fix))

        return ToolSpec(
            "dsql_lint",
            dsql_lint,
            "Lint SQL for Aurora DSQL",
            "What Aurora DSQL does not take of a PostgreSQL script: line, fault, what to write "
            "instead. Nothing is run.",
            family="schema-changes",
            meta=search_hint("check sql compatibility"),
        )

    async def dsql_lint(self, sql: str, *, fix: bool = False) -> ToolOutput:
        """List what Aurora DSQL does not take of a script.

        Args:
            sql: Statements, at most `MAX_STATEMENTS`.
            fix: Whether to give the script as the migration plan has it.

        Raises:
            RequestInvalid: The text is empty, too large or no text.
        """
        _require_lintable(sql)
        examined = await asyncio.to_thread(_examined, sql)
        from awslabs_dsql_mcp.lint.second_opinion import second_opinion  # noqa: PLC0415 - as in _examine()

        try:
            more = await second_opinion(examined, self._linter, timeout=_TIMEOUT)
        except DsqlError as error:
            more, missing = (), f"AWS's dsql-lint was not heard: {error.message}"
        else:
            missing = ""
        shown = self._characters if fix else None
        return await asyncio.to_thread(_answer, examined, more, missing, shown, migrates=self._migrates)


class LintAdvice:
    """Adds a statement as it is written for Aurora DSQL to the error that refuses it."""

    async def add(self, error: DsqlError, statements: Sequence[str]) -> None:
        """Put what to write instead into the error's hint, where the migration plan knows it.

        Args:
            error: The error of `transact`.
            statements: The statements of the call.
        """
        if not _is_about_dsql(error) or sum(map(len, statements)) > _MAX_ADVISED:
            return
        examined = await asyncio.to_thread(_examine, "\n;\n".join(statements))
        if told := _advice(examined):
            error.hint = f"{error.hint} {told}" if error.hint else told


def _is_about_dsql(error: DsqlError) -> bool:
    if isinstance(error, StatementRefused):
        return is_of_aurora_dsql(error.code or "")
    return isinstance(error, StatementFailed) and error.sqlstate == _UNSUPPORTED


def _advice(examined: "Examination") -> str | None:
    """Write the statements that a person need not mend as a clause or two, if they are short."""
    queries = [query for part in examined.parts for query in part.queries or () if not query.startswith(WAIT)]
    written = "; ".join(queries)
    if not queries or len(written) > _MAX_ADVICE or "\n" in written:
        return None
    if any(finding.fix == "unfixable" for finding in examined.findings):
        return None
    minded = " ".join(f.message for f in examined.findings if f.fix == "fixed_with_warning")
    caution = f" Mind: {truncate_sentence(minded, _MAX_ADVICE)}" if minded else ""
    apart = ", a call each" if len(queries) > 1 else ""
    return f"Written for Aurora DSQL{apart}: {written}{'.' if caution else ''}{caution}"


def _require_lintable(sql: str) -> None:
    if not sql.strip():
        raise RequestInvalid("sql is empty.", hint="Give one or more statements.")
    try:
        size = len(sql.encode())
    except UnicodeEncodeError:
        raise RequestInvalid("sql has half of a surrogate pair in it.", hint="Send it whole.") from None
    if "\0" in sql:
        raise RequestInvalid("sql has a NUL character in it.", hint="Leave it out.")
    if size > MAX_LINTED:
        raise RequestInvalid(
            f"sql has {size:,} bytes; at most {MAX_LINTED:,} are linted.",
            hint="Lint the schema without its data, or a part at a time.",
        )


def _examined(sql: str) -> "Examination":
    """Examine a script.

    Raises:
        RequestInvalid: It has too many statements.
    """
    statements = sum(1 for _ in split_script(sql))
    if statements > MAX_STATEMENTS:
        raise RequestInvalid(
            f"sql has {statements:,} statements; at most {MAX_STATEMENTS:,} are linted at a time.",
            hint="Lint the schema without its data, or a part at a time.",
        )
    return _examine(sql)


def _examine(sql: str) -> "Examination":
    from awslabs_dsql_mcp.lint.examination import examine  # noqa: PLC0415 - 40 ms that start-up can do without

    return examine(sql)


def _answer(
    examined: "Examination", more: Sequence[Finding], missing: str, characters: int | None, *, migrates: bool
) -> ToolOutput:
    """Write the findings.

    Args:
        examined: The script.
        more: What dsql-lint found beyond.
        missing: Why it was not heard; empty if it was.
        characters: Characters of fixed SQL that are shown, at most; ``None`` for none.
        migrates: ``migrate`` is offered.
    """
    found = sorted((*examined.findings, *more), key=_is_fixable)  # what is cut is not left to a person
    fixed = None if characters is None else examined.fixed_sql
    done = "fixable" if fixed is None else "fixed"
    summary = _summary(found, done)
    grouped = _grouped(found)
    lines: list[str | Marked] = [
        summary,
        *(_line(finding, lines, done) for finding, lines in grouped[:_MAX_FINDINGS]),
    ]
    if len(grouped) > _MAX_FINDINGS:
        lines.append(
            f"… and {len(grouped) - _MAX_FINDINGS} kinds of findings more: to see them, mend these and lint "
            "again, or lint a part at a time."
        )
    structured: dict[str, object] = {
        "summary": summary,
        "findings": [_facts(finding) for finding in found[:_MAX_FINDINGS]],
    }
    if len(found) > _MAX_FINDINGS:
        structured["more_findings"] = len(found) - _MAX_FINDINGS
    if fixed is not None and characters is not None and found:
        shown = _whole_lines(fixed, characters)
        cut = "" if shown == fixed else " (its beginning: too long; lint a part at a time)"
        lines += [f"Fixed SQL{cut}:", Marked("sql", shown.rstrip())]
        structured |= {"fixed_sql": shown, "fixed_sql_cut": bool(cut)}
    lines += [missing, _NOT_ALL] if missing else [_NOT_ALL]
    lines += _next(found, fixed, migrates=migrates)
    return ToolOutput(tuple(lines), structured)


def _next(found: Sequence[Finding], fixed: str | None, *, migrates: bool) -> Iterator[str]:
    if fixed is None:
        if any(map(_is_fixable, found)):
            yield "Next: the same with fix=true gives the script as fixed."
        return
    if not found:
        return
    mended = "mend the lines by hand, then " if not all(map(_is_fixable, found)) else ""
    waited = ", or wait at the comments" if WAIT in fixed else ""
    has_jobs = _JOB.search(fixed) is not None
    if migrates:
        runs = "waits for each job" if has_jobs else "runs it step by step"
        yield f"Next: {mended}send the script to migrate, which {runs}{waited}."
    else:
        told = "; job_status tells when a job that it begins has ended" if has_jobs else ""
        yield f"Next: {mended}run the fixed script with psql{waited}{told}."


def _is_fixable(finding: Finding) -> bool:
    return finding.fix != "unfixable"


def _summary(found: Sequence[Finding], done: str) -> str:
    if not found:
        return "Nothing found."
    names = {
        "fixed": done,
        "fixed_with_warning": f"{done} with something to mind",
        "unfixable": "to mend by hand",
    }
    counts = {name: sum(finding.fix == fix for finding in found) for fix, name in names.items()}
    return f"{len(found)} found: {', '.join(f'{n} {name}' for name, n in counts.items() if n)}."


def _grouped(found: Iterable[Finding]) -> list[tuple[Finding, list[int]]]:
    """Put findings that differ in their line alone together."""
    groups: dict[tuple[str, str], tuple[Finding, list[int]]] = {}
    for finding in found:
        groups.setdefault((finding.message, finding.fix), (finding, []))[1].append(finding.line)
    return sorted(groups.values(), key=lambda group: (_is_fixable(group[0]), group[1][0]))


def _line(finding: Finding, lines: Sequence[int], done: str) -> str:
    state = {"fixed": done, "fixed_with_warning": f"{done}, mind", "unfixable": "by hand"}[finding.fix]
    source = f" (dsql-lint, {finding.rule})" if finding.rule else ""
    return f"- {_places(lines)} ({state}): {truncate_sentence(finding.message, _MAX_LENGTH)}{source}"


def _places(lines: Sequence[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    listed = ", ".join(map(str, lines[:_MAX_LINES]))
    return f"lines {listed}{f' and {len(lines) - _MAX_LINES} more' if len(lines) > _MAX_LINES else ''}"


def _facts(finding: Finding) -> dict[str, object]:
    facts = {
        "line": finding.line,
        "message": truncate_sentence(finding.message, _MAX_LENGTH),
        "fix": finding.fix,
        "rule": finding.rule,
    }
    return {name: value for name, value in facts.items() if value != ""}


def _whole_lines(text: str, characters: int) -> str:
    if len(text) <= characters:
        return text
    return text[:characters].rpartition("\n")[0] or text[:characters]
