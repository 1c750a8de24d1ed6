"""Clusters that are made while the server runs: reached by their id in the argument ``cluster``."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase
from awslabs_dsql_mcp.server.routing import ClusterInfo
from awslabs_dsql_mcp.tools.spec import ToolSpec

if TYPE_CHECKING:
    from awslabs_dsql_mcp.clusters.changes.facts import Contents
    from awslabs_dsql_mcp.clusters.model import Cluster

_CONTENTS: Final = (
    "SELECT (SELECT count(*) FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
    "AND table_schema NOT IN ('pg_catalog', 'information_schema', 'sys')), sys.cluster_size()"
)
_SECONDS: Final = 15.0


class TakesClusters(Protocol):
    """A server that takes a cluster while it runs."""

    def add_cluster(self, info: ClusterInfo, tools: Sequence[ToolSpec]) -> None:
        """Take a cluster with its tools."""
        ...


class SessionClusters:
    """The clusters that were made while the server runs.

    Args:
        tools: Makes the tools for a cluster of a name, with its settings.
    """

    def __init__(self, tools: Callable[[str, Settings], Sequence[ToolSpec]]) -> None:
        self._tools = tools
        self._known = set[str]()
        self.server: TakesClusters | None = None

    def use(self, settings: Settings, cluster: "Cluster") -> None:
        """Let calls name a cluster from now on.

        Args:
            settings: Settings of the server for the account that it is in.
            cluster: The cluster.
        """
        name = cluster.name.identifier
        if self.server is None or name in self._known:
            return
        self._known.add(name)
        chosen = settings_for(settings, cluster)
        self.server.add_cluster(
            ClusterInfo(name, chosen.allow_writes, cluster.title), self._tools(name, chosen)
        )


def settings_for(settings: Settings, cluster: "Cluster") -> Settings:
    """Give the settings for another cluster of the same account."""
    return replace(settings, cluster_endpoint=cluster.endpoint, region=cluster.name.region, config=None)


class Visits:
    """Connections to clusters of the account, each for one question.

    Args:
        settings: Settings of the server for the account.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def wake(self, cluster: "Cluster") -> None:
        """Connect once, so that a cluster that sleeps wakes up."""
        await self._ask(cluster, "SELECT 1")

    async def contents(self, cluster: "Cluster") -> "Contents":
        """Look what is stored in a cluster."""
        from awslabs_dsql_mcp.clusters.changes.facts import (  # noqa: PLC0415 - most sessions ask nothing of AWS
            Contents,
        )

        tables, size = (await self._ask(cluster, _CONTENTS)).results[0].rows[0]
        return Contents(int(tables or 0), int(size or 0))

    async def _ask(self, cluster: "Cluster", sql: str) -> Report:
        async with AsyncExitStack() as stack:
            database = LazyDatabase(settings_for(self._settings, cluster), stack)
            return await database.run(UnitOfWork((Query(sql),), read_only=True, time_limit=_SECONDS))
