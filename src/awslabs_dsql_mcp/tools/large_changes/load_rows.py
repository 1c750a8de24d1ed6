"""The work of ``load_rows``: rows read, cut into batches and verified, and what it asks the user."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, decode, fingerprint, fingerprint_in
from awslabs_dsql_mcp.bulk.jobs.runner import BatchRunner, ProgressCallback
from awslabs_dsql_mcp.bulk.loading.cells import to_text
from awslabs_dsql_mcp.bulk.loading.row_loader import RowLoadJob
from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow, Row, RowFiles, RowSource
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.catalog.key_sequences import KeySequence
from awslabs_dsql_mcp.clusters.budget import Affordable, Budget
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import DsqlError, NotConfigured, NotConfirmed, RequestInvalid
from awslabs_dsql_mcp.json_text import dumps
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.sql.effects import Effect
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import pluralize, visible_line
from awslabs_dsql_mcp.tools.consent.confirmation import Change, ChangeConfirmation, Question
from awslabs_dsql_mcp.tools.consent.elicitation import call_confirmed
from awslabs_dsql_mcp.tools.large_changes.load_answer import (
    MAX_SHOWN,
    Trial,
    answer,
    trial_output,
    unread_rest,
)
from awslabs_dsql_mcp.tools.large_changes.load_source import LoadSource
from awslabs_dsql_mcp.tools.large_changes.load_verification import Loaded, LoadVerification, verifying
from awslabs_dsql_mcp.tools.large_changes.resumable import (
    IN_BATCHES,
    progress_callback,
    refuse_running_dry,
    run_output,
    saying_what_is_stored,
    with_message,
)
from awslabs_dsql_mcp.tools.large_changes.run_view import with_batches_view
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from awslabs_dsql_mcp.tools.spec import Answer, to_result

_MAX_REMEMBERED: Final = 100  # runs, as many as the runner remembers
_ROWS_ASKED: Final = 3  # that the user sees before
_JSON_VALUES: Final = (str, bool, int, dict, list, type(None))
_NO_ROWS: Final = "the file has no rows, so nothing was stored."


class LoadRows:
    """Loads rows.

    Args:
        database: Where statements run.
        runner: Runs batch jobs.
        confirmation: Asks for confirmation, and checks tokens of dry runs.
        files: The operator's folder.
        cluster: Name of the cluster: a handle is good on no other.
        budget: Forecasts what a load costs; by default without prices and limit.
    """

    def __init__(
        self,
        database: Database,
        runner: BatchRunner,
        confirmation: ChangeConfirmation,
        files: RowFiles,
        cluster: str,
        budget: Budget | None = None,
    ) -> None:
        self._source = LoadSource(database, files, cluster)
        self._verification = LoadVerification(database, self._source)
        self._runner = runner
        self._confirmation = confirmation
        self._begun: dict[str, Change] = {}
        self._budget = budget or Budget()
        self._affordable = Affordable()

    async def call(self, ctx: Context[None, Any], request: LoadRequest) -> Answer:
        """Answer a call of the tool, or ask the user first."""
        with saying_what_is_stored():
            return await call_confirmed(ctx, self, request, self._confirmation)

    async def do(
        self, ctx: Context[None, Any], request: LoadRequest, agreed: Change | None
    ) -> CallToolResult:
        """Answer a call that may run."""
        told = await self.load_rows(request, progress_callback(ctx), agreed)
        if request.previews:
            told = with_batches_view("load_rows", told, is_grave=False)
        return to_result(told)

    async def question(self, request: LoadRequest, *, can_ask: bool) -> Question | None:
        """Give the question for the user; ``None`` for no question, and for a file that cannot be read.

        Raises:
            NotConfirmed: Each change needs confirmation, and the client cannot ask its user.
        """
        if request.dry_run or request.dry_run_token is not None:
            return None
        try:
            content = await self._source.content(request)
        except (RequestInvalid, NotConfigured):
            return None
        change = _change(request, content)
        if _is_same(change, self._confirmed_before(request)):
            return None
        if can_ask and self._confirmation.needed(change.statements):
            change = replace(change, shown=await self._first_rows(request))
        return self._confirmation.question(change, can_ask=can_ask, previews=request.previews)

    async def require_affordable(self, request: LoadRequest) -> None:
        """Hold the forecast of the rows that are still to be loaded against the operator's limit.

        A file is read for it once, unless a dry run or an earlier call has done so: what remains of a load
        that was affordable is.

        Raises:
            RequestInvalid: It is above, or what a load of these rows raises.
            NotConfigured: As `load_rows`.
            DsqlError: What `Database.run` raises.
        """
        if request.dry_run or self._budget.limit is None:
            return
        self._budget.rates.begin()
        table, _ = await self._source.table(request)
        with closing(await self._source.rows(request, table)) as source:
            (query,) = _change(request, source.name).queries
            job = self._source.job(request, source, table)
            resumed = request.resume not in ("", RESTART)
            begun = decode(request.resume, job.fingerprint) if resumed else Progress("")
            row = int((begun.after or ("0",))[0])
            if begun.done or self._affordable.covers(query, row):
                return
            counted = await job.count(begun.after)
        self._budget.require(await self._budget.forecast(counted.work), counted.rows)
        self._affordable.note(query, row)

    async def _first_rows(self, request: LoadRequest) -> tuple[str, ...]:
        """Write the first rows for the user; what is wrong with the rows is told when they are loaded."""
        if request.rows is not None:
            return _shown_rows(request.rows)
        try:
            table, _ = await self._source.table(request)
            with closing(await self._source.rows(request, table)) as source:
                return await asyncio.to_thread(_written_rows, source)
        except DsqlError:
            return ("the rows cannot be shown",)

    def _confirmed_before(self, request: LoadRequest) -> Change | None:
        """Give what was confirmed when the run of a handle began, as long as it is unfinished."""
        begun = fingerprint_in(request.resume)
        return self._begun.get(begun) if self._runner.has_unfinished(begun) else None

    def _require_agreed(self, request: LoadRequest, change: Change, agreed: Change | None) -> None:
        """Refuse rows that are no longer those that were agreed to: a file may change while a user is asked.

        Raises:
            NotConfirmed: They are others.
        """
        if request.dry_run or not self._confirmation.needed(change.statements):
            return
        if not _is_same(change, agreed or self._confirmed_before(request)):
            raise NotConfirmed(
                "The rows are not those that were agreed to. Nothing was run.",
                hint="Call load_rows again, so that the user is asked about the rows as they are.",
            )

    async def load_rows(
        self, request: LoadRequest, report: ProgressCallback, agreed: Change | None = None
    ) -> ToolOutput:
        """Load rows, or try to.

        Args:
            request: What to load.
            report: Called with the progress.
            agreed: What the user has agreed to in this call.

        Raises:
            NotConfirmed: The rows have changed since the user was asked.
            RequestInvalid: An argument, a file, a name or a row is wrong.
            NotConfigured: No folder is allowed, or nothing reads the file.
            DsqlError: What stopped it.
        """
        if request.dry_run:
            refuse_running_dry(resume=request.resume, token=request.dry_run_token)
        is_over = self._runner.time_limit()
        table, sequences = await self._source.table(request)
        with closing(await self._source.rows(request, table)) as source:
            change = _change(request, source.name)
            if request.dry_run_token is None:
                self._require_agreed(request, change, agreed)
            else:
                self._confirmation.redeem(request.dry_run_token, change)
            job = self._source.job(request, source, table)
            if request.dry_run:
                told, counts = await self._tried(job, change, is_over, previews=request.previews)
                return answer(told, job, source.notes(), counts)
            loaded = verifying(request, job)
            if loaded is None and request.verify and not request.resume:
                loaded = await self._runner.finished_run(job)
                loaded = loaded and replace(loaded, after=None)
            if loaded is None:
                self._remember(job, change)
                result = await self._runner.run(job, request.resume, report, request.rows_per_second)
                done, start = result.progress, None
                told = run_output(result, _NO_ROWS, unread_rest(job, done.counts))
            else:
                done, start = loaded, loaded.after
                told = _ended_before(job, done)
            notes = [*source.notes(), *_behind(job, done, sequences)]
        if not (request.verify and done.done):
            return answer(told, job, notes, done.counts, done)
        load = Loaded(request, table, job, replace(done, after=start), told)
        told, differences = await self._verification.verify(load, is_over)
        return answer(told, job, notes, done.counts, done, differences)

    def _remember(self, job: RowLoadJob, change: Change) -> None:
        """Remember what the run of a job was agreed to for."""
        self._begun.pop(job.fingerprint, None)
        while len(self._begun) >= _MAX_REMEMBERED:
            self._begun.pop(next(iter(self._begun)))
        self._begun[job.fingerprint] = change

    async def _tried(
        self, job: RowLoadJob, change: Change, is_over: Callable[[], bool], *, previews: bool
    ) -> tuple[ToolOutput, Mapping[str, int]]:
        """Try the first batch, and count all rows, what is in them and what they cost."""
        self._budget.rates.begin()
        batch = await job.next_batch(None, keyset.MAX_BATCH_ROWS)
        all_found = batch is None or await job.find_rejected(MAX_SHOWN, is_over)
        counted = await job.count()
        earlier = await self._runner.earlier_run(job)
        if not counted.rows:
            none = {"rows": 0, "batches": 0}
            return with_message("dry_run", [f"dry run: {_NO_ROWS}"], none), counted.values
        forecast = await self._budget.forecast(counted.work)
        refusal = self._budget.refusal(forecast, counted.rows)
        if refusal is None:
            self._affordable.note(change.queries[0], 0)
        token = self._confirmation.token(change)
        is_whole = batch is None or batch.last
        trial = Trial(counted.rows, token, forecast, refusal or earlier, all_found, is_whole, previews)
        return trial_output(job, trial), counted.values


def _written_rows(source: RowSource) -> tuple[str, ...]:
    rows = islice(source.rows(), _ROWS_ASKED + 1)
    return _shown_rows([_named(row, source.choice.sources) for _, row in rows])


def _shown_rows(rows: Sequence[object]) -> tuple[str, ...]:
    shown = [f"row {number} = {dumps(row)}" for number, row in enumerate(rows[:_ROWS_ASKED], 1)]
    return (*shown, "… and those behind them") if len(rows) > _ROWS_ASKED else tuple(shown)


def _named(row: Row, names: Sequence[str]) -> object:
    """Give a row's values by their columns, or alone where they do not fit; or the fault."""
    if isinstance(row, InvalidRow):
        return row.reason
    values: list[object] = [
        value if isinstance(value, _JSON_VALUES) else to_text(value, as_json=False) for value in row
    ]
    return dict(zip(names, values, strict=True)) if len(values) == len(names) else values


def _change(request: LoadRequest, content: str) -> Change:
    """Describe a load, bound to the content of its rows or its file."""
    what = f"file {request.path}" if request.path else f"{pluralize(len(request.rows or ()), 'row')} given"
    verb = "INSERT or UPDATE" if request.on_conflict == "update" else "INSERT"
    effect = Effect(visible_line(f"{verb} into {request.table}: {what}"))
    form = (request.columns, request.null, request.delimiter, request.encoding, request.header)
    less = ", skip_bad_rows" if request.skip_bad_rows else ""
    sql = f"load_rows into {request.table} from {what}, on_conflict={request.on_conflict}{less}"
    query = Query(sql, (fingerprint([*form, content]),))
    return Change("load_rows", [query], [StatementInfo("INSERT", "dml", effects=(effect,))], IN_BATCHES)


def _is_same(change: Change, other: Change | None) -> bool:
    """Check that both load the same rows in the same way."""
    return other is not None and change.queries == other.queries


def _behind(job: RowLoadJob, done: Progress, sequences: Sequence[KeySequence]) -> list[str]:
    """Say which sequences stand behind the values that a load has stored in their columns."""
    columns = {column.name for column in job.plan.columns}
    behind = [one for one in sequences if one.column in columns] if done.done and done.rows else []
    return [
        f"{one.column} has a sequence, which the given values did not move on; before rows without "
        f"{one.column} are inserted: {one.catch_up}"
        for one in behind
    ]


def _ended_before(job: RowLoadJob, done: Progress) -> ToolOutput:
    """Say what a load has stored that ended in an earlier call."""
    values, stored = {"rows": done.rows, "batches": done.storing}, pluralize(done.rows, "row")
    if rest := unread_rest(job, done.counts):
        lines = [f"partial, not finished: {stored} before. {rest[0]}", *rest[1:]]
        return with_message("partial", lines, values)
    return with_message("finished", [f"finished before: {stored}."], values)
