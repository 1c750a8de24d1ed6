"""The report on clusters that the tool ``cluster_status`` and the command ``clusters`` give."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Final

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.asker import TOOL, Asker
from awslabs_dsql_mcp.clusters.gone import no_such_cluster
from awslabs_dsql_mcp.clusters.model import MOVING, Cluster
from awslabs_dsql_mcp.clusters.reader import ClusterReader, RegionReport
from awslabs_dsql_mcp.clusters.report import (
    NOT_KNOWN,
    cluster_facts,
    cluster_lines,
    listed_facts,
    region_facts,
    region_lines,
    total_line,
)
from awslabs_dsql_mcp.clusters.status_view import cluster_view, region_view
from awslabs_dsql_mcp.clusters.usage import Period
from awslabs_dsql_mcp.config.parsers import read_region
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName, name_of
from awslabs_dsql_mcp.errors import DsqlError, NotConfigured, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput
from awslabs_dsql_mcp.text import one_line
from awslabs_dsql_mcp.views.extension import VIEW

_MOST_REGIONS: Final = 40  # more than Aurora DSQL is in

THIS: Final = "this"
"""Name of the cluster that a server is connected to."""


class ClusterStatus:
    """Reads what AWS tells of clusters.

    Args:
        account: Gives the account at the first need.
        asker: Who asks.
        now: Tells the time.
        sleep: Waits so many seconds.
        views: Give a view what it draws, too.
    """

    def __init__(
        self,
        account: Callable[[], Awaitable[Account]],
        asker: Asker = TOOL,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        views: bool = False,
    ) -> None:
        self._account = account
        self._asker = asker
        self._now = now
        self._sleep = sleep
        self._views = views

    async def report(
        self,
        cluster_id: str,
        region: str,
        days: int | None,
        wait: float,
        progress: ReportProgress,
        *,
        until_gone: bool = False,
    ) -> ToolOutput:
        """Report on the clusters of one or more Regions, or on one of them.

        Args:
            cluster_id: Identifier, ARN, endpoint or ``this``; empty for a list.
            region: Regions, separated by commas; empty for this server's.
            days: Days whose usage is told; `None` for none.
            wait: Seconds to wait for one cluster while its state changes.
            progress: Called behind each look at a state that changes.
            until_gone: Wait for the end of its deletion; that it is not there, is that.

        Raises:
            RequestInvalid: There is no such cluster, or the arguments contradict each other.
            DsqlError: AWS does not answer, or refuses the question.
        """
        account = await self._account()
        reader = ClusterReader(account, self._now, self._sleep, self._asker)
        period = Period(days, self._now()) if days else None
        regions = _regions(region)
        if cluster_id.strip():
            name = named(cluster_id, account, regions, self._asker)

            async def follow(cluster: Cluster, waited: float) -> None:
                await progress(waited, wait, f"{cluster.name.identifier}: {cluster.status}")

            try:
                cluster = await reader.settled(name, wait, follow, until_gone=until_gone)
            except RequestInvalid as error:
                if error.code != "no_such_cluster":
                    raise
                raise await no_such_cluster(
                    account.api, name, cluster_id, error.hint or "", self._asker.restore
                ) from error
            if cluster is None:
                return ToolOutput(
                    (f"Cluster {name.identifier} is deleted: {name.region} knows it no more.",),
                    {"identifier": name.identifier, "region": name.region, "status": "DELETED"},
                )
            check_account(cluster_id, cluster)
            return await self._one(reader, cluster, period, wait)
        if wait:
            raise RequestInvalid("wait_s needs cluster_id: it follows one cluster.")
        return await _list(reader, regions or [own_region(account, self._asker)], period, views=self._views)

    async def _one(
        self,
        reader: ClusterReader,
        cluster: Cluster,
        period: Period | None,
        wait: float,
    ) -> ToolOutput:
        report = await reader.report(cluster, period)
        now = self._now()
        lines = cluster_lines(report, period, now)
        notes = [line for line in lines if NOT_KNOWN in line]
        if cluster.status in MOVING:
            waited = f" after {wait:g} s" if wait else ""
            lines.append(f"Next: still {cluster.status}{waited}; {self._asker.following(cluster.arn)}.")
        shown = {VIEW: cluster_view(report, notes, period, now)} if self._views else {}
        return ToolOutput(tuple(lines), {**cluster_facts(report, period), "notes": notes}, shown)


def check_account(given: str, cluster: Cluster) -> None:
    """Refuse an ARN of another account: the API looks the cluster up by its identifier alone.

    Raises:
        RequestInvalid: It is not this cluster's.
    """
    arn = given.strip().lower()
    if arn.startswith("arn:") and arn != cluster.arn:
        raise RequestInvalid(
            f"That ARN is of another account: {cluster.name.identifier} is {cluster.arn} here.",
            code="no_such_cluster",
            hint="Use credentials of that account, or the right ARN.",
        )


def named(cluster_id: str, account: Account, regions: list[str], asker: Asker = TOOL) -> ClusterName:
    """Read the name of one cluster.

    Args:
        cluster_id: Identifier, ARN, endpoint or ``this``.
        account: The account, with its own Region.
        regions: The Region that is named, if one is.
        asker: Who asks.

    Raises:
        RequestInvalid: It is none, or is in another Region.
        NotConfigured: No Region is known.
    """
    if cluster_id.strip().lower() == THIS:
        if account.cluster is None:
            raise RequestInvalid(asker.not_this, hint=asker.listing)
        name = account.cluster
    elif (name := name_of(cluster_id)) is None:
        raise RequestInvalid(
            f"{asker.cluster} is no cluster's id (26 characters of a-z and 0-9), ARN or endpoint.",
            hint=asker.listing,
        )
    if len(regions) > 1 or (name.region and regions and regions != [name.region]):
        raise RequestInvalid(
            f"A cluster is looked up in one Region, {name.region or 'its own'}.",
            hint=f"Give that one as {asker.region}; an ARN or endpoint needs none.",
        )
    return name if name.region else ClusterName(name.identifier, (regions or [own_region(account, asker)])[0])


def own_region(account: Account, asker: Asker) -> str:
    """Give the account's own Region.

    Raises:
        NotConfigured: None is known.
    """
    if not account.region:
        raise NotConfigured(
            f"No Region is named, and {account.no_region}.",
            code="no_region",
            hint=asker.no_region,
        )
    return account.region


def _regions(text: str) -> list[str]:
    names = list(dict.fromkeys(text.replace(",", " ").split()))
    try:
        return [read_region(name) for name in names[:_MOST_REGIONS]]
    except ValueError as error:
        raise RequestInvalid(
            f"region is no AWS Region: got {one_line(text)!r}, expected {error}.",
            hint="Several stand with commas between them.",
        ) from None


async def _list(
    reader: ClusterReader, regions: list[str], period: Period | None, *, views: bool
) -> ToolOutput:
    reports = await asyncio.gather(
        *(reader.region(region, period) for region in regions), return_exceptions=len(regions) > 1
    )
    if all(isinstance(report, DsqlError) for report in reports):
        raise next(report for report in reports if isinstance(report, DsqlError))
    lines: list[str] = []
    notes: list[str] = []
    unread: list[str] = []
    read: list[RegionReport] = []
    for region, report in zip(regions, reports, strict=True):
        if isinstance(report, DsqlError):
            unread.append(f"{region}: not known. {report.text}")
            continue
        if isinstance(report, BaseException):
            raise report
        listed, about = region_lines(report, period)
        lines += listed
        notes += [note for note in about if note not in notes]
        read.append(report)
    if len(read) > 1:
        lines.append(total_line(read))
    values: dict[str, object] = {
        "clusters": [listed_facts(report, cluster) for report in read for cluster in report.clusters],
        "regions": [region_facts(report) for report in read],
        "notes": [*unread, *notes],
    }
    shown = {VIEW: region_view(read, [*unread, *notes], period)} if views else {}
    return ToolOutput((*lines, *unread, *notes), values, shown)
