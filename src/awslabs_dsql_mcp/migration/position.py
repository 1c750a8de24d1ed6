"""The step that a call begins with: from its handle, and from what is recorded of the plan's runs. Pure."""

from dataclasses import dataclass

from awslabs_dsql_mcp.bulk.jobs.earlier_runs import UNFINISHED
from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.migration.plan import Doubt, MigrationPlan
from awslabs_dsql_mcp.text import pluralize


@dataclass(frozen=True)
class Position:
    """The step that a call begins with.

    Attributes:
        number: Its number, from 1; one more than the last when all are applied.
        doubt: Steps that may have been applied.
        is_known: The number is recorded, rather than said by the caller alone.
        passed: Number of a step that the caller says is applied, though it is not recorded.
    """

    number: int
    doubt: Doubt = ""
    is_known: bool = False
    passed: int | None = None


def first_step(plan: MigrationPlan, handle: str | None) -> int:
    """Number of the step that a handle names; 1 if it names none."""
    try:
        number, _ = plan.parse_resume_token(handle or "")
    except ValueError:
        return 1
    return number


def runs_a_step(plan: MigrationPlan, handle: str | None) -> bool:
    """Check that a call runs a step: its handle is one of the plan's, and not behind the last step."""
    if handle is None or handle == RESTART:
        return True
    try:
        number, _ = plan.parse_resume_token(handle)
    except ValueError:  # it will be refused
        return False
    return number <= len(plan.steps)


def position(plan: MigrationPlan, handle: str | None, recorded: int | None, since: str = "") -> Position:
    """Find where a call begins.

    Args:
        plan: The plan.
        handle: As an earlier call gave it; ``None`` without one.
        recorded: Number of the step that is next by the record; ``None`` without a record.
        since: Time of the record's last change.

    Raises:
        RequestInvalid: The handle is not of this plan, or skips steps that are not applied; or there is none,
            and the plan was run before.
    """
    total = len(plan.steps)
    if handle is None or handle == RESTART:
        if handle is None and recorded is not None:
            raise _ran_before(plan, recorded, since)
        return Position(1)
    try:
        number, doubt = plan.parse_resume_token(handle)
    except ValueError as error:
        raise RequestInvalid(
            f"resume_from: {error}; nothing was run.",
            code="resume_from_invalid",
            hint="Send the script that gave it, unchanged; or call migrate with dry_run=true for the plan.",
        ) from None
    if recorded is None:
        return Position(number, doubt)
    if number > recorded + 1:
        raise RequestInvalid(
            f"resume_from: step {recorded} is the next one, of {total}; nothing was run.",
            code="resume_from_invalid",
            hint=f"Send the same with resume_from={plan.resume_token(recorded)}.",
        )
    passed = recorded if number == recorded + 1 else None
    if doubt == "+" and recorded <= total:  # of a run that this record is not of
        return Position(max(number, recorded), "+", is_known=True, passed=passed)
    if passed:
        return Position(number, is_known=True, passed=passed)
    if number < recorded:
        return Position(recorded, "?", is_known=True)
    return Position(number, "?" if doubt else "", is_known=True)


def _ran_before(plan: MigrationPlan, recorded: int, since: str) -> RequestInvalid:
    total = len(plan.steps)
    if recorded > total:
        return RequestInvalid(
            f"This has been done already, {since}: all {pluralize(total, 'step')} are applied. "
            "Nothing was run now.",
            code="already_done",
            hint="To compare what is stored with it: the same with "
            f"resume_from={plan.resume_token(total + 1)} and verify=true. To run it once more: "
            f"resume_from='{RESTART}'.",
        )
    done = f"{pluralize(recorded - 1, 'step')} of {total} applied" if recorded > 1 else "no step recorded"
    return RequestInvalid(
        f"A run of this script was not finished, {since}: {done}. Nothing was run now.",
        code=UNFINISHED,
        hint=f"To go on: the same with resume_from={plan.resume_token(recorded, '?')}. "
        f"To begin with the first step again: resume_from='{RESTART}'.",
    )
