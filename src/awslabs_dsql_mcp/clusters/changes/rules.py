"""Which changes of a cluster are refused, and why. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice, CommandAdvice, sentence
from awslabs_dsql_mcp.clusters.changes.ownership import (
    CREATED_BY,
    MANAGED_BY,
    MANAGER,
    check_keys,
    check_tags,
    is_own,
)
from awslabs_dsql_mcp.clusters.changes.proposal import Weight, quoted
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.errors import DsqlError, NotConfigured, RequestInvalid

Action = Literal["protect", "unprotect", "tag", "untag", "back_up", "delete"]
Gate = Literal["own", "all"]

WEIGHTS: Final[Mapping[Action, Weight]] = {
    "protect": "light",
    "unprotect": "grave",
    "tag": "light",
    "untag": "light",
    "back_up": "light",
    "delete": "grave",
}
LEAVING: Final = frozenset({"DELETING", "PENDING_DELETE", "DELETED"})
"""States of a cluster whose deletion AWS has taken."""


@dataclass(frozen=True)
class Request:
    """A change that is asked for.

    Attributes:
        action: What is to be done.
        tags: Tags to set; of ``untag``, those whose keys are to go.
        without_backup: Delete also without a recovery point.
    """

    action: Action
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    without_backup: bool = False


def check_request(request: Request) -> None:
    """Check the arguments by themselves.

    Raises:
        RequestInvalid: They contradict each other, or a tag is reserved.
    """
    takes_tags = request.action in ("tag", "untag")
    if takes_tags is not bool(request.tags):
        told = f"{request.action} needs tags." if takes_tags else f"{request.action} takes no tags."
        raise RequestInvalid(told, hint="Give tags with action tag or untag.")
    if request.without_backup and request.action != "delete":
        raise RequestInvalid("without_backup is for action delete.", hint="Leave it out.")
    if request.action == "tag":
        check_tags(request.tags)
    elif request.action == "untag":
        check_keys(request.tags)


def refusal(
    request: Request,
    cluster: Cluster,
    gate: Gate,
    account: Account,
    *,
    is_only: bool,
    advice: Advice = TO_MODEL,
) -> DsqlError | None:
    """Give the reason for which a change is not made; `None` if there is none.

    Args:
        request: The change.
        cluster: The cluster as it is.
        gate: Which clusters may be changed.
        account: The account, with the cluster that this server is connected to.
        is_only: This server has no other cluster.
        advice: Words the next steps.
    """
    if gate != "all" and not is_own(cluster):
        return _foreign(cluster)
    if cluster.status in LEAVING and request.action != "delete":
        return RequestInvalid(
            f"Cluster {cluster.name.identifier} is {cluster.status}: nothing of it is changed any more.",
            code="aws_conflict",
        )
    if request.action == "delete" and cluster.status not in LEAVING:
        return _undeletable(cluster, account, advice, is_only=is_only)
    return None


def _foreign(cluster: Cluster) -> NotConfigured:
    maker = cluster.tags.get(MANAGED_BY)
    told = f"its tag {MANAGED_BY} is {quoted(maker)}" if maker else f"it has no tag {MANAGED_BY}={MANAGER}"
    return NotConfigured(
        f"Cluster {cluster.name.identifier} was not made by this server: {told}. Nothing was changed.",
        code="not_own",
        hint="The operator alone can permit changes of others' clusters (--allow-cluster-changes all).",
    )


def _undeletable(cluster: Cluster, account: Account, advice: Advice, *, is_only: bool) -> DsqlError | None:
    name = cluster.name
    if account.cluster == name and is_only:
        return RequestInvalid(
            f"This server is connected to {name.identifier}, and to no other cluster: it does not delete "
            "that one. "
            "Nothing was deleted.",
            code="connected_cluster",
            hint=f"A person can, once this server is ended: {command(account, cluster, 'delete')}.",
        )
    if cluster.is_protected:
        return RequestInvalid(
            f"Cluster {name.identifier} is protected from deletion. Nothing was deleted.",
            code="protected",
            hint=f"{sentence(advice.unprotect_first(cluster.arn))}.",
        )
    return None


def no_point(cluster: Cluster, reason: str, advice: Advice = TO_MODEL) -> RequestInvalid:
    """Make the error of a deletion that would leave nothing to restore.

    Args:
        cluster: The cluster.
        reason: Why no recovery point is known; empty if there is none.
        advice: Words the next steps.
    """
    why = (
        f"whether it has a recovery point is not known ({reason.rstrip('.')})"
        if reason
        else "it has no recovery point"
    )
    return RequestInvalid(
        f"Cluster {cluster.name.identifier} is not deleted: {why}, so its data could not be restored.",
        code="no_backup",
        hint=f"{sentence(advice.back_up_first(cluster.arn))}.",
    )


def command(account: Account, cluster: Cluster, action: Action) -> str:
    """Give the command by which a person does the same."""
    return CommandAdvice(account.options).change(cluster.arn, action)


def maker_of(cluster: Cluster) -> str:
    """Say who made a cluster, as its tags have it: which of several servers, they do not tell."""
    if not is_own(cluster):
        return f"Not made by {MANAGER}"
    by = cluster.tags.get(CREATED_BY)
    return f"Made by {MANAGER}" + (f" for {quoted(by)}" if by else "")
