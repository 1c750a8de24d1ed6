"""``job_status``: jobs listed, or followed for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.catalog import jobs
from awslabs_dsql_mcp.catalog.jobs import AsyncJob
from awslabs_dsql_mcp.catalog.jobs_view import jobs_view
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.output.tool_output import (
    Marked,
    ReportProgress,
    ToolOutput,
    new_nonce,
    untrusted_notice,
)
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.spec import (
    ToolSpec,
    client_shows_views,
    progress_of,
    search_hint,
    to_text_result,
)
from awslabs_dsql_mcp.views.extension import VIEW

MAX_WAIT: Final = 45
"""Seconds; many clients cut a call off at 60."""

_DEFAULT_WAIT: Final = 20.0
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 4.0  # seconds between two looks; each look is a round trip
_MARGIN: Final = 5.0  # seconds of a call's time that the last look may take


class JobStatus:
    """Follows jobs by looking at ``sys.jobs``: ``CALL sys.wait_for_job`` would hold a connection.

    Args:
        database: Where statements run.
        call_time: Longest a call may take, in seconds.
        offered: The tools that the next step may name.
        sleep: Waits so many seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        call_time: float,
        offered: OfferedTools,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._max_wait = max(0.0, min(MAX_WAIT, call_time - _MARGIN))
        self._offered = offered
        self._sleep = sleep
        self._clock = clock

    def spec(self) -> ToolSpec:
        """The tool as it is announced."""

        async def job_status(
            ctx: Context[None, Any],
            job_id: Annotated[str, Field(description="One job; empty: a list.")] = "",
            wait_s: Annotated[
                float | None,
                Field(description="Wait so long for the end; 20 for one job.", ge=0, le=MAX_WAIT),
            ] = None,
        ) -> CallToolResult:
            views = client_shows_views(ctx)
            answer = await self.job_status(job_id or None, wait_s, progress_of(ctx), views=views)
            return to_text_result(answer)

        return ToolSpec(
            "job_status",
            job_status,
            "Jobs",
            "Status of the jobs that CREATE INDEX ASYNC and ALTER TABLE ASYNC start: index validity, why one "
            "failed. If unfinished, ask again.",
            family="schema-changes",
            meta=search_hint("async index job progress"),
        )

    async def job_status(
        self,
        job_id: str | None,
        wait_s: float | None,
        progress: ReportProgress,
        *,
        views: bool = False,
    ) -> ToolOutput:
        """Report the status of jobs, at the latest when the wait is over.

        Args:
            job_id: One job; ``None`` for the unfinished and the newest.
            wait_s: Seconds to wait for the end of all of them; by default 20 for one job, none for a list.
            progress: Called after each look that found an unfinished job.
            views: Give a view what it draws, too.

        Raises:
            RequestInvalid: There is no such job.
            DsqlError: What `Database.run` raises.
        """
        if job_id is not None and not jobs.is_job_id(job_id):
            raise RequestInvalid(
                "job_id is not a job's id: those have 26 characters of a-z and 2-7.", hint=_LIST
            )
        usual = 0.0 if job_id is None else _DEFAULT_WAIT
        wait = min(usual if wait_s is None else wait_s, self._max_wait)
        found = await self._follow(job_id, wait, progress)
        ended = "No job is unfinished." if job_id is None else ""
        answer = _answer(found, self._offered.advise(jobs.next_step(found)), ended)
        return replace(answer, for_person={VIEW: jobs_view(found)}) if views else answer

    async def _follow(
        self, job_id: str | None, wait: float, progress: ReportProgress
    ) -> tuple[AsyncJob, ...]:
        began, pause = self._clock(), _FIRST_PAUSE
        while True:
            found = await self._look(job_id)
            waited = self._clock() - began
            if all(job.ended for job in found) or waited >= wait:
                return found
            await progress(waited, wait, _state(found))
            await self._sleep(min(pause, wait - waited))
            pause = min(pause * 1.5, _MAX_PAUSE)

    async def _look(self, job_id: str | None) -> tuple[AsyncJob, ...]:
        report = await self._database.run(UnitOfWork((jobs.jobs_query(job_id),), read_only=True))
        found = jobs.fold_jobs(report.results[0])
        if job_id is not None and not found:
            raise RequestInvalid(f"There is no job {job_id}.", hint=_LIST)
        return found


_LIST: Final = "Call job_status without job_id for a list. `transact` gives the id of a job that it starts."


def _state(found: tuple[AsyncJob, ...]) -> str:
    unfinished = [job for job in found if not job.ended]
    first = unfinished[0]
    return f"{len(unfinished)} unfinished; {first.job_type} {first.job_id}: {first.status}"


def _answer(found: tuple[AsyncJob, ...], step: str, ended: str) -> ToolOutput:
    facts: dict[str, object] = {"unfinished": sum(not job.ended for job in found)}
    if not found:
        return ToolOutput(("There are no jobs.",), {**facts, "jobs": list[object]()})
    mark = new_nonce()
    listed = Marked("jobs", "\n".join(job.line for job in found), mark)
    data = {"data": untrusted_notice(mark), "jobs": [job.facts for job in found], "end": mark}
    answer = ToolOutput((listed,), facts | data)
    if step:
        return answer.adding(f"Next: {step}", next=step)
    return answer.adding(ended) if ended else answer
