"""A recovery point restored into a new cluster, as a pure generator of steps.

AWS Backup makes a cluster without tags; its name and maker are written onto it as soon as AWS Backup tells
which one it is. Until then the same job is found again by its token: AWS Backup answers a token that it knows
with the job that it has (AWS Backup API reference, StartRestoreJob, IdempotencyToken).
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace

from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation import LONG_AGO, Steps, found, settle
from awslabs_dsql_mcp.clusters.changes.order import Order
from awslabs_dsql_mcp.clusters.changes.ownership import RESTORED_FROM
from awslabs_dsql_mcp.clusters.changes.steps import (
    Done,
    Failed,
    Find,
    Look,
    LookAtRestore,
    Mark,
    Pause,
    Paused,
    Reply,
    Report,
    Reserve,
    Restoring,
    Seen,
    Started,
    StartRestore,
    Step,
)
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, OutcomeUnknown, RequestInvalid

_NONCES = 8
_BETWEEN_LOOKS = 5.0
_ENDED_BADLY = frozenset({"ABORTED", "FAILED"})


def restoration(order: Order, wait: float, nonce: int = 0, advice: Advice = TO_MODEL) -> Steps:
    """Restore what is ordered, or go on with it.

    Args:
        order: A cluster with a recovery point.
        wait: Seconds to wait until it can be used.
        nonce: Where the numbers of tokens begin.
        advice: Words the next steps.
    """
    reply = yield Find()
    if not isinstance(reply, Seen):
        return Report(error=_error(reply))
    try:
        have = found(order, reply.clusters)
        _check(order, have.values())
    except RequestInvalid as collision:
        return Report(error=collision)
    if have:
        return (yield from settle(tuple(have.values()), (), wait))
    if not isinstance(reply := (yield Reserve(order.regions)), Done):
        return Report(error=_error(reply))
    for number in range(nonce, nonce + _NONCES):
        report = yield from _restore(order, wait, number, advice)
        if report is not None:
            return report
    return Report(
        error=RequestInvalid(
            f"AWS Backup answers with earlier restores named {order.name}, whose clusters are gone.",
            code="name_taken",
            hint="Choose another name.",
        )
    )


def _restore(order: Order, wait: float, number: int, advice: Advice) -> Generator[Step, Reply, Report | None]:
    """Begin a restore, or find it again; `None` if its cluster is gone."""
    reply = yield StartRestore(number)
    if not isinstance(reply, Started):
        error = _error(reply)
        if isinstance(reply, Failed) and not reply.is_in_doubt:
            return Report(error=error)
        return Report(error=_lost(order, error, advice), in_doubt=order.regions[0])
    outcome = yield from _follow(reply.job, wait)
    if isinstance(outcome, Report):
        return outcome
    seen = yield Look((outcome.name,))
    if isinstance(seen, Seen) and not seen.clusters and outcome.age >= LONG_AGO:
        return None
    marked = yield Mark(outcome.name)
    if not isinstance(marked, Done):
        error = _unmarked(order, outcome.name, _error(marked), advice)
        return Report(error=error, in_doubt=outcome.name.region, job=reply.job)
    report = yield from _settle(outcome.name, wait - outcome.elapsed)
    return replace(report, job=reply.job)


def _settle(name: ClusterName, wait: float) -> Steps:
    """Look at a restored cluster until it can be used, or the time is over."""
    seen = yield Look((name,))
    if not (isinstance(seen, Seen) and seen.clusters):
        return Report(error=_error(seen), in_doubt=name.region)
    return (yield from settle(seen.clusters, (name,), wait))


@dataclass(frozen=True)
class _Restored:
    """The cluster of a job, with the age of that, and the seconds that were waited."""

    name: ClusterName
    age: float
    elapsed: float


def _follow(job: str, wait: float) -> Generator[Step, Reply, _Restored | Report]:
    """Look at a job until it names the cluster that it makes."""
    elapsed = 0.0
    while True:
        reply = yield LookAtRestore(job)
        if not isinstance(reply, Restoring):
            return Report(error=_error(reply), job=job)
        if reply.state in _ENDED_BADLY:
            return Report(error=_has_failed(job, reply), job=job, has_ended=True)
        if reply.made is not None:
            return _Restored(reply.made, reply.age, elapsed)
        if elapsed >= wait:
            return Report(job=job, values={"restore_state": reply.state})
        paused = yield Pause(min(_BETWEEN_LOOKS, wait - elapsed), f"restore {job} {reply.state}")
        elapsed = max(paused.elapsed, elapsed) if isinstance(paused, Paused) else wait


def _error(reply: Reply) -> DsqlError:
    if isinstance(reply, Failed):
        return reply.error
    return ConnectionFailed("What answered is not AWS's API.", code="aws_unreachable")


def _lost(order: Order, error: DsqlError, advice: Advice) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"AWS Backup's answer to the restore of {order.name} is lost ({error.code}): it may be under way.",
        hint=f"{sentence(advice.create(order))} in a minute: AWS Backup starts none twice.",
        outcome="unknown",
    )


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
    return OutcomeUnknown(
        f"{name.identifier} in {name.region} is being restored and could not be tagged as made by "
        f"{advice.maker}: {error.text}",
        hint=f"{sentence(advice.create(order))}: it goes on with that cluster.",
        outcome="partial",
    )


def _has_failed(job: str, told: Restoring) -> RequestInvalid:
    why = f": {told.message}" if told.message else "."
    return RequestInvalid(
        f"Restore {job} is {told.state}{why}",
        code="restore_failed",
        hint="Mend what AWS Backup says, and restore under another name.",
    )
