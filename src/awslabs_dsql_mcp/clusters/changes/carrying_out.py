"""A change of a cluster carried out: asked of AWS, and read back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import Advice
from awslabs_dsql_mcp.clusters.changes.backups import BackUp, Wakes
from awslabs_dsql_mcp.clusters.changes.creation.executor import look
from awslabs_dsql_mcp.clusters.changes.creation.steps import in_doubt
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.proposal import quoted
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.changes.rules import LEAVING, Request
from awslabs_dsql_mcp.clusters.gone import Point
from awslabs_dsql_mcp.clusters.model import MEANINGS, Cluster
from awslabs_dsql_mcp.clusters.report import facts
from awslabs_dsql_mcp.clusters.times import minute
from awslabs_dsql_mcp.errors import DsqlError, OutcomeUnknown, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ToolOutput


@dataclass(frozen=True)
class RestorableDeletion(ToolOutput):
    """The answer to a deletion that leaves a recovery point; it tells of it.

    Attributes:
        restore: The line that says how the data come back.
        point: ARN of the recovery point.
    """

    restore: str = ""
    point: str = ""


@dataclass(frozen=True)
class CarryOut:
    """A change on its way.

    Attributes:
        account: The account.
        cluster: The cluster, as it was seen last.
        request: The change.
        inside: Connects to a cluster, which wakes it.
        registry: Counts what this server has made.
        pace: The time of the call.
        advice: Words the next steps.
    """

    account: Account
    cluster: Cluster
    request: Request
    inside: Wakes
    registry: Registry
    pace: Pace
    advice: Advice

    async def run(self, point: Point | None = None) -> ToolOutput:
        """Ask AWS for the change, and read back what there is.

        Args:
            point: The last recovery point, which a deletion leaves.

        Raises:
            DsqlError: AWS refuses it, or the outcome is not known.
        """
        cluster, request = self.cluster, self.request
        match request.action:
            case "protect" | "unprotect":
                wanted = request.action == "protect"
                return await self._update(
                    lambda now: now.is_protected is wanted,
                    "UpdateCluster",
                    identifier=cluster.name.identifier,
                    deletionProtectionEnabled=wanted,
                )
            case "tag":
                tags = dict(request.tags)
                return await self._update(
                    lambda now: all(now.tags.get(key) == value for key, value in tags.items()),
                    "TagResource",
                    resourceArn=cluster.arn,
                    tags=tags,
                )
            case "untag":
                keys = sorted(request.tags)
                return await self._update(
                    lambda now: not any(key in now.tags for key in keys),
                    "UntagResource",
                    resourceArn=cluster.arn,
                    tagKeys=keys,
                )
            case "back_up":
                turn = self.registry.turn(f"{cluster.arn} back_up")
                return await BackUp(self.account, self.inside, self.pace, turn, self.advice).run(cluster)
            case "delete":
                answer = await self._delete()
                return answer if point is None else self._restorable(answer, point)

    async def _update(
        self, is_done: Callable[[Cluster], bool], operation: str, **members: object
    ) -> ToolOutput:
        if is_done(self.cluster):
            return told(self.cluster, "Was so already; nothing was asked of AWS", "unchanged")
        lost = await self._ask_aws(operation, **members)
        now = await self._read_back(lost)
        if now is None:
            raise RequestInvalid(
                f"Cluster {self.cluster.name.identifier} is gone: somebody else has deleted it.",
                code="no_such_cluster",
            )
        if is_done(now):
            return told(now, f"Done: {self.request.action}", "changed")
        if lost is not None:
            raise self._unknown(lost, now.status)
        return told(
            now,
            f"AWS took {self.request.action}, and does not show it yet: look again with "
            f"{self.advice.look(now.arn)}",
            "requested",
        )

    async def _ask_aws(self, operation: str, **members: object) -> DsqlError | None:
        """Ask for the change; gives the error of an answer that is lost."""
        try:
            await self.account.api.call("dsql", operation, self.cluster.name.region, **members)
        except DsqlError as error:
            if not in_doubt(error):
                raise
            return error
        return None

    async def _delete(self) -> ToolOutput:
        cluster = self.cluster
        lost = await self._ask_aws("DeleteCluster", identifier=cluster.name.identifier)
        now = await self._read_back(lost)
        if now is not None and now.status not in LEAVING:
            if lost is not None:
                raise self._unknown(lost, now.status)
            return told(
                now,
                "AWS took the deletion, and does not show it yet: look again with "
                f"{self.advice.look(now.arn)}",
                "requested",
            )
        leaves(now or replace(cluster, status="DELETED"), self.registry)
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
        answer = told(now, "AWS has taken the deletion; it is not over", "requested")
        if now.status == "PENDING_DELETE":
            others = " and ".join(f"{peer.identifier} in {peer.region}" for peer in now.peers)
            return answer.adding(f"Its peer: {others}.")
        return answer.adding(f"Next: {self.advice.follow(now.arn, until_gone=True)}.")

    def _restorable(self, answer: ToolOutput, point: Point) -> ToolOutput:
        """Say how the data come back: once the cluster is gone, nothing else tells it."""
        restore = self.advice.restore(point.arn, self.cluster.name.region)
        line = f"To restore it, as of {minute(point.created)}: {restore}."
        deletion = answer.adding(line, recovery_point=point.arn)
        return RestorableDeletion(deletion.parts, deletion.values, restore=line, point=point.arn)

    async def _read_back(self, lost: DsqlError | None) -> Cluster | None:
        """Look at the cluster behind a change; `None` if it is gone.

        Raises:
            OutcomeUnknown: It cannot be read: the change may be there.
        """
        try:
            return await look(self.account.api, self.cluster.name)
        except DsqlError as error:
            asked = "AWS's answer is lost" if lost else "AWS has taken it"
            raise OutcomeUnknown(
                f"{self.request.action} of {self.cluster.name.identifier} was asked for: {asked}, and the "
                f"cluster cannot be read back: {error.text}",
                hint=self._look_first(),
                outcome="unknown",
            ) from error

    def _unknown(self, error: DsqlError, status: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"AWS's answer to {self.request.action} of {self.cluster.name.identifier} is lost "
            f"({error.code}): the cluster is {status}, and the change may still come.",
            hint=self._look_first(),
            outcome="unknown",
        )

    def _look_first(self) -> str:
        look = self.advice.look(self.cluster.arn)
        return f"Look with {look} in some seconds, before you {self.advice.again}."


def leaves(cluster: Cluster, registry: Registry) -> None:
    """Count a cluster no more that goes; half of a pair stays, and is billed, until the other goes."""
    if cluster.status != "PENDING_DELETE":
        registry.deleted(cluster.title, cluster.name.region, cluster.name.identifier)


def told(
    cluster: Cluster,
    head: str,
    outcome: Literal["changed", "requested", "unchanged"],
    *,
    done: bool | None = None,
) -> ToolOutput:
    """Tell of a cluster as it was read back.

    Args:
        cluster: The cluster.
        head: What was done.
        outcome: What became of it.
        done: It is done; told by the outcome if it is not given.
    """
    meaning = f" ({MEANINGS[cluster.status]})" if cluster.status in MEANINGS else ""
    tags = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in sorted(cluster.tags.items()))
    protection = "on" if cluster.is_protected else "off"
    which = f"Cluster {cluster.name.identifier} in {cluster.name.region}, account {cluster.account}"
    state = f"as read back: {cluster.status}{meaning}, deletion protection {protection}"
    lines = (f"{head}. {which}, {state}.", *((f"Tags: {tags}.",) if tags else ()))
    is_done = outcome != "requested" if done is None else done
    return ToolOutput(lines, {**facts(cluster), "outcome": outcome, "done": is_done})
