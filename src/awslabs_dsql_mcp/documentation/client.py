"""The client of the documentation server: one for the process, nothing opened before the first call.

Replies are remembered for a quarter of an hour, and calls with equal arguments that overlap share one
request. The total timeout is what a caller waits at most, retries and handshakes included.
"""

from __future__ import annotations

import asyncio
import json
import random as _random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import anyio

from awslabs_dsql_mcp.documentation.cache import TTLCache
from awslabs_dsql_mcp.documentation.protocol import CallRejected, ProtocolNegotiator
from awslabs_dsql_mcp.documentation.replies import Reply, check_server
from awslabs_dsql_mcp.errors import KnowledgeUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CACHE_SECONDS = 15 * 60.0
CACHE_CHARACTERS = 16_000_000
CLOSE_SECONDS = 2.0


@dataclass
class _Flight:
    """A request under way, and how many callers wait for it."""

    task: asyncio.Task[Reply]
    waiting: int = 0


class DocumentationClient:
    """Calls the documentation server's tools.

    Args:
        server: Its address: https, or http on this machine.
        timeout: Seconds that a caller waits at most, all included.
        ca_file: Certificates to trust instead of certifi's (or those that ``SSL_CERT_FILE`` names).
        clock: Seconds, monotonic: for the age of remembered replies.
        random: Gives numbers in [0, 1): the jitter before a second try.

    Raises:
        NotConfigured: The address is not one to send requests to.
    """

    def __init__(
        self,
        server: str,
        *,
        timeout: float,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._server = check_server(server)
        self._timeout = timeout
        self._ca_file = ca_file
        self._clock = clock
        self._random = random
        self._negotiator: ProtocolNegotiator | None = None
        self._recent: TTLCache[Reply] = TTLCache(lifetime=CACHE_SECONDS, capacity=CACHE_CHARACTERS)
        self._flights: dict[str, _Flight] = {}

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        """Call a tool of the documentation server.

        Returns:
            Its reply, with an age if it was remembered.

        Raises:
            KnowledgeUnavailable: There is none; the message says why.
        """
        key = json.dumps([tool, arguments], sort_keys=True)
        known = self._recent.get(key, now=self._clock())
        if known is not None:
            return replace(known[0], age=known[1])
        return await self._join(key, tool, arguments)

    async def aclose(self) -> None:
        """Give up what is under way and close the connections."""
        for flight in tuple(self._flights.values()):
            await _cancelled(flight.task)
        if self._negotiator is not None:
            with anyio.move_on_after(CLOSE_SECONDS):
                await self._negotiator.aclose()

    def _opened(self) -> ProtocolNegotiator:
        if self._negotiator is None:
            from awslabs_dsql_mcp.documentation.http import HttpTransport  # noqa: PLC0415 - httpx at the first call

            transport = HttpTransport(
                self._server, timeout=self._timeout, ca_file=self._ca_file, random=self._random
            )
            self._negotiator = ProtocolNegotiator(transport)
        return self._negotiator

    async def _join(self, key: str, tool: str, arguments: Mapping[str, object]) -> Reply:
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._fetch(key, tool, arguments)))
            self._flights[key] = flight
        flight.waiting += 1
        try:
            # Waiting, unlike awaiting, leaves the request to the other callers when one is cancelled.
            await asyncio.wait([flight.task])
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                # The last caller was cancelled: nobody wants the request any more.
                self._flights.pop(key, None)
                await _cancelled(flight.task)
        if flight.task.cancelled():
            raise KnowledgeUnavailable("this server is closing")
        return flight.task.result()

    async def _fetch(self, key: str, tool: str, arguments: Mapping[str, object]) -> Reply:
        try:
            with anyio.fail_after(self._timeout):
                reply = _reply(await self._opened().call(tool, arguments))
        except TimeoutError:
            raise KnowledgeUnavailable(
                f"no answer within {self._timeout:g} s", code="knowledge_timeout"
            ) from None
        finally:
            flight = self._flights.get(key)
            if flight is not None and flight.task is asyncio.current_task():
                del self._flights[key]
        size = sum(map(len, reply.texts)) + len(json.dumps(reply.structured))
        self._recent.put(key, reply, size=size, now=self._clock())
        return reply


async def _cancelled(task: asyncio.Task[Reply]) -> None:
    """Cancel a task and wait until its connection is closed, also while being cancelled."""
    task.cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.wait([task])


def _reply(result: Mapping[str, object]) -> Reply:
    """A CallToolResult (MCP, server/tools) as a value; ``CallRejected`` if it says that the tool failed."""
    texts = tuple(_texts(result.get("content")))
    if result.get("isError"):
        raise CallRejected("its tool failed", said=" ".join(texts))
    structured = result.get("structuredContent")
    held = cast("Mapping[str, object]", structured) if isinstance(structured, dict) else None
    if not texts and held is None:
        raise KnowledgeUnavailable("it sent an answer without text")
    return Reply(texts, held)


def _texts(content: object) -> Iterator[str]:
    for block in cast("list[object]", content) if isinstance(content, list) else ():
        text = cast("Mapping[str, object]", block).get("text") if isinstance(block, dict) else None
        if isinstance(text, str):
            yield text
