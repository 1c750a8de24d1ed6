"""The stdio transport: lines of standard input as messages, messages as lines of standard output.

The SDK's own transport drops what it cannot read, replaces bytes that are not UTF-8, ends with the process
when an answer cannot be encoded. This one answers every line.
Source: MCP specification 2026-07-28, "Transports", stdio.
"""

import json
import logging
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType

import anyio
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp.types import (
    INVALID_REQUEST,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
    JSONRPCResponse,
)
from pydantic_core import PydanticSerializationError
from typing_extensions import Self

from awslabs_dsql_mcp.json_reader import LARGE
from awslabs_dsql_mcp.server.startup.first_answers import FirstAnswers
from awslabs_dsql_mcp.server.transport.jsonrpc import Rejection, take_line, without_surrogates
from awslabs_dsql_mcp.server.transport.line_reader import LineReader, write_all
from awslabs_dsql_mcp.server.transport.line_writer import write_without_waiting
from awslabs_dsql_mcp.server.transport.read_ahead import ReadAhead
from awslabs_dsql_mcp.server.transport.waiting_requests import WaitingRequests

log = logging.getLogger(__name__)

Messages = MemoryObjectSendStream[SessionMessage | Exception]
Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]


class WholeMessages:
    """A stream whose messages are sent although their senders are cancelled meanwhile.

    A request is cancelled by its client, or as the input ends. The SDK takes an answer that is on its way
    for sent: it makes no other, and reports none as missing.

    Args:
        stream: Where they go.
    """

    def __init__(self, stream: Outgoing) -> None:
        self._stream = stream

    async def send(self, item: SessionMessage, /) -> None:
        """Send a message."""
        with anyio.CancelScope(shield=True):
            await self._stream.send(item)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        """Give itself, to be closed at the end."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Close the stream."""
        await self.aclose()


@asynccontextmanager
async def stdio_transport(
    lines: LineReader, first: FirstAnswers | None
) -> AsyncGenerator[tuple[Incoming, WholeMessages]]:
    """Serve lines as a pair of streams of messages.

    Descriptor 1 is standard error meanwhile, so that whatever prints does not write into the protocol.

    Args:
        lines: Standard input.
        first: The answers that were given already.
    """
    sys.stdout.flush()
    wire = os.dup(1)
    os.dup2(2, 1)
    to_server, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, to_client = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as tasks:
            waiting = WaitingRequests()
            tasks.start_soon(_read, lines, waiting, to_server, outgoing.clone(), first)
            tasks.start_soon(_write, lines, waiting, wire, to_client, first)
            async with incoming, outgoing:
                yield incoming, WholeMessages(outgoing)
    finally:
        os.dup2(wire, 1)
        os.close(wire)


async def _read(
    lines: LineReader,
    waiting: WaitingRequests,
    messages: Messages,
    answers: Outgoing,
    first: FirstAnswers | None,
) -> None:
    ahead = ReadAhead(lines)
    ahead.start()
    async with messages, answers:
        while line := await ahead.readline():
            if first is not None:
                first.hear(line)
            taken = await _take(line)
            size = len(line)
            del line  # of megabytes, and the next one may be long in coming
            if isinstance(taken, JSONRPCRequest) and (reason := waiting.admit(taken.id, size)):
                error = ErrorData(code=INVALID_REQUEST, message=reason)
                taken = Rejection(reason, JSONRPCError(jsonrpc="2.0", id=taken.id, error=error))
            if isinstance(taken, Rejection):
                log.warning("a line was rejected: %s", taken.reason)
                await answers.send(SessionMessage(taken.answer))
            message = taken.response if isinstance(taken, Rejection) else taken
            if message is not None:
                await messages.send(SessionMessage(message, _settling(message, waiting)))


async def _take(line: bytes) -> JSONRPCMessage | Rejection:
    if len(line) <= LARGE:
        return take_line(line)
    return await anyio.to_thread.run_sync(take_line, line)


def _settling(message: JSONRPCMessage, waiting: WaitingRequests) -> ServerMessageMetadata | None:
    """Have a request that is cancelled, and so gets no answer, counted no more."""
    if not isinstance(message, JSONRPCRequest):
        return None

    async def settle() -> None:
        waiting.settle(message.id)

    return ServerMessageMetadata(on_request_unanswered=settle)


async def _write(
    lines: LineReader,
    waiting: WaitingRequests,
    wire: int,
    messages: MemoryObjectReceiveStream[SessionMessage],
    first: FirstAnswers | None,
) -> None:
    async with messages:
        async for message in messages:
            data, sent = encode(message.message), message.message
            is_answer = isinstance(sent, JSONRPCResponse | JSONRPCError)
            if is_answer and first is not None and first.was_said(sent.id, data):
                waiting.settle(sent.id)
                continue
            try:
                if rest := data[write_without_waiting(wire, data) :]:
                    await anyio.to_thread.run_sync(write_all, wire, rest)
            except OSError:  # the client is gone: nobody reads, and nothing more is asked
                lines.close()
            if is_answer:
                waiting.settle(sent.id)
            if first is not None and first.has_new:
                await anyio.to_thread.run_sync(first.keep_new)


def encode(message: JSONRPCMessage) -> bytes:
    """Encode a message as a line; text that is no Unicode is replaced, since no UTF-8 stands for it."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
    except PydanticSerializationError:
        fields = message.model_dump(by_alias=True, exclude_unset=True)
        return json.dumps(without_surrogates(fields), ensure_ascii=False, default=str).encode() + b"\n"
