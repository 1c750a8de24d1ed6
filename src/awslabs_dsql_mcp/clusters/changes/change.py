"""A cluster changed: judged, put before somebody where that is due, looked at again, changed, read back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final, Literal

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice
from awslabs_dsql_mcp.clusters.changes.backups import BackUp, Point, last_point
from awslabs_dsql_mcp.clusters.changes.executor import look
from awslabs_dsql_mcp.clusters.changes.facts import Inside, facts_of
from awslabs_dsql_mcp.clusters.changes.ownership import is_own
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.proposal import Approver, Proposal, bind, quoted, state_of
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.changes.rules import (
    WEIGHTS,
    Gate,
    Request,
    check_request,
    command,
    no_point,
    refusal,
)
from awslabs_dsql_mcp.clusters.changes.steps import in_doubt
from awslabs_dsql_mcp.clusters.model import MEANINGS, Cluster
from awslabs_dsql_mcp.clusters.reader import Part, part
from awslabs_dsql_mcp.clusters.report import facts
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import DsqlError, NotConfirmed, OutcomeUnknown, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput

TOOL: Final = "change_cluster"
_LEAVING: Final = frozenset({"DELETING", "PENDING_DELETE", "DELETED"})


@dataclass(frozen=True)
class _Call:
    """A call on its way."""

    account: Account
    cluster: Cluster
    request: Request
    pace: Pace
    advice: Advice


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
        cluster = await self._see(account, named(account), given)
        self._judge(account, cluster, request)
        if request.action == "delete" and cluster.status in _LEAVING:
            self._leaves(cluster)
            return _told(
                cluster, "Is being deleted already; nothing was asked of AWS", "unchanged", done=False
            )
        point = await self._point(account, cluster, request)
        weight = WEIGHTS[request.action]
        if approver.is_needed(weight):
            proposal = await self._proposal(account, cluster, request, point)
            if not await approver.ask(proposal):
                raise NotConfirmed("Nobody agreed to this change. Nothing was changed.")
            # What was agreed to has to be what there is, now.
            again = await self._see(account, cluster.name, given)
            if state_of(again) != state_of(cluster):
                raise RequestInvalid(
                    f"Cluster {cluster.name.identifier} has changed while it was asked about: "
                    f"{_difference(cluster, again)}. "
                    "Nothing was changed.",
                    code="state_changed",
                    hint=f"Look at it with {self._advice.look(cluster.arn)}, and {self._advice.again}.",
                )
            cluster = again
            self._judge(account, cluster, request)
        pace = Pace(self._now, self._sleep, progress, began, wait)
        return await self._carry_out(_Call(account, cluster, request, pace, self._advice))

    async def _see(self, account: Account, name: ClusterName, given: str) -> Cluster:
        cluster = await look(account.api, name)
        if cluster is None:
            raise RequestInvalid(
                f"There is no cluster {name.identifier} in {name.region}.",
                code="no_such_cluster",
                hint="If it is in another Region, give its ARN or endpoint; it may be deleted.",
            )
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
        point = await part(last_point(account.api, cluster))
        if request.action == "delete" and point.value is None and not request.without_backup:
            raise no_point(cluster, point.missing, self._advice)
        return point

    async def _proposal(
        self, account: Account, cluster: Cluster, request: Request, point: Part[Point | None]
    ) -> Proposal:
        told = await facts_of(account, cluster, request, point, self._inside, self._now, self._advice)
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
                point.value and point.value.arn,
            ),
            WEIGHTS[request.action],
            is_own(cluster),
            command(account, cluster, request.action),
        )

    async def _carry_out(self, call: _Call) -> ToolOutput:
        cluster, request = call.cluster, call.request
        match request.action:
            case "protect" | "unprotect":
                wanted = request.action == "protect"
                if cluster.is_protected is wanted:
                    return _told(cluster, "Was so already; nothing was asked of AWS", "unchanged")
                return await self._update(
                    call,
                    lambda now: now.is_protected is wanted,
                    "UpdateCluster",
                    identifier=cluster.name.identifier,
                    deletionProtectionEnabled=wanted,
                )
            case "tag":
                tags = dict(request.tags)
                return await self._update(
                    call,
                    lambda now: all(now.tags.get(key) == value for key, value in tags.items()),
                    "TagResource",
                    resourceArn=cluster.arn,
                    tags=tags,
                )
            case "untag":
                keys = sorted(request.tags)
                return await self._update(
                    call,
                    lambda now: not any(key in now.tags for key in keys),
                    "UntagResource",
                    resourceArn=cluster.arn,
                    tagKeys=keys,
                )
            case "back_up":
                turn = self._registry.turn(f"{cluster.arn} back_up")
                return await BackUp(call.account, self._inside, call.pace, turn, call.advice).run(cluster)
            case "delete":
                return await self._delete(call)

    async def _update(
        self, call: _Call, is_done: Callable[[Cluster], bool], operation: str, **members: object
    ) -> ToolOutput:
        lost = await self._ask_aws(call, operation, **members)
        now = await _read_back(call, lost)
        if now is None:
            raise RequestInvalid(
                f"Cluster {call.cluster.name.identifier} is gone: somebody else has deleted it.",
                code="no_such_cluster",
            )
        if is_done(now):
            return _told(now, f"Done: {call.request.action}", "changed")
        if lost is not None:
            raise _unknown(call, lost, now.status)
        return _told(
            now,
            f"AWS took {call.request.action}, and does not show it yet: look again with "
            f"{call.advice.look(now.arn)}",
            "requested",
        )

    async def _ask_aws(self, call: _Call, operation: str, **members: object) -> DsqlError | None:
        """Ask for the change; gives the error of an answer that is lost."""
        try:
            await call.account.api.call("dsql", operation, call.cluster.name.region, **members)
        except DsqlError as error:
            if not in_doubt(error):
                raise
            return error
        return None

    async def _delete(self, call: _Call) -> ToolOutput:
        cluster = call.cluster
        lost = await self._ask_aws(call, "DeleteCluster", identifier=cluster.name.identifier)
        now = await _read_back(call, lost)
        if now is not None and now.status not in _LEAVING:
            if lost is not None:
                raise _unknown(call, lost, now.status)
            return _told(
                now,
                "AWS took the deletion, and does not show it yet: look again with "
                f"{call.advice.look(now.arn)}",
                "requested",
            )
        self._leaves(now or replace(cluster, status="DELETED"))
        if now is None:
            values = {
                "identifier": cluster.name.identifier,
                "region": cluster.name.region,
                "status": "DELETED",
                "outcome": "changed",
                "done": True,
            }
            return ToolOutput(
                (f"Cluster {cluster.name.identifier} is deleted: its Region knows it no more.",), values
            )
        answer = _told(now, "AWS has taken the deletion; it is not over", "requested")
        if now.status == "PENDING_DELETE":
            others = " and ".join(f"{peer.identifier} in {peer.region}" for peer in now.peers)
            return answer.adding(
                f"It goes when its peer is deleted too ({others}); its storage is billed until then."
            )
        return answer.adding(f"Next: {call.advice.follow(now.arn, until_gone=True)}.")

    def _leaves(self, cluster: Cluster) -> None:
        """Count a cluster no more that goes; half of a pair stays, and is billed, until the other goes."""
        if cluster.status != "PENDING_DELETE":
            self._registry.deleted(cluster.title, cluster.name.region, cluster.name.identifier)


async def _read_back(call: _Call, lost: DsqlError | None) -> Cluster | None:
    """Look at the cluster behind a change; `None` if it is gone.

    Raises:
        OutcomeUnknown: It cannot be read: the change may be there.
    """
    try:
        return await look(call.account.api, call.cluster.name)
    except DsqlError as error:
        asked = "AWS's answer is lost" if lost else "AWS has taken it"
        raise OutcomeUnknown(
            f"{call.request.action} of {call.cluster.name.identifier} was asked for: {asked}, and the "
            f"cluster cannot be read back: {error.text}",
            hint=_look_first(call),
            outcome="unknown",
        ) from error


_QUESTIONS: Final[dict[str, str]] = {
    "protect": "Switch deletion protection of cluster {id} on?",
    "unprotect": "Switch deletion protection of cluster {id} OFF? It can be deleted then.",
    "tag": "Tag cluster {id}?",
    "untag": "Remove tags of cluster {id}?",
    "back_up": "Back up cluster {id}?",
    "delete": "DELETE cluster {id} with all its data? This cannot be undone.",
}


def _difference(before: Cluster, after: Cluster) -> str:
    def told(cluster: Cluster) -> str:
        protection = "protected" if cluster.is_protected else "unprotected"
        return f"{cluster.status}, {protection}, named {quoted(cluster.title)}"

    return f"it was {told(before)}; it is {told(after)}"


def _unknown(call: _Call, error: DsqlError, status: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"AWS's answer to {call.request.action} of {call.cluster.name.identifier} is lost ({error.code}): "
        "the cluster is "
        f"{status}, and the change may still come.",
        hint=_look_first(call),
        outcome="unknown",
    )


def _look_first(call: _Call) -> str:
    look = call.advice.look(call.cluster.arn)
    return f"Look with {look} in some seconds, before you {call.advice.again}."


def _told(
    cluster: Cluster,
    head: str,
    outcome: Literal["changed", "requested", "unchanged"],
    *,
    done: bool | None = None,
) -> ToolOutput:
    meaning = f" ({MEANINGS[cluster.status]})" if cluster.status in MEANINGS else ""
    tags = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in sorted(cluster.tags.items()))
    protection = "on" if cluster.is_protected else "off"
    which = f"Cluster {cluster.name.identifier} in {cluster.name.region}, account {cluster.account}"
    state = f"as read back: {cluster.status}{meaning}, deletion protection {protection}"
    lines = (f"{head}. {which}, {state}.", *((f"Tags: {tags}.",) if tags else ()))
    is_done = outcome != "requested" if done is None else done
    return ToolOutput(lines, {**facts(cluster), "outcome": outcome, "done": is_done})
