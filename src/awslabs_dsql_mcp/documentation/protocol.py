"""The three variants of the protocol of documentation servers, and the choice among them.

::

    PlainJsonRpc        a tools/call and nothing else: what the public server takes
    Stateless           MCP 2026-07-28: every request says its version and its client
    InitializedSession  MCP 2025-11-25 and before: initialize first, then Mcp-Session-Id

Each is tried in that order until one is answered. The variants are written out here, and do not go
through the SDK's client, because that client hides what the retry needs: it turns every status into
the same error, drops Retry-After, and reads a JSON reply of any size.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Protocol, cast

import anyio

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.documentation.replies import RequestRejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from awslabs_dsql_mcp.documentation.http import HttpTransport, Message, Received

STATELESS_VERSION = "2026-07-28"
SESSION_VERSION = "2025-11-25"
_CLIENT = {"name": "awslabs-dsql-mcp", "version": __version__}
_NOT_FOUND = 404
_VISIBLE_ASCII = re.compile(r"[!-~]{1,1000}")
"""Characters that an id of a session may have (MCP 2025-11-25, basic/transports, "Session Management")."""
_CLIENT_ERRORS = range(400, 500)


class UnsupportedVariant(RequestRejected):
    """The server answered, but not to this: it may take another variant, or none."""


class CallRejected(RequestRejected):
    """The server takes the variant, and refused this call."""


class Variant(Protocol):
    """A way to call a tool."""

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Message:
        """Call a tool and give the result object; ``UnsupportedVariant`` where the request was refused."""
        ...

    async def aclose(self) -> None:
        """End the session where the variant has one."""
        ...


class PlainJsonRpc:
    """JSON-RPC 2.0 without a protocol around it."""

    def __init__(self, transport: HttpTransport, ids: Iterator[int]) -> None:
        self._transport = transport
        self._ids = ids

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Message:
        """Post the call alone."""
        request = _request(next(self._ids), "tools/call", {"name": tool, "arguments": arguments})
        return _result(await self._transport.post(request, {}))

    async def aclose(self) -> None:
        """Nothing is held."""


class Stateless:
    """MCP 2026-07-28, basic/transports: one self-describing request, no handshake."""

    def __init__(self, transport: HttpTransport, ids: Iterator[int]) -> None:
        self._transport = transport
        self._ids = ids

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Message:
        """Post the call with its envelope, repeated in the headers that proxies route by."""
        about = {"protocolVersion": STATELESS_VERSION, "clientInfo": _CLIENT, "clientCapabilities": {}}
        meta = {f"io.modelcontextprotocol/{key}": value for key, value in about.items()}
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        headers = {
            "mcp-protocol-version": STATELESS_VERSION,
            "mcp-method": "tools/call",
            "mcp-name": tool,
        }
        return _result(await self._transport.post(_request(next(self._ids), "tools/call", params), headers))

    async def aclose(self) -> None:
        """Nothing is held."""


class InitializedSession:
    """MCP 2024-11-05 to 2025-11-25 over streamable HTTP: a handshake, then calls that name the session."""

    def __init__(self, transport: HttpTransport, ids: Iterator[int]) -> None:
        self._transport = transport
        self._ids = ids
        self._lock = anyio.Lock()
        self._headers: Mapping[str, str] | None = None

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Message:
        """Call in the session, in a new one if there is none or the server has forgotten it."""
        params = {"name": tool, "arguments": arguments}
        request = _request(next(self._ids), "tools/call", params)
        headers = await self._begun(None)
        reply = await self._transport.post(request, headers)
        if reply.status == _NOT_FOUND:
            reply = await self._transport.post(request, await self._begun(headers))
        # The handshake has succeeded: what is refused now is the call, not the variant.
        return _result(reply, refusal=CallRejected)

    async def aclose(self) -> None:
        """End the session at the server too."""
        if self._headers is not None and "mcp-session-id" in self._headers:
            await self._transport.delete(self._headers)

    async def _begun(self, stale: Mapping[str, str] | None) -> Mapping[str, str]:
        async with self._lock:
            if self._headers is None or self._headers is stale:
                self._headers = await self._begin()
            return self._headers

    async def _begin(self) -> Mapping[str, str]:
        params = {"protocolVersion": SESSION_VERSION, "capabilities": {}, "clientInfo": _CLIENT}
        reply = await self._transport.post(_request(next(self._ids), "initialize", params), {})
        headers = {"mcp-protocol-version": str(_result(reply).get("protocolVersion", SESSION_VERSION))}
        if "mcp-session-id" in reply.headers:
            headers["mcp-session-id"] = reply.headers["mcp-session-id"]
        if not all(map(_VISIBLE_ASCII.fullmatch, headers.values())):
            raise UnsupportedVariant("it began a session whose id or version cannot be sent back")
        await self._transport.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
        return headers


class ProtocolNegotiator:
    """Calls tools by the variant that the server takes, which the first call finds out.

    Args:
        transport: Channel to the server.
    """

    def __init__(self, transport: HttpTransport) -> None:
        ids = itertools.count(1)
        self._transport = transport
        self._variants: tuple[Variant, ...] = (
            PlainJsonRpc(transport, ids),
            Stateless(transport, ids),
            InitializedSession(transport, ids),
        )
        self._variant: Variant | None = None
        self._lock = anyio.Lock()

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Message:
        """The result object of ``tools/call``.

        Raises:
            KnowledgeUnavailable: The server refused the call by every variant, or did not answer.
        """
        if self._variant is None:
            async with self._lock:
                if self._variant is None:
                    return await self._find(tool, arguments)
        return await self._variant.call(tool, arguments)

    async def aclose(self) -> None:
        """End the session, if there is one, and close the connections."""
        if self._variant is not None:
            await self._variant.aclose()
        await self._transport.aclose()

    async def _find(self, tool: str, arguments: Mapping[str, object]) -> Message:
        outcomes: list[UnsupportedVariant] = []
        for variant in self._variants:
            outcome = await self._try(variant, tool, arguments)
            if not isinstance(outcome, UnsupportedVariant):
                return outcome
            outcomes.append(outcome)
        # A server that takes the first variant, and refuses this call, has said why at the first.
        raise outcomes[0]

    async def _try(
        self, variant: Variant, tool: str, arguments: Mapping[str, object]
    ) -> Message | UnsupportedVariant:
        try:
            result = await variant.call(tool, arguments)
        except UnsupportedVariant as refusal:
            return refusal
        except CallRejected:
            self._variant = variant
            raise
        self._variant = variant
        return result


def _request(number: int, method: str, params: Mapping[str, object]) -> Message:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _result(reply: Received, refusal: type[RequestRejected] = UnsupportedVariant) -> Message:
    message = reply.message or {}
    error = message.get("error")
    if isinstance(error, dict):
        raise refusal("it refused the call", said=str(cast("Message", error).get("message", "")))
    if reply.status in _CLIENT_ERRORS:
        raise refusal(f"it answered {reply.status}")
    # Published clients of the public server provide for a reply without its JSON-RPC envelope.
    result = message if "content" in message else message.get("result")
    if not isinstance(result, dict):
        raise refusal("it sent JSON that is not a JSON-RPC reply")
    return cast("Message", result)
