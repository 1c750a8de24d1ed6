"""A cluster changed: judged, put before somebody where that is due, looked at again, changed, read back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Final

from awslabs_dsql_mcp.aws.api import Api
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice
from awslabs_dsql_mcp.clusters.changes.carrying_out import CarryOut, leaves, told
from awslabs_dsql_mcp.clusters.changes.creation.executor import look
from awslabs_dsql_mcp.clusters.changes.facts import Inside, Left, PeerFate, facts_of, peer_fate
from awslabs_dsql_mcp.clusters.changes.ownership import is_own
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.proposal import Approver, Proposal, bind, quoted, state_of
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.changes.rules import (
    LEAVING,
    WEIGHTS,
    Gate,
    Request,
    check_request,
    command,
    no_point,
    refusal,
)
from awslabs_dsql_mcp.clusters.gone import Point, no_such_cluster, points_of
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.clusters.reader import Part, part
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import NotConfirmed, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput

TOOL: Final = "change_cluster"


class ChangeCluster:
    """Changes clusters.

    Args:
        account: Gives the account at the first need.
        gate: Which clusters may be changed.
        inside: Connects to a cluster.
        registry: Counts what this server has made.
        is_only: This server has no other cluster than the account's.
        advice: Words the next steps.
        now: Tells the time.
        sleep: Waits so many seconds.
    """

    def __init__(  # noqa: PLR0913 - parts of a server
        self,
        account: Callable[[], Awaitable[Account]],
        gate: Gate,
        inside: Inside,
        registry: Registry,
        *,
        is_only: bool = True,
        advice: Advice = TO_MODEL,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._gate: Gate = gate
        self._inside = inside
        self._registry = registry
        self._is_only = is_only
        self._advice = advice
        self._now = now
        self._sleep = sleep

    async def change(
        self,
        named: Callable[[Account], ClusterName],
        given: str,
        request: Request,
        approver: Approver,
        progress: ReportProgress,
        wait: float,
    ) -> ToolOutput:
        """Change a cluster.

        Args:
            named: Reads the name of the cluster.
            given: That name as it was given.
            request: What is to be done.
            approver: Decides where that is due.
            progress: Is told what is waited for.
            wait: Seconds that waiting may take.

        Raises:
            NotConfirmed: Nobody agreed; nothing was changed.
            DsqlError: It is refused, or AWS refuses it; or the outcome is not known.
        """
        check_request(request)
        began = self._now()
        account = await self._account()
        cluster = await self._see(account, self._registry.placed(named(account)), given)
        self._judge(account, cluster, request)
        if request.action == "unprotect" and not cluster.is_protected:  # nobody is asked for what is so
            return told(cluster, "Was so already; nothing was asked of AWS", "unchanged")
        if request.action == "delete" and cluster.status in LEAVING:
            leaves(cluster, self._registry)
            return told(
                cluster, "Is being deleted already; nothing was asked of AWS", "unchanged", done=False
            )
        point = await self._point(account, cluster, request)
        weight = WEIGHTS[request.action]
        if approver.is_needed(weight):
            fate = await peer_fate(account, cluster, request)
            proposal = await self._proposal(account, cluster, request, Left(point, fate))
            if not await approver.ask(proposal):
                raise NotConfirmed("Nobody agreed to this change. Nothing was changed.")
            # What was agreed to has to be what there is, now.
            again = await self._see(account, cluster.name, given)
            difference = _difference(cluster, again) if state_of(again) != state_of(cluster) else ""
            if not difference and (now := await peer_fate(account, again, request)) != fate:
                difference = f"its peer was {_FATES[fate]}; now {_NOW[now]}"
            if difference:
                raise RequestInvalid(
                    f"Cluster {cluster.name.identifier} has changed while it was asked about: "
                    f"{difference}. Nothing was changed.",
                    code="state_changed",
                    hint=f"Look at it with {self._advice.look(cluster.arn)}, and {self._advice.again}.",
                )
            cluster = again
            self._judge(account, cluster, request)
        pace = Pace(self._now, self._sleep, progress, began, wait)
        work = CarryOut(account, cluster, request, self._inside, self._registry, pace, self._advice)
        return await work.run(point.value)

    async def _see(self, account: Account, name: ClusterName, given: str) -> Cluster:
        cluster = await look(account.api, name)
        if cluster is None:
            hint = "If it is in another Region, give its ARN or endpoint; it may be deleted."
            raise await no_such_cluster(account.api, name, given, hint, self._advice.restore)
        arn = given.strip().lower()
        if arn.startswith("arn:") and arn != cluster.arn:
            raise RequestInvalid(
                f"That ARN is of another account: {name.identifier} is {cluster.arn} here. Nothing was "
                "changed.",
                code="no_such_cluster",
                hint="Use credentials of that account, or the right ARN.",
            )
        return cluster

    def _judge(self, account: Account, cluster: Cluster, request: Request) -> None:
        refused = refusal(request, cluster, self._gate, account, is_only=self._is_only, advice=self._advice)
        if refused is not None:
            raise refused

    async def _point(self, account: Account, cluster: Cluster, request: Request) -> Part[Point | None]:
        """Find the last recovery point, where it matters."""
        if WEIGHTS[request.action] != "grave":
            return Part()
        point = await part(_last_point(account.api, cluster))
        if request.action == "delete" and point.value is None and not request.without_backup:
            raise no_point(cluster, point.missing, self._advice)
        return point

    async def _proposal(self, account: Account, cluster: Cluster, request: Request, left: Left) -> Proposal:
        told = await facts_of(account, cluster, request, left, self._inside, self._now, self._advice)
        tags = sorted(request.tags.items())
        return Proposal(
            TOOL,
            _QUESTIONS[request.action].format(id=cluster.name.identifier),
            told,
            bind(
                f"{TOOL} {request.action}",
                cluster.account,
                state_of(cluster),
                tags,
                request.without_backup,
                left.point.value and left.point.value.arn,
                left.fate,
            ),
            WEIGHTS[request.action],
            is_own(cluster),
            command(account, cluster, request.action),
        )


_QUESTIONS: Final[dict[str, str]] = {
    "protect": "Switch deletion protection of cluster {id} on?",
    "unprotect": "Switch deletion protection of cluster {id} OFF? It can be deleted then.",
    "tag": "Tag cluster {id}?",
    "untag": "Remove tags of cluster {id}?",
    "back_up": "Back up cluster {id}?",
    "delete": "DELETE cluster {id} with all its data? This cannot be undone.",
}


_FATES: Final[dict[PeerFate, str]] = {
    "": "none",
    "stays": "to stay",
    "goes": "to go",
    "not known": "not known",
}
_NOW: Final[dict[PeerFate, str]] = {
    "": "there is none",
    "stays": "it stays",
    "goes": "it goes too",
    "not known": "it is not known",
}


async def _last_point(api: Api, cluster: Cluster) -> Point | None:
    """Find the newest recovery point; `None` if there is none."""
    return next(iter(await points_of(api, cluster.arn, cluster.name.region)), None)


def _difference(before: Cluster, after: Cluster) -> str:
    def told(cluster: Cluster) -> str:
        protection = "protected" if cluster.is_protected else "unprotected"
        return f"{cluster.status}, {protection}, named {quoted(cluster.title)}"

    return f"it was {told(before)}; it is {told(after)}"
