"""Steps of a migration as a view draws them: what became of each, its SQL, and what needs a human."""

from collections.abc import Mapping
from typing import Final

from awslabs_dsql_mcp.migration.conversion import BY_HAND, SkippedStatement
from awslabs_dsql_mcp.migration.plan import Doubt, MigrationPlan, Step
from awslabs_dsql_mcp.text import pluralize, truncate_counted

_MAX_STEPS: Final = 300
_MAX_LEFT: Final = 100
_MAX_SQL: Final = 2_000  # characters
_MAX_TEXT: Final = 500


def steps_view(
    plan: MigrationPlan,
    number: int = 1,
    doubt: Doubt = "",
    states: Mapping[int, str] | None = None,
    *,
    ending: str = "to do",
    failure: str = "",
) -> dict[str, object]:
    """Give what a view draws of a plan's steps.

    Args:
        plan: The plan.
        number: The step that is next.
        doubt: Steps that may have been applied.
        states: What became of steps in this call.
        ending: State of the step that is next: ``to do``, ``next`` or ``failed``.
        failure: Why its job failed, which leaves no doubt about it; empty if none did.
    """
    told = {**(states or {}), **({number: failure} if failure else {})}

    def state(at: int) -> str:
        return ending if failure and at == number else _state(at, number, doubt, ending)

    steps = [
        _step(step, at, state(at), told.get(at, "")) for at, step in enumerate(plan.steps[:_MAX_STEPS], 1)
    ]
    left = [
        {
            "line": one.line,
            "what": one.what[:_MAX_TEXT],
            "why": one.why[:_MAX_TEXT],
            "state": _left(one),
        }
        for one in sorted(plan.skipped, key=lambda one: (not one.is_blocking, not one.needs_review))
    ]
    return {
        "steps": steps,
        "left": left[:_MAX_LEFT],
        "more": _more(len(plan.steps) - len(steps), len(left) - _MAX_LEFT),
        "done": number - 1,
        "of": len(plan.steps),
        "unit": "step",
    }


def _more(steps: int, left: int) -> str:
    """Count what is not drawn; empty for nothing."""
    counts = [
        pluralize(steps, "more step") if steps > 0 else "",
        pluralize(left, "more statement") + " left out" if left > 0 else "",
    ]
    told = " and ".join(filter(None, counts))
    return f"Not shown: {told}." if told else ""


def _left(one: SkippedStatement) -> str:
    if one.is_blocking:
        return "stops the run"
    return "needs a human" if one.needs_review else "left out"


def _state(at: int, number: int, doubt: Doubt, ending: str) -> str:
    if at < number:
        return "done"
    if doubt == "+" or (doubt and at == number):
        return "not known"
    return ending if at == number else "to do"


def _step(step: Step, number: int, state: str, outcome: str) -> dict[str, object]:
    sql = "\n".join(f"{text};" for text in (*step.settings, *step.queries))
    return {
        "number": number,
        "title": step.title,
        "state": state,
        "outcome": outcome[:_MAX_TEXT],
        "sql": truncate_counted(sql, _MAX_SQL),
        "notes": [note[:_MAX_TEXT] for note in step.notes if not note.startswith(BY_HAND)],
        "remarks": [remark[:_MAX_TEXT] for remark in step.remarks],
        "grave": any(statement.drops or statement.whole_table for statement in step.statements),
    }
