"""Reads clusters from AWS's APIs, all at once; a part that AWS refuses is told in its place.

The cluster itself has to be readable. Backups, usage, prices and quotas may be forbidden or disturbed: then
the reason stands where they would.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Generic, TypeVar

from awslabs_dsql_mcp.aws.api import pages
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.asker import TOOL, Asker
from awslabs_dsql_mcp.clusters.backup import Backups, read_backups
from awslabs_dsql_mcp.clusters.model import MOVING, Cluster, read_cluster
from awslabs_dsql_mcp.clusters.rates import listed_price
from awslabs_dsql_mcp.clusters.usage import (
    IN_BRIEF,
    MAX_QUERIES,
    Minutes,
    Period,
    Usage,
    fold,
    fold_minutes,
    queries,
    queries_of_minutes,
)
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.dsql.prices import Price, price_of
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid

T = TypeVar("T")

MOST: Final = 100
"""Clusters that are looked at in a Region: its quotas are 20 and 5 unless raised."""

_BY_MINUTES: Final = timedelta(days=1)
_JOBS_SINCE: Final = timedelta(days=30)
_FIRST_PAUSE, _LATER_PAUSE, _FIRST_SECONDS = 2.0, 5.0, 20.0


@dataclass(frozen=True)
class Part(Generic[T]):
    """A part of a report: its value, or why there is none."""

    value: T | None = None
    missing: str = ""


async def part(work: Awaitable[T]) -> Part[T]:
    """Wait for a part that may be missing."""
    try:
        return Part(await work)
    except DsqlError as error:
        return Part(missing=error.text)


@dataclass(frozen=True)
class RegionReport:
    """The clusters of a Region.

    Attributes:
        region: The Region.
        clusters: The clusters that could be looked at.
        more: True if there are others.
        unread: Identifiers with the reason why they could not be looked at.
        quotas: Value of each quota by its name.
        usages: Usage by identifier, where it was asked for.
        price: Prices of the Region, likewise.
        sizes: Bytes on this machine by identifier, for a local account.
    """

    region: str
    clusters: Sequence[Cluster]
    more: bool
    unread: Mapping[str, str]
    quotas: Part[Mapping[str, float]]
    usages: Part[Mapping[str, Usage]] | None
    price: Price | None
    sizes: Mapping[str, int] | None = None


@dataclass(frozen=True)
class ClusterReport:
    """A cluster with what belongs to it.

    Attributes:
        cluster: The cluster.
        peers: Its peers, each asked in its own Region.
        backups: Its backups.
        usage: Usage of the days that were asked for; else the size of its storage alone.
        price: Prices of the Region, where usage was asked for.
        size: Bytes on this machine, of a local cluster.
    """

    cluster: Cluster
    peers: Sequence[Part[Cluster]]
    backups: Part[Backups]
    usage: Part[Usage]
    price: Price | None
    size: int | None = None

    @property
    def storage_gb(self) -> float | None:
        """Size of what it has stored; `None` if it is not known."""
        if self.size is not None:
            return self.size / 1e9
        return self.usage.value.storage_gb if self.usage.value else None


class ClusterReader:
    """Reads clusters through AWS's APIs.

    Args:
        account: The account that is asked.
        now: Tells the time.
        sleep: Waits so many seconds.
        asker: Who asks.
    """

    def __init__(
        self,
        account: Account,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        asker: Asker = TOOL,
    ) -> None:
        self._api = account.api
        self._sizes = account.sizes
        self._now = now
        self._sleep = sleep
        self._asker = asker

    async def cluster(self, name: ClusterName) -> Cluster:
        """Look at a cluster.

        Raises:
            RequestInvalid: There is none of this name in this Region.
            DsqlError: What `Api.call` raises.
        """
        try:
            answer = await self._api.call("dsql", "GetCluster", name.region, identifier=name.identifier)
        except RequestInvalid as error:
            if error.code != "aws_not_found":
                raise
            raise RequestInvalid(
                f"There is no cluster {name.identifier} in {name.region}.",
                code="no_such_cluster",
                hint=f"If it is in another Region, give {self._asker.region}, its ARN or endpoint; it may be "
                f"deleted.{self._asker.gone}",
            ) from error
        return read_cluster(answer, name.region)

    async def settled(
        self,
        name: ClusterName,
        seconds: float,
        follow: Callable[[Cluster, float], Awaitable[None]],
        *,
        until_gone: bool = False,
    ) -> Cluster | None:
        """Look at a cluster until its state does not change by itself any more.

        Args:
            name: The cluster.
            seconds: Longest to wait.
            follow: Called behind each look at a state that will change, with the seconds waited.
            until_gone: It is to be deleted: that it is not there is what was waited for, and the deletion of
                a peer is waited for, too.

        Returns:
            The cluster as it was seen last; `None` if it went away while it was being deleted.

        Raises:
            DsqlError: What `cluster` raises.
        """
        began, was_deleting = self._now(), until_gone
        moving = MOVING | {"PENDING_DELETE"} if until_gone else MOVING
        while True:
            try:
                cluster = await self.cluster(name)
            except RequestInvalid as error:
                if was_deleting and error.code == "no_such_cluster":
                    return None
                raise
            waited = (self._now() - began).total_seconds()
            if cluster.status not in moving or waited >= seconds:
                return cluster
            was_deleting = until_gone or cluster.status == "DELETING"
            await follow(cluster, waited)
            pause = _FIRST_PAUSE if waited < _FIRST_SECONDS else _LATER_PAUSE
            await self._sleep(min(pause, seconds - waited))

    async def report(self, cluster: Cluster, period: Period | None) -> ClusterReport:
        """Gather what belongs to a cluster.

        Args:
            cluster: The cluster.
            period: Days whose usage is told; `None` for its size alone.
        """
        name = cluster.name
        wanted = (period, None) if period else (Period(2, self._now()), ("ClusterStorageSize",))
        peers, backups, usages, price, sizes = await asyncio.gather(
            asyncio.gather(*(part(self.cluster(peer)) for peer in cluster.peers)),
            part(self._backups(cluster)),
            part(self._usages(name.region, [name.identifier], *wanted)),
            self._price(name.region) if period else _nothing(),
            self._sizes() if self._sizes else _nothing(),
        )
        usage = Part(usages.value[name.identifier] if usages.value else None, usages.missing)
        size = sizes.get(name.identifier) if sizes else None
        return ClusterReport(cluster, peers, backups, usage, price, size)

    async def region(self, region: str, period: Period | None) -> RegionReport:
        """Look at all clusters of a Region.

        Args:
            region: The Region.
            period: Days whose usage is told; `None` for none.

        Raises:
            DsqlError: The clusters cannot be listed.
        """
        listed: list[str] = [
            each["identifier"]
            async for page in pages(
                self._api, "dsql", "ListClusters", region, {"maxResults": MOST}, "nextToken"
            )
            for each in page["clusters"]
        ]
        names = [ClusterName(identifier, region) for identifier in listed[:MOST]]
        quotas, usages, price, sizes, clusters = await asyncio.gather(
            part(self.quotas(region)),
            part(self._usages(region, listed[:MOST], period, IN_BRIEF)) if period else _nothing(),
            self._price(region) if period else _nothing(),
            self._sizes() if period and self._sizes else _nothing(),
            asyncio.gather(*(part(self.cluster(name)) for name in names)),
        )
        read: list[Cluster] = []
        unread: dict[str, str] = {}
        for name, each in zip(names, clusters, strict=True):
            if each.value is None:
                unread[name.identifier] = each.missing
            else:
                read.append(each.value)
        return RegionReport(region, read, len(listed) > MOST, unread, quotas, usages, price, sizes)

    async def minutes(self, name: ClusterName, number: int) -> Minutes:
        """Read a cluster's metrics of the last minutes.

        Raises:
            DsqlError: What `Api.call` raises.
        """
        since = self._now() - timedelta(minutes=number)
        return fold_minutes(
            await self._metrics(name.region, queries_of_minutes(name.identifier), since, self._now())
        )

    async def transactions(self, name: ClusterName, since: datetime) -> Minutes:
        """Read how many transactions there were since a time, and how many of them only read.

        Those of its whole minute count, or of its whole hour where that is more than a day ago.

        Raises:
            DsqlError: What `Api.call` raises.
        """
        seconds = 60 if self._now() - since < _BY_MINUTES else 3600
        start = datetime.fromtimestamp(since.timestamp() // seconds * seconds, timezone.utc)
        asked = queries([name.identifier], ("TotalTransactions", "ReadOnlyTransactions"), seconds)
        return fold_minutes(await self._metrics(name.region, asked, start, self._now()))

    async def _usages(
        self, region: str, clusters: Sequence[str], period: Period, metrics: Sequence[str] | None
    ) -> Mapping[str, Usage]:
        asked = queries(clusters, metrics) if metrics else queries(clusters)
        return fold(clusters, await self._metrics(region, asked, period.start, period.now))

    async def _metrics(
        self, region: str, asked: Sequence[Mapping[str, Any]], start: datetime, end: datetime
    ) -> list[Mapping[str, Any]]:
        results: list[Mapping[str, Any]] = []
        for first in range(0, len(asked), MAX_QUERIES):
            members = {
                "MetricDataQueries": asked[first : first + MAX_QUERIES],
                "StartTime": start,
                "EndTime": end,
            }
            async for page in pages(self._api, "cloudwatch", "GetMetricData", region, members):
                results += page["MetricDataResults"]
        return results

    async def _backups(self, cluster: Cluster) -> Backups:
        region, arn = cluster.name.region, cluster.arn
        protected, jobs, restores = await asyncio.gather(
            self._known(region, "DescribeProtectedResource", ResourceArn=arn),
            self._api.call(
                "backup",
                "ListBackupJobs",
                region,
                ByResourceArn=arn,
                ByCreatedAfter=self._now() - _JOBS_SINCE,
            ),
            self._known(region, "ListRestoreJobsByProtectedResource", ResourceArn=arn),
        )
        return read_backups(protected, jobs["BackupJobs"], (restores or {}).get("RestoreJobs", ()))

    async def _known(self, region: str, operation: str, **members: object) -> Mapping[str, Any] | None:
        try:
            return await self._api.call("backup", operation, region, **members)
        except RequestInvalid as error:
            if error.code != "aws_not_found":
                raise
            return None

    async def quotas(self, region: str) -> Mapping[str, float]:
        """Read the quotas of Aurora DSQL by their names.

        Raises:
            DsqlError: What `Api.call` raises.
        """
        return {
            quota["QuotaName"]: float(quota["Value"])
            async for page in pages(
                self._api, "service-quotas", "ListServiceQuotas", region, {"ServiceCode": "dsql"}
            )
            for quota in page["Quotas"]
        }

    async def _price(self, region: str) -> Price | None:
        """Ask the price list; the published price where it has none, or may not be asked."""
        return await listed_price(self._api, region) or price_of(region)


async def _nothing() -> None:
    """Stand in for a part that is not asked for."""
