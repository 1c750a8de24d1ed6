"""Clusters looked at until they change by themselves no more. Generators of steps, and what they share."""

from collections.abc import Generator, Mapping
from dataclasses import replace

from awslabs_dsql_mcp.clusters.changes.advice import Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation.steps import (
    Failed,
    Find,
    Look,
    Pause,
    Paused,
    Reply,
    Report,
    Seen,
    Step,
)
from awslabs_dsql_mcp.clusters.changes.order import Order
from awslabs_dsql_mcp.clusters.model import MOVING, Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, OutcomeUnknown, RequestInvalid

GONE = frozenset({"DELETING", "DELETED"})
"""States in which a cluster's name is free again."""

LOOKS = 4
"""Looks for a cluster that may have been made: AWS's lists are a little behind."""

LONG_AGO = 330.0
"""Seconds after which a cluster that is not there is gone, and not too new to be seen.

AWS takes requests of a clock that is five minutes wrong (IAM user guide, "Signing AWS API requests").
"""

_SOON, _LATER, _AT_FIRST = 2.0, 5.0, 20.0

Steps = Generator[Step, Reply, Report]


def seen(reply: Reply, name: ClusterName) -> Cluster | None:
    """Take the cluster of a name from a reply; `None` if it is not there."""
    clusters = reply.clusters if isinstance(reply, Seen) else ()
    return next((cluster for cluster in clusters if cluster.name == name), None)


def settle(clusters: tuple[Cluster, ...], wait: float) -> Steps:
    """Look at clusters until none changes by itself any more, or the time is over.

    Args:
        clusters: As they were seen last.
        wait: Seconds until which to look.
    """
    names = tuple(cluster.name for cluster in clusters)
    elapsed = 0.0
    while True:
        reply = yield Look(names)
        if not isinstance(reply, Seen):
            return Report(clusters, error=error_of(reply))
        by_name: Mapping[ClusterName, Cluster] = {cluster.name: cluster for cluster in reply.clusters}
        if gone := [name for name in names if name not in by_name or by_name[name].status in GONE]:
            left = tuple(by_name[name] for name in names if name in by_name)
            return Report(left, error=_went_away(gone[0]))
        clusters = tuple(by_name[name] for name in names)
        if failed := [cluster for cluster in clusters if cluster.status == "FAILED"]:
            return Report(clusters, error=_has_failed(failed[0]))
        moving = [
            cluster for cluster in clusters if cluster.status in MOVING or cluster.status == "PENDING_SETUP"
        ]
        if not moving or elapsed >= wait:
            return Report(clusters)
        told = ", ".join(
            f"{cluster.name.identifier} in {cluster.name.region} {cluster.status}" for cluster in moving
        )
        paused = yield Pause(_SOON if elapsed < _AT_FIRST else _LATER, told, until=wait)
        elapsed = max(paused.elapsed, elapsed) if isinstance(paused, Paused) else wait


def with_twins(report: Report) -> Steps:
    """Look once more by name where something was made: others may have made the same in that moment."""
    if report.error is not None or not (report.made or report.may_have_made):
        return report
    reply = yield Find()
    known = {cluster.name for cluster in report.clusters}
    known |= {peer for cluster in report.clusters for peer in cluster.peers}
    found = reply.clusters if isinstance(reply, Seen) else ()
    twins = [cluster for cluster in found if cluster.name not in known and cluster.status not in GONE]
    return replace(report, twins=tuple(twins))


def error_of(reply: Reply) -> DsqlError:
    """Give the error of a reply that is not the one hoped for."""
    if isinstance(reply, Failed):
        return reply.error
    return ConnectionFailed("What answered is not AWS's API.", code="aws_unreachable")


def unshown(order: Order, name: ClusterName, error: DsqlError | None, advice: Advice) -> Report:
    """Report a cluster that AWS says it has made, and that its Region does not show.

    Args:
        order: What it was made for.
        name: The cluster.
        error: Why it cannot be looked at; `None` if it is not there.
        advice: Words the next steps.
    """
    taken = "AWS Backup has restored" if order.point else "AWS has taken the creation of"
    why = f" ({error.code})" if error else ""
    told = OutcomeUnknown(
        f"{taken} {name.identifier} in {name.region}, and the Region does not show that cluster{why}.",
        hint=f"{sentence(advice.create(order))} in a minute. If it was deleted just now, wait six minutes, "
        "or take another name.",
        outcome="unknown",
    )
    return Report(error=told, in_doubt=name.region)


def _went_away(name: ClusterName) -> RequestInvalid:
    return RequestInvalid(
        f"Cluster {name.identifier} in {name.region} is gone, or being deleted: somebody else has done that.",
        code="no_such_cluster",
        hint="Ask who did, before it is made anew.",
    )


def _has_failed(cluster: Cluster) -> RequestInvalid:
    return RequestInvalid(
        f"AWS could not create {cluster.name.identifier} in {cluster.name.region}: it is FAILED.",
        code="cluster_failed",
        hint="Unprotect and delete it, and create one under another name; AWS Support can tell why.",
    )
