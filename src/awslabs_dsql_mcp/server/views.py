"""Views in the server: announced to clients that show them, in both eras of the protocol, to no others."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context

from awslabs_dsql_mcp.tools.spec import client_shows_views
from awslabs_dsql_mcp.views.extension import (
    MIME_TYPE,
    resource_meta,
    shows_views,
    with_extension,
    with_pages,
    with_views,
)
from awslabs_dsql_mcp.views.table import view_at

_ANNOUNCEMENTS: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "initialize": with_extension,
    "server/discover": with_extension,
    "tools/list": with_views,
    "resources/list": with_pages,
}


async def announce_views(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Add the views to what the server says of itself, where the client shows views."""
    result = await call_next(ctx)
    announce = _ANNOUNCEMENTS.get(ctx.method)
    if announce is None or not isinstance(result, dict) or not _shows_views(ctx):
        return result
    return announce(result)


def read_page(uri: str, ctx: Context[None, Any] | None) -> ReadResourceContents | None:
    """Read the page of a view; `None` if there is none at this address, or the client shows none."""
    view = view_at(uri)
    if view is None or not client_shows_views(ctx):
        return None
    from awslabs_dsql_mcp.views.page import page  # noqa: PLC0415 - by clients that show views alone

    return ReadResourceContents(page(view), mime_type=MIME_TYPE, meta=resource_meta())


def _shows_views(ctx: ServerRequestContext[Any, Any]) -> bool:
    if ctx.method == "initialize":  # which makes the session's capabilities known only once it is answered
        told = cast("object", (ctx.params or {}).get("capabilities"))
        return isinstance(told, Mapping) and shows_views(cast("Mapping[str, object]", told).get("extensions"))
    capabilities = ctx.session.client_capabilities
    return capabilities is not None and shows_views(capabilities.extensions)
