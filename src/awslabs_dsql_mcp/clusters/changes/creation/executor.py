"""The steps of a creation carried out through AWS's APIs."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from awslabs_dsql_mcp.aws.api import Api, pages
from awslabs_dsql_mcp.clusters.changes.creation.job_executor import JobExecutor
from awslabs_dsql_mcp.clusters.changes.creation.settling import GONE, Steps
from awslabs_dsql_mcp.clusters.changes.creation.steps import (
    Create,
    Done,
    Failed,
    Find,
    FindCopy,
    Look,
    LookAtJob,
    Made,
    Mark,
    NamePeer,
    Pause,
    Paused,
    Reply,
    Report,
    Reserve,
    Seen,
    StartJob,
    Step,
)
from awslabs_dsql_mcp.clusters.changes.order import Order
from awslabs_dsql_mcp.clusters.changes.ownership import RESTORED_FROM, is_own, own_tags
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.model import LOCAL_ACCOUNT, Cluster, read_cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid


async def account_number(api: Api, region: str) -> str:
    """Give the number of the account; that of a local one where AWS is not asked.

    Raises:
        DsqlError: AWS does not tell.
    """
    try:
        answer = await api.call("sts", "GetCallerIdentity", region)
    except DsqlError as error:
        if error.code != "local":
            raise
        return LOCAL_ACCOUNT
    return str(answer.get("Account", ""))


async def look(api: Api, name: ClusterName) -> Cluster | None:
    """Look at a cluster; `None` if its Region does not know it.

    Raises:
        DsqlError: AWS does not tell.
    """
    try:
        answer = await api.call("dsql", "GetCluster", name.region, identifier=name.identifier)
    except RequestInvalid as error:
        if error.code != "aws_not_found":
            raise
        return None
    return read_cluster(answer, name.region)


async def clusters_in(api: Api, regions: Iterable[str]) -> list[Cluster]:
    """Look at the clusters of Regions, in any state.

    Raises:
        DsqlError: Not all of them can be looked at, so that it cannot be told.
    """
    each = await asyncio.gather(*(_clusters_in(api, region) for region in regions))
    return [cluster for clusters in each for cluster in clusters]


async def _clusters_in(api: Api, region: str) -> list[Cluster]:
    listed = [
        ClusterName(each["identifier"], region)
        async for page in pages(api, "dsql", "ListClusters", region, {"maxResults": 100}, "nextToken")
        for each in page["clusters"]
    ]
    seen = await asyncio.gather(*(look(api, each) for each in listed))
    return [cluster for cluster in seen if cluster is not None]


def own(clusters: Iterable[Cluster]) -> list[Cluster]:
    """Take the clusters that servers of this kind have made, and that are not being deleted."""
    return [cluster for cluster in clusters if is_own(cluster) and cluster.status not in GONE]


async def forget_gone(api: Api, registry: Registry, there: Iterable[Cluster]) -> None:
    """Count no more what others have deleted meanwhile.

    Args:
        api: Calls AWS's APIs.
        registry: Counts what this server has made.
        there: Clusters that were just seen.

    Raises:
        DsqlError: AWS does not tell.
    """
    unseen = registry.unseen(there)
    looked = await asyncio.gather(*(look(api, name) for _, name in unseen))
    for (title, name), cluster in zip(unseen, looked, strict=True):
        if cluster is None or cluster.status in GONE:
            registry.deleted(title, name.region, name.identifier)


class Executor:
    """Carries out the steps of one order.

    Args:
        api: Calls AWS's APIs.
        order: What is to be created.
        account: Number of the account.
        client: Name of the client that asks for it.
        registry: Counts what this server has made.
        pace: The time of the call.
        may_make: Clusters may be made; else all was there, and nobody was asked.
    """

    def __init__(
        self,
        api: Api,
        order: Order,
        account: str,
        client: str,
        *,
        registry: Registry,
        pace: Pace,
        may_make: bool,
    ) -> None:
        self._api, self._order, self._account = api, order, account
        self._client, self._registry, self._pace = client, registry, pace
        self._may_make = may_make
        self._reserved: list[str] = []
        self._own: list[Cluster] = []
        self._jobs = JobExecutor(api, order, account, pace)
        self._has_asked = False

    async def run(self, steps: Steps) -> Report:
        """Carry out steps until they return."""
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._reply(step))
        except StopIteration as end:
            self._release(end.value)
            return replace(end.value, has_asked=self._has_asked)

    def _release(self, report: Report) -> None:
        """Count no more what this call reserved and certainly did not make; what is cut off stays counted."""
        for name in (*report.made, *report.may_have_made):
            self._registry.made(self._order.name, name.region, name.identifier)
        if report.job and report.job_kind == "restore" and not report.has_ended:
            return
        for region in self._reserved:
            if region != report.in_doubt:
                self._registry.release(self._order.name, region)

    async def _reply(self, step: Step) -> Reply:
        try:
            reply = await self._carry_out(step)
        except DsqlError as error:
            reply = Failed(error)
        if isinstance(step, (Create, NamePeer, StartJob, Mark)):
            is_refused = isinstance(reply, Failed) and not reply.is_in_doubt
            self._has_asked = self._has_asked or not is_refused
        return reply

    async def _carry_out(self, step: Step) -> Reply:  # noqa: PLR0911 - a table of steps
        match step:
            case Find():
                seen = await clusters_in(self._api, self._order.regions)
                self._registry.shown(seen)
                self._own = own(seen)
                return Seen(tuple(cluster for cluster in seen if cluster.title == self._order.name))
            case Look(names):
                looked = await asyncio.gather(*(look(self._api, name) for name in names))
                seen = [cluster for cluster in looked if cluster is not None]
                self._registry.shown(seen)
                return Seen(tuple(seen))
            case Reserve(regions):
                if not self._may_make:
                    raise RequestInvalid(
                        f"{self._order.name} was there when this call began, and is gone. Nothing was made.",
                        code="state_changed",
                        hint="Ask who deleted it; whoever wants it anew calls again, and is asked.",
                    )
                await forget_gone(self._api, self._registry, self._own)
                self._reserved = self._registry.reserve(self._order.name, regions, self._own)
                return Done()
            case Create(region, peer, nonce):
                return await self._create(region, peer, nonce)
            case NamePeer(cluster, peer):
                await self._api.call(
                    "dsql",
                    "UpdateCluster",
                    cluster.name.region,
                    identifier=cluster.name.identifier,
                    multiRegionProperties={"witnessRegion": self._order.witness, "clusters": [peer.arn]},
                )
                return Done()
            case FindCopy() | StartJob() | LookAtJob():
                return await self._jobs.carry_out(step)
            case Mark(name):
                return await self._mark(name)
            case Pause(seconds, told, until):
                await self._pace.pause(min(seconds, max(0.0, until - self._pace.elapsed)), told)
                return Paused(self._pace.elapsed)

    async def _create(self, region: str, peer: str, nonce: int) -> Made:
        order = self._order
        members: dict[str, Any] = {
            "deletionProtectionEnabled": order.is_protected,
            "tags": own_tags(order.name, self._client, order.tags),
            "clientToken": order.token(self._account, f"{region} {peer}".rstrip(), nonce),
        }
        if order.is_pair:
            properties: dict[str, Any] = {"witnessRegion": order.witness}
            members["multiRegionProperties"] = properties | ({"clusters": [peer]} if peer else {})
        answer = await self._api.call("dsql", "CreateCluster", region, **members)
        self._registry.made(order.name, region, answer["identifier"])
        age = (self._pace.now() - answer["creationTime"]).total_seconds()
        return Made(ClusterName(answer["identifier"], region), age)

    async def _mark(self, name: ClusterName) -> Done:
        cluster = await look(self._api, name)
        if cluster is None:
            raise RequestInvalid(f"{name.identifier} is not seen in {name.region} yet.", code="aws_not_found")
        await self._api.call(
            "dsql",
            "TagResource",
            name.region,
            resourceArn=cluster.arn,
            tags=own_tags(self._order.name, self._client, self._order.tags)
            | ({RESTORED_FROM: self._order.point.arn} if self._order.point else {}),
        )
        self._registry.made(self._order.name, name.region, name.identifier)
        return Done()
