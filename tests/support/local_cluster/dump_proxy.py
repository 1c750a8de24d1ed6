"""A proxy through which pg_dump reads a local cluster, as AWS has one for clusters (pgdump-proxy).

It takes plain text on a port of its own, and answers in the cluster's place what pg_dump says before it
reads, and a cluster refuses. AWS's does no more; `prepares` adds PREPARE, which pg_dump sends for functions,
domains and the privileges of columns.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from awslabs_dsql_mcp.dsql.settings import is_settable
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire

_SET = re.compile(r"SET\s+(?:SESSION\s+|LOCAL\s+)?(\w+)", re.IGNORECASE)
_SET_CONFIG = re.compile(r"SELECT\s+(?:pg_catalog\.)?set_config\s*\(", re.IGNORECASE)
_LOCK = re.compile(r"LOCK\s", re.IGNORECASE)
_PREPARE = re.compile(r"PREPARE (\w+)\(.*?\) AS\s+(.*)", re.DOTALL)
_EXECUTE = re.compile(r"EXECUTE (\w+)\((.*)\)", re.DOTALL)


class _Dialogue:
    """What one client says, and what of it the cluster hears."""

    def __init__(self, *, prepares: bool) -> None:
        self._prepares = prepares
        self._prepared: dict[str, str] = {}

    def answered(self, sql: str) -> str | None:
        """Return the command tag of what the cluster need not hear."""
        if (found := _SET.match(sql)) and not is_settable(found[1]):
            return "SET"
        if _LOCK.match(sql):
            return "LOCK TABLE"
        if self._prepares and (found := _PREPARE.match(sql)):
            self._prepared[found[1]] = found[2]
            return "PREPARE"
        return None

    def passed_on(self, sql: str) -> str:
        """Return what the cluster hears instead."""
        if _SET_CONFIG.match(sql):
            return "SELECT NULL::text"
        if self._prepares and (found := _EXECUTE.match(sql)):
            sql = self._prepared[found[1]]
            for number, value in enumerate(found[2].split(", "), 1):
                sql = sql.replace(f"${number}", value)
        return sql


@asynccontextmanager
async def dump_proxy(cluster: LocalCluster, *, prepares: bool = False) -> AsyncGenerator[int, None]:
    """Run the proxy; give its port."""
    context = ssl.create_default_context(cafile=cluster.ca_file)
    context.set_alpn_protocols(["postgresql"])

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            first = await _first_packet(reader, writer)
            theirs, ours = await asyncio.open_connection(cluster.host, cluster.port, ssl=context)
            ours.write(first)
            back = asyncio.create_task(_copy(theirs, writer))
            try:
                await _relay(reader, writer, ours, _Dialogue(prepares=prepares))
            finally:
                await _close(ours)
                await back
        await _close(writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        serving.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*serving)


async def _first_packet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    while True:
        head = await reader.readexactly(8)
        found = wire.read_packet(head)
        if found is None:
            return head + await reader.readexactly(int.from_bytes(head[:4], "big") - len(head))
        writer.write(b"N")  # to a request for encryption


async def _relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    ours: asyncio.StreamWriter,
    dialogue: _Dialogue,
) -> None:
    while True:
        head = await reader.readexactly(5)
        data = head + await reader.readexactly(wire.message_size(head) - len(head))
        if data[:1] == wire.QUERY:
            sql = data[5:-1].decode()
            if (tag := dialogue.answered(sql)) is not None:
                writer.write(messages.command_complete(tag) + wire.message(wire.READY_FOR_QUERY, b"T"))
                continue
            data = wire.query(dialogue.passed_on(sql))
        ours.write(data)


async def _copy(theirs: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await theirs.read(65536):
            writer.write(data)
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
