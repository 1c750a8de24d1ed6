"""Errors that stop a run of a migration plan: which statement, what is applied, and how to go on. Pure."""

from typing import Final

from awslabs_dsql_mcp.errors import DsqlError, OutcomeUnknown, RequestInvalid
from awslabs_dsql_mcp.migration.report import progress_line
from awslabs_dsql_mcp.migration.run import MigrationRun
from awslabs_dsql_mcp.text import one_line

THERE_ALREADY: Final = frozenset({"42P07", "42710", "42P06", "42701"})  # duplicate table, object, …
_OF_BODIES: Final = ("42", "22")  # classes of SQLSTATEs: syntax or access rule, data
_NOT_OF_BODIES: Final = frozenset({"42723", "42501"})  # duplicate function, insufficient privilege
_IN_DOUBT: Final = "step_in_doubt"


def stopped(error: DsqlError, run: MigrationRun) -> DsqlError:
    """Add to a failure what is applied and how to continue."""
    step = run.step
    error.facts = _facts(run)
    place, said = _place(error, run)
    error.message = f"Step {run.number} of {len(run.plan.steps)}, {place}: {said}"
    error.details = (*error.details, progress_line(run.plan, run.number, run.doubt))
    if run.doubt:
        error.outcome = "unknown"
    elif run.number > 1:
        error.outcome = "partial"
    if error.code == _IN_DOUBT:
        error.facts = {name: value for name, value in error.facts.items() if name != "resume_from"}
        return error
    again = f"send the same script with resume_from={run.handle}"
    if run.record is not None and isinstance(error, OutcomeUnknown):
        error.hint = f"To go on: {again}; what is recorded, or the catalog, tells if this step was applied."
        return error
    if error.remedy == "retry_transaction":  # nothing is wrong with the step, or with what it finds
        error.hint = f"To go on: {again}."
        return error
    go_on = (
        f"mend the cause in the database, then {again}. If the script has to change, that is another plan: "
        "send only what is not applied yet."
    )
    if step.is_unchecked and _is_of_a_body(error) and not run.doubt:
        error.hint = "The script has check_function_bodies = off: PostgreSQL takes the body as it is there."
        go_on = (
            f"{again} once the body can be read, or with resume_from={run.plan.resume_token(run.number + 1)} "
            "without this function. If the script has to change, that is another plan: send only what is not "
            "applied yet."
        )
    if error.sqlstate in THERE_ALREADY and not run.doubt:
        go_on += (
            " If an earlier run of the same script made it, resume_from="
            f"{run.plan.resume_token(run.number, '+')} looks at each step from here on before it runs it."
        )
    error.hint = f"{error.hint} To go on: {go_on}" if error.hint else go_on[0].upper() + go_on[1:]
    return error


def unrecorded(run: MigrationRun, error: DsqlError, state: str) -> DsqlError:
    """Say of a failure behind a step that the step is applied, and that its record stands before it.

    Args:
        run: Where it is; goes on to the next step.
        error: The failure to record.
        state: What became of the step.
    """
    number = run.number
    run.done(state)
    error.facts = _facts(run)
    record = run.record.name if run.record else "its record"
    error.message = f"Step {number} is applied, and {record} could not be told of it: {error.message}"
    error.details = (*error.details, progress_line(run.plan, run.number, run.doubt))
    error.outcome = "partial"
    error.hint = f"To go on: send the same script with resume_from={run.handle}."
    return error


def in_doubt(run: MigrationRun) -> RequestInvalid:
    """Make the error of a step of which the catalog cannot tell if it was applied."""
    number, plan = run.number, run.plan
    after = plan.resume_token(number + 1, "+" if run.doubt == "+" else "")
    return RequestInvalid(
        "the catalog cannot tell if it was applied.",
        code=_IN_DOUBT,
        hint=f"Look with readonly_query; then resume_from={plan.resume_token(number)} if it is not, "
        f"resume_from={after} if it is.",
    )


def _place(error: DsqlError, run: MigrationRun) -> tuple[str, str]:
    """Name the statement of a step that failed, by its own line of the script; give what was said of it."""
    step = run.step
    index = -1 if error.statement is None else error.statement - len(run.unit.queries) + len(step.queries)
    said = error.message.removeprefix(
        f"Statement {error.statement + 1}: " if error.statement is not None else ""
    )
    if len(step.queries) == 1 or index < 0:
        return f"line {step.line}, {step.title}", said
    line = step.lines[index] if step.lines else step.line
    return f"line {line}, {one_line(step.queries[index])}", said


def _is_of_a_body(error: DsqlError) -> bool:
    """Tell if a CREATE FUNCTION may have failed because of the function's body."""
    state = error.sqlstate or ""
    return state.startswith(_OF_BODIES) and state not in _NOT_OF_BODIES


def _facts(run: MigrationRun) -> dict[str, object]:
    """Give for programs where a run stands, and its handle; none where the user has to look first."""
    facts: dict[str, object] = {"steps": len(run.plan.steps), "applied": run.number - 1}
    return facts | ({"resume_from": run.handle} if run.number <= len(run.plan.steps) else {})
