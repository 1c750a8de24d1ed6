"""The work of ``batch_write``: a statement cut into batches, and what it asks the user."""

from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from awslabs_dsql_mcp.bulk.jobs.progress_table import KEPT_FINISHED, RESTART
from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, decode, fingerprint_in
from awslabs_dsql_mcp.bulk.jobs.runner import BatchRunner, ProgressCallback
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.bulk.statement_job import StatementJob
from awslabs_dsql_mcp.clusters.budget import Affordable, Budget
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementRefused
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.sql.parse_tree import strings
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.batch_write import WriteRequest
from awslabs_dsql_mcp.tools.consent.confirmation import Change, ChangeConfirmation, Question
from awslabs_dsql_mcp.tools.consent.elicitation import call_confirmed
from awslabs_dsql_mcp.tools.consent.preview import ON_PREVIEW
from awslabs_dsql_mcp.tools.large_changes.batch_cost import batch_work
from awslabs_dsql_mcp.tools.large_changes.resumable import (
    IN_BATCHES,
    progress_callback,
    refuse_running_dry,
    run_output,
    saying_what_is_stored,
    with_message,
)
from awslabs_dsql_mcp.tools.large_changes.run_view import with_batches_view
from awslabs_dsql_mcp.tools.prepare import PreparedStatements, prepare
from awslabs_dsql_mcp.tools.spec import Answer, to_result

# PostgreSQL documentation, "Date/Time Functions and Operators", Current Date/Time.
_CLOCKS: Final = frozenset({"now", "transaction_timestamp", "statement_timestamp"})


class BatchWrite:
    """Runs big changes.

    Args:
        database: Where statements run.
        runner: Runs batch jobs.
        confirmation: Asks for confirmation, and checks tokens of dry runs.
        cluster: Name of the cluster: a handle is good on no other.
        budget: Forecasts what a run costs.
    """

    def __init__(
        self,
        database: Database,
        runner: BatchRunner,
        confirmation: ChangeConfirmation,
        cluster: str,
        budget: Budget,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._runner = runner
        self._confirmation = confirmation
        self._budget = budget
        self._affordable = Affordable()

    async def call(self, ctx: Context[None, Any], request: WriteRequest) -> Answer:
        """Answer a call of the tool, or ask the user first."""
        with saying_what_is_stored():
            return await call_confirmed(ctx, self, request, self._confirmation)

    async def do(
        self, ctx: Context[None, Any], request: WriteRequest, agreed: Change | None
    ) -> CallToolResult:
        """Answer a call that may run."""
        del agreed  # the statement is in the request
        return to_result(await self.batch_write(request, progress_callback(ctx)))

    async def question(self, request: WriteRequest, *, can_ask: bool) -> Question | None:
        """Give the question for the user; ``None`` for no question, and for what will be refused.

        Raises:
            NotConfirmed: Each change needs confirmation, and the client cannot ask its user.
        """
        if request.dry_run or request.dry_run_token is not None:
            return None
        try:
            prepared = await self._check(request)
        except (RequestInvalid, StatementRefused):
            return None
        if self._runner.has_unfinished(fingerprint_in(request.resume)):
            return None  # confirmed when it began
        return self._confirmation.question(_change(prepared), can_ask=can_ask, previews=request.previews)

    async def require_affordable(self, request: WriteRequest) -> None:
        """Hold the forecast of the rows that are still to be changed against the operator's limit.

        Raises:
            RequestInvalid: It is above, or what a run of this raises.
            StatementRefused: As `batch_write`.
            DsqlError: What `Database.run` raises.
        """
        if request.dry_run or self._budget.limit is None:
            return
        self._budget.rates.begin()
        (query,) = (await self._check(request)).queries
        job = await StatementJob.plan(self._database, query, self._cluster)
        resumed = request.resume not in ("", RESTART)
        begun = decode(request.resume, job.fingerprint) if resumed else Progress("")
        if begun.done or self._affordable.covers(job.fingerprint, begun.batches):
            return
        rows = await self._count(job, begun.after)
        work, _ = await batch_work(self._database, job, rows, begun.after)
        self._budget.require(await self._budget.forecast(work), rows)
        self._affordable.note(job.fingerprint, begun.batches)

    async def _count(self, job: StatementJob, after: Position | None = None) -> int:
        query = keyset.count_query(job.query, job.parts, job.key, after)
        report = await self._database.run(UnitOfWork((query,), read_only=True))
        return int(report.results[0].rows[0][0] or 0)

    async def batch_write(self, request: WriteRequest, report: ProgressCallback) -> ToolOutput:
        """Run a change in batches, or say how much it would be.

        Args:
            request: What to do.
            report: Called with the progress.

        Raises:
            RequestInvalid: The values, the handle or the token do not fit.
            StatementRefused: It may not run, or cannot be cut.
            DsqlError: What stopped it.
        """
        if request.dry_run:
            refuse_running_dry(resume=request.resume, token=request.dry_run_token)
        prepared = await self._check(request)
        if request.dry_run_token is not None:
            self._confirmation.redeem(request.dry_run_token, _change(prepared))
        (query,) = prepared.queries
        job = await StatementJob.plan(self._database, query, self._cluster)
        if request.dry_run:
            told = await self._estimate(job, prepared, previews=request.previews)
        else:
            result = await self._runner.run(job, request.resume, report, request.rows_per_second)
            told = run_output(result, "no row is to be changed, so nothing was.")
        if request.previews:
            told = with_batches_view("batch_write", told, is_grave=prepared.statements[0].whole_table)
        return told

    async def _check(self, request: WriteRequest) -> PreparedStatements:
        return await prepare([request.sql], [request.params], writes=True)

    async def _estimate(
        self, job: StatementJob, prepared: PreparedStatements, *, previews: bool
    ) -> ToolOutput:
        self._budget.rates.begin()
        rows = await self._count(job)
        work, size = await batch_work(self._database, job, rows)
        batches = -(-rows // size) if size else 0
        forecast = await self._budget.forecast(work)
        refusal = self._budget.refusal(forecast, rows)
        if refusal is None:
            self._affordable.note(job.fingerprint, 0)
        key = ", ".join(job.key.columns)
        whole = f", all of {job.parts.target}," if prepared.statements[0].whole_table else ""
        refusal = refusal or await self._runner.earlier_run(job)
        token = self._confirmation.token(_change(prepared))
        go = f"to run it, send the same without dry_run, with dry_run_token={token} (once, in 10 min)."
        go = ON_PREVIEW if previews else go
        lines = (
            (
                f"dry run, nothing was changed: {pluralize(rows, 'row')}{whole} now, in about "
                f"{pluralize(batches, 'batch')} by the key ({key}) of {job.parts.driving}."
            ),
            forecast.line,
            _record_note(job),
            _clock_note(job, batches),
            refusal.message if refusal else "",
            f"Next: {refusal.hint if refusal else go}",
        )
        shown = [line for line in lines if line]
        values: dict[str, object] = {"rows": rows, "batches": batches, "forecast": forecast.facts}
        values |= {} if refusal else {"dry_run_token": token}
        return with_message("dry_run", shown, values)


def _change(prepared: PreparedStatements) -> Change:
    return Change("batch_write", prepared.queries, prepared.statements, IN_BATCHES)


def _record_note(job: StatementJob) -> str:
    """Sentence on what keeps a batch from being done twice."""
    if job.repeatable:
        return "A batch of it can be repeated without harm."
    return (
        f"Its progress is recorded in {job.progress_table.name}, made if need be, for up to {KEPT_FINISHED} "
        "after its end, so that nothing is done twice."
    )


def _clock_note(job: StatementJob, batches: int) -> str:
    """Sentence on the time of a transaction, which one statement has once and batches each have their own."""
    tree = job.parts.tree
    calls = {strings(place.node.get("funcname"))[-1] for place in tree.find("FuncCall")}
    keywords = " ".join(str(place.node.get("op")) for place in tree.find("SQLValueFunction"))
    if batches <= 1 or not (calls & _CLOCKS or "DATE" in keywords or "TIME" in keywords):
        return ""
    return "now() and the like differ from batch to batch: give one moment for all rows as a value."
