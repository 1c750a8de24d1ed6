"""Rows that a load has stored, read again and compared with the table."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, decode, encode
from awslabs_dsql_mcp.bulk.loading import verification
from awslabs_dsql_mcp.bulk.loading.bad_rows import MAX_REASON
from awslabs_dsql_mcp.bulk.loading.load_counts import LoadCounts
from awslabs_dsql_mcp.bulk.loading.row_loader import RowLoadJob
from awslabs_dsql_mcp.bulk.loading.verification import Differences, comparison, count_query
from awslabs_dsql_mcp.bulk.loading.whole_rows import compare_whole, whole_report
from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.bulk.splitting.table_info import TableInfo
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.text import as_line, pluralize
from awslabs_dsql_mcp.tools.large_changes.load_answer import with_lines
from awslabs_dsql_mcp.tools.large_changes.load_source import LoadSource
from awslabs_dsql_mcp.tools.load_rows import LoadRequest


@dataclass(frozen=True)
class Loaded:
    """A load that is to be verified: what was asked for, its job and progress, and the answer so far."""

    request: LoadRequest
    table: TableInfo
    job: RowLoadJob
    progress: Progress
    told: ToolOutput


class LoadVerification:
    """Compares loads with their tables.

    Args:
        database: Where they are.
        source: Opens the rows again.
    """

    def __init__(self, database: Database, source: LoadSource) -> None:
        self._database = database
        self._source = source

    async def verify(self, loaded: Loaded, is_over: Callable[[], bool]) -> tuple[ToolOutput, Differences]:
        """Compare the rows with the table until the call's time is used up; they are stored in any case.

        Args:
            loaded: The load.
            is_over: Tells that the time is used up.

        Returns:
            The answer, also where they could not be compared, and what was found.
        """
        try:
            if loaded.job.plan.has_key:
                return await self._by_key(loaded, is_over)
            return await self._as_wholes(loaded, is_over), Differences()
        except DsqlError as error:
            return _unverified(loaded, error), Differences()

    async def _by_key(self, loaded: Loaded, is_over: Callable[[], bool]) -> tuple[ToolOutput, Differences]:
        job, differences = loaded.job, Differences()
        plan = job.plan
        with closing(await self._source.rows(loaded.request, loaded.table)) as source:
            rows = RowLoadJob(self._database, plan, source, job.fingerprint, skip_bad_rows=True)
            after, is_last, counts = loaded.progress.after, False, Counter[str]()
            while not is_last and not is_over():
                batch = await rows.next_batch(after, keyset.MAX_BATCH_ROWS)
                if batch is None:
                    is_last = True
                    break
                numbers, cells = rows.batch_rows()
                kept = [pair for pair in zip(numbers, cells, strict=True) if pair[0] not in job.bad]
                if kept:
                    query = comparison(plan, [cell for _, cell in kept])
                    report = await self._database.run(UnitOfWork((query,), read_only=True))
                    counts += await asyncio.to_thread(rows.value_counts, [cell for _, cell in kept])
                    differences.add(plan, kept, report.results[0])
                after, is_last = batch.last_key, batch.last
        changed = LoadCounts.of(counts, [column.name for column in plan.columns]).changed
        unseen = {name: count for name, count in changed.items() if name not in differences.changed}
        text = verification.report(differences, plan, unseen)
        facts: dict[str, object] = {
            "compared": differences.compared,
            "complete": is_last,
            "missing": differences.missing,
            "changed": dict(differences.changed),
            **({"read_as_others": unseen} if unseen else {}),
        }
        values: dict[str, object] = {"verified": facts}
        if not is_last:
            token = encode(job.fingerprint, replace(loaded.progress, after=after, done=True))
            text += (
                f" Not all yet, since the call's time is used up. Next: the same call with resume='{token}'."
            )
            values["resume"] = token
        return with_lines(loaded.told, [text], values), differences

    async def _as_wholes(self, loaded: Loaded, is_over: Callable[[], bool]) -> ToolOutput:
        """Compare rows that have no key as wholes, or count them where they are too many."""
        job = loaded.job
        with closing(await self._source.rows(loaded.request, loaded.table)) as source:
            rows = RowLoadJob(self._database, job.plan, source, job.fingerprint, skip_bad_rows=True)
            found = await compare_whole(self._database, job.plan, rows, job.bad, is_over)
        if found is None:
            report = await self._database.run(UnitOfWork((count_query(loaded.table),), read_only=True))
            stored = int(report.results[0].rows[0][0] or 0)
            text = (
                "not verified row by row, since the rows have no key to find them by, and are too many to be "
                f"compared as wholes in this call: {pluralize(stored, 'row')} in the table, "
                f"{pluralize(loaded.progress.rows, 'row')} loaded."
            )
            return with_lines(loaded.told, [text])
        facts: dict[str, object] = {
            "compared": found.compared,
            "complete": True,
            "missing": found.missing,
            "changed": {},
        }
        return with_lines(loaded.told, [whole_report(found)], {"verified": facts})


def verifying(request: LoadRequest, job: RowLoadJob) -> Progress | None:
    """Give the progress of a load that is finished and is being verified; ``None`` for another."""
    if not request.verify or request.resume in ("", RESTART):
        return None
    progress = decode(request.resume, job.fingerprint)
    return progress if progress.done else None


def _unverified(loaded: Loaded, error: DsqlError) -> ToolOutput:
    """Say that the rows of a load, which are stored, could not be compared."""
    token = encode(loaded.job.fingerprint, replace(loaded.progress, done=True))
    text = (
        f"not verified: {as_line(error.message, MAX_REASON)} Next: to compare what is stored, make the same "
        f"call with resume='{token}'."
    )
    return with_lines(loaded.told, [text], {"resume": token})
