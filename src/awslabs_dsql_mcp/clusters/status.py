"""The report on clusters that the tool ``cluster_status`` and the command ``clusters`` give."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Final

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.cost import usage_facts
from awslabs_dsql_mcp.clusters.model import MOVING, Cluster, ClusterName, read_name
from awslabs_dsql_mcp.clusters.reader import ClusterReader, RegionReport
from awslabs_dsql_mcp.clusters.report import NOT_KNOWN, cluster_lines, facts, region_lines
from awslabs_dsql_mcp.clusters.usage import Period
from awslabs_dsql_mcp.config.parsers import read_region
from awslabs_dsql_mcp.errors import DsqlError, NotConfigured, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput
from awslabs_dsql_mcp.text import one_line

_MOST_REGIONS: Final = 40  # more than Aurora DSQL is in

_LIST: Final = "Call cluster_status without cluster_id for a list."

THIS: Final = "this"
"""Name of the cluster that a server is connected to."""


class ClusterStatus:
    """Reads what AWS tells of clusters.

    Args:
        account: Gives the account at the first need.
        now: Tells the time.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        account: Callable[[], Awaitable[Account]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._now = now
        self._sleep = sleep

    async def report(
        self, cluster_id: str, region: str, days: int | None, wait: float, progress: ReportProgress
    ) -> ToolOutput:
        """Report on the clusters of one or more Regions, or on one of them.

        Args:
            cluster_id: Identifier, ARN, endpoint or ``this``; empty for a list.
            region: Regions, separated by commas; empty for this server's.
            days: Days whose usage is told; `None` for none.
            wait: Seconds to wait for one cluster while its state changes.
            progress: Called behind each look at a state that changes.

        Raises:
            RequestInvalid: There is no such cluster, or the arguments contradict each other.
            DsqlError: AWS does not answer, or refuses the question.
        """
        account = await self._account()
        reader = ClusterReader(account.api, self._now, self._sleep)
        period = Period(days, self._now()) if days else None
        regions = _regions(region)
        if cluster_id.strip():
            name = _named(cluster_id, account, regions)
            return await self._one(reader, name, cluster_id.strip(), period, wait, progress)
        if wait:
            raise RequestInvalid("wait_s needs cluster_id: it follows one cluster.")
        return await _list(reader, regions or [_own(account)], period)

    async def _one(
        self,
        reader: ClusterReader,
        name: ClusterName,
        given: str,
        period: Period | None,
        wait: float,
        progress: ReportProgress,
    ) -> ToolOutput:
        async def follow(cluster: Cluster, waited: float) -> None:
            await progress(waited, wait, f"{cluster.name.identifier}: {cluster.status}")

        cluster = await reader.settled(name, wait, follow)
        if cluster is None:
            return ToolOutput(
                (f"Cluster {name.identifier} is deleted: {name.region} knows it no more.",),
                {"identifier": name.identifier, "region": name.region, "status": "DELETED"},
            )
        if given.startswith("arn:") and given != cluster.arn:
            raise RequestInvalid(
                f"That ARN is of another account: {name.identifier} is {cluster.arn} here.",
                code="no_such_cluster",
                hint="Use credentials of that account, or the right ARN.",
            )
        report = await reader.report(cluster, period)
        values = facts(cluster)
        if report.backups.value is not None:
            last = report.backups.value.last
            values["last_backup"] = last and last.isoformat()
        if period and report.usage.value is not None:
            values["usage"] = usage_facts(report.usage.value, report.price)
        lines = cluster_lines(report, period, self._now())
        if cluster.status in MOVING:
            waited = f" after {wait:g} s" if wait else ""
            lines.append(f"Next: still {cluster.status}{waited}; follow it with cluster_id and wait_s.")
        return ToolOutput(tuple(lines), {**values, "notes": [line for line in lines if NOT_KNOWN in line]})


def _regions(text: str) -> list[str]:
    names = list(dict.fromkeys(text.replace(",", " ").split()))
    try:
        return [read_region(name) for name in names[:_MOST_REGIONS]]
    except ValueError as error:
        raise RequestInvalid(
            f"region is no AWS Region: got {one_line(text)!r}, expected {error}.",
            hint="Several stand with commas between them.",
        ) from None


def _named(cluster_id: str, account: Account, regions: list[str]) -> ClusterName:
    if cluster_id.strip().lower() == THIS:
        if account.cluster is None:
            raise RequestInvalid(
                "The id of the connected cluster is not known: its endpoint has another name.", hint=_LIST
            )
        name = account.cluster
    else:
        name = read_name(cluster_id)
    if len(regions) > 1 or (name.region and regions and regions != [name.region]):
        raise RequestInvalid(
            f"A cluster is looked up in one Region, {name.region or 'its own'}.",
            hint="Give that one as region; an ARN or endpoint needs none.",
        )
    return name if name.region else ClusterName(name.identifier, (regions or [_own(account)])[0])


def _own(account: Account) -> str:
    if not account.region:
        raise NotConfigured(
            "No Region is named, and the AWS configuration has none.",
            code="no_region",
            hint="Give region, such as us-east-1; the operator can set one with --region.",
        )
    return account.region


async def _list(reader: ClusterReader, regions: list[str], period: Period | None) -> ToolOutput:
    reports = await asyncio.gather(
        *(reader.region(region, period) for region in regions), return_exceptions=len(regions) > 1
    )
    if all(isinstance(report, DsqlError) for report in reports):
        raise next(report for report in reports if isinstance(report, DsqlError))
    lines: list[str] = []
    notes: list[str] = []
    unread: list[str] = []
    clusters: list[object] = []
    for region, report in zip(regions, reports, strict=True):
        if isinstance(report, DsqlError):
            unread.append(f"{region}: not known. {report.text}")
            continue
        if isinstance(report, BaseException):
            raise report
        listed, about = region_lines(report, period)
        lines += listed
        notes += [note for note in about if note not in notes]
        clusters += [_values(report, cluster) for cluster in report.clusters]
    return ToolOutput((*lines, *unread, *notes), {"clusters": clusters, "notes": [*unread, *notes]})


def _values(report: RegionReport, cluster: Cluster) -> dict[str, object]:
    values = facts(cluster)
    if report.usages and report.usages.value:
        values["usage"] = usage_facts(report.usages.value[cluster.name.identifier], report.price)
    return values
