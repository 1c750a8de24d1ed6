"""Clusters created: looked for, put before somebody where that is due, made, waited for, and told of."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Final

from awslabs_dsql_mcp.aws.api import Api
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice
from awslabs_dsql_mcp.clusters.changes.creation.answer import answer, brief, stopped
from awslabs_dsql_mcp.clusters.changes.creation.empty import creation, found
from awslabs_dsql_mcp.clusters.changes.creation.executor import (
    Executor,
    account_number,
    clusters_in,
    forget_gone,
    own,
)
from awslabs_dsql_mcp.clusters.changes.creation.restoration import restoration
from awslabs_dsql_mcp.clusters.changes.order import Order, RecoveryPoint
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.proposal import Approver, Proposal, Weight, bind, quoted, state_of
from awslabs_dsql_mcp.clusters.changes.recovery_points import KeptPoint, kept_point
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.clusters.reader import Part
from awslabs_dsql_mcp.clusters.times import age, minute
from awslabs_dsql_mcp.errors import DsqlError, NotConfirmed
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput

TOOL: Final = "create_cluster"
_UNDONE: Final = "Nothing was made."


class CreateCluster:
    """Creates clusters.

    Args:
        account: Gives the account at the first need.
        registry: Counts what this server has made.
        advice: Words the next steps.
        now: Tells the time.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        account: Callable[[], Awaitable[Account]],
        registry: Registry,
        *,
        advice: Advice = TO_MODEL,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._registry = registry
        self._advice = advice
        self._now = now
        self._sleep = sleep

    async def create(
        self,
        order: Order,
        client: str,
        approver: Approver,
        progress: ReportProgress,
        wait: float,
    ) -> tuple[ToolOutput, tuple[Cluster, ...]]:
        """Create what is ordered, or go on with it.

        Args:
            order: What.
            client: Name of the client that asks for it.
            approver: Decides where that is due.
            progress: Is told what is waited for.
            wait: Seconds to wait until it can be used.

        Returns:
            The answer, and the clusters that it tells of.

        Raises:
            NotConfirmed: Nobody agreed; nothing was made.
            DsqlError: It stopped; the message says what there is.
        """
        began = self._now()
        account = await self._account()
        number = await account_number(account.api, order.regions[0])
        weight, may_make = _weight(order), True
        if approver.is_needed(weight):
            proposal = await self._proposal(account, order, number, weight)
            may_make = proposal is not None
            if proposal is not None and not await approver.ask(proposal):
                raise NotConfirmed(f"Nobody agreed to the creation of {order.name}. {_UNDONE}")
        # A second call of the same name goes on where the first has come to.
        async with self._registry.turn(order.name):
            left = Pace(self._now, self._sleep, progress, began, wait).left
            executor = Executor(
                account.api,
                order,
                number,
                client,
                registry=self._registry,
                pace=Pace(self._now, self._sleep, progress, self._now(), left),
                may_make=may_make,
            )
            steps = restoration if order.point else creation
            report = await executor.run(steps(order, left, self._registry.gone, self._advice))
        if report.error is not None:
            raise stopped(report, order, report.error, self._advice)
        return answer(report, order, number, self._advice), report.clusters

    async def _proposal(self, account: Account, order: Order, number: str, weight: Weight) -> Proposal | None:
        """Word the question; `None` where nothing is left to make, or a collision will stop it."""
        seen = await clusters_in(account.api, order.regions)
        try:
            have = found(order, [cluster for cluster in seen if cluster.title == order.name])
        except DsqlError:
            return None
        is_set_up = all(cluster.status != "PENDING_SETUP" for cluster in have.values())
        if have and (order.point or (len(have) == len(order.regions) and is_set_up)):
            return None
        # What would be refused behind the answer is not asked.
        there = own(seen)
        await forget_gone(account.api, self._registry, there)
        self._registry.check(order.name, [each for each in order.regions if each not in have], there)
        told = [f"Account {number}, Region{'s' if order.is_pair else ''} {' and '.join(order.regions)}"]
        if order.is_pair:
            told.append(
                f"Witness: {order.witness}. Two clusters: storage is billed in both Regions, writes double."
            )
        if order.point:
            told.append(await self._about_point(account.api, order.point))
        if order.point and order.is_pair:
            told.append(f"A copy in {order.peer_region}, made unless it is there: it stays, and is billed.")
        told.append(f"Deletion protection: {'on' if order.is_protected else 'OFF'}")
        told += [f"Is there already: {brief(cluster)}" for cluster in have.values()]
        tags = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in sorted(order.tags.items()))
        told += [f"Tags: {tags}"] if tags else []
        states = [state_of(cluster) for _, cluster in sorted(have.items())]
        return Proposal(
            TOOL,
            f"Create {order.kind} named {order.name}?",
            told,
            bind(
                TOOL,
                number,
                order.name,
                order.regions,
                order.witness,
                order.point and order.point.arn,
                dict(order.tags),
                order.is_protected,
                states,
            ),
            weight,
            is_own=True,
            undone=_UNDONE,
        )

    async def _about_point(self, api: Api, point: RecoveryPoint) -> str:
        """Tell of the recovery point that is to be restored.

        Raises:
            RequestInvalid: There is none.
        """
        try:
            kept = Part(await kept_point(api, point))
        except DsqlError as error:
            if error.code == "no_such_point":
                raise
            kept = Part[KeptPoint](missing=error.text)
        of = f"not looked at: {kept.missing}"
        if kept.value is not None:
            made, cluster = kept.value.created, kept.value.resource.rpartition("/")[2]
            of = f"of cluster {cluster}, made {minute(made)}, {age(self._now() - made)} ago"
        return f"From recovery point {point.arn}, {of}; the storage of what is restored is billed."


def _weight(order: Order) -> Weight:
    return "usual" if order.is_pair or order.point or not order.is_protected else "light"
