"""A recovery point restored into a new cluster, or into a pair, as a pure generator of steps.

AWS Backup makes clusters without tags; name and maker are written onto each as soon as AWS tells which one
it is: of a pair AWS Backup names one, and that one its peer. A pair needs a copy of the recovery point in the
Region of the peer, and is made by one job (AWS Backup developer guide, "Amazon Aurora DSQL restore"). What
has the name is gone on with, and never restored once more.
"""

from collections.abc import Generator, Iterable
from dataclasses import replace

from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation.empty import found
from awslabs_dsql_mcp.clusters.changes.creation.jobs import MOST_JOBS, copied, follow, used_up
from awslabs_dsql_mcp.clusters.changes.creation.settling import (
    GONE,
    LONG_AGO,
    LOOKS,
    Steps,
    error_of,
    seen,
    settle,
    unshown,
    with_twins,
)
from awslabs_dsql_mcp.clusters.changes.creation.steps import (
    Done,
    Failed,
    Find,
    Look,
    Mark,
    Pause,
    Paused,
    Reply,
    Report,
    Reserve,
    Seen,
    Step,
    in_doubt,
)
from awslabs_dsql_mcp.clusters.changes.order import Order
from awslabs_dsql_mcp.clusters.changes.ownership import MANAGED_BY, NAME, RESTORED_FROM, is_own
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import DsqlError, OutcomeUnknown, RequestInvalid

_SOON = 2.0
_PASSING = frozenset({"aws_not_found", "aws_throttled", "aws_conflict"})


def restoration(
    order: Order, wait: float, gone: frozenset[str] = frozenset(), advice: Advice = TO_MODEL
) -> Steps:
    """Restore what is ordered, or go on with it.

    Args:
        order: A cluster or a pair with a recovery point.
        wait: Seconds to wait until it can be used.
        gone: Identifiers of clusters that are known to be deleted.
        advice: Words the next steps.
    """
    reply = yield Find()
    if not isinstance(reply, Seen):
        return Report(error=error_of(reply))
    try:
        have = found(order, reply.clusters)
        _check(order, have.values())
    except RequestInvalid as collision:
        return Report(error=collision)
    if have:
        return (yield from _complete(order, tuple(have.values()), wait, advice))
    if not isinstance(reply := (yield Reserve(order.regions)), Done):
        return Report(error=error_of(reply))
    copy = (yield from copied(order, wait, advice)) if order.is_pair else ""
    if isinstance(copy, Report):
        return copy
    report = yield from _begin(order, wait, gone, advice)
    return replace((yield from with_twins(report)), copied=copy)


def _begin(order: Order, wait: float, gone: frozenset[str], advice: Advice) -> Steps:
    """Begin a restore, past those that failed earlier or whose clusters are gone."""
    for number in range(MOST_JOBS + len(gone)):
        report = yield from _restore(order, wait, number, gone, advice)
        if report is not None:
            return report
    return Report(error=used_up(order, "restore"))


def _restore(
    order: Order, wait: float, number: int, gone: frozenset[str], advice: Advice
) -> Generator[Step, Reply, Report | None]:
    """Begin a restore, or find it again; `None` if it failed earlier, or its cluster is gone."""
    followed = yield from follow(order, "restore", number, wait, advice)
    if followed is None or isinstance(followed, Report):
        return followed
    name = followed.told.made
    assert name is not None  # noqa: S101 - a restore is followed until it names its cluster
    if name.identifier in gone:
        return None
    looked = yield Look((name,))
    if isinstance(looked, Seen) and _is_gone(seen(looked, name), followed.told.age):
        return None
    report = yield from _finish(order, name, wait, advice)
    return replace(report, job=followed.job)


def _finish(order: Order, name: ClusterName, wait: float, advice: Advice) -> Steps:
    """Tag a restored cluster and its peer, and look at them until they can be used, or the time is over."""
    if (error := (yield from _mark(name, wait))) is not None:
        if error.code == "aws_not_found":
            return unshown(order, name, None, advice)
        return Report(error=_unmarked(order, name, error, advice), in_doubt=name.region)
    looked = yield Look((name,))
    cluster = seen(looked, name)
    if cluster is None:
        failure = looked.error if isinstance(looked, Failed) else None
        return replace(unshown(order, name, failure, advice), made=(name,))
    report = yield from _complete(order, (cluster,), wait, advice)
    return replace(report, made=tuple(each.name for each in report.clusters) or (name,))


def _complete(order: Order, clusters: tuple[Cluster, ...], wait: float, advice: Advice) -> Steps:
    """Tag the other half of a restored pair, if it has none, and look at all until they can be used."""
    if len(clusters) < len(order.regions):
        other = yield from _peer(order, clusters[0], wait, advice)
        if isinstance(other, Report):
            return other
        clusters = tuple(sorted((*clusters, other), key=lambda each: order.regions.index(each.name.region)))
    return (yield from settle(clusters, wait))


def _peer(
    order: Order, one: Cluster, wait: float, advice: Advice
) -> Generator[Step, Reply, Cluster | Report]:
    """Look at one half of a restored pair until it names the other, and tag that."""
    elapsed = 0.0
    while not one.peers:
        report = yield from settle((one,), 0.0)
        if report.error is not None or elapsed >= wait:
            return report
        (one,) = report.clusters
        if not one.peers:
            paused = yield Pause(_SOON, f"the peer of {one.name.identifier}", until=wait)
            elapsed = max(paused.elapsed, elapsed) if isinstance(paused, Paused) else wait
    name = one.peers[0]
    other = seen((yield Look((name,))), name)
    if other is not None and not is_own(other) and (NAME in other.tags or MANAGED_BY in other.tags):
        return Report((one,), error=_is_anothers(one, name))
    if (error := (yield from _mark(name, wait))) is not None and error.code != "aws_not_found":
        return Report((one,), error=_unmarked(order, name, error, advice), in_doubt=name.region)
    other = seen((looked := (yield Look((name,)))), name)
    if other is None:
        failure = looked.error if isinstance(looked, Failed) else error
        return replace(unshown(order, name, failure, advice), clusters=(one,))
    return other


def _is_gone(cluster: Cluster | None, age: float) -> bool:
    """True if the cluster of a job that AWS Backup answers with is an earlier one, which was deleted."""
    return cluster.status in GONE if cluster else age >= LONG_AGO


def _mark(name: ClusterName, wait: float) -> Generator[Step, Reply, DsqlError | None]:
    """Tag a restored cluster; what may pass by itself is tried again. Gives what stopped it."""
    error: DsqlError | None = None
    for _ in range(LOOKS):
        marked = yield Mark(name)
        if isinstance(marked, Done):
            return None
        error = error_of(marked)
        if not (in_doubt(error) or error.code in _PASSING):
            break
        paused = yield Pause(_SOON, f"{name.identifier} to be tagged")
        if not isinstance(paused, Paused) or paused.elapsed >= wait:
            break
    return error


def _check(order: Order, clusters: Iterable[Cluster]) -> None:
    """Check that what has the name was restored from the recovery point.

    Raises:
        RequestInvalid: It is another cluster.
    """
    point = order.point.arn if order.point else ""
    for cluster in clusters:
        if cluster.tags.get(RESTORED_FROM) != point:
            raise RequestInvalid(
                f"{order.name} is there already, as {cluster.name.identifier}, and was not restored from "
                "this recovery point: nothing was restored.",
                code="name_taken",
                hint="Restore under another name.",
            )


def _unmarked(order: Order, name: ClusterName, error: DsqlError, advice: Advice) -> DsqlError:
    """Make the error of a restored cluster that does not have its name and its maker's tags."""
    again = f"{advice.create(order)}: it goes on with that cluster."
    return OutcomeUnknown(
        f"{name.identifier} in {name.region} is being restored, and could not be tagged: {error.text}",
        details=("As long as it has no Name and no managed_by, it counts as another's.",),
        hint=f"{error.hint} Then {again}" if error.hint else sentence(again),
        outcome="partial",
    )


def _is_anothers(one: Cluster, name: ClusterName) -> RequestInvalid:
    return RequestInvalid(
        f"The peer of {one.name.identifier}, {name.identifier} in {name.region}, is tagged as another's.",
        code="name_taken",
        hint="Ask who did; both are there, and can be used by their ids.",
    )
