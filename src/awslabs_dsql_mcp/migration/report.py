"""A plan and how far it came, in the words that an agent reads."""

from collections.abc import Mapping, Sequence
from typing import Final

from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.text import truncate_lines

_MAX_LINES: Final = 80  # lines of a kind
_BY_HAND: Final = "NEEDS A HUMAN: "


def steps_text(plan: MigrationPlan, states: Mapping[int, str]) -> str:
    """List the steps, with what was changed, and the outcome of those that have one."""
    lines = [_step(number, step, states.get(number)) for number, step in enumerate(plan.steps, 1)]
    return "\n".join(truncate_lines(lines, _MAX_LINES, "steps"))


def skipped_text(plan: MigrationPlan) -> str:
    """List what is not carried over: what needs a human first, then the rest, alike ones together."""
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
    """Say which steps are applied and which are not."""
    total = len(plan.steps)
    if next_step > total:
        return f"All {total} steps are applied."
    done = f"{_steps(1, next_step - 1)} applied" if next_step > 1 else "No step is applied"
    return f"{done}; {_steps(next_step, total).lower()} not."


def _steps(first: int, last: int) -> str:
    return f"Step {first} is" if first == last else f"Steps {first} to {last} are"


def _step(number: int, step: Step, state: str | None) -> str:
    told = [note for note in step.notes if not note.startswith(_BY_HAND)]
    notes = f"  [{'; '.join(told)}]" if told else ""
    return f"{number}. {step.title}{f': {state}' if state else ''}{notes}"


def _lines(where: Sequence[int]) -> str:
    return f"line {where[0]}" if len(where) == 1 else f"{len(where)} times, first in line {where[0]}"
