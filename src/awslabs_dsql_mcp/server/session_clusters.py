"""Clusters that the tools have made: reached by their id or ARN in the argument ``cluster``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.activity import ActivityRecord, Writes
from awslabs_dsql_mcp.database.transaction import Query, Report, UnitOfWork
from awslabs_dsql_mcp.errors import NotConfigured, RequestInvalid
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase
from awslabs_dsql_mcp.server.routing import ClusterInfo
from awslabs_dsql_mcp.tools.spec import ToolSpec

if TYPE_CHECKING:
    from awslabs_dsql_mcp.clusters.account import Account
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
    """The clusters that were made by a tool, of this server or of an earlier one of the same kind.

    Args:
        member: Name of the cluster whose tools make them; empty where there is one cluster.
        settings: Its settings.
        account: Gives that account at the first need.
        configured: The clusters that the server was started for, by identifier: permissions on them are
            theirs.
        tools: Makes the tools for a cluster of a name, with its settings.
    """

    def __init__(
        self,
        member: str,
        settings: Settings,
        account: "Callable[[], Awaitable[Account]]",
        configured: Mapping[str, str],
        tools: Callable[[str, Settings], Sequence[ToolSpec]],
    ) -> None:
        self._member = member
        self.settings = settings
        self._account = account
        self._configured = configured
        self._tools = tools
        self._known = set[str]()
        self.server: TakesClusters | None = None

    def use(self, cluster: "Cluster") -> None:
        """Let calls name a cluster from now on; one that the server was started for has its name.

        Args:
            cluster: The cluster.
        """
        name = cluster.name.identifier
        if self.server is None or name in self._known or name in self._configured:
            return
        self._known.add(name)
        chosen = settings_for(self.settings, cluster)
        self.server.add_cluster(
            ClusterInfo(name, chosen.allow_writes, cluster.title, (cluster.arn, cluster.endpoint)),
            self._tools(name, chosen),
        )

    async def find(self, given: str) -> None:
        """Look for a cluster that is not known yet, and let calls name it if a server of this kind made it.

        Args:
            given: Its id, ARN or endpoint.

        Raises:
            RequestInvalid: There is none, it is being deleted, or it is one that the server was started for.
            NotConfigured: It was not made by such a server.
            DsqlError: AWS does not tell.
        """
        from awslabs_dsql_mcp.clusters.changes.creation.executor import look  # noqa: PLC0415 - most sessions ask nothing of AWS
        from awslabs_dsql_mcp.clusters.changes.creation.settling import GONE  # noqa: PLC0415 - as above
        from awslabs_dsql_mcp.clusters.changes.ownership import MANAGED_BY, MANAGER, is_own  # noqa: PLC0415 - as above
        from awslabs_dsql_mcp.clusters.status import check_account, named  # noqa: PLC0415 - as above

        account = await self._account()
        name = named(given, account, [])
        configured = self._member if name == account.cluster else self._configured.get(name.identifier)
        if configured is not None:
            told = f"cluster={configured!r}" if configured else "no argument cluster"
            raise RequestInvalid(
                f"Cluster {name.identifier} is one that this server was started for.",
                code="unknown_cluster",
                hint=f"Call it with {told}.",
            )
        cluster = await look(account.api, name)
        if cluster is None or cluster.status in GONE:
            what = f"it is {cluster.status}" if cluster else f"{name.region} does not know it"
            known = f" Used here so far: {', '.join(sorted(self._known))}." if self._known else ""
            raise RequestInvalid(
                f"There is no cluster {name.identifier} to use: {what}.",
                code="unknown_cluster",
                hint="If it is in another Region, give its ARN or endpoint; cluster_status lists those of a "
                f"`region`.{known}",
            )
        check_account(given, cluster)
        if not is_own(cluster):
            raise NotConfigured(
                f"Cluster {name.identifier} was not made by awslabs-dsql-mcp: it has no tag "
                f"{MANAGED_BY}={MANAGER}.",
                code="not_own",
                hint="Take one that was made here; the operator alone can add others (--config).",
            )
        self.use(cluster)


def settings_for(settings: Settings, cluster: "Cluster") -> Settings:
    """Give the settings for another cluster of the same account."""
    return replace(settings, cluster_endpoint=cluster.endpoint, region=cluster.name.region, config=None)


class Visits:
    """Connections to clusters of the account, each for one question.

    Args:
        settings: Settings of the server for the account.
        activities: What the server saw on clusters, by identifier.
    """

    def __init__(self, settings: Settings, activities: Mapping[str, ActivityRecord]) -> None:
        self._settings = settings
        self._activities = activities

    def writes(self, cluster: "Cluster", passed: timedelta) -> Writes | None:
        """Count what this server committed on a cluster lately, as far as its record reaches back."""
        activity = self._activities.get(cluster.name.identifier)
        return activity and activity.writes(passed.total_seconds())

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
