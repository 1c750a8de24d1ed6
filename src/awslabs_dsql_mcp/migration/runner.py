"""Runs a migration plan: a transaction a step, jobs waited for, and a handle that continues it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.catalog import jobs
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork
from awslabs_dsql_mcp.errors import (
    DsqlError,
    OutcomeUnknown,
    RequestInvalid,
    StatementFailed,
    StatementRefused,
)
from awslabs_dsql_mcp.migration.plan import Doubt, MigrationPlan, Step
from awslabs_dsql_mcp.migration.report import progress_line
from awslabs_dsql_mcp.migration.verification.applied import check_for
from awslabs_dsql_mcp.output.tool_output import ReportProgress
from awslabs_dsql_mcp.sql import dsql_syntax
from awslabs_dsql_mcp.text import pluralize

_FIRST_PAUSE, _MAX_PAUSE = 0.2, 4.0  # seconds between two looks at a job
_THERE_ALREADY: Final = frozenset({"42P07", "42710", "42P06", "42701"})  # duplicate table, object, …
_IN_DOUBT: Final = "step_in_doubt"
_MARGIN: Final = 0.5  # seconds before the deadline, in which no step is begun


@dataclass
class MigrationRun:
    """A run of a plan in this call.

    Attributes:
        plan: The steps.
        deadline: End of the call's time, on the runner's clock.
        number: The step that is next, from 1.
        doubt: Steps that may have been applied.
        states: Results of the steps.
        paused: The reason why the call ended before the plan did.
    """

    plan: MigrationPlan
    deadline: float
    number: int
    doubt: Doubt
    states: dict[int, str] = field(default_factory=dict[int, str])
    paused: str | None = None

    @property
    def handle(self) -> str:
        """The handle that continues from here."""
        return self.plan.resume_token(self.number, self.doubt)

    @property
    def step(self) -> Step:
        """The step that is next."""
        return self.plan.steps[self.number - 1]

    def done(self, state: str) -> None:
        """Go on to the next step, which stays in doubt if all steps from here on were."""
        self.states[self.number] = state
        self.number += 1
        self.doubt = "+" if self.doubt == "+" else ""


def _again(attempts: int) -> str:
    """Say that numbers of sequences are not given back (PostgreSQL documentation, "Sequence Functions")."""
    return f", in attempt {attempts}: sequences that it draws from went on in each"


class _JobUnfinished(Exception):
    """A job is unfinished when the call has to end."""


class MigrationRunner:
    """Runs plans.

    Args:
        database: Where statements run.
        sleep: Waits so many seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._sleep = sleep
        self._clock = clock

    @staticmethod
    def begin(plan: MigrationPlan, handle: str | None, *, deadline: float) -> MigrationRun:
        """Find where a run of a plan begins.

        Args:
            plan: The plan.
            handle: Where to continue, as an earlier run gave it; ``None`` for the first step.
            deadline: End of the call's time, on the clock.

        Raises:
            RequestInvalid: The handle is not of this plan.
        """
        number, doubt = start_of(plan, handle)
        return MigrationRun(plan, deadline, number, doubt)

    async def run(self, run: MigrationRun, report: ReportProgress) -> None:
        """Run a plan until it is done, a step fails, or the call's time is over; the run says how far it is.

        Args:
            run: Where it begins.
            report: Called before each step.

        Raises:
            RequestInvalid: The catalog cannot tell of a step in doubt.
            DsqlError: A step failed; the message says what is applied, and how to continue.
        """
        total = len(run.plan.steps)
        while run.number <= total:
            if self._left(run) <= _MARGIN:
                run.paused = "This call's time is over."
                return
            # Who is cut off may not hear of steps that are run until the server hears of it.
            resume = run.plan.resume_token(run.number, "+")
            told = f"step {run.number} of {total}: {run.step.title}; if cut off, resume_from={resume}"
            await report(run.number - 1, total, told)
            try:
                run.done(await self._do(run))
            except _JobUnfinished as unfinished:
                run.doubt = run.doubt or "?"
                run.paused = str(unfinished)
                return
            except DsqlError as error:
                if isinstance(error, OutcomeUnknown):
                    run.doubt = run.doubt or "?"
                raise _stopped(error, run) from error
        await report(total, total, "done")

    async def _do(self, run: MigrationRun) -> str:
        was_in_doubt = run.doubt
        if was_in_doubt and (state := await self._already_applied(run)) is not None:
            return state
        step = run.step
        try:
            queries = (*step.settings, *step.queries)
            done = await self._database.run(UnitOfWork(tuple(map(Query, queries)), read_only=False))
        except StatementFailed as error:
            # The COMMIT of a call that was cut off may arrive after the look, and before this.
            late = was_in_doubt and error.sqlstate in _THERE_ALREADY
            if not late or (state := await self._already_applied(run)) is None:
                raise
            run.doubt = was_in_doubt
            return state
        if step.statements[0].kind in jobs.JOB_KINDS:
            run.doubt = run.doubt or "?"  # it is committed; from here on the catalog tells what became of it
            await self._wait(run, _job_id(done))
            return "built" if "INDEX" in step.statements[0].kind else "validated"
        rows = f", {pluralize(done.rows_affected, 'row')}" if done.rows_affected else ""
        again = "" if done.attempts == 1 or step.statements[0].category == "ddl" else _again(done.attempts)
        return done.outcome + rows + again

    async def _already_applied(self, run: MigrationRun) -> str | None:
        """Check whether a step in doubt was applied; ``None`` when it was not, or may be run again.

        Raises:
            RequestInvalid: The catalog cannot tell.
        """
        step = run.step
        sign = check_for(step.queries[0]) if len(step.queries) == 1 else None
        if sign is None:
            number, plan = run.number, run.plan
            raise RequestInvalid(
                f"Whether step {number} ({step.title}) was applied, the catalog cannot tell.",
                code=_IN_DOUBT,
                hint=f"Look with readonly_query; then resume_from={plan.resume_token(number)} if it is not, "
                f"resume_from={plan.resume_token(number + 1, '+' if run.doubt == '+' else '')} if it is.",
            )
        if sign.query is None:
            return None
        found = await self._ask(sign.query)
        if step.statements[0].kind == "CREATE INDEX ASYNC" and found == "f":
            await self._wait(run, None)
            return "was there already, and is built"
        if sign.applied(found):
            return "was there already"
        run.doubt = ""  # and none that follows it was
        return None

    async def _ask(self, query: Query) -> str | None:
        report = await self._database.run(UnitOfWork((query,), read_only=True))
        return report.results[0].rows[0][0]

    async def _wait(self, run: MigrationRun, job_id: str | None) -> None:
        """Follow the job of an index or a check, by its id, or by what it works on.

        Raises:
            _JobUnfinished: It goes on when the call has to end.
            StatementRefused: It failed.
        """
        sign = check_for(run.step.queries[0])
        pause = _FIRST_PAUSE
        while True:
            ready = sign is not None and sign.query is not None and await self._ask(sign.query) == "t"
            if ready:
                return
            if await self._has_completed(run, job_id):
                return
            if self._left(run) <= _MARGIN:
                which = f" {job_id}" if job_id else ""
                raise _JobUnfinished(f"The job{which} of step {run.number} goes on; job_status follows it.")
            await self._sleep(min(pause, max(0.0, self._left(run) - _MARGIN)))
            pause = min(pause * 1.5, _MAX_PAUSE)

    async def _has_completed(self, run: MigrationRun, job_id: str | None) -> bool:
        """Look at the job: an index without a name is found by its job's id alone.

        Raises:
            StatementRefused: It failed.
        """
        report = await self._database.run(UnitOfWork((jobs.jobs_query(job_id),), read_only=True))
        name = _object_of(run.step)
        for job in jobs.fold_jobs(report.results[0]):
            ours = job.job_id == job_id if job_id else job.object_name in (name, f"public.{name}")
            if ours and job.status == "failed":
                raise StatementRefused(
                    f"the job {job.job_id} failed: {job.details or 'no details'}",
                    code="job_failed",
                    hint="Mend what it says; DROP INDEX what it left, if it is an index.",
                )
            if ours and job_id and job.status == "completed":
                return True
        return False

    def _left(self, run: MigrationRun) -> float:
        return run.deadline - self._clock()


def _job_id(report: Report) -> str | None:
    rows = report.results[-1].rows
    return rows[0][0] if rows else None


def _object_of(step: Step) -> str | None:
    return dsql_syntax.trees(step.queries[0])[0].root.get("idxname")


def start_of(plan: MigrationPlan, handle: str | None) -> tuple[int, Doubt]:
    """Read where a run begins: the number of a step, and the steps that may have been applied.

    Raises:
        RequestInvalid: The handle is not of this plan.
    """
    if handle is None:
        return 1, ""
    try:
        return plan.parse_resume_token(handle)
    except ValueError as error:
        raise RequestInvalid(
            f"resume_from: {error}; nothing was run.",
            code="resume_from_invalid",
            hint="Send the script that gave it, unchanged; or call migrate with dry_run=true for the plan.",
        ) from None


def _stopped(error: DsqlError, run: MigrationRun) -> DsqlError:
    """Add to a failure what is applied and how to continue."""
    step = run.step
    doubt = " (this step may be applied)" if run.doubt else ""
    error.message = (
        f"Step {run.number} of {len(run.plan.steps)}, line {step.line}, {step.title}: {error.message}"
        f"\n{progress_line(run.plan, run.number)}{doubt}"
    )
    go_on = (
        f"mend the cause in the database, then send the same script with resume_from={run.handle}. If the "
        "script has to change, that is another plan: send only what is not applied yet."
    )
    if error.sqlstate in _THERE_ALREADY and not run.doubt:
        go_on += (
            " If an earlier run of the same script made it, resume_from="
            f"{run.plan.resume_token(run.number, '+')} looks at each step from here on before it runs it."
        )
    if run.doubt:
        error.outcome = "unknown"
    elif run.number > 1:
        error.outcome = "partial"
    if error.code == _IN_DOUBT:
        return error
    error.hint = f"{error.hint} To go on: {go_on}" if error.hint else go_on[0].upper() + go_on[1:]
    return error
