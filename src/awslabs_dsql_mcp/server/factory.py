"""The server put together: the table of tools, for each cluster and shared, and the resources."""

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context

from awslabs_dsql_mcp.catalog.reader import CatalogReader
from awslabs_dsql_mcp.catalog.suggestions import SuggestingDatabase
from awslabs_dsql_mcp.clusters.budget import Budget
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.clusters.rates import Rates
from awslabs_dsql_mcp.config.clusters import Cluster, Clusters
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.activity import ActivityRecord
from awslabs_dsql_mcp.database.model import ResultLimits
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.documentation.client import DocumentationClient
from awslabs_dsql_mcp.documentation.guide import Guide, load_guide
from awslabs_dsql_mcp.dsql.cluster_names import name_in
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.lint.program import LintProgram
from awslabs_dsql_mcp.server.app import DsqlServer, ServerContents, build_server
from awslabs_dsql_mcp.server.calls.call_log import CallLog
from awslabs_dsql_mcp.server.deferred import Deferred
from awslabs_dsql_mcp.server.lazy_account import LazyAccount
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase, WarmUp
from awslabs_dsql_mcp.server.resource_reader import ResourceReader
from awslabs_dsql_mcp.server.resources import ClusterResources, Resources
from awslabs_dsql_mcp.server.routing import ClusterInfo
from awslabs_dsql_mcp.server.session_clusters import SessionClusters, Visits
from awslabs_dsql_mcp.server.startup.first_answers import FirstAnswers
from awslabs_dsql_mcp.server.transport.line_reader import LineReader
from awslabs_dsql_mcp.tools.batch_write import WriteRequest, batch_write_tool
from awslabs_dsql_mcp.tools.change_cluster import change_cluster_tool
from awslabs_dsql_mcp.tools.cluster_status import cluster_status_tool
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation
from awslabs_dsql_mcp.tools.create_cluster import create_cluster_tool
from awslabs_dsql_mcp.tools.diagnose import diagnose_tool
from awslabs_dsql_mcp.tools.documentation import Documentation
from awslabs_dsql_mcp.tools.dsql_lint import DsqlLint, LintAdvice
from awslabs_dsql_mcp.tools.explain_query import ExplainQuery
from awslabs_dsql_mcp.tools.get_schema import GetSchema
from awslabs_dsql_mcp.tools.job_status import JobStatus
from awslabs_dsql_mcp.tools.load_rows import LoadRequest, load_rows_tool
from awslabs_dsql_mcp.tools.migrate import MigrateRequest, migrate_tool
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.readonly_query import ReadonlyQuery
from awslabs_dsql_mcp.tools.spec import Answer, ToolSpec
from awslabs_dsql_mcp.tools.transact import Transact

if TYPE_CHECKING:
    from awslabs_dsql_mcp.tools.large_changes.group import LargeChanges

_FOR_ACCOUNT = frozenset({"cluster_status", "create_cluster", "change_cluster"})


def _cluster_tools(
    cluster: Cluster, database: LazyDatabase, catalog: CatalogReader, account: LazyAccount, called: str
) -> tuple[ToolSpec, ...]:
    """List the tools that work on a cluster that calls name so, in the order in which clients see them."""
    settings = cluster.settings
    suggesting = SuggestingDatabase(database)
    export_dir = settings.export_dir
    limits = ResultLimits(settings.max_rows, settings.max_result_chars, settings.max_cell_chars)
    call_time = settings.call_timeout
    offered = OfferedTools(settings.tools, settings.allow_writes, cluster.name, called=called)
    confirmation = ChangeConfirmation(settings.confirm, answer_time=call_time)
    transact = Transact(
        suggesting,
        allow_writes=settings.allow_writes,
        confirmation=confirmation,
        limits=limits,
        lint_advice=LintAdvice(),
        offered=offered,
    )
    rates = Rates(settings.region or "", None if settings.local else account)
    budget = Budget(rates, settings.max_dpu)
    reading = (
        ReadonlyQuery(suggesting, limits, exports=export_dir is not None).spec(),
        transact.spec(),
        GetSchema(catalog, offered).spec(),
        ExplainQuery(suggesting, offered, budget).spec(),
        JobStatus(database, call_time=call_time, offered=offered).spec(),
        cluster_status_tool(account, call_time=call_time),
        diagnose_tool(database, database.activity, account, offered),
    )
    if export_dir is not None:
        from awslabs_dsql_mcp.files.directory import OperatorDirectory  # noqa: PLC0415 - only with the option
        from awslabs_dsql_mcp.tools.export_query import ExportQuery  # noqa: PLC0415 - as above

        export = ExportQuery(suggesting, OperatorDirectory(export_dir, "--export-dir"))
        reading = (*reading, export.spec())
    if not settings.allow_writes:
        return reading
    return (*reading, *_large_changes(settings, database, suggesting, confirmation, budget))


def _large_changes(
    settings: Settings,
    database: Database,
    suggesting: Database,
    confirmation: ChangeConfirmation,
    budget: Budget,
) -> tuple[ToolSpec, ...]:
    """List the tools that change much; what does their work is imported when one is called."""

    def make() -> "LargeChanges":
        from awslabs_dsql_mcp.tools.large_changes.group import large_changes  # noqa: PLC0415 - as above

        return large_changes(settings, database, suggesting, confirmation, budget)

    large = Deferred(make)

    async def batch_write(ctx: Context[None, Any], request: WriteRequest) -> Answer:
        return await (await large()).batch_write.call(ctx, request)

    async def load_rows(ctx: Context[None, Any], request: LoadRequest) -> Answer:
        return await (await large()).load_rows.call(ctx, request)

    async def migrate(ctx: Context[None, Any], request: MigrateRequest) -> Answer:
        return await (await large()).migrate.call(ctx, request)

    return (batch_write_tool(batch_write), load_rows_tool(load_rows), migrate_tool(migrate))


def _changing_tools(
    settings: Settings, account: LazyAccount, shared: "_Shared", new: SessionClusters, *, is_only: bool
) -> tuple[ToolSpec, ...]:
    """List the tools that change the clusters of an account; none without the option."""
    if settings.allow_cluster_changes is None:
        return ()
    confirmation = ChangeConfirmation(settings.confirm, answer_time=settings.call_timeout)
    create = create_cluster_tool(
        account,
        shared.registry,
        policy=settings.confirm,
        confirmation=confirmation,
        call_time=settings.call_timeout,
        use=new.use,
    )
    change = change_cluster_tool(
        account,
        shared.registry,
        gate=settings.allow_cluster_changes,
        inside=Visits(settings, shared.activities),
        is_only=is_only,
        policy=settings.confirm,
        confirmation=confirmation,
        call_time=settings.call_timeout,
    )
    return (create, change)


def _shared_tools(
    settings: Settings, guide: Callable[[], Guide], stack: AsyncExitStack
) -> tuple[ToolSpec, ...]:
    """List the tools that need no cluster."""
    service = DocumentationClient(settings.knowledge_server, timeout=settings.knowledge_timeout)
    stack.push_async_callback(service.aclose)
    migrates = OfferedTools(settings.tools, settings.allow_writes).can("migrate")
    lint = DsqlLint(LintProgram(), characters=settings.max_result_chars, migrates=migrates)
    return (lint.spec(), *Documentation(service, guide).specs())


@dataclass(frozen=True)
class _Shared:
    """What the clusters of a server share.

    Attributes:
        stack: Closes what is opened.
        registry: Counts the clusters that the server makes.
        activities: What the server saw on clusters, by identifier.
    """

    stack: AsyncExitStack
    registry: Registry
    activities: dict[str, ActivityRecord] = field(default_factory=dict[str, ActivityRecord])


class _Member:
    """A cluster with its database, tools and resources.

    Args:
        cluster: The cluster.
        guide: Reads the guide.
        shared: What it shares with the others.
        configured: Names of the clusters that the server was started for, by identifier.
        several: There are others.
    """

    def __init__(
        self,
        cluster: Cluster,
        guide: Callable[[], Guide],
        shared: _Shared,
        configured: Mapping[str, str],
        *,
        several: bool,
    ) -> None:
        self.cluster = cluster
        self.database = LazyDatabase(cluster.settings, shared.stack)
        if name := name_in(cluster.settings.cluster_endpoint or ""):
            shared.activities[name.identifier] = self.database.activity
        catalog = CatalogReader(self.database)
        account = LazyAccount(cluster.settings, shared.stack)
        for_new = functools.partial(_tools_for_new, shared, cluster.name)
        self.new = SessionClusters(cluster.name, cluster.settings, account, configured, for_new)
        tools = _cluster_tools(cluster, self.database, catalog, account, cluster.name)
        tools += _changing_tools(cluster.settings, account, shared, self.new, is_only=not several)
        self.changes = changes = cluster.settings.allow_cluster_changes is not None
        self.tools = tuple(
            replace(tool, cluster=cluster.name or None, for_new=changes and tool.name not in _FOR_ACCOUNT)
            for tool in tools
        )
        self.resources = ResourceReader(catalog, guide)
        self.info = ClusterInfo(cluster.name, cluster.settings.allow_writes, cluster.description)


def _tools_for_new(shared: _Shared, configured: str, name: str, settings: Settings) -> tuple[ToolSpec, ...]:
    """List the tools for a cluster that a tool has made; the configured one of that tool has its settings."""
    database = LazyDatabase(settings, shared.stack)
    shared.activities[name] = database.activity
    tools = _cluster_tools(
        Cluster(configured, settings),
        database,
        CatalogReader(database),
        LazyAccount(settings, shared.stack),
        name,
    )
    return tuple(replace(tool, cluster=name) for tool in tools if tool.name not in _FOR_ACCOUNT)


def _contents(
    settings: Settings, clusters: Clusters, members: Sequence[_Member], shared: Sequence[ToolSpec]
) -> ServerContents:
    tools = (*(tool for member in members for tool in member.tools), *shared)
    changes = any(cluster.settings.allow_cluster_changes for cluster in clusters.all)
    if not clusters.several:
        resources = Resources(members[0].resources)
        return ServerContents(
            tools, clusters.allow_writes, settings.tools, resources=resources, changes_clusters=changes
        )
    infos = [member.info for member in members]
    resources = ClusterResources(
        {info.name: str(info) for info in infos},
        {member.cluster.name: member.resources for member in members},
    )
    return ServerContents(
        tools, clusters.allow_writes, settings.tools, infos, clusters.default, resources, changes
    )


async def serve(
    settings: Settings,
    clusters: Clusters,
    lines: LineReader,
    calls: CallLog | None = None,
    first: FirstAnswers | None = None,
) -> None:
    """Serve MCP over stdio until the input ends.

    Args:
        settings: The server's settings.
        clusters: The clusters that it works on.
        lines: Standard input.
        calls: Notes how calls end.
        first: The answers that were given already.
    """
    async with AsyncExitStack() as stack:
        await create_server(settings, clusters, stack, calls).serve_stdio(lines, first)


def create_server(
    settings: Settings, clusters: Clusters, stack: AsyncExitStack, calls: CallLog | None = None
) -> DsqlServer:
    """Put a server together, for any transport.

    Args:
        settings: The server's settings.
        clusters: The clusters that it works on.
        stack: Closes what the server opens.
        calls: Notes how calls end.
    """
    guide = functools.cache(load_guide)
    shared = _Shared(stack, Registry(settings.max_clusters))
    configured = _configured(clusters)
    members = [
        _Member(cluster, guide, shared, configured, several=clusters.several) for cluster in clusters.all
    ]
    # Of several, only the default one is surely needed.
    first = next((m for m in members if not clusters.several or m.cluster.name == clusters.default), None)
    server = build_server(
        _contents(settings, clusters, members, _shared_tools(settings, guide, stack)),
        log_level=settings.log_level,
        calls=calls,
        middleware=[WarmUp(first.database if first else None)],
    )
    for member in members:
        member.new.server = server
    if makers := [member.new for member in members if member.changes]:
        server.find_cluster = functools.partial(_find, makers)
    return server


def _configured(clusters: Clusters) -> dict[str, str]:
    """Give the names of the clusters whose endpoint tells their identifier."""
    named = ((name_in(each.settings.cluster_endpoint or ""), each.name) for each in clusters.all)
    return {found.identifier: name for found, name in named if found}


async def _find(makers: Sequence[SessionClusters], given: str) -> None:
    """Look for a cluster in each account; where several have it, those that only read come first.

    Raises:
        DsqlError: None has it that may be used; the reason of the first.
    """
    first, *others = sorted(makers, key=lambda each: each.settings.allow_writes)
    try:
        await first.find(given)
    except DsqlError:
        for maker in others:
            with suppress(DsqlError):
                return await maker.find(given)
        raise
    return None
