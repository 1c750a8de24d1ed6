"""The report of the tool ``diagnose``."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.catalog.health import MOST, primary_keys
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.database.activity import ActivityRecord, Seen
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.diagnosis.catalog_reader import read_catalog
from awslabs_dsql_mcp.diagnosis.contention import contentions, name_tables
from awslabs_dsql_mcp.diagnosis.findings import (
    Catalog,
    Finding,
    conflict_findings,
    index_findings,
    is_settled,
    job_findings,
    limit_findings,
    refused_finding,
    sequence_findings,
    slow_findings,
)
from awslabs_dsql_mcp.diagnosis.metrics import Metrics, metric_findings, metric_lines, read_metrics
from awslabs_dsql_mcp.errors import DsqlError, NotConfigured
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput
from awslabs_dsql_mcp.sql.identifiers import TableName
from awslabs_dsql_mcp.text import pluralize

_MAX_FINDINGS: Final = 20
_MAX_STATEMENTS: Final = 12
_ELSEWHERE: Final = (
    "Sessions and wait events are in CloudWatch Database Insights alone (dsql://guide/observability). How "
    "often an index is used is counted nowhere."
)


async def diagnose(
    database: Database,
    activity: ActivityRecord,
    account: Callable[[], Awaitable[Account]],
    minutes: int,
    advise: Callable[[str], str],
) -> ToolOutput:
    """Gather what is known of a cluster, and tell what stands out.

    Args:
        database: The cluster.
        activity: What this server saw on it.
        account: Gives the AWS account at the first need.
        minutes: Minutes to look back.
        advise: Leaves out of a next step what is not offered.

    Raises:
        NotConfigured: There is no cluster.
    """
    seen = activity.seen(minutes)
    asking = asyncio.ensure_future(read_metrics(account, minutes))
    try:
        catalog, missing = await read_catalog(database)
        refused: list[Finding] = []
    except NotConfigured:
        asking.cancel()
        raise
    except DsqlError as error:  # such as too many connections: AWS may tell their number
        catalog, missing, refused = None, [], [refused_finding(error)]
    except BaseException:
        asking.cancel()
        raise
    return report(seen, catalog, await asking, missing, refused, advise)


def report(
    seen: Seen,
    read: Catalog | None,
    metrics: Metrics,
    missing: Sequence[str],
    refused: Sequence[Finding],
    advise: Callable[[str], str],
) -> ToolOutput:
    """Word the report: the findings by weight, what was looked at, and what is not known.

    Args:
        seen: What this server saw.
        read: What the catalogs tell; `None` where they could not be read.
        metrics: What CloudWatch tells.
        missing: A sentence for each part of the catalogs that is not known.
        refused: Why they could not be read.
        advise: Leaves out of a next step what is not offered.
    """
    catalog = read or Catalog()
    found = [
        *refused,
        *conflict_findings(contentions(seen, _keys(catalog), catalog.sequences), seen),
        *slow_findings(seen.slow),
        *metric_findings(metrics, seen.conflicts, is_whole=seen.recorded >= seen.minutes),
        *job_findings(catalog.jobs),
        *index_findings(catalog),
        *limit_findings(catalog),
        *sequence_findings(catalog.sequences),
    ]
    found = [replace(finding, step=advise(finding.step)) for finding in found]
    found.sort(key=lambda finding: -finding.weight)
    shown = found[:_MAX_FINDINGS]
    statements, labelled = _label(shown)
    jobs = list(dict.fromkeys(line for finding in shown for line in finding.jobs))
    lines = [_head(seen, found)]
    lines += [
        f"{number}. {finding.text}{_refer(finding, jobs)} Next: {finding.step}"
        for number, finding in enumerate(labelled, 1)
    ]
    if len(found) > len(shown):
        lines.append(f"… and {len(found) - len(shown)} more findings of less weight.")
    notes = [_looked_at(seen, read), *metric_lines(metrics, seen.minutes, seen.conflicts), *missing]
    notes += _without_statistics(catalog)
    notes.append(_ELSEWHERE)
    parts: list[str | Marked] = [*lines, *notes]
    if statements:
        parts.append(Marked("statements", "\n".join(f"S{n} {text}" for n, text in enumerate(statements, 1))))
    if jobs:
        parts.append(Marked("jobs", "\n".join(f"J{n} {line}" for n, line in enumerate(jobs, 1))))
    return ToolOutput(tuple(parts), _values(seen, labelled, statements, jobs, notes))


def _keys(catalog: Catalog) -> dict[TableName, Sequence[str]]:
    """Give the primary key of each table; none of a table without one."""
    return {**{table.name: () for table in catalog.tables}, **primary_keys(catalog.indexes)}


def _head(seen: Seen, found: Sequence[Finding]) -> str:
    if not found:
        return f"Nothing stands out in the last {seen.minutes} min."
    return f"{pluralize(len(found), 'finding')} of the last {seen.minutes} min, the weightiest first."


def _label(found: Sequence[Finding]) -> tuple[list[str], list[Finding]]:
    """Number the statements: they stand between markers, behind the findings."""
    texts = list(dict.fromkeys(text for finding in found for text in finding.statements))[:_MAX_STATEMENTS]
    numbers = {text: f"S{number}" for number, text in enumerate(texts, 1)}
    return texts, [
        replace(finding, statements=tuple(numbers[t] for t in finding.statements if t in numbers))
        for finding in found
    ]


def _refer(finding: Finding, jobs: Sequence[str]) -> str:
    """Refer to the statements and jobs of a finding, which stand between markers."""
    labels = [*finding.statements, *(f"J{jobs.index(line) + 1}" for line in finding.jobs)]
    return f" ({', '.join(labels)})" if labels else ""


def _looked_at(seen: Seen, catalog: Catalog | None) -> str:
    ran = f"{seen.recorded:.0f} min" if seen.recorded >= 1 else "less than a minute"
    rate = ""
    if seen.conflicts and seen.recorded >= 1:
        rate = f" ({seen.conflicts / seen.recorded:,.1f} a minute)"
    full = f"; of {' and '.join(seen.full)} only the newest are kept" if seen.full else ""
    record = (
        f"this server's own record of {ran}: {pluralize(seen.transactions, 'transaction')}, "
        f"{pluralize(seen.conflicts, 'conflict')}{rate}{full}"
    )
    if catalog is None:
        return f"Looked at: {record}."
    cut = f" (no more than {MOST:,} of each)" if MOST in (len(catalog.indexes), len(catalog.tables)) else ""
    jobs = sum(not is_settled(each) for each in catalog.jobs)
    return (
        f"Looked at: {pluralize(len(catalog.tables), 'table')}, {pluralize(len(catalog.indexes), 'index')}, "
        f"{pluralize(len(catalog.sequences), 'sequence')}, "
        f"{pluralize(jobs, 'failed or unfinished job')}{cut}; {record}."
    )


def _without_statistics(catalog: Catalog) -> list[str]:
    names = [table.name for table in catalog.tables if not table.analyzed]
    if not names:
        return []
    told = f"Without statistics so far: {name_tables(names)}. Plans guess their rows until a job of type"
    return [f"{told} ANALYZE has run, which follows changes."]


def _values(
    seen: Seen,
    found: Sequence[Finding],
    statements: Sequence[str],
    jobs: Sequence[str],
    notes: Sequence[str],
) -> dict[str, object]:
    return {
        "minutes": seen.minutes,
        "findings": [
            {
                "kind": finding.kind,
                "text": finding.text,
                "next": finding.step,
                "statements": list(finding.statements),
                **finding.values,
            }
            for finding in found
        ],
        "transactions": seen.transactions,
        "conflicts": seen.conflicts,
        "statements": {f"S{number}": text for number, text in enumerate(statements, 1)},
        "jobs": {f"J{number}": line for number, line in enumerate(jobs, 1)},
        "notes": list(notes),
    }
