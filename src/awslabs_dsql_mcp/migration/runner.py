"""Runs a migration plan: a transaction a step, jobs waited for, and a handle that continues it."""

from collections.abc import Awaitable, Callable
from typing import Final

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
from awslabs_dsql_mcp.migration.failures import THERE_ALREADY, in_doubt, stopped, unrecorded
from awslabs_dsql_mcp.migration.plan import Step
from awslabs_dsql_mcp.migration.record import PlanRecord
from awslabs_dsql_mcp.migration.run import BY_ANOTHER, THERE, MigrationRun
from awslabs_dsql_mcp.migration.script.mentions import relation_name
from awslabs_dsql_mcp.migration.verification.applied import check_for
from awslabs_dsql_mcp.migration.verification.definition_comparer import DefinitionComparer
from awslabs_dsql_mcp.migration.verification.definitions import Definitions
from awslabs_dsql_mcp.migration.verification.statements import apply
from awslabs_dsql_mcp.output.tool_output import ReportProgress
from awslabs_dsql_mcp.sql import dsql_syntax
from awslabs_dsql_mcp.text import pluralize

_FIRST_PAUSE, _MAX_PAUSE = 0.2, 4.0  # seconds between two looks at a job
_MARGIN: Final = 0.5  # seconds before the deadline, in which no step is begun


class _JobUnfinished(Exception):
    """A job is unfinished when the call has to end."""


class _NotRecorded(Exception):
    """A step is applied, and the record of the run could not be moved on.

    Args:
        state: What became of the step.
        error: The failure to move it.
    """

    def __init__(self, state: str, error: DsqlError) -> None:
        super().__init__(state)
        self.state = state
        self.error = error


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
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float],
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
                raise unrecorded(run, lost.error, lost.state) from lost.error
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
                raise stopped(error, run) from error
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
            run.states[number] = BY_ANOTHER
        run.number, run.doubt = moved, "?"

    async def _do(self, run: MigrationRun) -> str:
        was_in_doubt = run.doubt if run.asks_catalog else ""
        if was_in_doubt and (state := await self._already_applied(run)) is not None:
            await self._note(run, state)
            return state
        step = run.step
        try:
            done = await self._database.run(run.unit)
        except StatementFailed as error:
            # The COMMIT of a call that was cut off may arrive after the look, and before this.
            late = was_in_doubt and error.sqlstate in THERE_ALREADY and not is_about_record(error)
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
            raise _NotRecorded(state, error) from error

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
            raise in_doubt(run)
        if sign.query is None:
            return None
        found = await self._ask(sign.query)
        is_building = step.statements[0].kind == "CREATE INDEX ASYNC" and found == "f"
        if is_building or (sign.applied(found) and not sign.expect_absent):
            await self._require_as_meant(run)
        if is_building:
            await self._wait(run, None)
            return f"{THERE}, and is built"
        if sign.applied(found):
            return THERE
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
            run.failure = f"The job {job.job_id} failed: {job.details or 'no details'}"
            raise StatementRefused(
                run.failure,
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


def _again(attempts: int) -> str:
    """Say that numbers of sequences are not given back (PostgreSQL documentation, "Sequence Functions")."""
    return f", in attempt {attempts}: a sequence that it draws from, if any, went on in each"


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
