"""Text of a migration plan and its progress."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from awslabs_dsql_mcp.migration.conversion import SkippedStatement
from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.text import truncate_lines

_MAX_LINES: Final = 80  # of each section
_MAX_SQL: Final = 24_000  # characters of all steps, up to which a plan shows the whole of each
_MAX_NAMED: Final = 100  # lines of alike entries
_BY_HAND: Final = "NEEDS A HUMAN: "


def steps_text(plan: MigrationPlan, states: Mapping[int, str], *, whole: bool = False) -> str:
    """List the steps with their changes and, where known, their outcome.

    Args:
        plan: The plan.
        states: For the number of a step, its outcome.
        whole: Show the SQL of each step as it will run, if all of it is short enough.
    """
    length = sum(len(query) for step in plan.steps for query in (*step.settings, *step.queries))
    whole = whole and length <= _MAX_SQL
    lines = [
        _step(number, step, states.get(number), whole=whole) for number, step in enumerate(plan.steps, 1)
    ]
    return "\n".join(truncate_lines(lines, _MAX_LINES, "steps"))


def skipped_text(plan: MigrationPlan) -> str:
    """List the skipped statements: those that stop the run, those that need review, and the others."""
    remarks = _grouped(left for left in plan.skipped if left.needs_review and not left.is_blocking)
    remarks += [
        f"- step {number}: {note.removeprefix(_BY_HAND)}"
        for number, step in enumerate(plan.steps, 1)
        for note in step.notes
        if note.startswith(_BY_HAND)
    ]
    parts = [
        ("Stops the run, to be rewritten or removed:", _grouped(plan.blocked)),
        ("Needs a human:", remarks),
        ("Left out:", _grouped(left for left in plan.skipped if not left.needs_review)),
    ]
    return "\n".join(
        "\n".join([title, *truncate_lines(lines, _MAX_LINES, "entries")]) for title, lines in parts if lines
    )


def _grouped(skipped: Iterable[SkippedStatement]) -> list[str]:
    """List statements that are skipped, those of one kind and reason in one line under the first."""
    alike: dict[tuple[str, str], list[SkippedStatement]] = {}
    for left in skipped:
        kind = left.what.split(" ", 1)[0] if left.is_blocking else left.what
        alike.setdefault((kind.upper(), left.why), []).append(left)
    return [_alike(group) for group in alike.values()]


def _alike(skipped: Sequence[SkippedStatement]) -> str:
    others = len({left.what for left in skipped}) - 1
    more = f" and {others} more such" if others else ""
    return f"- {_lines([left.line for left in skipped])}, {skipped[0].what}{more}: {skipped[0].why}"


def progress_line(plan: MigrationPlan, next_step: int) -> str:
    """Summarize the steps that are applied and those that are not."""
    total = len(plan.steps)
    if next_step > total:
        return f"All {total} steps are applied."
    if next_step == 1:
        return f"This call has applied no step of {total}."
    return f"{_steps(1, next_step - 1)} applied; {_steps(next_step, total).lower()} not."


def _steps(first: int, last: int) -> str:
    return f"Step {first} is" if first == last else f"Steps {first} to {last} are"


def _step(number: int, step: Step, state: str | None, *, whole: bool) -> str:
    notes = [note for note in step.notes if not note.startswith(_BY_HAND)]
    if any(statement.drops or statement.whole_table for statement in step.statements):
        notes.insert(0, "REMOVES OR CHANGES WHAT IS THERE")
    suffix = f"  [{'; '.join(notes)}]" if notes else ""
    line = f"{number}. {step.title}{f': {state}' if state else ''}{suffix}"
    texts = (*step.settings, *step.queries)
    if not whole or texts == (step.title,):
        return line
    return "\n".join((line, *(f"    {text};" for text in texts)))


def _lines(where: Sequence[int]) -> str:
    lines = list(dict.fromkeys(where))
    more = f" and {len(lines) - _MAX_NAMED:,} more" if len(lines) > _MAX_NAMED else ""
    named = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_MAX_NAMED]))}{more}"
    return named if len(where) == 1 else f"{named} ({len(where)} times)"
