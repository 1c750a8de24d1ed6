"""Answers of ``migrate``: a plan as it is shown, a run as it ended, and what a view draws of both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.catalog.key_sequences import KeySequence
from awslabs_dsql_mcp.catalog.model import PROGRESS_TABLE
from awslabs_dsql_mcp.clusters.forecast import Forecast
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.record import is_recorded
from awslabs_dsql_mcp.migration.report import PlanPage, progress_line, skipped_lines, steps_lines
from awslabs_dsql_mcp.migration.run import MigrationRun
from awslabs_dsql_mcp.migration.steps_view import steps_view
from awslabs_dsql_mcp.migration.verification.comparison import Comparison
from awslabs_dsql_mcp.migration.verification.existing import Existing
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.consent.preview import ON_PREVIEW
from awslabs_dsql_mcp.tools.large_changes.run_view import Button, run_view

WITH_TOKEN: Final = "~"  # noqa: S105 - no token, what stands before one
"""Separator between a handle and the token of a dry run."""


def plan_output(
    plan: MigrationPlan,
    page: PlanPage,
    existing: Existing,
    remarks: Sequence[str],
    forecast: Forecast | None,
    refusal: RequestInvalid | None,
    token: str | None,
) -> ToolOutput:
    """Show a plan.

    Args:
        plan: The plan.
        page: The part of it that is shown.
        existing: What it makes and is there already.
        remarks: What else is to be said.
        forecast: What it costs; ``None`` if that is not told here.
        refusal: Error of a run of it, because of its cost.
        token: Runs it, once, for the user of a view; ``None`` where the model goes on.
    """
    head = f"Plan of {pluralize(len(plan.steps), 'step')}; nothing was run."
    if plan.blocked:
        head += f" {pluralize(len(plan.blocked), 'statement')} to rewrite or to remove first."
    may_run = plan.steps and not plan.blocked and existing.is_clear and refusal is None
    handle = plan.resume_token(1) if may_run else None
    more = (
        f"For the rest of the plan, send the same with show_from='{page.following}'. "
        if page.following
        else ""
    )
    go = (
        f"To carry it out: {ON_PREVIEW}"
        if handle and token
        else f"To carry it out, send the same without dry_run, with resume_from={handle}."
        if handle
        else existing.advice
        if not existing.is_clear
        else refusal.hint
        if refusal
        else "Rewrite or remove what stops it, and send it again."
        if plan.blocked
        else "There is nothing to run; give DDL or changes of data."
    )
    recorded = (
        f"A run is recorded in a table {PROGRESS_TABLE}, so that no step is applied twice."
        if handle and is_recorded(plan)
        else ""
    )
    first = tuple(filter(None, (head, _attention(plan), recorded, existing.line, *remarks)))
    lines = [*first, *page.parts, f"Next: {more}{go}"]
    facts = _facts(plan, None if token else handle, "planned")
    facts |= {"forecast": forecast.facts} if forecast else {}
    facts |= {"show_from": page.following} if page.following else {}
    told = ToolOutput(tuple(lines), facts)
    if token is None:
        return told
    statements = [statement for step in plan.steps for statement in step.statements]
    drops = any(statement.drops or statement.whole_table for statement in statements)
    button = Button({"resume_from": f"{handle}{WITH_TOKEN}{token}"}, drops) if handle else None
    shown = ToolOutput(first, facts)  # its steps and what is left out are drawn
    return replace(told, for_person=run_view("migrate", shown, "planned", button, **steps_view(plan)))


def run_output(
    run: MigrationRun, compared: Comparison | None = None, behind: Sequence[KeySequence] = ()
) -> ToolOutput:
    """Say how a run ended; one that ran no step does not list them once more.

    Args:
        run: The run.
        compared: How what is stored compares with the script; ``None`` if it was not compared.
        behind: Sequences whose next number is taken.
    """
    plan = run.plan
    is_run = run.begin.number <= len(plan.steps)
    begun = _begun(run)
    lines = [*([begun] if begun else []), progress_line(plan, run.number, run.doubt)]
    if compared is not None:
        lines.insert(0, compared.headline)
    lines += filter(None, [_attention(plan) if is_run else ""])
    lines += [
        f"The next number of the sequence of {one.table}.{one.column} is taken, as the script leaves it; "
        f"before rows without {one.column} are inserted: {one.catch_up}"
        for one in behind
    ]
    if run.record is not None and not run.paused:
        lines.append(f"{run.record.name} keeps for a day that it is done; a later job drops that table.")
    if run.paused:
        lines.append(f"{run.paused} Next: send the same with resume_from={run.handle}.")
    elif compared is None:
        lines.append(
            f"To compare what is stored with it: the same with resume_from={run.handle} and verify=true."
        )
    else:
        lines += compared.lines
        if compared.differences:
            again = f"the same with resume_from={run.handle} and verify=true compares again"
            lines.append(
                "Next: mend what differs on the cluster, or the script where it is wrong, but leave what was "
                f"changed or inserted since on purpose; {again}."
            )
    lines += [*steps_lines(plan, run.states), *skipped_lines(plan)] if is_run else []
    handle = run.handle if run.paused else None
    facts = _facts(plan, handle, "paused" if run.paused else "done")
    if compared is not None:
        facts["compared"] = compared.facts
    return ToolOutput(tuple(lines), facts | {"applied": run.number - 1})


def with_run_view(run: MigrationRun, told: ToolOutput) -> ToolOutput:
    """Add what a view draws to the answer of a run: of its lines, those above the steps."""
    lines, listed = tuple(told.parts), steps_lines(run.plan, run.states)
    above = lines[: lines.index(listed[0])] if listed[0] in lines else lines
    button = Button({"resume_from": run.handle}, seconds=None) if run.paused else None
    steps = steps_view(run.plan, run.number, run.doubt, run.states, ending="next")
    state = "paused" if run.paused else "done"
    return replace(told, for_person=run_view("migrate", replace(told, parts=above), state, button, **steps))


def failed_view(run: MigrationRun) -> Mapping[str, object]:
    """Give what a view draws of a run that a step has stopped, beside the error."""
    steps = steps_view(run.plan, run.number, run.doubt, run.states, ending="failed", failure=run.failure)
    return run_view("migrate", ToolOutput(()), "failed", None, **steps)


def _begun(run: MigrationRun) -> str:
    """Say what this call did not do, though a step counts as applied."""
    begin, total = run.begin, len(run.plan.steps)
    if begin.passed is not None:
        return f"Step {begin.passed} was not run: resume_from says that it is applied."
    if begin.number > total:
        return "Nothing was run now" + (":" if begin.is_known else ": by what resume_from says,")
    return ""


def _attention(plan: MigrationPlan) -> str:
    """Say how much of a plan somebody has to look at; empty for nothing."""
    left_out = sum(left.needs_review and not left.is_blocking for left in plan.skipped)
    noted = _noted(plan)
    parts = [
        f"{pluralize(left_out, 'statement')} left out" if left_out else "",
        f"{pluralize(noted, 'change')} of meaning" if noted else "",
    ]
    said = " and ".join(filter(None, parts))
    return f"To be looked at by a human: {said}, below." if said else ""


def _noted(plan: MigrationPlan) -> int:
    return sum(len(step.remarks) for step in plan.steps)


def _facts(plan: MigrationPlan, handle: str | None, state: str) -> dict[str, object]:
    facts: dict[str, object] = {
        "state": state,
        "steps": len(plan.steps),
        "needs_human": sum(left.needs_review for left in plan.skipped) + _noted(plan),
    }
    return facts | ({"resume_from": handle} if handle else {})
