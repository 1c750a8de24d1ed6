"""The MCP Apps extension (SEP-1865; specification 2026-01-26): who shows views, and how they are announced.

A client declares the extension with the MIME type of its pages; only such a client is told of views. All
others get the same bytes as from a server without any.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from awslabs_dsql_mcp.views.table import VIEWS, View

EXTENSION: Final = "io.modelcontextprotocol/ui"
MIME_TYPE: Final = "text/html;profile=mcp-app"
VIEW: Final = "awslabs-dsql-mcp/view"
"""Key in a result's ``_meta`` of what a view draws, for clients that show views; no model sees it."""
_UI: Final = "ui"
# A copied table is the one thing that a page needs more than its frame gives it ("Sandbox permissions").
_RESOURCE_META: Final[Mapping[str, Any]] = {
    _UI: {"permissions": {"clipboardWrite": {}}, "prefersBorder": True}
}


def shows_views(extensions: object) -> bool:
    """Check that a client shows views.

    Args:
        extensions: The extensions among its capabilities, as it sent them.
    """
    if not isinstance(extensions, Mapping):
        return False
    declared = cast("Mapping[str, object]", extensions).get(EXTENSION)
    types = cast("Mapping[str, object]", declared).get("mimeTypes") if isinstance(declared, Mapping) else None
    return isinstance(types, list | tuple) and MIME_TYPE in types


def resource_meta() -> dict[str, Any]:
    """Give ``_meta`` of a view's page."""
    return dict(_RESOURCE_META)


def with_extension(result: Mapping[str, Any]) -> dict[str, Any]:
    """Announce the extension in a server's first answer.

    Args:
        result: The answer to ``initialize`` or ``server/discover``.
    """
    capabilities: Mapping[str, Any] = result.get("capabilities") or {}
    others: Mapping[str, Any] = capabilities.get("extensions") or {}
    extensions: dict[str, Any] = {**others, EXTENSION: {}}
    return {**result, "capabilities": {**capabilities, "extensions": extensions}}


def with_pages(result: Mapping[str, Any]) -> dict[str, Any]:
    """Add the views' pages to a list of resources."""
    pages = [
        {
            "uri": view.uri,
            "name": view.title,
            "title": view.title,
            "description": view.description,
            "mimeType": MIME_TYPE,
            "_meta": resource_meta(),
        }
        for view in VIEWS
    ]
    return {**result, "resources": [*result["resources"], *pages]}


def with_views(result: Mapping[str, Any]) -> dict[str, Any]:
    """Name the view of each tool that has one in a list of tools."""
    by_tool = {tool: view for view in VIEWS for tool in view.tools}
    tools: Sequence[Mapping[str, Any]] = result["tools"]
    return {**result, "tools": [_with_view(tool, by_tool.get(tool["name"])) for tool in tools]}


def _with_view(tool: Mapping[str, Any], view: View | None) -> dict[str, Any]:
    if view is None:
        return dict(tool)
    return {**tool, "_meta": {**(tool.get("_meta") or {}), _UI: {"resourceUri": view.uri}}}
