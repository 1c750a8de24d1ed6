"""Record of what one server has made and deleted, as long as it lives, and a limit to what there is."""

import asyncio
from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
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
        self._shown: set[str] = set()
        self._gone: set[str] = set()
        self._turns: dict[str, asyncio.Lock] = {}

    def turn(self, what: str) -> asyncio.Lock:
        """Give the lock of calls about one name or cluster: the later go on where the first came to."""
        return self._turns.setdefault(what, asyncio.Lock())

    def reserve(self, name: str, regions: Iterable[str], there: Iterable[Cluster]) -> list[str]:
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
        new = self.check(name, regions, there)
        self._made |= dict.fromkeys(new, _RESERVED)
        return [region for _, region in new]

    def check(
        self, name: str, regions: Iterable[str], there: Iterable[Cluster] = ()
    ) -> list[tuple[str, str]]:
        """Check that there is room for clusters; see `reserve`.

        Returns:
            Name and Region of those that are not counted yet.

        Raises:
            NotConfigured: The limit would be passed.
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
        return new

    def shown(self, clusters: Iterable[Cluster]) -> None:
        """Note clusters that AWS has shown: one that it does not show later is gone."""
        self._shown |= {cluster.name.identifier for cluster in clusters}

    def unseen(self, there: Iterable[Cluster]) -> list[tuple[str, ClusterName]]:
        """List what this server made, and AWS has shown once, but is not among some clusters, by its name."""
        seen = {cluster.name.identifier for cluster in there}
        return [
            (title, ClusterName(identifier, region))
            for (title, region), identifier in self._made.items()
            if identifier in self._shown - seen
        ]

    def _counted(self, there: Iterable[Cluster]) -> list[str]:
        """Name the clusters that count: those seen, their peers elsewhere, and what this server made else."""
        counted = dict[str, str]()
        for cluster in there:
            title = f"{cluster.title} " if cluster.title else ""
            counted[cluster.name.identifier] = f"{title}{cluster.name.identifier} in {cluster.name.region}"
            for peer in cluster.peers:
                counted.setdefault(peer.identifier, f"{title}{peer.identifier} in {peer.region}")
        for (title, region), identifier in self._made.items():
            which = f"{title} {identifier}".rstrip()
            counted.setdefault(identifier or f"{title} {region}", f"{which} in {region}")
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

    def placed(self, cluster: ClusterName) -> ClusterName:
        """Give the Region of a cluster that this server has made, whichever was taken for it."""
        regions = {identifier: region for (_, region), identifier in self._made.items()}
        return ClusterName(cluster.identifier, regions.get(cluster.identifier, cluster.region))

    @property
    def gone(self) -> frozenset[str]:
        """Identifiers of the clusters that this server has deleted."""
        return frozenset(self._gone)
