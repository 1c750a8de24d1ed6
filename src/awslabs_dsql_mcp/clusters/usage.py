"""Usage of clusters by CloudWatch: what to ask, and what the answers say.

Sources: Aurora DSQL user guide, "Monitoring Aurora DSQL with Amazon CloudWatch" and "Understanding Aurora
DSQL billing and usage". These name different dimensions for the metrics of DPUs: both are asked for in one
call, and the one that has data is taken; they are never added.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Final

NAMESPACE: Final = "AWS/AuroraDSQL"
MAX_QUERIES: Final = 500
"""Queries of one call of GetMetricData (CloudWatch API reference)."""

KINDS: Final = ("ComputeDPU", "ReadDPU", "WriteDPU", "MultiRegionWriteDPU")
_DAY: Final = 86_400
_MINUTE: Final = 60
_DIMENSIONS: Final = ("ClusterId", "ResourceId")
_STATISTICS: Final[Mapping[str, str]] = {
    "TotalDPU": "Sum",
    **dict.fromkeys(KINDS, "Sum"),
    "ClusterStorageSize": "Maximum",
    "TotalTransactions": "Sum",
    "ReadOnlyTransactions": "Sum",
    "OccConflicts": "Sum",
    "QueryTimeouts": "Sum",
    "CommitLatency": "p50",
}
IN_BRIEF: Final = ("TotalDPU", "ClusterStorageSize", "TotalTransactions", "OccConflicts")
"""Metrics of each cluster of a list."""


@dataclass(frozen=True)
class Period:
    """Whole days, in UTC, up to now.

    Attributes:
        days: Their number, today among them.
        now: The end.
    """

    days: int
    now: datetime

    @property
    def start(self) -> datetime:
        """Midnight of the first day."""
        first = self.now.astimezone(timezone.utc).date() - timedelta(days=self.days - 1)
        return datetime.combine(first, time.min, timezone.utc)

    def elapsed(self, created: datetime) -> float:
        """Count the days that have gone by since a cluster was created, the part of today among them."""
        return (self.now - max(self.start, created)).total_seconds() / _DAY


def queries(
    clusters: Sequence[str], metrics: Iterable[str] = tuple(_STATISTICS), seconds: int = _DAY
) -> list[dict[str, Any]]:
    """Word the queries of GetMetricData: each metric of each cluster by both dimensions.

    Args:
        clusters: Identifiers.
        metrics: Names of metrics.
        seconds: Seconds of which each value is.
    """
    return [
        {
            "Id": f"q{number}_{metric.lower()}_{dimension.lower()}",
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [{"Name": dimension, "Value": cluster}],
                },
                "Period": seconds,
                "Stat": _STATISTICS[metric],
            },
        }
        for number, cluster in enumerate(clusters)
        for metric in metrics
        for dimension in _DIMENSIONS
    ]


OF_MINUTES: Final = (
    "TotalTransactions",
    "ReadOnlyTransactions",
    "OccConflicts",
    "QueryTimeouts",
    "CommitLatency",
)
"""Metrics that tell how a cluster does now."""

CONNECTIONS: Final = "ClusterConnectionCount"
CONNECTION_QUOTA: Final = "Connections per cluster"
"""Its name in Service Quotas (AWS General Reference, "Aurora DSQL endpoints and quotas")."""


def queries_of_minutes(cluster: str) -> list[dict[str, Any]]:
    """Word the queries for the values of each minute; read by `fold_minutes`.

    The guide lists four dimensions of the connections, other metrics of AWS/Usage have ``Class`` besides
    (CloudWatch user guide, "AWS usage metrics"): both are asked for.
    """
    dimensions = {
        "Type": "Resource",
        "Resource": CONNECTIONS,
        "ResourceId": f"cluster/{cluster}",
        "Service": "AuroraDSQL",
    }
    connections = [
        {
            "Id": f"q0_{CONNECTIONS.lower()}_{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Usage",
                    "MetricName": "ResourceCount",
                    "Dimensions": [{"Name": name, "Value": value} for name, value in each.items()],
                },
                "Period": _MINUTE,
                "Stat": "Maximum",
            },
        }
        for number, each in enumerate((dimensions, {**dimensions, "Class": "None"}))
    ]
    return [*queries([cluster], OF_MINUTES, _MINUTE), *connections]


@dataclass(frozen=True)
class Minutes:
    """Values of metrics by minute.

    Attributes:
        values: Of each metric that has any.
        is_partial: CloudWatch did not give all.
    """

    values: Mapping[str, Mapping[datetime, float]]
    is_partial: bool = False

    def total(self, metric: str) -> float:
        """Add up a metric's minutes."""
        return sum(self.values.get(metric, {}).values())

    def peak(self, metric: str) -> tuple[float, datetime] | None:
        """Give a metric's largest value and its minute; `None` without one."""
        values = self.values.get(metric)
        return max((value, moment) for moment, value in values.items()) if values else None


def fold_minutes(results: Iterable[Mapping[str, Any]]) -> Minutes:
    """Read the results of GetMetricData for `queries_of_minutes`."""
    names = {metric.lower(): metric for metric in (*OF_MINUTES, CONNECTIONS)}
    found: dict[tuple[str, str], dict[datetime, float]] = defaultdict(dict)
    states: dict[str, str] = {}
    for result in results:
        _, metric, dimension = str(result["Id"]).split("_")
        states[str(result["Id"])] = str(result.get("StatusCode", "Complete"))
        told = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True)
        found[names[metric], dimension].update(told)
    values: dict[str, Mapping[datetime, float]] = {}
    for (metric, _), each in found.items():
        if each:
            values.setdefault(metric, each)  # one of the two dimensions has data
    return Minutes(values, any(state != "Complete" for state in states.values()))


@dataclass
class Usage:
    """Usage of a cluster.

    Attributes:
        days: Of each metric its value by day.
        is_partial: CloudWatch did not give all.
    """

    days: dict[str, dict[date, float]] = field(default_factory=dict[str, dict[date, float]])
    is_partial: bool = False

    def total(self, metric: str) -> float:
        """Add up a metric's days."""
        return sum(self.days.get(metric, {}).values())

    def latest(self, metric: str) -> float | None:
        """Give a metric's value of its last day; `None` without one."""
        values = self.days.get(metric)
        return values[max(values)] if values else None

    @property
    def has_dpu(self) -> bool:
        """True if there are figures of DPUs."""
        return any(metric in self.days for metric in ("TotalDPU", *KINDS))

    @property
    def dpu(self) -> float:
        """All DPUs; the sum of the kinds, where their total is missing."""
        return self.total("TotalDPU") or sum(map(self.total, KINDS))

    @property
    def storage_gb(self) -> float | None:
        """Size of the last day, in GB."""
        size = self.latest("ClusterStorageSize")
        return None if size is None else size / 1e9

    @property
    def conflict_share(self) -> float:
        """Conflicts at COMMIT beside transactions that could have any, those that write."""
        writing = self.total("TotalTransactions") - self.total("ReadOnlyTransactions")
        return self.total("OccConflicts") / writing if writing > 0 else 0.0


def fold(clusters: Sequence[str], results: Iterable[Mapping[str, Any]]) -> Mapping[str, Usage]:
    """Read the results of GetMetricData for the queries of `queries`.

    Args:
        clusters: The identifiers, in the same order.
        results: ``MetricDataResults`` of all pages.

    Returns:
        The usage of each cluster.
    """
    usages = {cluster: Usage() for cluster in clusters}
    names = {metric.lower(): metric for metric in _STATISTICS}
    found: dict[tuple[str, str], dict[str, dict[date, float]]] = defaultdict(dict)
    states: dict[str, str] = {}
    for result in results:
        number, metric, dimension = str(result["Id"]).removeprefix("q").split("_")
        key = (clusters[int(number)], names[metric])
        states[str(result["Id"])] = str(result.get("StatusCode", "Complete"))
        values = found[key].setdefault(dimension, {})
        for moment, value in zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True):
            values[moment.astimezone(timezone.utc).date()] = value
    for (cluster, metric), by_dimension in found.items():
        values = next((by_dimension[d.lower()] for d in _DIMENSIONS if by_dimension.get(d.lower())), None)
        if values:
            usages[cluster].days[metric] = values
    for identifier, state in states.items():  # of the last page: PartialData of an earlier one went on
        if state != "Complete":
            usages[clusters[int(identifier[1:].split("_")[0])]].is_partial = True
    return usages
