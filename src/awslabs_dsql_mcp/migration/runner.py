"""Runs a migration plan: a transaction a step, jobs waited for, and a handle that continues it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, cast

from awslabs_dsql_mcp.bulk.jobs.state_record import is_about_record
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
from awslabs_dsql_mcp.migration.position import Position
from awslabs_dsql_mcp.migration.record import PlanRecord
from awslabs_dsql_mcp.migration.report import progress_line
from awslabs_dsql_mcp.migration.script.mentions import relation_name
from awslabs_dsql_mcp.migration.verification.applied import check_for
from awslabs_dsql_mcp.migration.verification.definition_comparer import DefinitionComparer
from awslabs_dsql_mcp.migration.verification.definitions import Definitions
from awslabs_dsql_mcp.migration.verification.lasting import lasting_steps
from awslabs_dsql_mcp.migration.verification.meant import meant_by
from awslabs_dsql_mcp.migration.verification.statements import apply
from awslabs_dsql_mcp.output.tool_output import ReportProgress
from awslabs_dsql_mcp.sql import dsql_syntax
from awslabs_dsql_mcp.text import one_line, pluralize

_FIRST_PAUSE, _MAX_PAUSE = 0.2, 4.0  # seconds between two looks at a job
_THERE_ALREADY: Final = frozenset({"42P07", "42710", "42P06", "42701"})  # duplicate table, object, …
_OF_BODIES: Final = ("42", "22")  # classes of SQLSTATEs: syntax or access rule, data
_NOT_OF_BODIES: Final = frozenset({"42723", "42501"})  # duplicate function, insufficient privilege
_IN_DOUBT: Final = "step_in_doubt"
_MARGIN: Final = 0.5  # seconds before the deadline, in which no step is begun
_THERE: Final = "was there already"
_BY_ANOTHER: Final = "applied by another call"
_FOUND: Final = (_THERE, _BY_ANOTHER)


@dataclass
class MigrationRun:
    """A run of a plan in this call.

    Attributes:
        plan: The steps.
        deadline: End of the call's time, on the runner's clock.
        begin: Where the call began.
        record: The record of the run; ``None`` if it is not recorded, or no longer.
        number: The step that is next, from 1.
        doubt: Steps that may have been applied.
        states: Results of the steps.
        paused: The reason why the call ended before the plan did.
    """

    plan: MigrationPlan
    deadline: float
    begin: Position
    record: PlanRecord | None = None
    number: int = field(init=False)
    doubt: Doubt = field(init=False)
    states: dict[int, str] = field(default_factory=dict[int, str])
    paused: str | None = None

    def __post_init__(self) -> None:
        """Begin where the call does."""
        self.number, self.doubt = self.begin.number, self.begin.doubt

    @cached_property
    def lasting(self) -> frozenset[int]:
        """Numbers of the steps that no later one undoes."""
        return lasting_steps(self.plan)

    @cached_property
    def end(self) -> Definitions:
        """Definitions that the plan leaves."""
        return meant_by(self.plan).definitions

    @property
    def handle(self) -> str:
        """The handle that continues from here."""
        return self.plan.resume_token(self.number, self.doubt)

    @property
    def step(self) -> Step:
        """The step that is next."""
        return self.plan.steps[self.number - 1]

    @property
    def asks_catalog(self) -> bool:
        """The catalog has to tell if the step is applied: it is in doubt, and no record protects it.

        A record knows nothing of the steps that a run may have applied which it is not of.
        """
        knows = self.record is not None and (self.begin.is_known or not self.begin.doubt)
        return bool(self.doubt) and (self.doubt == "+" or not knows or self.step.is_ddl)

    @property
    def has_applied(self) -> bool:
        """True if a step was applied in this call, rather than found to be applied."""
        return not all(state.startswith(_FOUND) for state in self.states.values())

    def done(self, state: str) -> None:
        """Go on to the next step, which stays in doubt if all steps from here on were."""
        self.states[self.number] = state
        self.number += 1
        self.doubt = "+" if self.doubt == "+" else ""


def _again(attempts: int) -> str:
    """Say that numbers of sequences are not given back (PostgreSQL documentation, "Sequence Functions")."""
    return f", in attempt {attempts}: a sequence that it draws from, if any, went on in each"


class _JobUnfinished(Exception):
    """A job is unfinished when the call has to end."""


class _NotRecorded(Exception):
    """A step is applied, and the record of the run could not be moved on.

    Args:
        state: What became of the step.
    """

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


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
        self._comparer = DefinitionComparer(database)
        self._sleep = sleep
        self._clock = clock

    async def run(self, run: MigrationRun, report: ReportProgress) -> None:
        """Run a plan until it is done, a step fails, or the call's time is over; the run says how far it is.

        Args:
            run: Where it begins.
            report: Called before each step.

        Raises:
            RequestInvalid: The catalog cannot tell of a step in doubt, or the record is lost.
            DsqlError: A step failed; the message says what is applied, and how to continue.
        """
        record = run.record
        if record is not None and (run.begin.passed or record.next_step is None):
            await _open(record, run.number)
        total = len(run.plan.steps)
        while run.number <= total:
            if self._left(run) <= _MARGIN:
                run.paused = "This call's time is over."
                return
            # Who is cut off may not hear of steps that are run until the server hears of it; a record does.
            resume = run.plan.resume_token(run.number, "?" if run.record else "+")
            told = f"step {run.number} of {total}: {run.step.title}; if cut off, resume_from={resume}"
            await report(run.number - 1, total, told)
            try:
                run.done(await self._do(run))
            except _NotRecorded as lost:
                raise _unrecorded(run, lost) from lost.__cause__
            except _JobUnfinished as unfinished:
                run.doubt = run.doubt or "?"
                run.paused = str(unfinished)
                return
            except DsqlError as error:
                if run.record is not None and is_about_record(error):
                    await self._follow(run, run.record)
                    continue
                if isinstance(error, OutcomeUnknown):
                    run.doubt = run.doubt or "?"
                raise _stopped(error, run) from error
        await report(total, total, "done")

    async def _follow(self, run: MigrationRun, record: PlanRecord) -> None:
        """Go on where the record is, which another call has moved on.

        Raises:
            RequestInvalid: The record is gone, or is where it was.
        """
        await record.read()
        moved = record.next_step
        if moved is None or moved <= run.number:
            raise RequestInvalid(
                f"Step {run.number} was not applied by this call: the record of this run in {record.name} is "
                f"{'gone' if moved is None else 'changed by somebody else'}.",
                code="progress_lost",
                hint="Look with get_schema and readonly_query for what is applied.",
            )
        for number in range(run.number, moved):
            run.states[number] = _BY_ANOTHER
        run.number, run.doubt = moved, "?"

    async def _do(self, run: MigrationRun) -> str:
        was_in_doubt = run.doubt if run.asks_catalog else ""
        if was_in_doubt and (state := await self._already_applied(run)) is not None:
            await self._note(run, state)
            return state
        step = run.step
        try:
            done = await self._database.run(_unit(run))
        except StatementFailed as error:
            # The COMMIT of a call that was cut off may arrive after the look, and before this.
            late = was_in_doubt and error.sqlstate in _THERE_ALREADY and not is_about_record(error)
            if not late or (state := await self._already_applied(run)) is None:
                raise
            run.doubt = was_in_doubt
            await self._note(run, state)
            return state
        state = _state(run, done)
        if step.is_ddl:
            run.doubt = run.doubt or "?"  # it is committed; from here on the catalog tells what became of it
            if step.statements[0].kind in jobs.JOB_KINDS:
                await self._wait(run, _job_id(done))
            await self._note(run, state)
        elif run.record is not None:
            run.record.changed(run.number + 1)
        return state

    async def _note(self, run: MigrationRun, state: str) -> None:
        """Record that the step is applied, behind it.

        Raises:
            _NotRecorded: That failed.
            NoRowChanged: Somebody else has changed the record.
        """
        try:
            if run.record is not None:
                await run.record.advance(run.number + 1)
        except DsqlError as error:
            if is_about_record(error):
                raise
            raise _NotRecorded(state) from error

    async def _already_applied(self, run: MigrationRun) -> str | None:
        """Check whether a step in doubt was applied; ``None`` when it was not, or may be run again.

        Raises:
            RequestInvalid: The catalog cannot tell.
            StatementRefused: Another object has the name of the one that it makes.
        """
        step = run.step
        sign = check_for(step.queries[0]) if len(step.queries) == 1 else None
        is_hidden = run.doubt == "+" and run.number not in run.lasting
        if sign is None or (is_hidden and sign.query is not None):
            raise _in_doubt(run)
        if sign.query is None:
            return None
        found = await self._ask(sign.query)
        is_building = step.statements[0].kind == "CREATE INDEX ASYNC" and found == "f"
        if is_building or (sign.applied(found) and not sign.expect_absent):
            await self._require_as_meant(run)
        if is_building:
            await self._wait(run, None)
            return f"{_THERE}, and is built"
        if sign.applied(found):
            return _THERE
        run.doubt = ""  # and none that follows it was
        return None

    async def _require_as_meant(self, run: MigrationRun) -> None:
        """Refuse to take another object for the one that a step makes.

        Raises:
            StatementRefused: It is another.
        """
        meant = Definitions()
        for tree in dsql_syntax.trees(run.step.queries[0]):
            apply(tree, meant)
        different = await self._comparer.different(meant.lasting(run.end) if run.doubt == "+" else meant)
        if different:
            run.doubt = ""
            raise StatementRefused(
                f"another object has the name of the one that it makes. {different}.",
                code="already_there",
                hint="Rename or drop that one.",
            )

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
        names = _names_of(run.step)
        found = jobs.fold_jobs(report.results[0])  # the newest first, of those that have ended
        job = next((job for job in found if job.job_id == job_id or job.object_name in names), None)
        if job is not None and job.status == "failed":
            raise StatementRefused(
                f"The job {job.job_id} failed: {job.details or 'no details'}",
                code="job_failed",
                hint="Mend what it says; DROP INDEX what it left, if it is an index.",
            )
        return job is not None and job.job_id == job_id and job.status == "completed"

    def _left(self, run: MigrationRun) -> float:
        return run.deadline - self._clock()


def _job_id(report: Report) -> str | None:
    rows = report.results[-1].rows
    return rows[0][0] if rows else None


def _names_of(step: Step) -> set[str]:
    """Names by which sys.jobs may have what a step builds or checks."""
    top = dsql_syntax.trees(step.queries[0])[0].root
    schema, _ = relation_name(top["relation"])
    name = top.get("idxname") or top.get("cmds", [{}])[0].get("AlterTableCmd", {}).get("name")
    if name is None:
        return set()
    return {f"{schema}.{name}", *([name] if schema == "public" else [])}


def _state(run: MigrationRun, done: Report) -> str:
    """Word what became of a step that was run."""
    step, kind = run.step, run.step.statements[0].kind
    if kind in jobs.JOB_KINDS:
        return "built" if "INDEX" in kind else "validated"
    changed = done.rows_affected - (run.record is not None and not step.is_ddl)
    rows = f", {pluralize(changed, 'row')}" if changed else ""
    again = "" if done.attempts == 1 or step.is_ddl else _again(done.attempts)
    return done.outcome + rows + again


def _unrecorded(run: MigrationRun, lost: _NotRecorded) -> DsqlError:
    """Say of a failure behind a step that the step is applied, and that its record stands before it."""
    error, number = cast("DsqlError", lost.__cause__), run.number
    run.done(lost.state)
    error.facts = _facts(run)
    record = run.record.name if run.record else "its record"
    error.message = f"Step {number} is applied, and {record} could not be told of it: {error.message}"
    error.details = (*error.details, progress_line(run.plan, run.number, run.doubt))
    error.outcome = "partial"
    error.hint = f"To go on: send the same script with resume_from={run.handle}."
    return error


def _in_doubt(run: MigrationRun) -> RequestInvalid:
    number, plan = run.number, run.plan
    after = plan.resume_token(number + 1, "+" if run.doubt == "+" else "")
    return RequestInvalid(
        "the catalog cannot tell if it was applied.",
        code=_IN_DOUBT,
        hint=f"Look with readonly_query; then resume_from={plan.resume_token(number)} if it is not, "
        f"resume_from={after} if it is.",
    )


async def _open(record: PlanRecord, number: int) -> None:
    """Begin the record of a run.

    Raises:
        DsqlError: What `PlanRecord.begin` raises; the message says that no step was run.
    """
    try:
        await record.begin(number)
    except DsqlError as error:
        if is_about_record(error):  # its row was made or changed between a look at it and here
            raise RequestInvalid(
                f"No step was run: another call began this run at the same moment; {record.name} has it.",
                code="run_begun_elsewhere",
                hint="Send the same again.",
            ) from error
        error.message = f"No step was run: the run could not be recorded in {record.name}. {error.message}"
        if isinstance(error, OutcomeUnknown):
            error.hint = "Send the same again."
        raise


def _unit(run: MigrationRun) -> UnitOfWork:
    """Make the transaction of a step; one that changes no definitions records itself."""
    step = run.step
    queries = tuple(map(Query, (*step.settings, *step.queries)))
    if run.record is None or step.is_ddl:
        return UnitOfWork(queries, read_only=False)
    return UnitOfWork((run.record.change(run.number + 1), *queries), read_only=False, must_change=True)


def _is_of_a_body(error: DsqlError) -> bool:
    """Tell if a CREATE FUNCTION may have failed because of the function's body."""
    state = error.sqlstate or ""
    return state.startswith(_OF_BODIES) and state not in _NOT_OF_BODIES


def _place(error: DsqlError, run: MigrationRun) -> tuple[str, str]:
    """Name the statement of a step that failed, by its own line of the script; give what was said of it."""
    step = run.step
    index = -1 if error.statement is None else error.statement - len(_unit(run).queries) + len(step.queries)
    said = error.message.removeprefix(
        f"Statement {error.statement + 1}: " if error.statement is not None else ""
    )
    if len(step.queries) == 1 or index < 0:
        return f"line {step.line}, {step.title}", said
    line = step.lines[index] if step.lines else step.line
    return f"line {line}, {one_line(step.queries[index])}", said


def _facts(run: MigrationRun) -> dict[str, object]:
    """Give for programs where a run stands, and its handle; none where the user has to look first."""
    facts: dict[str, object] = {"steps": len(run.plan.steps), "applied": run.number - 1}
    return facts | ({"resume_from": run.handle} if run.number <= len(run.plan.steps) else {})


def _stopped(error: DsqlError, run: MigrationRun) -> DsqlError:
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
    if error.sqlstate in _THERE_ALREADY and not run.doubt:
        go_on += (
            " If an earlier run of the same script made it, resume_from="
            f"{run.plan.resume_token(run.number, '+')} looks at each step from here on before it runs it."
        )
    error.hint = f"{error.hint} To go on: {go_on}" if error.hint else go_on[0].upper() + go_on[1:]
    return error
