"""The MCP server: tools, resources and prompts behind one boundary, where errors become answers."""

import logging
import secrets
import time
import traceback
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final, cast

from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp.server.mcpserver.resources import ResourceSecurity
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    Tool,
)
from pydantic import AnyUrl, ValidationError
from typing_extensions import override

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.adapters.stdio import UNREADABLE
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid, StatementRefused
from awslabs_dsql_mcp.settings import FAMILIES, Family
from awslabs_dsql_mcp.surface.instructions import instructions
from awslabs_dsql_mcp.surface.prompts import PROMPTS
from awslabs_dsql_mcp.surface.resources import Resources
from awslabs_dsql_mcp.surface.schemas import brief
from awslabs_dsql_mcp.surface.spec import ToolSpec

log = logging.getLogger(__name__)

_HOUR = 3_600_000  # milliseconds; what is offered is the same as long as the process lives
_FIXED: Final = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
_BUG: Final = "internal_error"
_MOST_COMPLETIONS: Final = 100  # MCP specification, "Completion"
# A table may be named "../x": it is looked up in a catalog, not on a disk.
_NAMES_NOT_PATHS: Final = ResourceSecurity(reject_path_traversal=False, reject_absolute_paths=False)


class DsqlServer(MCPServer[None]):
    """The SDK's server with our error boundary around every tool."""

    @override
    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; every failure that a caller can do something about becomes an error result."""
        began = time.monotonic()
        try:
            await self._check_arguments(name, arguments)
            result = await super().call_tool(name, arguments, context)
        except DsqlError as error:
            return _failed(name, error, began)
        except ToolError as error:
            return _failed(name, _error_behind(error), began)
        log.info("%s: done in %.0f ms", name, 1000 * (time.monotonic() - began))
        return result

    @override
    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource; every failure becomes a protocol error in our words."""
        try:
            return await super().read_resource(uri, context)
        except ResourceNotFoundError:
            places = [resource.uri for resource in await self.list_resources()]
            places += [template.uri_template for template in await self.list_resource_templates()]
            hint = f"There are: {', '.join(map(str, places))}."
            raise _protocol_error(RequestInvalid(f"There is no resource {uri}.", hint=hint)) from None
        except ResourceError as error:
            raise _protocol_error(_error_behind(error)) from None

    @override
    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[None, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Give a prompt; a wrong name or a missing argument becomes a protocol error in our words."""
        prompts = {prompt.name: prompt for prompt in await self.list_prompts()}
        if name not in prompts:
            hint = _nearest(name, list(prompts))
            raise _protocol_error(RequestInvalid(f"There is no prompt {name!r}.", hint=hint))
        known = {argument.name: argument for argument in prompts[name].arguments or ()}
        for unknown in sorted((arguments or {}).keys() - known.keys()):
            told = f"The prompt {name} takes no argument {unknown!r}."
            raise _protocol_error(RequestInvalid(told, hint=_nearest(unknown, list(known))))
        for argument in known.values():
            if argument.required and argument.name not in (arguments or {}):
                told = f"The prompt {name} needs the argument {argument.name!r}."
                raise _protocol_error(RequestInvalid(told, hint=argument.description))
        return await super().get_prompt(name, arguments, context)

    @override
    async def list_tools(self) -> list[Tool]:
        """List the tools, their schemas in few words."""
        return [
            tool.model_copy(
                update={
                    "input_schema": brief(tool.input_schema),
                    "output_schema": brief(tool.output_schema) if tool.output_schema else None,
                }
            )
            for tool in await super().list_tools()
        ]

    async def _check_arguments(self, name: str, arguments: dict[str, Any]) -> None:
        tools = {tool.name: tool.input_schema for tool in await self.list_tools()}
        if name not in tools:
            raise RequestInvalid(f"There is no tool {name!r}.", hint=_nearest(name, list(tools)))
        known = list(tools[name].get("properties", {}))
        if unknown := sorted(set(arguments) - set(known)):
            raise RequestInvalid(
                f"{name} takes no argument {unknown[0]!r}.", hint=_nearest(unknown[0], known)
            )


def build_server(
    tools: Sequence[ToolSpec],
    *,
    allow_writes: bool,
    families: Collection[Family] = FAMILIES,
    log_level: str,
    resources: Resources | None = None,
    middleware: Sequence[ServerMiddleware[Any]] = (),
) -> DsqlServer:
    """Build the server with its tools, resources and prompts.

    Args:
        tools: In the order in which clients list them.
        allow_writes: Whether the instructions say that ``transact`` writes.
        families: Of the tools, those that are offered.
        log_level: The SDK's own level.
        resources: What can be read besides.
        middleware: Sees every message, behind our own.
    """
    server = DsqlServer(
        "awslabs-dsql-mcp",
        title="Amazon Aurora DSQL",
        version=__version__,
        instructions=instructions(allow_writes=allow_writes, families=families),
        log_level=log_level,  # pyright: ignore[reportArgumentType] - one of settings.LOG_LEVELS
        middleware=[_refuse_unreadable, *middleware],
        cache_hints=dict.fromkeys(_FIXED, CacheHint(ttl_ms=_HOUR)),
    )
    for tool in tools:
        if tool.family not in families:
            continue
        server.add_tool(
            tool.function,
            name=tool.name,
            title=tool.title,
            description=tool.description,
            annotations=tool.annotations,
        )
    for prompt in PROMPTS:
        server.prompt(title=prompt.title, description=prompt.description)(prompt.function)
    if resources is not None:
        _add_resources(server, resources)
    return server


def _failed(name: str, error: DsqlError, began: float) -> CallToolResult:
    level = logging.WARNING if error.remedy == "ask_operator" else logging.INFO
    took = 1000 * (time.monotonic() - began)
    # What a database says may quote rows; what an operator has to mend does not.
    told = error.message if level == logging.WARNING else error.sqlstate or ""
    log.log(level, "%s: %s in %.0f ms %s", name, error.code, took, told)
    return error_result(error)


def _add_resources(server: DsqlServer, resources: Resources) -> None:
    for spec in resources.specs:
        server.resource(
            spec.uri,
            name=spec.title,
            title=spec.title,
            description=spec.description,
            mime_type=spec.mime_type,
            security=_NAMES_NOT_PATHS if "{" in spec.uri else None,
        )(spec.function)

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        if not isinstance(ref, ResourceTemplateReference):
            return None
        known = (context.arguments if context else None) or {}
        try:
            values = await resources.complete(ref.uri, argument.name, argument.value, known)
        except DsqlError:  # no cluster, say: who types a name is not helped by an error
            return None
        shown = list(values[:_MOST_COMPLETIONS])
        return Completion(values=shown, total=len(values), has_more=len(values) > len(shown))

    server.completion()(complete)


def error_result(error: DsqlError) -> CallToolResult:
    """Turn an error into what the model reads and what a program reads."""
    state = f", SQLSTATE {error.sqlstate}" if error.sqlstate else ""
    refused = isinstance(error, StatementRefused)  # a refusal names its rule itself
    told = [error.message if refused else f"Error ({error.code}{state}): {error.message}"]
    if error.outcome == "rolled_back":
        told.append("Nothing was stored: rolled back.")
    if error.hint:
        told.append(f"Next: {error.hint}")
    return CallToolResult(
        content=[TextContent(text="\n".join(told))], structured_content=_facts(error), is_error=True
    )


def _protocol_error(error: DsqlError) -> MCPError:
    """The same where there is no result to put it in: resources and prompts."""
    code = INVALID_PARAMS if error.remedy == "fix_request" and error.code != _BUG else INTERNAL_ERROR
    message = error.message + (f" Next: {error.hint}" if error.hint else "")
    return MCPError(code, message, _facts(error))


def _facts(error: DsqlError) -> dict[str, object]:
    return {
        "code": error.code,
        "remedy": error.remedy,
        "sqlstate": error.sqlstate,
        "hint": error.hint,
        "committed": _committed(error),
    }


def _committed(error: DsqlError) -> bool | None:
    return None if error.outcome == "unknown" else error.outcome == "committed"


def _error_behind(error: ToolError | ResourceError) -> DsqlError:
    """Find what a tool or resource raised; what is not ours is a bug, told to the model by an id alone."""
    cause = error.__cause__
    while isinstance(cause, ResourceError):
        cause = cause.__cause__
    if isinstance(cause, DsqlError):
        return cause
    if isinstance(cause, ValidationError):
        return _invalid(cause)
    bug = secrets.token_hex(4)
    log.error("bug %s: %s at %s", bug, type(cause).__name__, _place(cause))
    return DsqlError(
        f"This server has met a bug of its own, {bug}.",
        code=_BUG,
        hint="Do not rely on whether a change was stored: check. The operator finds the id in the log.",
    )


def _place(error: BaseException | None) -> str:
    frames = list(traceback.extract_tb(error.__traceback__)) if error else []
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-3:])) or "?"


def _invalid(error: ValidationError) -> RequestInvalid:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("list[", "function-")))
    return RequestInvalid(f"Argument {where}: {first['msg'].lower()}.", hint="See the tool's input schema.")


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."


async def _refuse_unreadable(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer a request that `adapters.stdio` has marked as having text that is not Unicode."""
    meta = cast("dict[str, object]", (ctx.params or {}).get("_meta") or {})
    why = meta.get(UNREADABLE)
    if why is None:
        return await call_next(ctx)
    error = RequestInvalid(
        f"The request has {why} in a text, which is not Unicode (RFC 8259, section 8.2).",
        hint="Send the character as a whole, as UTF-8 or as a pair of escapes.",
    )
    if ctx.method != "tools/call":
        raise MCPError(INVALID_PARAMS, error.message)
    result = error_result(error).model_dump(mode="json", by_alias=True, exclude_none=True)
    return result | ({"resultType": "complete"} if ctx.protocol_version >= "2026-07-28" else {})
