"""A server as a process, spoken to by hand, so that it may be ended at any moment."""

import asyncio
import json
from typing import Any


class Served:
    """A running server, and the client's end of its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.input = process.stdin
        self._output = process.stdout

    def send(self, method: str, params: dict[str, Any] | str, number: int | None = None) -> None:
        """Send a request, or a notification if it has no number; parameters may be written as JSON."""
        message = {"jsonrpc": "2.0", "method": method} | ({} if number is None else {"id": number})
        written = params if isinstance(params, str) else json.dumps(params)
        self.input.write(f'{json.dumps(message)[:-1]}, "params": {written}}}\n'.encode())

    async def ask(self, method: str, params: dict[str, Any] | str, number: int) -> dict[str, Any]:
        """Send a request, and give the next answer, which must be its own."""
        self.send(method, params, number)
        while "id" not in (answer := json.loads(await self._output.readline())):
            pass
        assert answer["id"] == number
        return answer["result"]

    async def shake_hands(self) -> None:
        """Begin a session."""
        who = {"name": "test", "version": "1"}
        await self.ask(
            "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": who}, 1
        )
        self.send("notifications/initialized", {})
