"""The MCP server: tools, resources and prompts behind one boundary, where errors become answers."""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.context import ServerMiddleware
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp.server.mcpserver.resources import ResourceSecurity
from mcp.types import CallToolResult, GetPromptResult, Icon, InputRequiredResult, Tool
from pydantic import AnyUrl
from typing_extensions import override

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.settings import TOOLSETS, Toolset
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from awslabs_dsql_mcp.server.calls.call_log import ActiveCall, CallLog
from awslabs_dsql_mcp.server.calls.error_results import (
    closest_hint,
    error_behind,
    error_result,
    protocol_error,
)
from awslabs_dsql_mcp.server.calls.refusals import LISTS, refuse_invalid, refuse_unreadable
from awslabs_dsql_mcp.server.calls.text_arguments import from_text
from awslabs_dsql_mcp.server.completion import completion
from awslabs_dsql_mcp.server.instructions import instructions, with_clusters
from awslabs_dsql_mcp.server.prompts import PROMPTS
from awslabs_dsql_mcp.server.resources import ResourceTable
from awslabs_dsql_mcp.server.routing import ClusterInfo, ClusterRouter, RoutedCall, tag_result
from awslabs_dsql_mcp.server.schema_compaction import compact, compact_answer
from awslabs_dsql_mcp.server.startup.first_answers import FirstAnswers
from awslabs_dsql_mcp.server.transport.line_reader import LineReader
from awslabs_dsql_mcp.server.transport.stdio import stdio_transport
from awslabs_dsql_mcp.server.views import announce_views, read_page
from awslabs_dsql_mcp.tools.offered import FAMILIES, NO_EXPORTS, OfferedTools
from awslabs_dsql_mcp.tools.spec import ToolSpec

log = logging.getLogger(__name__)

_HOUR = 3_600_000  # milliseconds; what is offered is the same as long as the process lives
# On the server alone: on each tool it would be sent twelve times (MCP specification, "Icons").
_ICON: Final = (
    "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%2024%2024'%20fill="
    "'none'%20stroke='%23527fff'%20stroke-width='2'%3E%3Cellipse%20cx='12'%20cy='6'%20rx='8'%20ry='3'/"
    "%3E%3Cpath%20d='M4%206v12c0%201.7%203.6%203%208%203s8-1.3%208-3V6M4%2012c0%201.7%203.6%203%208%203"
    "s8-1.3%208-3'/%3E%3C/svg%3E"
)
# A table may be named "../x": it is looked up in a catalog, not on a disk.
_NAMES_NOT_PATHS: Final = ResourceSecurity(reject_path_traversal=False, reject_absolute_paths=False)


class DsqlServer(MCPServer[None]):
    """The SDK's server with our error boundary around every tool."""

    def __init__(
        self,
        choice: ClusterRouter,
        calls: CallLog,
        offer: "ServerContents",
        **options: Any,  # noqa: ANN401 - the SDK's own
    ) -> None:
        super().__init__(
            "awslabs-dsql-mcp",
            title="Amazon Aurora DSQL",
            description="Queries, changes and explains an Amazon Aurora DSQL cluster.",
            website_url="https://github.com/awslabs/awslabs-dsql-mcp",
            icons=[Icon(src=_ICON, mime_type="image/svg+xml", sizes=["any"])],
            version=__version__,
            subscriptions=False,  # lists stay the same, and changes in a cluster are not announced
            **options,
        )
        self._choice = choice
        self._calls = calls
        self._offer = offer
        self._specs = {tool.key: tool for tool in offer.tools}
        self.find_cluster: Callable[[str], Awaitable[None]] | None = None
        self._registered: Sequence[Tool] = ()  # these two are made once, and the first anew for a new cluster
        self._listed: Sequence[Tool] = ()

    def add_cluster(self, info: ClusterInfo, tools: Sequence[ToolSpec]) -> None:
        """Take a cluster that was made while the server runs; what is listed stays the same.

        Args:
            info: The cluster.
            tools: Its tools, named for it.
        """
        tools = [tool for tool in tools if tool.family in self._offer.families]
        for tool in tools:
            self._specs[tool.key] = tool
            self.add_tool(
                tool.function,
                name=tool.key,
                description=tool.description,
                annotations=tool.annotations,
            )
        self._registered = ()
        self._choice.add(info, [tool.name for tool in tools])

    async def serve_stdio(self, lines: LineReader, first: FirstAnswers | None) -> None:
        """Serve standard input and output until the input ends.

        Args:
            lines: Standard input.
            first: The answers that were given already.
        """
        async with stdio_transport(lines, first) as (incoming, outgoing):
            options = self._lowlevel_server.create_initialization_options()
            await self._lowlevel_server.run(incoming, outgoing, options)

    @override
    async def list_tools(self) -> list[Tool]:
        """List the tools as clients see them: once, however many clusters they are for, in few words."""
        return [*await self._listed_tools()]

    @override
    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; every failure that a caller can do something about becomes an error result."""
        with self._calls.track(name, arguments) as call:
            reads = True
            try:
                place = await self._route(name, arguments)
                call.context.cluster = place.cluster
                reads = self._specs[place.tool].reads
                arguments = await self._read_arguments(place, str(call))
                result = await super().call_tool(place.tool, arguments, context)
            except (DsqlError, ToolError) as raised:
                result = self._failure(raised, call, reads=reads)
            call.result = tag_result(result, call.context.cluster)
            return call.result

    def _failure(self, raised: DsqlError | ToolError, call: ActiveCall, *, reads: bool) -> CallToolResult:
        """Log an error and give its result.

        The caller keeps no reference to the error: its traceback refers to the caller, and so to the call's
        arguments, which such a cycle would keep until the next full collection.
        """
        error = raised if isinstance(raised, DsqlError) else error_behind(raised, reads=reads)
        _log_failure(str(call), error)
        return error_result(error, self._offer.offered(call.context.cluster))

    @override
    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource; every failure becomes a protocol error in our words."""
        if (page := read_page(str(uri), context)) is not None:
            return [page]
        try:
            return await super().read_resource(uri, context)
        except ResourceNotFoundError:
            places = [resource.uri for resource in await self.list_resources()]
            places += [template.uri_template for template in await self.list_resource_templates()]
            hint = f"There are: {', '.join(map(str, places))}."
            absent = RequestInvalid(f"There is no resource {uri}.", hint=hint)
            raise protocol_error(absent, uri=str(uri)) from None
        except ResourceError as error:
            raise protocol_error(error_behind(error, reads=True), self._offer.offered()) from None

    @override
    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[None, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Give a prompt; a wrong name or a missing argument becomes a protocol error in our words."""
        prompts = {prompt.name: prompt for prompt in await self.list_prompts()}
        if name not in prompts:
            hint = closest_hint(name, list(prompts))
            raise protocol_error(RequestInvalid(f"There is no prompt {name!r}.", hint=hint))
        known = {argument.name: argument for argument in prompts[name].arguments or ()}
        for unknown in sorted((arguments or {}).keys() - known.keys()):
            told = f"The prompt {name} takes no argument {unknown!r}."
            raise protocol_error(RequestInvalid(told, hint=closest_hint(unknown, list(known))))
        for argument in known.values():
            if argument.required and argument.name not in (arguments or {}):
                told = f"The prompt {name} needs the argument {argument.name!r}."
                raise protocol_error(RequestInvalid(told, hint=argument.description))
        return await super().get_prompt(name, arguments, context)

    async def _registered_tools(self) -> Sequence[Tool]:
        self._registered = self._registered or await super().list_tools()
        return self._registered

    async def _listed_tools(self) -> Sequence[Tool]:
        registered = await self._registered_tools()
        self._listed = self._listed or self._choice.listed([_in_few_words(tool) for tool in registered])
        return self._listed

    async def _route(self, name: str, arguments: dict[str, Any]) -> RoutedCall:
        names = [tool.name for tool in await self._listed_tools()]
        if name not in names:
            if name in FAMILIES:
                hint = self._offer.offered().absence(name)
            elif name == "export_query":
                hint = NO_EXPORTS
            else:
                hint = closest_hint(name, names)
            raise RequestInvalid(f"There is no tool {name!r}.", hint=hint)
        if self.find_cluster and (given := self._choice.unknown(name, arguments)) is not None:
            await self.find_cluster(given)
        return self._choice.route(name, arguments)

    async def _read_arguments(self, place: RoutedCall, called: str) -> dict[str, Any]:
        schemas = {tool.name: tool.input_schema for tool in await self._registered_tools()}
        known: dict[str, Any] = schemas[place.tool].get("properties", {})
        if unknown := sorted(set(place.arguments) - set(known)):
            withheld = unknown[0] in self._specs[place.tool].withheld
            hint = (
                self._offer.offered(place.cluster).no_writes
                if withheld
                else closest_hint(unknown[0], list(known))
            )
            raise RequestInvalid(f"{called} takes no argument {unknown[0]!r}.", hint=hint)
        return {
            name: value if known[name].get("type") == "string" else await from_text(name, value, known[name])
            for name, value in place.arguments.items()
        }


@dataclass(frozen=True)
class ServerContents:
    """Contents of a server: tools, resources, and the clusters that calls choose from.

    Attributes:
        tools: In the order in which clients list them.
        families: Of them, those that are offered.
        allow_writes: ``transact`` changes data, on one of the clusters at least.
        clusters: The clusters that calls choose from; none where there is no choice.
        default: The cluster that calls mean that name none.
        resources: What can be read besides.
        changes_clusters: Clusters may be created and changed.
    """

    tools: Sequence[ToolSpec]
    allow_writes: bool
    families: Collection[Toolset] = TOOLSETS
    clusters: Sequence[ClusterInfo] = ()
    default: str | None = None
    resources: ResourceTable | None = None
    changes_clusters: bool = False

    def offered(self, cluster: str | None = None) -> OfferedTools:
        """Give the tools that a call on a cluster can name; without one, those of the whole server."""
        may = {info.name: info.allow_writes for info in self.clusters}
        name = cluster if cluster in may else ""
        writes = may.get(name, self.allow_writes)
        return OfferedTools(
            self.families, writes, name, changes_clusters=self.changes_clusters, called=cluster or ""
        )


def build_server(
    offer: ServerContents,
    *,
    log_level: str,
    calls: CallLog | None,
    middleware: Sequence[ServerMiddleware[Any]],
) -> DsqlServer:
    """Build the server.

    Args:
        offer: What it offers to clients.
        log_level: The SDK's own level.
        calls: Notes how calls end.
        middleware: Sees every message, behind our own.
    """
    tools = [tool for tool in offer.tools if tool.family in offer.families]
    exports = any(tool.name == "export_query" for tool in tools)
    told = instructions(allow_writes=offer.allow_writes, families=offer.families, exports=exports)
    server = DsqlServer(
        ClusterRouter(offer.clusters, offer.default, tools),
        calls or CallLog(),
        offer,
        instructions=with_clusters(told, offer.clusters, offer.default),
        log_level=log_level,
        middleware=[announce_views, refuse_invalid, refuse_unreadable, *middleware],
        cache_hints=dict.fromkeys(LISTS, CacheHint(ttl_ms=_HOUR)),
    )
    for tool in tools:
        server.add_tool(
            tool.function,
            name=tool.key,
            description=tool.description,
            annotations=tool.annotations,
            meta=dict(tool.meta) or None,
        )
    for prompt in PROMPTS:
        server.prompt(title=prompt.title, description=prompt.description)(prompt.function)
    if offer.resources is not None:
        _add_resources(server, offer.resources)
    return server


def _in_few_words(tool: Tool) -> Tool:
    output = compact_answer(tool.output_schema) if tool.output_schema else None
    return tool.model_copy(update={"input_schema": compact(tool.input_schema), "output_schema": output})


def _log_failure(call: str, error: DsqlError) -> None:
    level = logging.WARNING if error.remedy == "ask_operator" else logging.INFO
    # What a database says may quote rows; what an operator has to mend does not.
    told = error.message if level == logging.WARNING else error.sqlstate or ""
    log.log(level, "%s: %s %s", call, error.code, told)


def _add_resources(server: DsqlServer, resources: ResourceTable) -> None:
    for spec in resources.specs:
        server.resource(
            spec.uri,
            name=spec.title,
            title=spec.title,
            description=spec.description,
            mime_type=spec.mime_type,
            security=_NAMES_NOT_PATHS if "{" in spec.uri else None,
        )(spec.function)
    server.completion()(completion(resources))
