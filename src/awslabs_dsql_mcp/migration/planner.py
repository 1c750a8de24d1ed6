"""Arrangement of a converted script in steps: each is checked by the guard, small changes are merged."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.guard import guard, write_rules
from awslabs_dsql_mcp.guard.guard import Verdict
from awslabs_dsql_mcp.guard.refusal import locate
from awslabs_dsql_mcp.migration.conversion import (
    BY_HAND,
    Conversion,
    ConvertedStatement,
    ScriptTable,
    SkippedStatement,
)
from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.migration.rules.system_information import system_information
from awslabs_dsql_mcp.migration.rules.tables.columns import constraints
from awslabs_dsql_mcp.migration.script.mentions import relation_name
from awslabs_dsql_mcp.sql import deparse
from awslabs_dsql_mcp.sql.copy_data import Field, Marker
from awslabs_dsql_mcp.sql.dsql_syntax import parse
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.parse_tree import Node, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.text import one_line, pluralize

_DEFERRED: Final = "SET CONSTRAINTS ALL DEFERRED"
_MAX_ROWS: Final = 1_000  # of the 3,000 that a transaction may change, a margin for cascades
_MAX_CHARACTERS: Final = 200_000  # of a statement; longer ones are parsed in another thread


def plan(conversion: Conversion) -> MigrationPlan:
    """Arrange a converted script in steps."""
    singles, skipped = single_steps(conversion)
    steps = _note_parts(list(_merge_changes(singles)))
    return MigrationPlan(tuple(steps), tuple(sorted(skipped, key=lambda statement: statement.line)))


def single_steps(conversion: Conversion) -> tuple[list[Step], list[SkippedStatement]]:
    """List the steps of a converted script, each of one statement, and the statements that are skipped."""
    skipped = list(conversion.skipped)
    steps: list[Step] = []
    for draft in conversion.statements:
        before = len(skipped)
        whole = conversion.survey.wholes.get(-1 if draft.item is None else draft.item)
        settings = (*(draft.settings or ()), *([_DEFERRED] if whole and whole.needs_setting else []))
        steps += (
            replace(step, settings=settings, item=draft.item, is_unchecked=draft.is_unchecked, whole=whole)
            for step in _steps(conversion, draft, skipped)
        )
        for left in skipped[before:]:
            left.item = draft.item
    return steps, skipped


def _check(sql: str) -> Verdict:
    """Check a step; a read too by the rules of Aurora DSQL, so that it fails before the first step runs."""
    verdict = guard.check_statement(sql, writes=True)
    if verdict.refusal or verdict.statement is None or verdict.statement.category != "read":
        return verdict
    (parsed,) = parse(sql)
    violation = write_rules.check(parsed) if isinstance(parsed, ParsedStatement) else None
    return replace(verdict, refusal=violation and locate(violation, sql))


def _steps(
    conversion: Conversion,
    draft: ConvertedStatement,
    skipped: list[SkippedStatement],
) -> Iterator[Step]:
    if draft.rows is not None:
        yield from _copy_as_inserts(draft)
        return
    verbatim = draft.text is not None
    draft.notes += system_information(conversion, draft)
    try:
        texts = _texts(draft)
    except ParseError as error:
        skipped.append(
            SkippedStatement(draft.line, draft.kind, error.message, needs_review=True, is_blocking=True)
        )
        return
    for part, text in enumerate(texts):
        verdict = _check(text)
        refusal = verdict.refusal
        if refusal or verdict.statement is None:
            reason = f"{refusal.why} {refusal.in_script}" if refusal else "no statement"
            line = draft.line + (refusal.line - 1 if refusal and verbatim else 0)
            rule = refusal.rule if refusal else ""
            what = one_line(text)
            skipped.append(
                SkippedStatement(line, what, reason, needs_review=True, is_blocking=True, rule=rule)
            )
        else:
            notes = tuple(draft.notes)
            rows, counts = _rows(draft), (_rows(draft, part),)
            yield Step(
                (verdict.sql,),
                (verdict.statement,),
                draft.line,
                notes,
                rows,
                verbatim=verbatim,
                counts=counts,
            )


def _texts(draft: ConvertedStatement) -> list[str]:
    """Deparse a statement; an INSERT of more rows than a transaction may have, in parts."""
    values: list[Node] = draft.top.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists", [])
    if len(values) <= _MAX_ROWS:
        return [draft.sql]
    draft.notes.append(f"{len(values):,} rows in parts of {_MAX_ROWS:,}")
    return [
        deparse.deparse(draft.kind, _with_values(draft.top, values[at : at + _MAX_ROWS]))
        for at in range(0, len(values), _MAX_ROWS)
    ]


def _rows(draft: ConvertedStatement, part: int = 0) -> int | None:
    """Count the rows of a part of an INSERT of rows; ``None`` for other statements."""
    values: list[Node] | None = draft.top.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists")
    if not values or draft.kind != "InsertStmt":
        return None
    return min(len(values) - part * _MAX_ROWS, _MAX_ROWS)


def _with_values(top: Node, values: list[Node]) -> Node:
    select: Node = top["selectStmt"]["SelectStmt"] | {"valuesLists": values}
    return top | {"selectStmt": {"SelectStmt": select}}


def _copy_as_inserts(draft: ConvertedStatement) -> Iterator[Step]:
    """Convert COPY to INSERT statements."""
    relation: Node = draft.top["relation"]
    target = (
        qualified_name(*relation_name(relation))
        if "schemaname" in relation
        else quote_identifier(relation["relname"])
    )
    names = ", ".join(map(quote_identifier, strings(draft.top.get("attlist"))))
    listed = f" ({names})" if names else ""
    overriding = " OVERRIDING SYSTEM VALUE" if _has_always(draft.filled) else ""
    head = f"INSERT INTO {target}{listed}{overriding} VALUES\n"
    note = (f"COPY of {pluralize(len(draft.rows or ()), 'row')} as INSERT", *draft.notes)
    lines = [f"({', '.join(map(_field, row))})" for row in draft.rows or ()]
    for batch in _batches(lines):
        text = head + ",\n".join(batch)
        yield Step((text,), (guard.inspect(text),), draft.line, note, len(batch), verbatim=not draft.notes)


def _field(field: Field) -> str:
    return field.value if isinstance(field, Marker) else deparse.literal(field)


def _has_always(table: ScriptTable | None) -> bool:
    """Tell if a table has an identity GENERATED ALWAYS, whose values COPY gives and INSERT does not."""
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


def _merge_changes(steps: Sequence[Step]) -> Iterator[Step]:
    """Merge consecutive steps that insert few rows, or that have to be whole, into one transaction."""
    group: list[Step] = []
    for step in steps:
        if group and not _fits(step, group):
            yield _merge(group)
            group = []
        if step.rows is None and step.whole is None:
            yield step
        else:
            group.append(step)
    if group:
        yield _merge(group)


def _fits(step: Step, group: Sequence[Step]) -> bool:
    merged = (*group, step)
    first = group[0]
    if (step.settings, step.whole) != (first.settings, first.whole):
        return False
    if sum(map(_size, merged)) > _MAX_CHARACTERS or (step.rows is None and step.whole is None):
        return False
    return sum(one.rows or 0 for one in merged) <= (_MAX_ROWS if step.whole is None else limits.MAX_ROWS)


def _note_parts(steps: list[Step]) -> Iterator[Step]:
    """Say which step may stop, since changes that have to be whole do not fit into one."""
    parts = Counter(step.whole for step in steps)
    for step in steps:
        if step.whole is not None and parts[step.whole] > 1:
            note = (
                f"{BY_HAND}foreign keys that the script checks at COMMIT are checked at the end of each "
                f"step, and the transaction of line {step.whole.line} is several: put rows behind those "
                "that they refer to"
            )
            yield replace(step, notes=(*step.notes, note))
        else:
            yield step


def _size(step: Step) -> int:
    return sum(map(len, step.queries))


def _merge(steps: Sequence[Step]) -> Step:
    return Step(
        tuple(query for step in steps for query in step.queries),
        tuple(statement for step in steps for statement in step.statements),
        steps[0].line,
        tuple(dict.fromkeys(note for step in steps for note in step.notes)),
        sum(step.rows or 0 for step in steps),
        steps[0].settings,
        lines=tuple(step.line for step in steps for _ in step.queries),
        whole=steps[0].whole,
        counts=tuple(count for step in steps for count in step.counts or (step.rows,)),
    )
