"""``migrate``: a script of DDL and data carried over to Aurora DSQL, one transaction after the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

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
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.tools.confirmation import TransactionConfirmation
from awslabs_dsql_mcp.tools.confirmation_tokens import ConfirmPolicy
from awslabs_dsql_mcp.tools.ports import Linter, Progress

if TYPE_CHECKING:
    from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step

_LINT_TIME: Final = 5.0
_MAX_LINTED: Final = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 4.0  # seconds between two looks at a job
_THERE_ALREADY: Final = frozenset({"42P07", "42710", "42P06", "42701"})  # duplicate table, object, …
_ROOM: Final = 0.5  # of a call's time, in which no step is begun any more


@dataclass(frozen=True)
class MigrateRequest:
    """What an agent asks of ``migrate``.

    Attributes:
        script: Any number of statements.
        dry_run: Only show the plan.
        resume_from: A handle that an earlier call gave.
    """

    script: str
    dry_run: bool = False
    resume_from: str | None = None


@dataclass
class _RunState:
    """A call under way.

    Attributes:
        plan: The steps.
        began: When, on the tool's clock.
        number: The step that is next, from 1.
        doubtful: Whether that step may have been applied.
        states: What became of the steps.
        paused: Why the call ended before the plan did.
    """

    plan: "MigrationPlan"
    began: float
    number: int
    may_be_applied: bool
    states: dict[int, str] = field(default_factory=dict[int, str])
    paused: str | None = None

    @property
    def handle(self) -> str:
        """How to go on from here."""
        return self.plan.resume_token(self.number, doubtful=self.may_be_applied)

    @property
    def step(self) -> "Step":
        """The step that is next."""
        return self.plan.steps[self.number - 1]

    def done(self, state: str) -> None:
        """Go on to the next step."""
        self.states[self.number] = state
        self.number += 1
        self.may_be_applied = False


class JobUnfinished(Exception):
    """A job goes on when the call has to end."""


class MigrateTools:
    """Plans and carries out migrations.

    Args:
        database: Where.
        linter: Mends what our own rules do not.
        confirm: Which changes want a yes.
        call_time: Longest a call may take, in seconds.
        where: Names the cluster: a handle is good on no other.
        sleep: Waits so many seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        database: Database,
        linter: Linter,
        *,
        confirm: ConfirmPolicy,
        call_time: float,
        where: str = "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._where = where
        self._linter = linter
        self._approval = TransactionConfirmation(confirm, clock=clock)
        self._call_time = call_time
        self._sleep = sleep
        self._clock = clock
        self._last: tuple[str, MigrationPlan] | None = None

    async def prompt(self, request: MigrateRequest, *, can_ask: bool) -> str | None:
        """Word what the user must be asked before a migration; ``None`` for nothing.

        A handle stands for exactly this plan, which was shown with it, as a dry run's token does.

        Raises:
            NotConfirmed: A yes is demanded for each change, and nobody can be asked.
        """
        if request.dry_run or request.resume_from is not None:
            return None
        try:
            plan = await self._plan(request.script)
        except DsqlError:
            return None
        statements = [statement for step in plan.steps for statement in step.statements]
        if plan.blocked:
            return None
        return self._approval.prompt(
            [Query(q) for s in plan.steps for q in s.queries],
            statements,
            can_ask=can_ask,
            otherwise="Call migrate with dry_run=true, look at the plan, then call it with the resume_from "
            "that it gave.",
        )

    async def migrate(self, request: MigrateRequest, progress: Progress) -> ToolOutput:
        """Show the plan, or carry it out until it is done, a step fails, or the call's time is over.

        Raises:
            RequestInvalid: The script is empty, or the handle is not of this script.
            StatementRefused: It does not parse, or holds what cannot be carried over.
            DsqlError: A step failed; the message says what is applied, and how to go on.
        """
        began = self._clock()
        plan = await self._plan(request.script)
        if request.dry_run:
            return _shown(plan)
        _require_whole(plan)
        number, doubtful = _start(plan, request.resume_from)
        course = _RunState(plan, began, number, doubtful)
        await self._run_steps(course, progress)
        return _summary(course)

    async def _plan(self, script: str) -> "MigrationPlan":
        """Plan a script; the last one's is kept, as a long migration is one script called with again."""
        if self._last is None or self._last[0] != script:
            self._last = (script, replace(await self._planned(script), cluster=self._where))
        return self._last[1]

    async def _planned(self, script: str) -> "MigrationPlan":
        from awslabs_dsql_mcp.migration import plan as migration  # noqa: PLC0415 - the parser, at first need
        from awslabs_dsql_mcp.migration.converter import ScriptSyntaxError, convert  # noqa: PLC0415 - as above

        if not script.strip():
            raise RequestInvalid("statements is empty.", hint="Give a script of one or more statements.")
        try:
            conversion = await asyncio.to_thread(convert, script)
        except ScriptSyntaxError as error:
            raise StatementRefused(
                f"The script does not parse: {error}. Nothing was run.",
                code="syntax",
                hint="Correct it there.",
            ) from None
        refused = await asyncio.to_thread(migration.refused_statements, conversion)
        fixed = {sql: text for sql in refused[:_MAX_LINTED] if (text := await self._fixed(sql))}
        return await asyncio.to_thread(migration.plan, conversion, fixed)

    async def _fixed(self, sql: str) -> str | None:
        """Ask dsql-lint; without it, a statement that needs it is left to a human."""
        try:
            linted = await self._linter.lint(sql, fix=True, timeout=_LINT_TIME)
        except DsqlError:
            return None
        return None if linted.count("unfixable") else (linted.fixed_sql or "").strip().rstrip(";") or None

    async def _run_steps(self, course: _RunState, progress: Progress) -> None:
        total = len(course.plan.steps)
        while course.number <= total:
            if self._left(course) <= _ROOM:
                course.paused = "This call's time is over."
                return
            resume = course.plan.resume_token(course.number, doubtful=True)
            told = f"step {course.number} of {total}: {course.step.title}; if cut off, resume_from={resume}"
            await progress(course.number - 1, total, told)
            try:
                course.done(await self._do(course))
            except JobUnfinished as unfinished:
                course.may_be_applied = True
                course.paused = str(unfinished)
                return
            except DsqlError as error:
                course.may_be_applied = isinstance(error, OutcomeUnknown)
                raise _stopped(error, course) from error
        await progress(total, total, "done")

    async def _do(self, course: _RunState) -> str:
        if course.may_be_applied and (state := await self._already_applied(course)) is not None:
            return state
        step = course.step
        try:
            report = await self._database.run(UnitOfWork(tuple(map(Query, step.queries)), read_only=False))
        except StatementFailed as error:
            # The COMMIT of a call that was cut off may arrive after the look, and before this.
            late = course.may_be_applied and error.sqlstate in _THERE_ALREADY
            if not late or (state := await self._already_applied(course)) is None:
                raise
            return state
        if step.statements[0].kind in jobs.JOB_KINDS:
            await self._wait(course, _job_id(report))
            return "built" if "INDEX" in step.statements[0].kind else "validated"
        rows = f", {report.rows_affected:,} rows" if report.rows_affected else ""
        return report.outcome + rows

    async def _already_applied(self, course: _RunState) -> str | None:
        """Look whether a doubtful step was applied; ``None`` when it was not, or may be run again.

        Raises:
            RequestInvalid: The catalog cannot tell.
        """
        from awslabs_dsql_mcp.migration.verify import check_for  # noqa: PLC0415 - only to resume

        step = course.step
        sign = check_for(step.queries[0]) if len(step.queries) == 1 else None
        if sign is None:
            number, plan = course.number, course.plan
            raise RequestInvalid(
                f"Whether step {number} ({step.title}) was applied, the catalog cannot tell.",
                code="step_in_doubt",
                hint=f"Look with readonly_query; then resume_from={plan.resume_token(number)} if it is not, "
                f"{plan.resume_token(number + 1)} if it is.",
            )
        if sign.query is None:
            return None
        found = await self._ask(sign.query)
        if step.statements[0].kind == "CREATE INDEX ASYNC" and found == "f":
            await self._wait(course, None)
            return "was there already, and is built"
        return "was there already" if sign.applied(found) else None

    async def _ask(self, query: Query) -> str | None:
        report = await self._database.run(UnitOfWork((query,), read_only=True))
        return report.results[0].rows[0][0]

    async def _wait(self, course: _RunState, job_id: str | None) -> None:
        """Follow the job of an index or a check, by its id, or by what it works on.

        Raises:
            JobUnfinished: It goes on when the call has to end.
            StatementRefused: It failed.
        """
        from awslabs_dsql_mcp.migration.verify import check_for  # noqa: PLC0415 - only for jobs

        sign = check_for(course.step.queries[0])
        pause = _FIRST_PAUSE
        while True:
            ready = sign is not None and sign.query is not None and await self._ask(sign.query) == "t"
            if ready:
                return
            await self._check_job(course, job_id)
            if self._left(course) <= _ROOM:
                which = f" {job_id}" if job_id else ""
                raise JobUnfinished(f"The job{which} of step {course.number} goes on; job_status follows it.")
            await self._sleep(min(pause, max(0.0, self._left(course) - _ROOM)))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _check_job(self, course: _RunState, job_id: str | None) -> None:
        report = await self._database.run(UnitOfWork((jobs.jobs_query(job_id),), read_only=True))
        name = _object_of(course.step)
        for job in jobs.fold_jobs(report.results[0]):
            ours = job.job_id == job_id if job_id else job.object_name in (name, f"public.{name}")
            if ours and job.status == "failed":
                raise StatementRefused(
                    f"the job {job.job_id} failed: {job.details or 'no details'}",
                    code="job_failed",
                    hint="Mend what it says; DROP INDEX what it left, if it is an index.",
                )

    def _left(self, course: _RunState) -> float:
        return course.began + self._call_time - self._clock()


def _job_id(report: Report) -> str | None:
    rows = report.results[0].rows
    return rows[0][0] if rows else None


def _object_of(step: "Step") -> str | None:
    from awslabs_dsql_mcp.sql.dsql_syntax import trees  # noqa: PLC0415 - only for jobs

    return trees(step.queries[0])[0].root.get("idxname")


def _start(plan: "MigrationPlan", handle: str | None) -> tuple[int, bool]:
    if handle is None:
        return 1, False
    try:
        return plan.parse_resume_token(handle)
    except ValueError as error:
        raise RequestInvalid(
            f"resume_from: {error}; nothing was run.",
            code="resume_from_invalid",
            hint="Send the script that gave it, unchanged; or call migrate with dry_run=true for the plan.",
        ) from None


def _require_whole(plan: "MigrationPlan") -> None:
    """Refuse to run a part of a script whose other part cannot be carried over.

    Raises:
        StatementRefused: There is such a part.
    """
    if plan.blocked:
        listed = "\n".join(f"- line {left.line}, {left.what}: {left.why}" for left in plan.blocked[:10])
        raise StatementRefused(
            f"{len(plan.blocked)} statements cannot be carried over; nothing was run.\n{listed}",
            code="not_migratable",
            hint="Rewrite or remove them, then call migrate again with dry_run=true.",
        )
    if not plan.steps:
        raise RequestInvalid("The script holds nothing to run.", hint="Give DDL or changes of data.")


def _shown(plan: "MigrationPlan") -> ToolOutput:
    from awslabs_dsql_mcp.migration.report import skipped_text, steps_text  # noqa: PLC0415 - as above

    head = f"Plan of {len(plan.steps)} steps; nothing was run."
    go = (
        f"{len(plan.blocked)} statements stop it: rewrite or remove them first."
        if plan.blocked
        else f"To carry it out, send the same with resume_from={plan.resume_token(1)}."
    )
    text = "\n".join(filter(None, [head, steps_text(plan, {}), skipped_text(plan), f"Next: {go}"]))
    return ToolOutput(text, _facts(plan, None if plan.blocked else plan.resume_token(1), "planned"))


def _summary(course: _RunState) -> ToolOutput:
    from awslabs_dsql_mcp.migration.report import progress_line, skipped_text, steps_text  # noqa: PLC0415 - as above

    plan = course.plan
    lines = [progress_line(plan, course.number)]
    if course.paused:
        lines.append(f"{course.paused} Next: send the same with resume_from={course.handle}.")
    lines += [steps_text(plan, course.states), skipped_text(plan)]
    handle = course.handle if course.paused else None
    facts = _facts(plan, handle, "paused" if course.paused else "done")
    return ToolOutput("\n".join(filter(None, lines)), facts | {"applied": course.number - 1})


def _facts(plan: "MigrationPlan", handle: str | None, state: str) -> dict[str, object]:
    facts: dict[str, object] = {
        "state": state,
        "steps": len(plan.steps),
        "needs_human": sum(left.needs_review for left in plan.skipped)
        + sum(note.startswith("NEEDS A HUMAN") for step in plan.steps for note in step.notes),
    }
    return facts | ({"resume_from": handle} if handle else {})


def _stopped(error: DsqlError, course: _RunState) -> DsqlError:
    """Say of a failure what is applied and how to go on."""
    from awslabs_dsql_mcp.migration.report import progress_line  # noqa: PLC0415 - as above

    step = course.step
    doubt = " (this step may be applied)" if course.may_be_applied else ""
    error.message = (
        f"Step {course.number} of {len(course.plan.steps)}, line {step.line}, {step.title}: {error.message}"
        f"\n{progress_line(course.plan, course.number)}{doubt}"
    )
    go_on = (
        f"mend the cause outside of the script, then send the same script with resume_from={course.handle}. "
        "A changed script is another plan: send it without what is applied already."
    )
    if course.may_be_applied:
        error.outcome = "unknown"
    elif course.number > 1:
        error.outcome = "partial"
    error.hint = f"{error.hint} To go on: {go_on}" if error.hint else go_on[0].upper() + go_on[1:]
    return error
