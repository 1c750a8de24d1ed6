"""A script beside what its migration plan makes of it: the findings, and the script as the plan has it.

The plan (`migration`) is the authority for what Aurora DSQL takes, what is rewritten, what is left out and
what needs a person. A part of the script that Aurora DSQL takes as it is written stays as it is, to the byte:
its rows of COPY, its comments, and the settings and transactions for which `migrate` has steps of its own.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.lint.index_jobs import with_waits
from awslabs_dsql_mcp.lint.model import Finding, Fix
from awslabs_dsql_mcp.lint.part import Part
from awslabs_dsql_mcp.lint.rules import is_of_aurora_dsql
from awslabs_dsql_mcp.lint.session import chains, is_kept, with_session
from awslabs_dsql_mcp.migration.conversion import BY_HAND, ConvertedStatement, SkippedStatement
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import Step
from awslabs_dsql_mcp.migration.planner import single_steps
from awslabs_dsql_mcp.sql.scripts import ScriptItem
from awslabs_dsql_mcp.text import one_line

_FOLDED: Final = re.compile(r" of line (\d+) is here")
_COPIED_ROWS: Final = 1_000  # of the 3,000 that a transaction may change, as many as a step of the plan has


@dataclass(frozen=True)
class Examination:
    """A script and what was found in it.

    Attributes:
        script: The script.
        parts: Its parts, in order.
        remarks: Findings in comments.
    """

    script: str
    parts: tuple[Part, ...]
    remarks: tuple[Finding, ...] = ()

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the lines."""
        found = [*self.remarks, *(finding for part in self.parts for finding in part.findings)]
        return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.line))

    @cached_property
    def fixed_sql(self) -> str:
        """The script with the plan's statements."""
        written: list[str] = []
        at = 0
        for part in self.parts:
            if part.queries is not None:
                start, end, text = _edit(self.script, part.item, part.queries)
                written += self.script[at:start], text
                at = end
        return "".join((*written, self.script[at:]))


def examine(script: str) -> Examination:
    """Compare a script with its plan."""
    conversion = convert(script, tolerant=True)
    steps, skipped = single_steps(conversion)
    of_steps: dict[int | None, list[Step]] = defaultdict(list)
    of_skipped: dict[int | None, list[SkippedStatement]] = defaultdict(list)
    of_drafts: dict[int | None, list[ConvertedStatement]] = defaultdict(list)
    for step in steps:
        of_steps[step.item].append(step)
    for left in skipped:
        of_skipped[left.item].append(left)
    for draft in conversion.statements:
        of_drafts[draft.item].append(draft)
    items = {statement.number: statement.item for statement in conversion.survey.statements}
    parts = [
        _part(item, of_drafts[number], of_steps[number], of_skipped[number]) for number, item in items.items()
    ]
    remarks = tuple(Finding(left.line, f"{left.what}: {left.why}", _fix(left)) for left in of_skipped[None])
    kept = list(with_session(_with_folded(parts)))
    return Examination(script, tuple(with_waits(kept, script)), remarks)


def _part(
    item: ScriptItem,
    drafts: Sequence[ConvertedStatement],
    steps: Sequence[Step],
    skipped: Sequence[SkippedStatement],
) -> Part:
    statements = tuple(statement for step in steps for statement in step.statements)
    part = Part(item, statements=statements, rows=sum(step.rows or 0 for step in steps))
    kinds = {draft.kind for draft in drafts}
    blocking = [left for left in skipped if left.is_blocking]
    if any(not left.rule or is_of_aurora_dsql(left.rule, kinds) for left in blocking):
        found = [Finding(left.line, f"{left.what}: {left.why}", "unfixable") for left in blocking]
        return replace(part, findings=tuple(found))
    if blocking:  # only this server refuses it
        return part
    left_out = tuple(_left_out(left) for left in skipped)
    if not steps:
        if chains(part):
            told = f"{one_line(item.text)}: Aurora DSQL has no AND CHAIN: write COMMIT, then BEGIN"
            return replace(part, findings=(Finding(item.line, told, "unfixable"),))
        is_empty_copy = bool(drafts) and not skipped
        if not is_empty_copy and not (skipped and is_kept(part, skipped)):
            part = replace(part, queries=(), findings=left_out)
        return part
    notes = dict.fromkeys(note for step in steps for note in step.notes)
    if not left_out and _is_verbatim(item, steps) and part.rows <= limits.MAX_ROWS:
        return replace(
            part, findings=tuple(_noted(item, drafts, note) for note in notes if note.startswith(BY_HAND))
        )
    queries = tuple(query for step in steps for query in step.queries)
    if _is_verbatim(item, steps) and item.data is not None:
        queries = tuple(_copies(item, drafts[0].row_lines))
    found = [_noted(item, drafts, note) for note in _told(drafts, list(notes))]
    written = Finding(item.line, f"written as {one_line(queries[0])}", "fixed")
    return replace(part, queries=queries, findings=(*left_out, *(found or [written])))


def _told(drafts: Sequence[ConvertedStatement], notes: Sequence[str]) -> list[str]:
    """Put the notes on one fault together; a CREATE TABLE can have one in each column."""
    if any("tableElts" in draft.top for draft in drafts):
        return list(notes)
    minded = "; ".join(note.removeprefix(BY_HAND) for note in notes if note.startswith(BY_HAND))
    quiet = "; ".join(note for note in notes if not note.startswith(BY_HAND))
    return [*filter(None, [quiet]), *(f"{BY_HAND}{one}" for one in filter(None, [minded]))]


def _is_verbatim(item: ScriptItem, steps: Sequence[Step]) -> bool:
    if not all(step.verbatim for step in steps):
        return False
    return item.data is not None or not item.nonconforming or steps[0].queries == (item.text,)


def _fix(left: SkippedStatement) -> Fix:
    if left.is_blocking:
        return "unfixable"
    return "fixed_with_warning" if left.needs_review else "fixed"


def _left_out(left: SkippedStatement) -> Finding:
    return Finding(left.line, f"{left.what}, left out: {left.why}", _fix(left))


def _noted(item: ScriptItem, drafts: Sequence[ConvertedStatement], note: str) -> Finding:
    fix: Fix = "fixed_with_warning" if note.startswith(BY_HAND) else "fixed"
    message = note.removeprefix(BY_HAND)
    return Finding(_line_of(item, drafts, message), message, fix)


def _line_of(item: ScriptItem, drafts: Sequence[ConvertedStatement], note: str) -> int:
    """Find the line of the column that a note begins with."""
    data = item.text.encode()
    for draft in drafts:
        for element in draft.top.get("tableElts", ()):
            column = element.get("ColumnDef", {})
            name, place = str(column.get("colname", "")), column.get("location", 0)
            written = data[place : place + len(name.encode()) + 1].decode(errors="replace").lower()
            if note.startswith(f"{name}: ") and name.lower() in written:
                return item.line + data.count(b"\n", 0, place)
    return item.line


def _with_folded(parts: Sequence[Part]) -> Iterator[Part]:
    """Move findings about what was folded into a CREATE TABLE to the lines where that stands."""
    moved: dict[int, list[Finding]] = defaultdict(list)
    kept: list[Part] = []
    lines = {line: number for number, part in enumerate(parts) for line in _lines(part.item)}
    for part in parts:
        staying: list[Finding] = []
        for finding in part.findings:
            folded = _FOLDED.search(finding.message)
            number = lines.get(int(folded[1])) if folded else None
            if folded is None or number is None:
                staying.append(finding)
                continue
            told = finding.message.replace(
                folded[0], f" goes into the CREATE TABLE of line {part.item.line}", 1
            )
            moved[number].append(replace(finding, line=int(folded[1]), message=told))
        kept.append(replace(part, findings=tuple(staying)))
    for number, part in enumerate(kept):
        found = (*part.findings, *moved[number])
        if part.queries == () and not found:
            told = f"{one_line(part.item.text)}: done by the statements before it"
            found = (Finding(part.item.line, told, "fixed"),)
        yield replace(part, findings=found)


def _lines(item: ScriptItem) -> range:
    return range(item.line, item.line + item.text.count("\n") + 1)


def _copies(item: ScriptItem, row_lines: Sequence[int]) -> Iterator[str]:
    """Cut the rows of a COPY into several, each to the byte."""
    lines = (item.data or "").splitlines(keepends=True)
    header = "".join(lines[: row_lines[0] - item.data_line])
    places = [line - item.data_line for line in row_lines[::_COPIED_ROWS]]
    for start, end in zip(places, [*places[1:], len(lines)], strict=True):
        yield f"{item.text};\n{header}{''.join(lines[start:end])}\\."


def _edit(script: str, item: ScriptItem, queries: Sequence[str]) -> tuple[int, int, str]:
    """Give the first character to replace, the one after the last, and what is there instead."""
    if not queries:
        line = script[script.rfind("\n", 0, item.start) + 1 : item.start]
        alone = not line.strip(" \t\r\f\v\ufeff")
        end = item.end
        if alone and (rest := re.compile(r"[ \t]*\r?\n").match(script, end)):
            end = rest.end()
        return item.start, end, ""
    if item.data is None:
        return item.start, item.start + len(item.text), ";\n".join(queries)
    if queries[0].endswith("\n\\."):
        return item.start, item.end, "\n".join((*queries, ""))
    return item.start, item.end, ";\n".join((*queries, ""))
