"""A recovery point restored into a new cluster, as a pure generator of steps.

AWS Backup makes a cluster without tags; its name and maker are written onto it as soon as AWS Backup tells
which one it is. Until then the same job is found again by its token: AWS Backup answers a token that it knows
with the job that it has (AWS Backup API reference, StartRestoreJob, IdempotencyToken).
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace

from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation import GONE, LONG_AGO, LOOKS, Steps, found, seen, settle
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
    in_doubt,
)
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, OutcomeUnknown, RequestInvalid

_NONCES = 8
_BETWEEN_LOOKS, _BETWEEN_MARKS = 5.0, 2.0
_PASSING = frozenset({"aws_not_found", "aws_throttled", "aws_conflict"})
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
        return (yield from settle(tuple(have.values()), wait))
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
    looked = yield Look((outcome.name,))
    if isinstance(looked, Seen) and _is_gone(seen(looked, outcome.name), outcome.age):
        return None
    report = yield from _finish(order, outcome.name, wait, advice)
    return replace(report, job=reply.job)


def _finish(order: Order, name: ClusterName, wait: float, advice: Advice) -> Steps:
    """Tag a restored cluster, and look at it until it can be used, or the time is over."""
    if (error := (yield from _mark(name, wait))) is not None:
        if error.code == "aws_not_found":
            return _unseen(order, name, None, advice)
        return Report(error=_unmarked(order, name, error, advice), in_doubt=name.region)
    looked = yield Look((name,))
    cluster = seen(looked, name)
    if cluster is None:
        failure = looked.error if isinstance(looked, Failed) else None
        return replace(_unseen(order, name, failure, advice), made=(name,))
    return replace((yield from settle((cluster,), wait)), made=(name,))


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
        error = _error(marked)
        if not (in_doubt(error) or error.code in _PASSING):
            break
        paused = yield Pause(_BETWEEN_MARKS, f"{name.identifier} to be tagged")
        if not isinstance(paused, Paused) or paused.elapsed >= wait:
            break
    return error


@dataclass(frozen=True)
class _Restored:
    """The cluster of a job, with the age of that."""

    name: ClusterName
    age: float


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
            return _Restored(reply.made, reply.age)
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
    """Make the error of a restored cluster that does not have its name and its maker's tags."""
    again = f"{advice.create(order)}: it goes on with that cluster."
    return OutcomeUnknown(
        f"{name.identifier} in {name.region} is being restored, and could not be tagged: {error.text}",
        details=("As long as it has no Name and no managed_by, it counts as another's.",),
        hint=f"{error.hint} Then {again}" if error.hint else sentence(again),
        outcome="partial",
    )


def _unseen(order: Order, name: ClusterName, error: DsqlError | None, advice: Advice) -> Report:
    """Report a restored cluster that its Region does not show."""
    why = f" ({error.code})" if error else ""
    told = OutcomeUnknown(
        f"AWS Backup has restored {name.identifier} in {name.region}, and the Region does not show that "
        f"cluster{why}.",
        hint=f"{sentence(advice.create(order))} in a minute. If it was deleted just now, wait six minutes, "
        "or take another name.",
        outcome="unknown",
    )
    return Report(error=told, in_doubt=name.region)


def _has_failed(job: str, told: Restoring) -> RequestInvalid:
    why = told.message.rstrip(".") or "no reason told"
    return RequestInvalid(
        f"Restore {job} is {told.state}: {why}.",
        code="restore_failed",
        hint="Mend what AWS Backup says, and restore under another name.",
    )
