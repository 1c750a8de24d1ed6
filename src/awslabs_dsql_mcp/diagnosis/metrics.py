"""CloudWatch's metrics of the last minutes, and the connections beside their quota."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.reader import ClusterReader, Part, part
from awslabs_dsql_mcp.clusters.usage import CONNECTION_QUOTA, CONNECTIONS, Minutes
from awslabs_dsql_mcp.diagnosis.findings import Finding
from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.text import pluralize

_DEADLINE: Final = 8.0  # seconds; the catalogs are told without AWS
_MANY_CONFLICTS: Final = 0.01  # of the transactions that write
_NEAR: Final = 0.8
_UNNAMED: Final = "The endpoint does not tell the id of the cluster."


@dataclass(frozen=True)
class Metrics:
    """What AWS told.

    Attributes:
        minutes: Metrics by minute.
        quota: Connections that a cluster may have.
    """

    minutes: Part[Minutes]
    quota: Part[float]


async def read_metrics(
    account: Callable[[], Awaitable[Account]],
    minutes: int,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    deadline: float = _DEADLINE,
) -> Metrics:
    """Ask AWS, for a limited time.

    Args:
        account: Gives the account at the first need.
        minutes: Minutes that are asked for.
        now: Tells the time.
        deadline: Seconds after which AWS is not waited for any more.
    """
    try:
        return await asyncio.wait_for(_read(account, minutes, now), deadline)
    except asyncio.TimeoutError:
        late = f"AWS did not answer within {deadline:g} s."
    except DsqlError as error:
        late = error.text
    return Metrics(Part(missing=late), Part(missing=late))


async def _read(
    account: Callable[[], Awaitable[Account]], minutes: int, now: Callable[[], datetime]
) -> Metrics:
    known = await account()
    if known.cluster is None:
        return Metrics(Part(missing=_UNNAMED), Part(missing=_UNNAMED))
    reader = ClusterReader(known, now)
    told, quotas = await asyncio.gather(
        part(reader.minutes(known.cluster, minutes)), part(reader.quotas(known.cluster.region))
    )
    quota = (quotas.value or {}).get(CONNECTION_QUOTA)
    return Metrics(told, Part(quota, quotas.missing))


def metric_lines(metrics: Metrics, minutes: int, seen: int) -> list[str]:
    """Describe the metrics.

    Args:
        metrics: What AWS told.
        minutes: Minutes that were asked for.
        seen: Conflicts that this server saw in them.
    """
    told = metrics.minutes.value
    if told is None:
        return [f"CloudWatch: not known. {metrics.minutes.missing}"]
    if not told.values:
        return [f"CloudWatch: no figures of the last {minutes} min: nothing ran, or they are still missing."]
    conflicts, every = told.total("OccConflicts"), told.total("TotalTransactions")
    writing = every - told.total("ReadOnlyTransactions")
    share = f" ({100 * conflicts / writing:,.1f} of 100 that write)" if conflicts and writing > 0 else ""
    peak = told.peak("OccConflicts")
    at = f", at most {peak[0]:,.0f} in a minute ({_clock(peak[1])})" if conflicts and peak else ""
    others = f", of which this server saw {seen}" if conflicts else ""
    latency = told.peak("CommitLatency")
    slowest = f"; commits took {latency[0]:,.1f} ms at most (median of a minute)" if latency else ""
    partial = " Not all figures were given." if told.is_partial else ""
    figures = (
        f"CloudWatch, all clients, {minutes} min: {pluralize(every, 'transaction')}, "
        f"{pluralize(conflicts, 'conflict')}{share}{at}{others}; "
        f"{pluralize(told.total('QueryTimeouts'), 'timeout')}{slowest}.{partial}"
    )
    lines = [figures]
    if (open_ := told.peak(CONNECTIONS)) is not None:
        lines.append(f"Connections: {open_[0]:,.0f} at most, of {_quota(metrics)}.")
    return lines


def metric_findings(metrics: Metrics, seen: int, *, is_whole: bool = True) -> list[Finding]:
    """Tell of what the metrics show.

    Args:
        metrics: What AWS told.
        seen: Conflicts that this server saw meanwhile.
        is_whole: This server ran all the time.
    """
    told = metrics.minutes.value
    if told is None:
        return []
    found: list[Finding] = []
    most = metrics.quota.value or limits.MAX_CONNECTIONS
    open_ = told.peak(CONNECTIONS)
    if open_ is not None and open_[0] >= _NEAR * most:
        found.append(
            Finding(
                95,
                "connections",
                f"{open_[0]:,.0f} connections are open, of {_quota(metrics)}.",
                "Give clients pools of fewer connections (dsql://guide/pools), or ask for a larger quota in "
                f"Service Quotas ({CONNECTION_QUOTA}).",
            )
        )
    conflicts = told.total("OccConflicts")
    writing = told.total("TotalTransactions") - told.total("ReadOnlyTransactions")
    if conflicts >= _MANY_CONFLICTS * max(writing, 1.0) and conflicts > 2 * seen and conflicts:
        found.append(
            Finding(
                75,
                "conflicts_of_others",
                f"{pluralize(conflicts - seen, 'conflict')} that this server did not see: of other clients"
                f"{'' if is_whole else ', or of before its start'}.",
                "Look in CloudWatch Database Insights for the statements that wait at Commit, by "
                "application_name (dsql://guide/observability).",
                values={"conflicts": conflicts, "seen": seen},
            )
        )
    if timeouts := told.total("QueryTimeouts"):
        found.append(
            Finding(
                70,
                "timeouts",
                f"{pluralize(timeouts, 'transaction')} met the limit of {limits.MAX_TRANSACTION_SECONDS} s.",
                "Cut them into shorter ones; explain_query tells why a statement is slow.",
            )
        )
    return found


def _quota(metrics: Metrics) -> str:
    if metrics.quota.value:
        return f"{metrics.quota.value:,.0f} (Service Quotas)"
    reason = f": {metrics.quota.missing.rstrip('.')}" if metrics.quota.missing else ""
    return f"{limits.MAX_CONNECTIONS:,} by default (Service Quotas not known{reason})"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%H:%M} UTC"
