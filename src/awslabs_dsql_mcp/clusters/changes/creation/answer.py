"""A creation worded: how far it is, and what there is where it stopped."""

from typing import Final

from awslabs_dsql_mcp.clusters.changes.advice import Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation.steps import Report
from awslabs_dsql_mcp.clusters.changes.order import Order
from awslabs_dsql_mcp.clusters.changes.proposal import quoted
from awslabs_dsql_mcp.clusters.model import MEANINGS, MOVING, Cluster
from awslabs_dsql_mcp.clusters.report import facts
from awslabs_dsql_mcp.clusters.times import minute
from awslabs_dsql_mcp.errors import DsqlError, OutcomeUnknown
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.text import pluralize

_SAY_NOTHING_MADE: Final = frozenset(("name_taken", "too_many_clusters", "state_changed"))
"""Errors that say themselves that nothing was made."""
_FINAL_ERRORS: Final = frozenset(("cluster_failed", "aws_conflict", "no_such_cluster", "name_taken"))
"""Errors after which the same order is refused: another name, or another pair, is what helps."""

_UNBILLED: Final = "no storage and no DPUs are billed for it yet, as far as AWS tells"
_BILLED: Final = "its storage and DPUs are billed"


def brief(cluster: Cluster) -> str:
    """Tell which cluster it is, and its state."""
    meaning = f" ({MEANINGS[cluster.status]})" if cluster.status in MEANINGS else ""
    return f"{cluster.name.identifier} in {cluster.name.region}, {cluster.status}{meaning}"


def _half(cluster: Cluster) -> str:
    if cluster.status == "FAILED":
        return f"There is {brief(cluster)}."
    billed = _UNBILLED if cluster.status == "PENDING_SETUP" else _BILLED
    return f"There is {brief(cluster)}: {billed}."


def stopped(report: Report, order: Order, error: DsqlError, advice: Advice) -> DsqlError:
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
    if not halves and not unread and error.code not in _SAY_NOTHING_MADE:
        halves = [f"The {report.job_kind} is job {report.job}." if report.job else "This call made nothing."]
    again = sentence(advice.create(order))
    goes_on = order.is_pair and report.clusters and error.code not in _FINAL_ERRORS
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


def answer(report: Report, order: Order, account: str, advice: Advice) -> ToolOutput:
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
        is_empty = bool(report.made) and order.point is None
        lines.append(f"Next: {use}{'; it has one role, admin' if is_empty else ''}.")
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
    state = report.job_state
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
        f"There is another one named {order.name}: {brief(twin)}, created {minute(twin.created)}; both are "
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
