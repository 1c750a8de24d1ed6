"""Clusters created: looked for, put before somebody where that is due, made, waited for, and told of."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Final

from awslabs_dsql_mcp.aws.api import Api
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation.empty import creation, found
from awslabs_dsql_mcp.clusters.changes.creation.executor import (
    Executor,
    account_number,
    clusters_in,
    forget_gone,
    own,
)
from awslabs_dsql_mcp.clusters.changes.creation.restoration import restoration
from awslabs_dsql_mcp.clusters.changes.creation.steps import Report
from awslabs_dsql_mcp.clusters.changes.order import Order, RecoveryPoint
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.proposal import Approver, Proposal, Weight, bind, quoted, state_of
from awslabs_dsql_mcp.clusters.changes.recovery_points import KeptPoint, kept_point
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.model import MEANINGS, MOVING, Cluster
from awslabs_dsql_mcp.clusters.reader import Part
from awslabs_dsql_mcp.clusters.report import facts
from awslabs_dsql_mcp.clusters.times import age, minute
from awslabs_dsql_mcp.errors import DsqlError, NotConfirmed, OutcomeUnknown
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput
from awslabs_dsql_mcp.text import pluralize

TOOL: Final = "create_cluster"
_TELL_IT: Final = frozenset(
    ("name_taken", "too_many_clusters", "state_changed")
)  # errors that say that nothing was made
_ENDS_IT: Final = frozenset(("cluster_failed", "aws_conflict", "no_such_cluster", "name_taken"))
"""Errors after which the same order is refused: another name, or another pair, is what helps."""

_UNBILLED: Final = "no storage and no DPUs are billed for it yet, as far as AWS tells"
_BILLED: Final = "its storage and DPUs are billed"
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
        each = await asyncio.gather(*(clusters_in(account.api, region) for region in order.regions))
        seen = [cluster for clusters in each for cluster in clusters]
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
        told += [f"Is there already: {_brief(cluster)}" for cluster in have.values()]
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


def _brief(cluster: Cluster) -> str:
    meaning = f" ({MEANINGS[cluster.status]})" if cluster.status in MEANINGS else ""
    return f"{cluster.name.identifier} in {cluster.name.region}, {cluster.status}{meaning}"


def _half(cluster: Cluster) -> str:
    if cluster.status == "FAILED":
        return f"There is {_brief(cluster)}."
    billed = _UNBILLED if cluster.status == "PENDING_SETUP" else _BILLED
    return f"There is {_brief(cluster)}: {billed}."


def stopped(report: Report, order: Order, error: DsqlError, advice: Advice = TO_MODEL) -> DsqlError:
    """Tell what there is where a creation stopped, with the reason first.

    Args:
        report: How far it is.
        order: What was to be created.
        error: What stopped it.
        advice: Words the next steps.
    """
    halves = [_half(cluster) for cluster in report.clusters]
    unread = isinstance(error, OutcomeUnknown)
    if report.copied:
        halves.append(_copy(report, order))
    if not halves and not unread and error.code not in _TELL_IT:
        halves = [f"The {report.job_kind} is job {report.job}." if report.job else "This call made nothing."]
    again = sentence(advice.create(order))
    goes_on = order.is_pair and report.clusters and error.code not in _ENDS_IT
    onwards = f"{again}: it goes on from there." if goes_on and again not in (error.hint or "") else None
    is_under_way = bool(report.job) and not report.has_ended
    kind = type(error)
    return kind(
        error.message,
        details=(*error.details, *halves),
        code=error.code,
        hint=" ".join(filter(None, (error.hint, onwards))) or None,
        outcome="partial" if report.clusters or report.copied or is_under_way else error.outcome,
    )


def answer(report: Report, order: Order, account: str, advice: Advice = TO_MODEL) -> ToolOutput:
    """Word how far a creation is.

    Args:
        report: How far it is.
        order: What was ordered.
        account: Number of the account.
        advice: Words the next steps.
    """
    if not report.clusters:
        return _under_way(report, order, advice)
    is_whole = len(report.clusters) == len(order.regions)
    is_ready = is_whole and all(c.status not in MOVING | {"PENDING_SETUP"} for c in report.clusters)
    lines = [_line(cluster, report) for cluster in report.clusters]
    if not is_whole:
        lines.append(f"Its peer is not told yet. {sentence(advice.create(order))}: it goes on with both.")
    if report.copied:
        lines.append(_copy(report, order))
    lines += [_twin(twin, order, advice) for twin in report.twins]
    lines.append(f"Account {account}. {_protection(report, order, advice)}")
    lines += _unset_tags(report, order, advice)
    if is_ready:
        first = report.clusters[0]
        use = advice.use(first.name.identifier, first.endpoint)
        lines.append(f"Next: {use}; it has one role, admin.")
    else:
        lines.append(
            "Next: not ready yet; "
            + " and ".join(advice.follow(cluster.arn) for cluster in report.clusters)
            + "."
        )
    return ToolOutput(
        tuple(lines),
        {
            "outcome": ("changed" if is_ready else "requested") if report.has_asked else "unchanged",
            "ready": is_ready,
            "made": [name.identifier for name in report.made],
            **(
                {"may_have_made": [name.identifier for name in report.may_have_made]}
                if report.may_have_made
                else {}
            ),
            "clusters": [facts(cluster) for cluster in report.clusters],
            **({"twins": [facts(twin) for twin in report.twins]} if report.twins else {}),
            **({"job": report.job} if report.job else {}),
        },
    )


def _under_way(report: Report, order: Order, advice: Advice) -> ToolOutput:
    """Word a job that has not made a cluster yet."""
    state = report.values.get("job_state", "")
    if report.job_kind == "copy":
        which = f" {report.job}" if report.job else ""
        told = f"The copy to {order.peer_region}{which} is {state}: nothing is restored yet."
    else:
        told = f"Restore {report.job} is {state}, not done: AWS Backup has not named the new cluster yet."
    values = {
        "outcome": "requested",
        "job": report.job,
        "job_kind": report.job_kind,
        "state": state,
        "ready": False,
        "clusters": list[object](),
    }
    lines = (told, *((_copy(report, order),) if report.copied else ()))
    return ToolOutput((*lines, f"Next: {advice.create(order)}; it goes on, and starts none twice."), values)


def _copy(report: Report, order: Order) -> str:
    return f"The recovery point was copied to {order.peer_region} (job {report.copied}): that stays, billed."


def _line(cluster: Cluster, report: Report) -> str:
    name = cluster.name
    made = "Made" if name in report.made else "Was there already"
    if name in report.may_have_made:
        made = "Is there (AWS's answer was lost: made by this call or, in the same moment, by another)"
    peer = "".join(f", peer {each.identifier} in {each.region}" for each in cluster.peers)
    witness = f", witness {cluster.witness}" if cluster.witness else ""
    return (
        f"{made}: cluster {name.identifier} {quoted(cluster.title)} in {name.region}, "
        f"{cluster.status}{peer}{witness}. "
        f"Endpoint: {cluster.endpoint}."
    )


def _twin(twin: Cluster, order: Order, advice: Advice) -> str:
    """Tell of another cluster of the name, as two servers may make them that ask for it in one moment."""
    return (
        f"There is another one named {order.name}: {_brief(twin)}, created {minute(twin.created)}; both are "
        f"billed. Ask which is kept, and use it by its id; {advice.change(twin.arn, 'delete')} deletes "
        f"{twin.name.identifier}."
    )


def _protection(report: Report, order: Order, advice: Advice) -> str:
    unprotected = [cluster for cluster in report.clusters if not cluster.is_protected]
    off = [cluster.name.identifier for cluster in unprotected]
    number = pluralize(len(report.clusters), "cluster")
    said = (
        f"Deletion protection is off for {', '.join(off)}." if off else f"Deletion protection: on ({number})."
    )
    if off and order.is_protected:
        first = unprotected[0].arn
        said += f" It was asked for on: {advice.change(first, 'protect')} switches it on."
    if not off and not order.is_protected:
        said += " It was asked for off, and is not changed by a creation."
    return said


def _unset_tags(report: Report, order: Order, advice: Advice) -> list[str]:
    """Tell the tags that were ordered, and are not those of a cluster that was there already."""
    lines: list[str] = []
    for cluster in report.clusters:
        unset = {key: value for key, value in order.tags.items() if cluster.tags.get(key) != value}
        if unset:
            told = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in sorted(unset.items()))
            lines.append(
                f"{cluster.name.identifier} does not have these tags that were asked for: {told}; "
                f"{advice.change(cluster.arn, 'tag')} sets them."
            )
    return lines
