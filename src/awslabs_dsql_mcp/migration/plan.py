"""A migration as a plan: numbered steps, each a transaction of Aurora DSQL's, and what is not carried over.

Pure: a plan depends on the script alone, so that the same script resumes where it stopped. A handle names a
step and the plan's fingerprint, so that a changed script is not resumed by mistake::

    7-3f2a90c1d0b4     go on with step 7
    7?-3f2a90c1d0b4    the same, but step 7 may have been applied: look first
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from awslabs_dsql_mcp.guard import guard
from awslabs_dsql_mcp.migration.columns import constraints, relation_name
from awslabs_dsql_mcp.migration.conversion import Conversion, ConvertedStatement, SkippedStatement
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import one_line

_MAX_ROWS: Final = 1_000  # of the 3,000 a transaction may change: cascades and keys leave room
_MAX_CHARACTERS: Final = 200_000  # of a statement: what the parser reads without a thread of its own
_HANDLE: Final = re.compile(r"(\d{1,6})(\?)?-([0-9a-f]{12})")

_DOLLARS: Final = re.compile(r"-?\$[\d,]+\.\d\d")


@dataclass(frozen=True)
class Step:
    """One transaction.

    Attributes:
        queries: Its statements: one DDL, or changes of data.
        statements: What they are.
        line: Where it comes from in the script.
        notes: What was changed, and why.
        rows: How many rows it inserts; ``None`` where the text does not tell.
    """

    queries: tuple[str, ...]
    statements: Sequence[StatementInfo]
    line: int
    notes: tuple[str, ...] = ()
    rows: int | None = None

    @property
    def title(self) -> str:
        """The step in a few words."""
        first, *others = self.queries
        return one_line(first) + (f" and {len(others)} more" if others else "")


@dataclass(frozen=True)
class MigrationPlan:
    """All steps.

    Attributes:
        steps: In order.
        left_out: What is not carried over, in the script's order.
        where: Names the cluster: a handle is good on no other.
    """

    steps: tuple[Step, ...]
    skipped: tuple[SkippedStatement, ...]
    where: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that stand for exactly these steps."""
        text = json.dumps([self.where, [step.queries for step in self.steps]])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def blocked(self) -> tuple[SkippedStatement, ...]:
        """What must be mended before anything runs."""
        return tuple(left for left in self.skipped if left.is_blocking)

    def handle(self, number: int, *, doubtful: bool = False) -> str:
        """Name the step to go on with.

        Args:
            number: The step, from 1; one more than there are when all is done.
            doubtful: Whether it may have been applied.
        """
        return f"{number}{'?' if doubtful else ''}-{self.fingerprint}"

    def start(self, handle: str) -> tuple[int, bool]:
        """Read a handle: the step's number, and whether it may have been applied.

        Raises:
            ValueError: It is none, or one of another plan.
        """
        match = _HANDLE.fullmatch(handle.strip())
        if match is None or match.group(3) != self.fingerprint:
            raise ValueError("it is not a handle of exactly this script")
        number = int(match.group(1))
        if not 1 <= number <= len(self.steps) + 1:
            raise ValueError(f"there is no step {number}")
        return number, bool(match.group(2))


def refused(conversion: Conversion) -> tuple[str, ...]:
    """The statements that no rule mended and the guard refuses: work for a linter."""
    return tuple(
        sql for draft in conversion.statements if (sql := _sql(draft)) is not None and not _passes(sql)
    )


def plan(conversion: Conversion, fixed: Mapping[str, str]) -> MigrationPlan:
    """Put a converted script into steps.

    Args:
        conversion: The script.
        fixed: For a statement that the guard refuses, what a linter makes of it.
    """
    left_out = list(conversion.skipped)
    singles = [step for draft in conversion.statements for step in _steps(conversion, draft, fixed, left_out)]
    return MigrationPlan(tuple(_together(singles)), tuple(sorted(left_out, key=lambda left: left.line)))


def _sql(draft: ConvertedStatement) -> str | None:
    if draft.rows is not None:
        return None
    try:
        return draft.sql
    except ParseError:
        return None


def _passes(sql: str) -> bool:
    return guard.check_statement(sql, writes=True).refusal is None


def _steps(
    conversion: Conversion,
    draft: ConvertedStatement,
    fixed: Mapping[str, str],
    left_out: list[SkippedStatement],
) -> Iterator[Step]:
    if draft.rows is not None:
        yield from _copied(conversion, draft)
        return
    try:
        texts = _texts(draft)
    except ParseError as fault:
        left_out.append(
            SkippedStatement(draft.line, draft.kind, fault.message, needs_review=True, is_blocking=True)
        )
        return
    for text in texts:
        verdict = guard.check_statement(text, writes=True)
        notes = tuple(draft.notes)
        if verdict.refusal and text in fixed:
            verdict, notes = (
                guard.check_statement(fixed[text], writes=True),
                (*notes, "rewritten by dsql-lint"),
            )
        if verdict.refusal or verdict.statement is None:
            refusal = verdict.refusal
            why = f"{refusal.why} {refusal.instead}" if refusal else "no statement"
            left_out.append(
                SkippedStatement(draft.line, one_line(text), why, needs_review=True, is_blocking=True)
            )
        else:
            yield Step((verdict.sql,), (verdict.statement,), draft.line, notes, _rows(draft))


def _texts(draft: ConvertedStatement) -> list[str]:
    """A statement; one that inserts more rows than go into a transaction, in parts."""
    values: list[Node] = draft.top.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists", [])
    if len(values) <= _MAX_ROWS:
        return [draft.sql]
    draft.notes.append(f"{len(values):,} rows in parts of {_MAX_ROWS:,}")
    return [
        deparse.deparse(draft.kind, _with_values(draft.top, values[at : at + _MAX_ROWS]))
        for at in range(0, len(values), _MAX_ROWS)
    ]


def _rows(draft: ConvertedStatement) -> int | None:
    values: list[Node] | None = draft.top.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists")
    return None if not values or draft.kind != "InsertStmt" else min(len(values), _MAX_ROWS)


def _with_values(top: Node, values: list[Node]) -> Node:
    select: Node = top["selectStmt"]["SelectStmt"] | {"valuesLists": values}
    return top | {"selectStmt": {"SelectStmt": select}}


def _copied(conversion: Conversion, draft: ConvertedStatement) -> Iterator[Step]:
    """COPY as INSERTs of so many rows."""
    relation: Node = draft.top["relation"]
    target = (
        qualified_name(*relation_name(relation))
        if "schemaname" in relation
        else quote_identifier(relation["relname"])
    )
    names = ", ".join(map(quote_identifier, strings(draft.top.get("attlist"))))
    listed = f" ({names})" if names else ""
    overriding = " OVERRIDING SYSTEM VALUE" if _always(conversion, relation) else ""
    head = f"INSERT INTO {target}{listed}{overriding} VALUES\n"
    note = (f"COPY of {len(draft.rows or ()):,} rows as INSERT",)
    amounts = _amounts(conversion, draft)
    lines: list[str] = []
    for row in draft.rows or ():
        values = (_without_money(value) if at in amounts else value for at, value in enumerate(row))
        lines.append(f"({', '.join(map(deparse.literal, values))})")
    for batch in _batches(lines):
        text = head + ",\n".join(batch)
        yield Step((text,), (guard.inspect(text),), draft.line, note, len(batch))


def _amounts(conversion: Conversion, draft: ConvertedStatement) -> set[int]:
    """Which of COPY's fields were of type money."""
    money = conversion.money.get(relation_name(draft.top["relation"]), set())
    return {at for at, name in enumerate(strings(draft.top.get("attlist"))) if name in money}


def _without_money(value: str | None) -> str | None:
    """An amount without its dollar sign and commas; in another locale's form it is left alone, and fails."""
    return value.replace("$", "").replace(",", "") if value and _DOLLARS.fullmatch(value) else value


def _always(conversion: Conversion, relation: Node) -> bool:
    table = conversion.tables.get(relation_name(relation))
    defined = table.top.get("tableElts", ()) if table else ()
    return any(
        constraint.get("generated_when") == "a"
        for item in defined
        for constraint in constraints(item.get("ColumnDef", {}), "CONSTR_IDENTITY")
    )


def _batches(rows: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for row in rows:
        if batch and (len(batch) == _MAX_ROWS or size + len(row) > _MAX_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row)
    if batch:
        yield batch


def _together(steps: Sequence[Step]) -> Iterator[Step]:
    """Put neighbours that insert few rows into one transaction."""
    waiting: list[Step] = []
    for step in steps:
        if waiting and not _fits(step, waiting):
            yield _joined(waiting)
            waiting = []
        if step.rows is None:
            yield step
        else:
            waiting.append(step)
    if waiting:
        yield _joined(waiting)


def _fits(step: Step, waiting: Sequence[Step]) -> bool:
    together = (*waiting, step)
    if step.rows is None or sum(map(_size, together)) > _MAX_CHARACTERS:
        return False
    return sum(one.rows or 0 for one in together) <= _MAX_ROWS


def _size(step: Step) -> int:
    return sum(map(len, step.queries))


def _joined(steps: Sequence[Step]) -> Step:
    return Step(
        tuple(query for step in steps for query in step.queries),
        tuple(statement for step in steps for statement in step.statements),
        steps[0].line,
        tuple(dict.fromkeys(note for step in steps for note in step.notes)),
        sum(step.rows or 0 for step in steps),
    )
