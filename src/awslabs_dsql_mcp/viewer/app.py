"""The viewer's web application: its page, the pages of views, and one address that the page asks.

Neither its page nor those of views hold data; all data go through ``/mcp``, which needs the secret.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from awslabs_dsql_mcp.json_text import loads
from awslabs_dsql_mcp.server.transport.limits import MAX_LINE
from awslabs_dsql_mcp.viewer.access import Access
from awslabs_dsql_mcp.viewer.host import Host, Unanswerable
from awslabs_dsql_mcp.views.page import shared_part
from awslabs_dsql_mcp.views.table import VIEWS

log = logging.getLogger(__name__)

_FILES: Final = Path(__file__).with_name("page")
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What a page that asks for nothing gets (MCP Apps, "Content Security Policy"), in an origin of its own.
_VIEW_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_CLOSED: Final = "This tab is not open, or no longer: open the address that the terminal shows."


def make_app(host: Host, access: Access, opened: Callable[[], None]) -> ASGIApp:
    """Make the application.

    Args:
        host: Answers the page.
        access: Who may speak to it.
        opened: Called when a tab was opened, and its key used up.
    """
    pages = _Pages(host, access, opened)
    routes = [
        Route("/", pages.start),
        Route("/page.css", pages.style),
        Route("/page.js", pages.script),
        Route("/views/{name:str}.html", pages.view),
        Route("/open", pages.open, methods=["POST"]),
        Route("/mcp", pages.mcp, methods=["POST"]),
    ]
    return _Guarded(Starlette(routes=routes), access)


def page_script() -> str:
    """Read the script of the page: parts that views have too, and its own, in one scope."""
    parts = (shared_part("dom.js"), shared_part("values.js"), _text("bridge.js"), _text("page.js"))
    return "\n".join(('"use strict";', *parts))


class _Pages:
    """What stands at each address."""

    def __init__(self, host: Host, access: Access, opened: Callable[[], None]) -> None:
        self._host = host
        self._access = access
        self._opened = opened

    async def start(self, _request: Request) -> Response:
        return _file(_text("index.html"), "text/html", _PAGE_POLICY)

    async def style(self, _request: Request) -> Response:
        return _file(shared_part("theme.css") + _text("page.css"), "text/css")

    async def script(self, _request: Request) -> Response:
        return _file(page_script(), "text/javascript")

    async def view(self, request: Request) -> Response:
        found = next((each for each in VIEWS if each.name == request.path_params["name"]), None)
        if found is None:
            return PlainTextResponse("There is no such view.", 404, dict(_HEADERS))
        answer = await self._host.answer("resources/read", {"uri": found.uri})
        return _file(answer["contents"][0]["text"], "text/html", _VIEW_POLICY)

    async def open(self, request: Request) -> Response:
        session = self._access.open(request.headers)
        if session is None:
            return _refused(_CLOSED)
        self._opened()
        return PlainTextResponse(session, headers=dict(_HEADERS))

    async def mcp(self, request: Request) -> Response:
        if not self._access.is_open(request.headers):
            return _refused(_CLOSED)
        body = await _body(request)
        if body is None:
            return PlainTextResponse(
                f"The text is too long: at most {MAX_LINE:,} bytes.", 413, dict(_HEADERS)
            )
        told = await _while_connected(request, _answer(self._host, body))
        # As ASCII, which has a form for half of a surrogate pair, too.
        return Response(json.dumps(told), media_type="application/json", headers=dict(_HEADERS))


class _Asked(BaseModel):
    """A request of the page."""

    method: str
    params: dict[str, Any] = {}


class _Guarded:
    """Refuses requests that do not come from a page of the viewer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._access.refusal(scope["method"], Headers(scope=scope))
            if refusal is not None:
                await _refused(refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refused(why: str) -> Response:
    return PlainTextResponse(why, 403, dict(_HEADERS))


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _file(text: str, media_type: str, policy: str = "default-src 'none'") -> Response:
    return Response(text, media_type=media_type, headers={**_HEADERS, "content-security-policy": policy})


async def _body(request: Request) -> bytes | None:
    """Read a request's body; ``None`` if it is too long."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_LINE:
            return None
        parts.append(part)
    return b"".join(parts)


async def _answer(host: Host, body: bytes) -> Mapping[str, Any]:
    """Answer a request of the page as JSON: its result, or an error in words."""
    try:
        asked = _Asked.model_validate(loads(body.decode()))
        return {"result": await host.answer(asked.method, asked.params)}
    except (Unanswerable, MCPError) as error:
        return {"error": str(error)}
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValidationError):
        return {"error": "The request could not be read."}
    except Exception as error:  # noqa: BLE001 - a bug of ours: masked for the page, in the log by its class
        log.error("no answer to the page: %s", type(error).__name__)  # noqa: TRY400 - logs have no stack traces
        return {"error": "No answer, by a fault of the viewer: its log in the terminal has more."}


async def _while_connected(
    request: Request, work: Coroutine[Any, Any, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Do work, and cancel it when the page does not wait for it any more."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else {"error": "The page went away."}
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.wait({task, gone})


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
