"""Jobs of AWS Backup that copy or restore a recovery point: begun, or found again, and followed. Generators.

AWS Backup answers a token that it knows with the job that it has, and does nothing (AWS Backup API
reference, StartCopyJob and StartRestoreJob, IdempotencyToken). So the same call follows the job of the one
before; only a job that failed before the call began, and left nothing, is followed by another one.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final

from awslabs_dsql_mcp.clusters.changes.advice import Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation.settling import GONE, LONG_AGO, error_of, seen
from awslabs_dsql_mcp.clusters.changes.creation.steps import (
    Copy,
    Failed,
    FindCopy,
    Job,
    JobKind,
    Look,
    LookAtJob,
    Pause,
    Paused,
    Reply,
    Report,
    Seen,
    Started,
    StartJob,
    Step,
)
from awslabs_dsql_mcp.clusters.changes.order import Order
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import DsqlError, OutcomeUnknown, RequestInvalid

MOST_JOBS: Final = 24
"""Earlier jobs of an order that are passed by in one call."""

_BETWEEN_LOOKS: Final = 5.0
_ENDED_BADLY: Final = frozenset({"ABORTED", "FAILED", "PARTIAL"})


@dataclass(frozen=True)
class Followed:
    """A job that has made what it is to make, or tells what that is."""

    job: str
    told: Job


def follow(
    order: Order, kind: JobKind, number: int, wait: float, advice: Advice
) -> Generator[Step, Reply, Followed | Report | None]:
    """Begin a job, or find it again, and look at it until it has made something.

    Args:
        order: What is restored.
        kind: What the job does.
        number: Number of its token.
        wait: Seconds until which to look.
        advice: Words the next steps.

    Returns:
        The job; how far it is, if it has not come so far; `None` if it failed before the call began.
    """
    started = yield StartJob(kind, number)
    if not isinstance(started, Started):
        error = error_of(started)
        if isinstance(started, Failed) and not started.is_in_doubt:
            return Report(error=error)
        region = order.regions[0] if kind == "restore" else ""
        return Report(error=_lost(order, kind, error, advice), in_doubt=region)
    job = started.job
    told = yield from _watch(kind, job, wait)
    if isinstance(told, Report):
        return told
    if told.state not in _ENDED_BADLY:
        return Followed(job, told)
    if told.made is not None and (yield from _is_left(told.made)):
        error = _has_left(job, told, told.made)
    elif told.is_earlier:
        return None
    else:
        error = _has_failed(order, kind, job, told, advice)
    return Report(error=error, job=job, job_kind=kind, has_ended=True)


def _watch(kind: JobKind, job: str, wait: float) -> Generator[Step, Reply, Job | Report]:
    """Look at a job until it ends, or what it makes is known; the first look alone tells an earlier end."""
    elapsed = 0.0
    told = yield LookAtJob(kind, job)
    while isinstance(told, Job) and not _has_ended(kind, told):
        if elapsed >= wait:
            return Report(job=job, job_kind=kind, job_state=told.state)
        paused = yield Pause(_BETWEEN_LOOKS, f"{kind} {job} {told.state}", until=wait)
        elapsed = max(paused.elapsed, elapsed) if isinstance(paused, Paused) else wait
        told = yield LookAtJob(kind, job)
        told = replace(told, is_earlier=False) if isinstance(told, Job) else told
    return told if isinstance(told, Job) else Report(error=error_of(told), job=job, job_kind=kind)


def _has_ended(kind: JobKind, told: Job) -> bool:
    """True if a job needs not be looked at any more: it has failed, or what it makes is known."""
    is_done = told.made is not None if kind == "restore" else told.state == "COMPLETED"
    return is_done or told.state in _ENDED_BADLY


def copied(order: Order, wait: float, advice: Advice) -> Generator[Step, Reply, str | Report]:
    """See that the Region of the peer has a copy of the recovery point; gives the job, if one made it.

    Args:
        order: The pair that is restored.
        wait: Seconds until which to look.
        advice: Words the next steps.
    """
    elapsed = 0.0
    while True:
        copy = yield FindCopy()
        if not isinstance(copy, Copy):
            return Report(error=error_of(copy))
        if copy.is_usable:
            return ""
        if not copy.state:
            break
        if elapsed >= wait:
            return Report(job_kind="copy", job_state=copy.state)
        paused = yield Pause(_BETWEEN_LOOKS, f"the copy in {order.peer_region}", until=wait)
        elapsed = max(paused.elapsed, elapsed) if isinstance(paused, Paused) else wait
    for number in range(MOST_JOBS):
        outcome = yield from follow(order, "copy", number, wait, advice)
        if isinstance(outcome, Report):
            return outcome
        # A copy that was made long ago, and is not there, was deleted.
        if outcome is not None and outcome.told.age < LONG_AGO:
            return outcome.job
    return Report(error=used_up(order, "copy"))


def used_up(order: Order, kind: JobKind) -> RequestInvalid:
    """Make the error of an order whose tokens AWS Backup knows, all that are tried."""
    what = "restores" if kind == "restore" else "copies"
    return RequestInvalid(
        f"AWS Backup answers with {MOST_JOBS} earlier {what} for {order.name}, which failed or are gone.",
        code="name_taken",
        hint="Choose another name.",
    )


def _is_left(name: ClusterName) -> Generator[Step, Reply, bool]:
    """Look whether a restore that failed has left its cluster; where that cannot be told, it may have."""
    looked = yield Look((name,))
    if not isinstance(looked, Seen):
        return True
    cluster = seen(looked, name)
    return cluster is not None and cluster.status not in GONE


def _about(order: Order, kind: JobKind) -> str:
    return f"the restore of {order.name}" if kind == "restore" else f"the copy to {order.peer_region}"


def _lost(order: Order, kind: JobKind, error: DsqlError, advice: Advice) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"AWS Backup's answer to {_about(order, kind)} is lost ({error.code}): it may be under way.",
        hint=f"{sentence(advice.create(order))} in a minute: AWS Backup starts none twice.",
        outcome="unknown",
    )


def _why(told: Job) -> str:
    return told.message.rstrip(".") or "no reason told"


def _has_failed(order: Order, kind: JobKind, job: str, told: Job, advice: Advice) -> RequestInvalid:
    return RequestInvalid(
        f"{sentence(_about(order, kind))}, job {job}, is {told.state}: {_why(told)}.",
        code=f"{kind}_failed",
        hint=f"Mend what AWS Backup says, and {advice.create(order)}: it begins a new {kind}.",
    )


def _has_left(job: str, told: Job, name: ClusterName) -> RequestInvalid:
    return RequestInvalid(
        f"Restore {job} is {told.state}: {_why(told)}. It has left cluster {name.identifier} in "
        f"{name.region}, which counts as another's.",
        code="restore_failed",
        hint="Let a person look at that cluster; as long as it is there, nothing is restored anew.",
    )
