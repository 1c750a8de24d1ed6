"""Facts of a cluster for the one who decides on its change: each line is read, or says why it is not."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice
from awslabs_dsql_mcp.clusters.changes.backups import Wakes
from awslabs_dsql_mcp.clusters.changes.creation.executor import look
from awslabs_dsql_mcp.clusters.changes.ownership import restored_from
from awslabs_dsql_mcp.clusters.changes.proposal import quoted
from awslabs_dsql_mcp.clusters.changes.rules import LEAVING, WEIGHTS, Request, maker_of
from awslabs_dsql_mcp.clusters.gone import Point
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.clusters.reader import ClusterReader, Part, part
from awslabs_dsql_mcp.clusters.times import age, minute
from awslabs_dsql_mcp.clusters.usage import CONNECTIONS, Minutes, Period, Usage
from awslabs_dsql_mcp.database.activity import Writes
from awslabs_dsql_mcp.errors import Busy

_USAGE_DAYS: Final = 2
_MINUTES: Final = 15
_MINUTE: Final = timedelta(minutes=1)

PeerFate = Literal["", "stays", "goes", "not known"]
"""What becomes of the peer of a cluster that is deleted; empty where there is none, or no deletion."""

_FATES: Final[Mapping[PeerFate, str]] = {
    "stays": "Of a pair, this one waits as PENDING_DELETE, and its storage is billed, until the peer is "
    "deleted too; the peer stays, and is billed",
    "goes": "Of a pair whose peer waits for this: BOTH ARE DELETED NOW, and no cluster keeps their data",
    "not known": "Of a pair: if the peer waits as PENDING_DELETE already, both are deleted now; else this "
    "one waits so, and the peer stays",
}


@dataclass(frozen=True)
class Contents:
    """What is stored in a cluster.

    Attributes:
        tables: Number of its users' tables.
        size: Bytes.
    """

    tables: int
    size: int


@dataclass(frozen=True)
class Left:
    """What is left after a change.

    Attributes:
        point: The last recovery point.
        fate: What becomes of the peer.
    """

    point: Part[Point | None]
    fate: PeerFate = ""


class Inside(Wakes, Protocol):
    """Connects to a cluster by itself."""

    async def contents(self, cluster: Cluster) -> Contents:
        """Look what is stored in it.

        Raises:
            DsqlError: It cannot be connected to, or read.
        """
        ...

    def writes(self, cluster: Cluster, passed: timedelta) -> Writes | None:
        """Count the transactions that this server committed there lately, and that may have written.

        `None` if it has not been connected to it.
        """
        ...


async def facts_of(
    account: Account,
    cluster: Cluster,
    request: Request,
    left: Left,
    inside: Inside,
    now: Callable[[], datetime],
    advice: Advice = TO_MODEL,
) -> list[str]:
    """Tell of a cluster before a change.

    Args:
        account: The account.
        cluster: The cluster.
        request: The change.
        left: What the change leaves.
        inside: Connects to it.
        now: Tells the time.
        advice: Says who asks.
    """
    name, moment = cluster.name, now()
    title = f" named {quoted(cluster.title)}" if cluster.title else " without a name"
    maker = maker_of(cluster)
    lines = [
        f"Cluster {name.identifier}{title}, account {cluster.account}, Region {name.region}",
        f"{maker}, created {minute(cluster.created)}, {age(moment - cluster.created)} ago",
        f"State {cluster.status}, deletion protection {'on' if cluster.is_protected else 'off'}",
    ]
    if request.tags:
        lines.append(f"Tags: {', '.join(quoted(key) for key in sorted(request.tags))}")
    if WEIGHTS[request.action] != "grave":
        return lines
    reader = ClusterReader(account, now)
    report, stored, minutes = await asyncio.gather(
        reader.report(cluster, Period(_USAGE_DAYS, moment)),
        part(_contents(cluster, inside)),
        part(reader.minutes(name, _MINUTES)),
    )
    lines += _about_contents(stored, report.storage_gb)
    lines.append(_about_use(minutes, report.usage))
    if advice.is_server:
        lines += _about_server(account, cluster)
    lines += _about_peers(cluster, report.peers, left.fate)
    lines.append(_about_point(cluster, left.point, moment))
    if left.point.value is not None:
        since = left.point.value.created
        lines.append(
            _about_writes(
                await part(reader.transactions(name, since)), inside.writes(cluster, moment - since)
            )
        )
    return lines


async def peer_fate(account: Account, cluster: Cluster, request: Request) -> PeerFate:
    """Look what becomes of the peer of a cluster by a change."""
    if request.action != "delete" or not cluster.peers:
        return ""
    found = await asyncio.gather(*(part(look(account.api, peer)) for peer in cluster.peers))
    if any(each.missing for each in found):
        return "not known"
    stays = any(each.value is not None and each.value.status not in LEAVING for each in found)
    return "stays" if stays else "goes"


def _about_server(account: Account, cluster: Cluster) -> list[str]:
    if account.cluster is None:
        return ["This server does not know the id of a cluster that it is connected to"]
    if account.cluster == cluster.name:
        return ["This server is connected to this cluster"]
    return ["This server is connected to its peer"] if account.cluster in cluster.peers else []


async def _contents(cluster: Cluster, inside: Inside) -> Contents:
    if cluster.status != "ACTIVE":
        raise Busy(f"The cluster is {cluster.status}: it was not connected to.")
    return await inside.contents(cluster)


def _about_contents(inside: Part[Contents], stored_gb: float | None) -> list[str]:
    size = inside.value.size / 1e9 if inside.value else stored_gb
    tables = str(inside.value.tables) if inside.value else f"not known. {inside.missing}".rstrip(".")
    return [f"Size: {size:,.3f} GB" if size is not None else "Size: not known", f"Tables: {tables}"]


def _about_use(minutes: Part[Minutes], usage: Part[Usage]) -> str:
    """Tell whether somebody uses it."""
    peak = minutes.value.peak(CONNECTIONS) if minutes.value else None
    missing = minutes.missing or "CloudWatch has no figure"
    told = f"{peak[0]:,.0f} at most, last {_MINUTES} min" if peak else f"not known. {missing}".rstrip(".")
    days = usage.value.days if usage.value else {}
    count = sum(days["TotalTransactions"].values()) if "TotalTransactions" in days else None
    transactions = f"{count:,.0f}" if count is not None else "not known"
    return f"Connections: {told}; transactions since yesterday: {transactions}"


def _about_peers(cluster: Cluster, peers: Sequence[Part[Cluster]], fate: PeerFate) -> list[str]:
    lines = [
        f"Peer {name.identifier} in {name.region}: {peer.value.status if peer.value else peer.missing}"
        for name, peer in zip(cluster.peers, peers, strict=True)
    ]
    return [*lines, _FATES[fate]] if fate else lines


def _about_point(cluster: Cluster, point: Part[Point | None], now: datetime) -> str:
    if point.value is not None:
        made = point.value.created
        return (
            f"Last recovery point: {minute(made)}, {age(now - made)} ago; what was written since is in none"
        )
    if point.missing:
        return f"Last recovery point: not known. {point.missing}"
    origin = restored_from(cluster)
    before = f", but for what it began with, if {origin} is still there" if origin else ""
    return f"Recovery points: NONE. Its data cannot be restored{before}"


def _about_writes(minutes: Part[Minutes], own: Writes | None) -> str:
    """Tell how many transactions have written since the last recovery point."""
    if minutes.value is None:
        told = f"not known. {minutes.missing}".rstrip(".")
    elif "TotalTransactions" not in minutes.value.values:
        told = "CloudWatch has no figure"
    else:
        writing = minutes.value.total("TotalTransactions") - minutes.value.total("ReadOnlyTransactions")
        at_least = "at least " if minutes.value.is_partial else ""
        told = f"{at_least}{writing:,.0f} by CloudWatch, which is some minutes behind"
    by_us = f"; this server committed {own.count:,} that may have written" if own else ""
    if own and not own.is_whole:  # it was started since, or forgets
        known = timedelta(seconds=own.seconds)
        by_us += f", and knows of the last {age(known) if known >= _MINUTE else 'minute'} alone"
    return f"Transactions that wrote since: {told}{by_us}"
