"""Record of what one server has made and deleted, as long as it lives, and a limit to what there is."""

import asyncio
from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.errors import NotConfigured

_RESERVED: Final = ""


class Registry:
    """The clusters that a server has made, or may have made; those of earlier servers are shown to it.

    Args:
        limit: The most of them all that there may be at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._made: dict[tuple[str, str], str] = {}
        self._gone: set[str] = set()
        self._turns: dict[str, asyncio.Lock] = {}

    def turn(self, what: str) -> asyncio.Lock:
        """Give the lock of calls about one name or cluster: the later go on where the first came to."""
        return self._turns.setdefault(what, asyncio.Lock())

    def reserve(self, name: str, regions: Iterable[str], there: Iterable[Cluster] = ()) -> list[str]:
        """Count clusters that are about to be created, all or none; each once, however often it is tried.

        Args:
            name: Their name.
            regions: Where they are to be.
            there: Clusters that servers of this kind have made, and that are not deleted, as they were seen.

        Returns:
            The Regions whose clusters were not counted before.

        Raises:
            NotConfigured: The limit would be passed; nothing was created.
        """
        new = [(name, region) for region in regions if (name, region) not in self._made]
        counted = self._counted(there)
        if len(counted) + len(new) > self._limit:
            are = f"there are {len(counted)} ({', '.join(counted)}), and " if counted else ""
            raise NotConfigured(
                f"There may be {self._limit} clusters made by awslabs-dsql-mcp; {are}this would make "
                f"{len(new)} more. Nothing was made.",
                code="too_many_clusters",
                hint="Ask the user which of them to delete; the operator alone can raise --max-clusters.",
            )
        self._made |= dict.fromkeys(new, _RESERVED)
        return [region for _, region in new]

    def _counted(self, there: Iterable[Cluster]) -> list[str]:
        """Name the clusters that count: those seen, their peers elsewhere, and what this server made else."""
        counted = dict[str, str]()
        for cluster in there:
            title = f"{cluster.title} " if cluster.title else ""
            counted[cluster.name.identifier] = f"{title}{cluster.name.identifier} in {cluster.name.region}"
            for peer in cluster.peers:
                counted.setdefault(peer.identifier, f"{title}{peer.identifier} in {peer.region}")
        for (title, region), identifier in self._made.items():
            counted.setdefault(identifier or f"{title} {region}", f"{title} in {region}")
        return list(counted.values())

    def made(self, name: str, region: str, identifier: str) -> None:
        """Note the cluster that was made."""
        if (name, region) in self._made:
            self._made[name, region] = identifier

    def release(self, name: str, region: str) -> None:
        """Count a cluster no more that was certainly not made."""
        if self._made.get((name, region)) == _RESERVED:
            del self._made[name, region]

    def deleted(self, name: str, region: str, identifier: str) -> None:
        """Count a cluster no more that is being deleted."""
        self._gone.add(identifier)
        if self._made.get((name, region)) == identifier:
            del self._made[name, region]

    @property
    def gone(self) -> frozenset[str]:
        """Identifiers of the clusters that this server has deleted."""
        return frozenset(self._gone)
