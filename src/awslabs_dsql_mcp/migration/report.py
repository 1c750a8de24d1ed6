"""Text of a migration plan and its progress."""

from collections.abc import Mapping, Sequence
from typing import Final

from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.text import truncate_lines

_MAX_LINES: Final = 80  # of each section
_BY_HAND: Final = "NEEDS A HUMAN: "


def steps_text(plan: MigrationPlan, states: Mapping[int, str]) -> str:
    """List the steps with their changes and, where known, their outcome."""
    lines = [_step(number, step, states.get(number)) for number, step in enumerate(plan.steps, 1)]
    return "\n".join(truncate_lines(lines, _MAX_LINES, "steps"))


def skipped_text(plan: MigrationPlan) -> str:
    """List the skipped statements: those that need review first, then the others, grouped by reason."""
    human = [f"- line {left.line}, {left.what}: {left.why}" for left in plan.skipped if left.needs_review]
    human += [
        f"- step {number}: {note.removeprefix(_BY_HAND)}"
        for number, step in enumerate(plan.steps, 1)
        for note in step.notes
        if note.startswith(_BY_HAND)
    ]
    quiet: dict[str, list[int]] = {}
    for left in plan.skipped:
        if not left.needs_review:
            quiet.setdefault(f"{left.what}: {left.why}", []).append(left.line)
    rest = [f"- {what} ({_lines(where)})" for what, where in quiet.items()]
    parts = [("Needs a human:", human), ("Left out:", rest)]
    return "\n".join(
        "\n".join([title, *truncate_lines(lines, _MAX_LINES, "entries")]) for title, lines in parts if lines
    )


def progress_line(plan: MigrationPlan, next_step: int) -> str:
    """Summarize the steps that are applied and those that are not."""
    total = len(plan.steps)
    if next_step > total:
        return f"All {total} steps are applied."
    done = f"{_steps(1, next_step - 1)} applied" if next_step > 1 else "No step is applied"
    return f"{done}; {_steps(next_step, total).lower()} not."


def _steps(first: int, last: int) -> str:
    return f"Step {first} is" if first == last else f"Steps {first} to {last} are"


def _step(number: int, step: Step, state: str | None) -> str:
    notes = [note for note in step.notes if not note.startswith(_BY_HAND)]
    suffix = f"  [{'; '.join(notes)}]" if notes else ""
    return f"{number}. {step.title}{f': {state}' if state else ''}{suffix}"


def _lines(where: Sequence[int]) -> str:
    return f"line {where[0]}" if len(where) == 1 else f"{len(where)} times, first in line {where[0]}"
