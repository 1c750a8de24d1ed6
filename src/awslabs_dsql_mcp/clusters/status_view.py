"""Clusters as a view draws them: state, peers, backups, and what they used by day."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from awslabs_dsql_mcp.clusters.changes.ownership import restored_from
from awslabs_dsql_mcp.clusters.cost import dollars, in_gb, usage_lines, usage_notes, work_text
from awslabs_dsql_mcp.clusters.model import MEANINGS, MOVING, Cluster
from awslabs_dsql_mcp.clusters.reader import ClusterReport, Part, RegionReport
from awslabs_dsql_mcp.clusters.report import NO_ENCRYPTION, NOT_KNOWN, quota_line
from awslabs_dsql_mcp.clusters.times import age, minute
from awslabs_dsql_mcp.clusters.usage import KINDS, Period, Usage
from awslabs_dsql_mcp.dsql.prices import Price
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.views.status import Cell, Kind, button, dpu_chart, state, status_view, table

_TOOL: Final = "cluster_status"
_HEADS: Final = ("Cluster", "State", "Region", "Deletion protection", "Peers")
_USAGE: Final = ("Stored", "Work", "Transactions", "Conflicts")
_NO_FIGURE: Final = "no figure"
_STATES: Final[dict[str, Kind]] = {"ACTIVE": "good", "FAILED": "bad", **dict.fromkeys(MOVING, "dry")}


def region_view(
    reports: Sequence[RegionReport], notes: Sequence[str], period: Period | None
) -> dict[str, object]:
    """Give what a view draws of the clusters of some Regions.

    Args:
        reports: What was read.
        notes: What is said behind them.
        period: Days of the usage; `None` if none was asked for.
    """
    listed = [(report, cluster) for report in reports for cluster in report.clusters]
    used = {cluster.name: _usage_of(report, cluster) for report, cluster in listed}
    listed.sort(key=lambda each: -used[each[1].name].dpu)
    lines = [
        [*_brief(cluster), *(_used(report, cluster, used[cluster.name]) if period else ())]
        for report, cluster in listed
    ]
    unread: list[list[Cell]] = [
        [name, state(NOT_KNOWN, "bad"), report.region, reason]
        for report in reports
        for name, reason in report.unread.items()
    ]
    about = [f"{report.region}: {quota_line(report)}" for report in reports if report.clusters]
    about += [f"{report.region} has more that were not looked at." for report in reports if report.more]
    parts = [(_title(cluster), used[cluster.name].days.get("TotalDPU", {})) for _, cluster in listed]
    return status_view(
        _TOOL,
        state(pluralize(len(lines) + len(unread), "cluster"), ""),
        [
            table("Clusters", (*_HEADS, *(_USAGE if period else ())), lines),
            table("Clusters that could not be looked at", ("Cluster", "State", "Region", "Reason"), unread),
        ],
        days=period and period.days,
        chart=dpu_chart(parts, cost=_cost(reports[0].price) if len(reports) == 1 else None),
        notes=[*about, *notes],
    )


def cluster_view(
    report: ClusterReport, notes: Sequence[str], period: Period | None, now: datetime
) -> dict[str, object]:
    """Give what a view draws of a cluster.

    Args:
        report: What was read.
        notes: What is said behind it.
        period: Days of the usage; `None` if none was asked for.
        now: The time, from which ages count.
    """
    cluster = report.cluster
    lines = [
        ("Deletion protection", _protection(cluster)),
        *_multi_region(cluster, report.peers),
        *_backups(report, now),
        ("Stored", _stored(report)),
        ("Endpoint", cluster.endpoint),
        ("ARN", cluster.arn),
        ("Encryption", cluster.encryption or NO_ENCRYPTION),
        ("Created", minute(cluster.created)),
        *((f"Tag {key}", value) for key, value in sorted(cluster.tags.items())),
    ]
    if meaning := MEANINGS.get(cluster.status):
        lines.insert(0, ("What the state means", meaning))
    if point := restored_from(cluster):
        lines.append(("Restored from", point))
    usage = report.usage.value or Usage()
    told = usage_lines(usage, report.price, period, cluster.created) if period and usage.days else []
    if period and report.usage.value:
        told += usage_notes([usage], "", report.price, cluster.name.region)
    parts = [(kind.removesuffix("DPU"), usage.days[kind]) for kind in KINDS if kind in usage.days]
    return status_view(
        _TOOL,
        _state(cluster.status),
        [table("Cluster", (), lines)],
        title=f"{_title(cluster)} in {cluster.name.region}",
        days=period and period.days,
        chart=dpu_chart(parts or [("Total", {})], usage.days.get("TotalDPU", {}), _cost(report.price)),
        notes=list(dict.fromkeys([*told, *notes])),
    )


def _cost(price: Price | None) -> Callable[[float], str] | None:
    return None if price is None else lambda dpu: dollars(price.of(dpu))


def _title(cluster: Cluster) -> str:
    return cluster.title or cluster.name.identifier


def _state(status: str) -> dict[str, object]:
    return state(status, _STATES.get(status, ""))


def _protection(cluster: Cluster) -> dict[str, object]:
    return state("on", "good") if cluster.is_protected else state("off", "bad")


def _brief(cluster: Cluster) -> list[Cell]:
    peers = [f"{peer.identifier} in {peer.region}" for peer in cluster.peers] or ["none yet"]
    others = [*peers, f"witness {cluster.witness or 'none'}"] if cluster.is_multi_region else "none"
    return [
        button(_title(cluster), cluster_id=cluster.arn, region=""),
        _state(cluster.status),
        cluster.name.region,
        _protection(cluster),
        others,
    ]


def _usage_of(report: RegionReport, cluster: Cluster) -> Usage:
    usages: Mapping[str, Usage] = (report.usages and report.usages.value) or {}
    return usages.get(cluster.name.identifier, Usage())


def _used(report: RegionReport, cluster: Cluster, usage: Usage) -> list[Cell]:
    size = (report.sizes or {}).get(cluster.name.identifier)
    stored = usage.storage_gb if size is None else size / 1e9
    counts = (
        f"{usage.total(metric):,.0f}" if metric in usage.days else _NO_FIGURE
        for metric in ("TotalTransactions", "OccConflicts")
    )
    return [NOT_KNOWN if stored is None else in_gb(stored), work_text(usage, report.price), *counts]


def _stored(report: ClusterReport) -> str:
    where = "" if report.size is None else " on this machine"
    return NOT_KNOWN if report.storage_gb is None else in_gb(report.storage_gb) + where


def _multi_region(cluster: Cluster, peers: Sequence[Part[Cluster]]) -> Iterable[tuple[str, Cell]]:
    if not cluster.is_multi_region:
        return
    for name, peer in zip(cluster.peers, peers, strict=True):
        known = NOT_KNOWN if peer.value is None else _state(peer.value.status)
        yield "Peer", [f"{name.identifier} in {name.region}", known]
    if not cluster.peers:
        yield "Peer", "none yet; both clusters have to name each other"
    yield "Witness", cluster.witness or "none"


def _backups(report: ClusterReport, now: datetime) -> Iterable[tuple[str, Cell]]:
    backups = report.backups.value
    if backups is None:
        yield "Last recovery point", NOT_KNOWN
        return
    if backups.last is None:
        yield "Last recovery point", state("none", "bad")
    else:
        yield "Last recovery point", f"{minute(backups.last)}, {age(now - backups.last)} ago"
    for job in backups.jobs:
        if job.is_running:
            yield "Under way", str(job)
    if backups.failed is not None:
        yield "Last backup job", [state("failed", "bad"), str(backups.failed)]
