"""What a server offers, put together: the tools of each cluster, and what belongs to all."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from awslabs_dsql_mcp.catalog.teaching import SuggestingDatabase
from awslabs_dsql_mcp.config.clusters import Cluster, Clusters
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.model import ResultLimits
from awslabs_dsql_mcp.server.app import DsqlServer, ServerContents, build_server
from awslabs_dsql_mcp.server.resources import ClusterResources, Resources
from awslabs_dsql_mcp.server.routing import ClusterInfo
from awslabs_dsql_mcp.server.services import LateBulk, LateDocumentation, LateTools, LazyDatabase, WarmUp
from awslabs_dsql_mcp.tools.bulk_spec import bulk_tools
from awslabs_dsql_mcp.tools.documentation_spec import documentation_tools
from awslabs_dsql_mcp.tools.dsql_lint import LintAdvice
from awslabs_dsql_mcp.tools.dsql_lint_spec import lint_tools
from awslabs_dsql_mcp.tools.explain_query_spec import plan_tools
from awslabs_dsql_mcp.tools.get_schema_spec import schema_tools
from awslabs_dsql_mcp.tools.job_status_spec import job_tools
from awslabs_dsql_mcp.tools.migrate_spec import migrate_tools
from awslabs_dsql_mcp.tools.ports import AuditTrail
from awslabs_dsql_mcp.tools.spec import ToolSpec
from awslabs_dsql_mcp.tools.sql import SqlTools
from awslabs_dsql_mcp.tools.sql_spec import sql_tools


class ClusterTools:
    """A cluster's database and tools.

    Args:
        cluster: The cluster.
        stack: Closes what is opened here.
    """

    def __init__(self, cluster: Cluster, stack: AsyncExitStack) -> None:
        self.cluster = cluster
        self.database = LazyDatabase(cluster.settings, stack)
        self._teaching = SuggestingDatabase(self.database)
        self.late = LateTools(self.database, self._teaching, cluster.settings)
        self._bulk = LateBulk(self._teaching, cluster.settings)

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools that work on it."""
        settings = self.cluster.settings
        sql = SqlTools(
            self._teaching,
            allow_writes=settings.allow_writes,
            confirm=settings.confirm,
            linting=LintAdvice(self.late),
            job_status="schema-changes" in settings.tools,
            caps=ResultLimits(settings.max_rows, settings.max_result_chars, settings.max_cell_chars),
        )
        tools = (
            *sql_tools(sql, allow_writes=settings.allow_writes),
            *schema_tools(self.late.schema),
            *plan_tools(self.late.plan),
            *job_tools(self.late.jobs),
            *(bulk_tools(self._bulk.batch_write, self._bulk.load_rows) if settings.allow_writes else ()),
            *(migrate_tools(self.late.migration) if settings.allow_writes else ()),
        )
        name = self.cluster.name or None
        return tuple(replace(tool, cluster=name) for tool in tools)

    @property
    def offered(self) -> ClusterInfo:
        """How clients see it."""
        return ClusterInfo(self.cluster.name, self.cluster.settings.allow_writes, self.cluster.description)


def _offer(
    settings: Settings, clusters: Clusters, on: Sequence[ClusterTools], stack: AsyncExitStack
) -> ServerContents:
    tools = (
        *(tool for one in on for tool in one.tools),
        *lint_tools(on[0].late.linting),
        *documentation_tools(LateDocumentation(settings, stack)),
    )
    if not clusters.several:
        resources = Resources(on[0].late.resources)
        return ServerContents(tools, clusters.allow_writes, settings.tools, resources=resources)
    offered = [one.offered for one in on]
    resources = ClusterResources(
        {one.name: str(one) for one in offered}, {one.cluster.name: one.late.resources for one in on}
    )
    return ServerContents(tools, clusters.allow_writes, settings.tools, offered, clusters.default, resources)


async def serve(settings: Settings, clusters: Clusters, audit: AuditTrail | None = None) -> None:
    """Serve MCP over stdio until the input ends.

    Args:
        settings: What the operator decided.
        clusters: Where.
        audit: Takes a record of each call.
    """
    async with AsyncExitStack() as stack:
        await create_server(settings, clusters, stack, audit).run_stdio_async()


def create_server(
    settings: Settings, clusters: Clusters, stack: AsyncExitStack, audit: AuditTrail | None = None
) -> DsqlServer:
    """Put a server together, whatever it is spoken to through.

    Args:
        settings: What the operator decided.
        clusters: Where.
        stack: Closes what the server opens.
        audit: Takes a record of each call.
    """
    on = [ClusterTools(cluster, stack) for cluster in clusters.all]
    # Of several, only the usual one is surely needed.
    first = next((one for one in on if not clusters.several or one.cluster.name == clusters.default), None)
    return build_server(
        _offer(settings, clusters, on, stack),
        log_level=settings.log_level,
        audit=audit,
        middleware=[WarmUp(first.database if first else None)],
    )
