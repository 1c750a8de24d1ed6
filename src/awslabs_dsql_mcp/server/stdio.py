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

import anyio
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage
from pydantic_core import PydanticSerializationError

from awslabs_dsql_mcp.server.jsonrpc import MessageRejected, read_message, without_surrogates
from awslabs_dsql_mcp.server.line_reader import LineReader

log = logging.getLogger(__name__)

Messages = MemoryObjectSendStream[SessionMessage | Exception]
Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]


@asynccontextmanager
async def stdio_transport(lines: LineReader) -> AsyncGenerator[tuple[Incoming, Outgoing]]:
    """Serve lines as a pair of streams of messages.

    Descriptor 1 is standard error meanwhile, so that whatever prints does not write into the protocol.

    Args:
        lines: Standard input.
    """
    sys.stdout.flush()
    wire = os.dup(1)
    os.dup2(2, 1)
    to_server, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, to_client = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, lines, to_server, outgoing.clone())
            tasks.start_soon(_write, lines, wire, to_client)
            async with incoming, outgoing:
                yield incoming, outgoing
    finally:
        os.dup2(wire, 1)
        os.close(wire)


async def _read(lines: LineReader, messages: Messages, answers: Outgoing) -> None:
    async with messages, answers:
        while line := await anyio.to_thread.run_sync(lines.readline, abandon_on_cancel=True):
            await _take(line, messages, answers)


async def _take(line: bytes, messages: Messages, answers: Outgoing) -> None:
    try:
        message = read_message(line)
    except MessageRejected as rejected:
        log.warning("a line was rejected: %s", rejected)
        await answers.send(SessionMessage(rejected.answer(line)))
        if rejected.response is not None:
            await messages.send(SessionMessage(rejected.response))
    else:
        await messages.send(SessionMessage(message))


async def _write(lines: LineReader, wire: int, messages: MemoryObjectReceiveStream[SessionMessage]) -> None:
    async with messages:
        async for message in messages:
            try:
                await anyio.to_thread.run_sync(_write_all, wire, encode(message.message))
            except OSError:  # the client is gone: nobody reads, and nothing more is asked
                lines.close()


def encode(message: JSONRPCMessage) -> bytes:
    """Encode a message as a line; text that is no Unicode is replaced, since no UTF-8 stands for it."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
    except PydanticSerializationError:
        fields = message.model_dump(by_alias=True, exclude_unset=True)
        return json.dumps(without_surrogates(fields), ensure_ascii=False, default=str).encode() + b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
