"""The work of ``migrate``: plans, their runs and what they ask the user."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.catalog.key_sequences import KeySequence
from awslabs_dsql_mcp.clusters.budget import Affordable, Budget
from awslabs_dsql_mcp.clusters.forecast import Forecast
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid, StatementRefused
from awslabs_dsql_mcp.migration import planner
from awslabs_dsql_mcp.migration.converter import ScriptSyntaxError, convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.position import Position, first_step, position, runs_a_step
from awslabs_dsql_mcp.migration.record import PlanRecord, find_record
from awslabs_dsql_mcp.migration.report import plan_page
from awslabs_dsql_mcp.migration.run import MigrationRun
from awslabs_dsql_mcp.migration.runner import MigrationRunner
from awslabs_dsql_mcp.migration.verification.comparison import Comparer
from awslabs_dsql_mcp.migration.verification.existing import Existing, find_existing
from awslabs_dsql_mcp.migration.verification.sequences_behind import sequences_behind
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.consent.confirmation import Change, ChangeConfirmation, Question
from awslabs_dsql_mcp.tools.consent.elicitation import call_confirmed
from awslabs_dsql_mcp.tools.large_changes.agreed_plans import AgreedPlans
from awslabs_dsql_mcp.tools.large_changes.migrate_answer import (
    WITH_TOKEN,
    failed_view,
    plan_output,
    run_output,
    with_run_view,
)
from awslabs_dsql_mcp.tools.large_changes.migrate_cost import steps_cost
from awslabs_dsql_mcp.tools.migrate import MigrateRequest
from awslabs_dsql_mcp.tools.spec import Answer, progress_of, to_text_result


class Migrate:
    """Plans and carries out migrations.

    Args:
        database: Where statements run.
        confirmation: Asks for confirmation.
        call_time: Longest a call may take, in seconds.
        cluster: Name of the cluster: a handle is good on no other.
        budget: Forecasts what a run costs; by default without prices and limit.
        sleep: Waits so many seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        confirmation: ChangeConfirmation,
        call_time: float,
        cluster: str = "",
        budget: Budget | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._budget = budget or Budget()
        self._affordable = Affordable()
        self._confirmation = confirmation
        self._agreed = AgreedPlans(clock)
        self._database = database
        self._runner = MigrationRunner(database, sleep=sleep, clock=clock)
        self._comparer = Comparer(database, clock=clock)
        self._call_time = call_time
        self._clock = clock
        self._last: tuple[str, MigrationPlan] | None = None

    async def call(self, ctx: Context[None, Any], request: MigrateRequest) -> Answer:
        """Answer a call of the tool, or ask the user first."""
        return await call_confirmed(ctx, self, await self._redeemed(request), self._confirmation)

    async def do(
        self, ctx: Context[None, Any], request: MigrateRequest, agreed: Change | None
    ) -> CallToolResult:
        """Answer a call that may run."""
        del agreed  # the script is in the request
        return to_text_result(await self.migrate(request, progress_of(ctx)))

    async def _redeemed(self, request: MigrateRequest) -> MigrateRequest:
        """Take the token that the button of a view sends with the handle of the first step.

        Raises:
            RequestInvalid: It is not of a dry run of this script, or was used; or the script is empty.
            StatementRefused: The script does not parse.
        """
        handle, mark, token = (request.resume_from or "").partition(WITH_TOKEN)
        if not mark:
            return request
        self._confirmation.redeem(token, _change(await self._plan(request.script)))
        return replace(request, resume_from=handle, is_agreed=True)

    async def question(self, request: MigrateRequest, *, can_ask: bool) -> Question | None:
        """Give the question for the user before a migration; ``None`` for no question.

        What a dry run has shown, or the user has agreed to, goes on by its handle: on this server alone, and
        only from where it stands.

        Raises:
            NotConfirmed: Each change needs confirmation, and the client cannot ask its user.
        """
        if request.only_shows or request.is_agreed:
            return None
        try:
            plan = await self._plan(request.script)
        except DsqlError:
            return None
        if plan.blocked or not plan.steps or not runs_a_step(plan, request.resume_from):
            return None
        if self._agreed.take(plan, request.resume_from):
            return None
        return self._confirmation.question(_change(plan), can_ask=can_ask, previews=request.previews)

    async def require_affordable(self, request: MigrateRequest) -> None:
        """Hold the forecast of the steps that are still to be run against the operator's limit.

        Raises:
            RequestInvalid: It is above, or the script is empty.
            StatementRefused: The script does not parse.
        """
        if request.only_shows or self._budget.limit is None:
            return
        self._budget.rates.begin()
        plan = await self._plan(request.script)
        first = first_step(plan, request.resume_from)
        if plan.blocked:
            return
        position(plan, request.resume_from, None)  # a handle that is none of this plan's is the first fault
        if self._affordable.covers(plan.fingerprint, first):
            return
        forecast, _ = await self._forecast(plan, first)
        self._budget.require(forecast)
        self._affordable.note(plan.fingerprint, first)

    async def _forecast(self, plan: MigrationPlan, first: int) -> tuple[Forecast, str]:
        """Forecast the steps of a plan from one on, with a sentence on what counts with the most."""
        counted = await steps_cost(self._database, plan, first)
        forecast = await self._budget.forecast(counted.work, counted.uncounted, counted.remedy)
        return forecast, counted.note

    async def migrate(self, request: MigrateRequest, report: ReportProgress) -> ToolOutput:
        """Show the plan, or carry it out until it is done, a step fails, or the call's time is over.

        Raises:
            RequestInvalid: The script is empty, or the handle is not of this script.
            StatementRefused: It does not parse, or holds what cannot be carried over.
            DsqlError: A step failed; the message says what is applied, and how to go on.
        """
        deadline = self._clock() + self._call_time
        if request.only_shows and request.resume_from is not None:
            raise RequestInvalid(
                "dry_run and show_from show the plan, and resume_from runs it; nothing was run.",
                code="dry_run_or_run",
                hint="To run it, send the same without these two; to see it, without resume_from.",
            )
        plan = await self._plan(request.script)
        if request.only_shows:
            return await self._show(plan, request)
        _require_whole(plan)
        try:
            begin, record = await self._begin(plan, request.resume_from, verify=request.verify)
        except DsqlError:
            if runs_a_step(plan, request.resume_from):
                self._agreed.note(plan, first_step(plan, request.resume_from))
            raise
        run = MigrationRun(plan, deadline, begin, record)
        try:
            await self._runner.run(run, report)
        except DsqlError as error:
            if request.previews:
                error.for_person = failed_view(run)
            raise
        finally:  # who has only found what was applied has used nothing up
            self._agreed.note(plan, run.number if run.has_applied else begin.number)
        compared = None
        if request.verify and not run.paused:
            compared = await self._comparer.compare(plan, report, deadline=deadline)
        told = run_output(run, compared, [] if run.paused else await self._behind(plan))
        return with_run_view(run, told) if request.previews else told

    async def _behind(self, plan: MigrationPlan) -> list[KeySequence]:
        """Find the sequences that the script leaves behind; none where they cannot be looked at."""
        try:
            return await sequences_behind(self._database, plan)
        except DsqlError:
            return []

    async def _show(self, plan: MigrationPlan, request: MigrateRequest) -> ToolOutput:
        """Show a plan; that a run of it was shown counts, unless the user of a view has the button for it."""
        place = request.show_from
        if not request.previews:
            self._agreed.note(plan, 1)
        try:
            page = await asyncio.to_thread(plan_page, plan, place)
        except ValueError as error:
            raise RequestInvalid(
                f"show_from: {error}.",
                code="show_from_invalid",
                hint="Send the script that gave it, unchanged; or call migrate with dry_run=true.",
            ) from None
        self._budget.rates.begin()
        told = "verify=true compares behind the last step; here it does nothing."
        remarks = [told] if request.verify else []
        existing = Existing(plan)
        if plan.steps and not plan.blocked:
            try:
                existing = await find_existing(self._database, plan)
            except DsqlError as error:
                unseen = f"Which of its objects are there already could not be looked at: {error.message}"
                remarks.append(unseen)
        forecast = refusal = None
        if plan.steps and not plan.blocked and not place:
            forecast, note = await self._forecast(plan, 1)
            refusal = self._budget.refusal(forecast)
            costs = (forecast.line, note, refusal.message if refusal else "")
            remarks = [*filter(None, costs), *remarks]
        token = self._confirmation.token(_change(plan)) if request.previews else None
        return plan_output(plan, page, existing, remarks, forecast, refusal, token)

    async def _begin(
        self, plan: MigrationPlan, handle: str | None, *, verify: bool
    ) -> tuple[Position, PlanRecord | None]:
        """Find where to begin, and what is recorded of the plan's runs; to compare alone, behind all steps.

        What is there already is looked for before the first step, unless each step is looked at as it comes.

        Raises:
            RequestInvalid: The handle is not of this plan, or the plan was or may have been run before.
            StatementRefused: Objects that it makes are there.
            DsqlError: What `Database.run` raises.
        """
        record = await find_record(self._database, plan)
        starts_over = handle == RESTART or (handle is None and await self._is_gone(plan, record))
        known = None if record is None or starts_over else record
        end = len(plan.steps) + 1
        if handle is None and verify and known is not None and known.next_step == end:
            handle = plan.resume_token(end)
        if verify and known is not None and first_step(plan, handle) == end:
            return Position(end, is_known=known.next_step == end), None
        begin = position(plan, handle, known and known.next_step, known.since if known else "")
        if not begin.doubt:
            found = await find_existing(self._database, plan, begin.number)
            is_done = record is not None and record.next_step == end
            found.require_new(is_resumed=handle is not None or record is not None, is_done=is_done)
        if record is not None and starts_over:
            await record.remove()
        return begin, record

    async def _is_gone(self, plan: MigrationPlan, record: PlanRecord | None) -> bool:
        """Tell whether a plan is recorded as done, and yet an object that it makes is not there.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        if record is None or record.next_step != len(plan.steps) + 1:
            return False
        return not (await find_existing(self._database, plan)).is_unclear

    async def _plan(self, script: str) -> MigrationPlan:
        """Plan a script; the last one's is kept, as a long migration is one script called with again."""
        if self._last is None or self._last[0] != script:
            self._last = (script, replace(await self._planned(script), cluster=self._cluster))
        return self._last[1]

    async def _planned(self, script: str) -> MigrationPlan:
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
        return await asyncio.to_thread(planner.plan, conversion)


def _change(plan: MigrationPlan) -> Change:
    return Change(
        "migrate",
        [Query(q) for step in plan.steps for q in step.queries],
        [statement for step in plan.steps for statement in step.statements],
        "a transaction a step",
        "resume_from",
    )


def _require_whole(plan: MigrationPlan) -> None:
    """Refuse to run a part of a script whose other part cannot be carried over.

    Raises:
        StatementRefused: There is such a part.
    """
    if plan.blocked:
        raise StatementRefused(
            f"{pluralize(len(plan.blocked), 'statement')} cannot be carried over; nothing was run.",
            details=[f"Line {left.line}, {left.what}: {left.why}" for left in plan.blocked[:10]],
            code="not_migratable",
            hint="Rewrite or remove them, then call migrate again with dry_run=true.",
        )
    if not plan.steps:
        raise RequestInvalid("The script holds nothing to run.", hint="Give DDL or changes of data.")
