"""A client that writes and reads lines of JSON-RPC itself, well formed or not."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from mcp import StdioServerParameters

LEGACY: Final = "2025-11-25"
MODERN: Final = "2026-07-28"
_CLIENT: Final = {"name": "lines", "version": "1"}


class LineClient:
    """One side of a server's pipes.

    Args:
        process: The server.
        revision: The protocol's revision.
        capabilities: What the client declares.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, revision: str, capabilities: Mapping[str, object]
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.input = process.stdin
        self._output = process.stdout
        self._revision = revision
        self._capabilities = capabilities
        self._number = 0

    def send(self, message: Mapping[str, object]) -> None:
        """Send a message."""
        self.input.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def begin(self, method: str, **params: object) -> int:
        """Send a request; give its id."""
        self._number += 1
        self.send({"id": f"c{self._number}", "method": method, "params": params | self._meta()})
        return self._number

    def begin_call(self, tool: str, more: Mapping[str, object] | None = None, **arguments: object) -> int:
        """Send a call of a tool; give its id."""
        return self.begin("tools/call", name=tool, arguments=arguments, **(more or {}))

    async def read(self) -> dict[str, Any]:
        """Read the next message that is no notification."""
        while "id" not in (message := json.loads(await self._output.readline())):
            pass
        return message

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a request, and give the next message, its answer."""
        self.begin(method, **params)
        return await self.read()

    async def call(
        self, tool: str, more: Mapping[str, object] | None = None, **arguments: object
    ) -> dict[str, Any]:
        """Call a tool, and give the next message."""
        self.begin_call(tool, more, **arguments)
        return await self.read()

    async def shake_hands(self) -> None:
        """Begin a session, if the revision has any."""
        if self._revision == LEGACY:
            about = {"protocolVersion": LEGACY, "capabilities": self._capabilities, "clientInfo": _CLIENT}
            assert "result" in await self.ask("initialize", **about)
            self.send({"method": "notifications/initialized"})

    def _meta(self) -> dict[str, object]:
        if self._revision == LEGACY:
            return {}
        facts = {
            "protocolVersion": MODERN,
            "clientInfo": _CLIENT,
            "clientCapabilities": self._capabilities,
        }
        return {"_meta": {f"io.modelcontextprotocol/{key}": value for key, value in facts.items()}}


@asynccontextmanager
async def line_client(
    server: StdioServerParameters, revision: str, capabilities: Mapping[str, object]
) -> AsyncGenerator[LineClient]:
    """Start a server and a client of it; at the end, the server must end by itself."""
    process = await asyncio.create_subprocess_exec(
        *(server.command, *server.args),
        env=server.env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    client = LineClient(process, revision, capabilities)
    try:
        await client.shake_hands()
        yield client
    finally:
        client.input.close()
        if process.returncode is None:
            await process.wait()
