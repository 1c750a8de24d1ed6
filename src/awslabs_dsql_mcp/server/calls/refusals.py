"""Messages that are refused before anything looks at what they ask for: middleware of the SDK's server."""

from collections.abc import Mapping
from typing import Any, Final, cast

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.server.calls.error_results import error_result
from awslabs_dsql_mcp.server.transport.jsonrpc import UNREADABLE

LISTS: Final = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")


async def refuse_invalid(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Refuse ``_meta`` that is no object, and a cursor: no list has a second page.

    Raises:
        MCPError: Invalid params (MCP specification, "Pagination", Error Handling).
    """
    params = ctx.params or {}
    if not isinstance(params.get("_meta") or {}, Mapping):
        raise MCPError(INVALID_PARAMS, "params._meta must be an object.")
    if ctx.method in LISTS and params.get("cursor") is not None:
        raise MCPError(INVALID_PARAMS, "Unknown cursor: all is on the first page.")
    return await call_next(ctx)


async def refuse_unreadable(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer a request that `server.transport.jsonrpc` has marked as having text that is not Unicode."""
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
