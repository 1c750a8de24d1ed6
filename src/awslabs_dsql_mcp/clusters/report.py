"""Reports on clusters in words, and as values for programs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from awslabs_dsql_mcp.clusters.cost import in_gb, usage_in_brief, usage_lines, usage_notes
from awslabs_dsql_mcp.clusters.model import MEANINGS, MOVING, Cluster
from awslabs_dsql_mcp.clusters.reader import ClusterReport, Part, RegionReport
from awslabs_dsql_mcp.clusters.times import minute
from awslabs_dsql_mcp.clusters.usage import Period, Usage
from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.prices import Price
from awslabs_dsql_mcp.text import one_line, pluralize

NOT_KNOWN: Final = "not known"
"""Words of a line whose part is missing."""

_MOST_TAGS: Final = 20
_MOST_OF_TAG: Final = 80  # characters
_QUOTAS: Final = (  # name in Service Quotas (AWS General Reference, "Aurora DSQL endpoints and quotas")
    ("Single-Region clusters", limits.MAX_SINGLE_REGION_CLUSTERS, False),
    ("Multi-Region clusters", limits.MAX_MULTI_REGION_CLUSTERS, True),
)


def region_lines(report: RegionReport, period: Period | None) -> tuple[list[str], list[str]]:
    """Describe the clusters of a Region.

    Args:
        report: What was read.
        period: Days of the usage; `None` if none was asked for.

    Returns:
        A head with a line for each cluster, and what is to be said behind those of all Regions.
    """
    accounts = sorted({cluster.account for cluster in report.clusters} - {""})
    of = f" of account {accounts[0]}" if accounts else ""
    number = pluralize(len(report.clusters) + len(report.unread), "cluster")
    head = f"{report.region}: {number}{of}{', and more that were not looked at' if report.more else ''}."
    usages = (report.usages and report.usages.value) or {}
    lines = [
        f"{_brief(cluster)}{_brief_usage(usages, cluster, report.price, period)}"
        for cluster in _costliest_first(report.clusters, usages)
    ]
    lines += [f"{identifier}: {reason}" for identifier, reason in report.unread.items()]
    if report.clusters:
        lines.append(_quota_line(report))
    return [head, *lines], _notes(report) if report.usages and report.clusters else []


def _costliest_first(clusters: Sequence[Cluster], usages: Mapping[str, Usage]) -> list[Cluster]:
    none = Usage()
    return sorted(clusters, key=lambda each: -usages.get(each.name.identifier, none).dpu)


def _brief(cluster: Cluster) -> str:
    title = f" {_quoted(cluster.title)}" if cluster.title else ""
    protection = "protected" if cluster.is_protected else "not protected from deletion"
    others = "".join(f", peer {peer.identifier} in {peer.region}" for peer in cluster.peers)
    witness = f", witness {cluster.witness}" if cluster.witness else ""
    head = f"{cluster.name.identifier}{title} {cluster.status}, {protection}"
    return f"{head}{others}{witness}, {cluster.endpoint}"


def _brief_usage(
    usages: Mapping[str, Usage], cluster: Cluster, price: Price | None, period: Period | None
) -> str:
    usage = usages.get(cluster.name.identifier)
    return f"; {usage_in_brief(usage, price, period)}" if usage and period else ""


def _notes(report: RegionReport) -> list[str]:
    usages = report.usages or Part()
    read = None if usages.value is None else usages.value.values()
    return usage_notes(read, usages.missing, report.price, report.region)


def _quota_line(report: RegionReport) -> str:
    told = report.quotas.value or {}
    used: list[str] = []
    for name, usual, is_pair in _QUOTAS:
        number = sum(cluster.is_multi_region is is_pair for cluster in report.clusters)
        used.append(f"{number} of {told.get(name, usual):,.0f} {name[0].lower()}{name[1:]}")
    unsure = f", by default. {report.quotas.missing}" if report.quotas.missing else "."
    return f"Quotas: {', '.join(used)}{unsure}"


def cluster_lines(report: ClusterReport, period: Period | None, now: datetime) -> list[str]:
    """Describe a cluster.

    Args:
        report: What was read.
        period: Days of the usage; `None` if none was asked for.
        now: The time, from which ages count.
    """
    cluster = report.cluster
    lines = [
        _state_line(cluster),
        f"ARN: {cluster.arn}. Endpoint: {cluster.endpoint}.",
        f"Encryption: {cluster.encryption}. Created {minute(cluster.created)}.",
    ]
    lines += _multi_region(cluster, report.peers)
    if (backups := report.backups.value) is not None:
        lines += backups.lines(now)
    else:
        lines.append(f"Backup: not known. {report.backups.missing}")
    lines.append(_storage(report.usage))
    if period:
        usage = report.usage.value
        lines += usage_lines(usage, report.price, period, cluster.created) if usage and usage.days else []
        lines += usage_notes(usage and [usage], report.usage.missing, report.price, cluster.name.region)
    if cluster.tags:
        shown = [f"{_quoted(key)}: {_quoted(value)}" for key, value in sorted(cluster.tags.items())]
        more = f", and {len(shown) - _MOST_TAGS} more" if len(shown) > _MOST_TAGS else ""
        lines.append(f"Tags: {', '.join(shown[:_MOST_TAGS])}{more}.")
    return lines


def _state_line(cluster: Cluster) -> str:
    """Name a cluster with its state, and what that means."""
    title = f" {_quoted(cluster.title)}" if cluster.title else ""
    protection = "on" if cluster.is_protected else "off"
    meaning = f" ({MEANINGS[cluster.status]})" if cluster.status in MEANINGS else ""
    return (
        f"Cluster {cluster.name.identifier}{title} in {cluster.name.region}: {cluster.status}{meaning}; "
        f"deletion protection {protection}."
    )


def _multi_region(cluster: Cluster, peers: Sequence[Part[Cluster]]) -> list[str]:
    if not cluster.is_multi_region:
        return []
    told: list[str] = []
    for name, peer in zip(cluster.peers, peers, strict=True):
        state = f"not known. {peer.missing}" if peer.value is None else peer.value.status
        told.append(f"Peer: {name.identifier} in {name.region}, {state}".rstrip(".") + ".")
    told = told or ["Peer: none yet; both clusters have to name each other."]
    return [*told, f"Witness: {cluster.witness or 'none'}."]


def _storage(usage: Part[Usage]) -> str:
    if usage.value is None:
        return f"Storage: not known. {usage.missing}"
    size = usage.value.storage_gb
    if size is None:
        return "Storage: not known. CloudWatch has no size of the last days."
    return f"Storage: {in_gb(size)} of {limits.MAX_CLUSTER_BYTES >> 40} TiB, unless the quota was raised."


def facts(cluster: Cluster) -> dict[str, object]:
    """Give a cluster's values for programs."""
    return {
        "identifier": cluster.name.identifier,
        "region": cluster.name.region,
        "arn": cluster.arn,
        "status": cluster.status,
        "settled": cluster.status not in MOVING,
        "deletion_protection": cluster.is_protected,
        "endpoint": cluster.endpoint,
        "witness": cluster.witness or None,
        "peers": [{"identifier": peer.identifier, "region": peer.region} for peer in cluster.peers],
        "created": cluster.created.isoformat(),
        "tags": dict(cluster.tags),
    }


def _quoted(text: str) -> str:
    """Quote what somebody has written, as JSON does."""
    return json.dumps(one_line(text, _MOST_OF_TAG), ensure_ascii=False)
