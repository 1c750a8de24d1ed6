"""The service of the daemon: runs the endpoint, and counts the clients.

Imported while PostgreSQL starts.
"""

import asyncio
import json
import os
import secrets
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.daemon.account_service import AccountService
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.endpoint import listener
from awslabs_dsql_mcp.local_cluster.postgres import job_worker
from awslabs_dsql_mcp.local_cluster.postgres.server import Server
from awslabs_dsql_mcp.local_cluster.postgres.superuser import ReconnectingSuperuser
from awslabs_dsql_mcp.sql import parser

_HELLO_SECONDS = 5  # for a client to send the secret


def run(data_dir: DataDir, server: Server, config: ClusterConfig, ready: Callable[[], None]) -> None:
    """Serve until the last client leaves or PostgreSQL ends; then stop PostgreSQL.

    Args:
        data_dir: The data directory of the cluster.
        server: The running PostgreSQL.
        config: Configuration of the cluster.
        ready: Called when clients can connect.

    Raises:
        NotConfigured: The port that was chosen cannot be listened at.
    """
    loop = asyncio.SelectorEventLoop()  # Windows' default one cannot wait for a socket to be readable
    try:
        loop.run_until_complete(_serve(data_dir, server, config, ready))
    finally:  # in a thread, since the loop goes on relaying what PostgreSQL says while it stops
        loop.run_until_complete(loop.run_in_executor(None, server.stop))
        loop.run_until_complete(_let_the_rest_finish())
        loop.close()


async def _serve(data_dir: DataDir, server: Server, config: ClusterConfig, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    listeners = listener.listen_at(config.port) if config.port else listener.listen(data_dir.port)
    port = int(listeners[0].getsockname()[1])
    data_dir.keep_port(port)
    api_listener = listener.listen_ipv4(data_dir.api_port)
    api_port = int(api_listener.getsockname()[1])
    data_dir.keep_api_port(api_port)
    control = ReconnectingSuperuser(server.address)
    endpoint = listener.Endpoint(server.address, data_dir, config, control)
    account = AccountService(data_dir, config, api_listener, endpoint.first)
    endpoint.route = account.route
    endpoint.serve(listeners)
    account.serve()
    greeting = json.dumps({"port": port, "api_port": api_port, "config": config.to_json()})
    clients = ClientRegistry(greeting.encode() + b"\n", account.obey)
    clients.enter()  # the one that started us
    _watch(loop, _until_input_ends, clients.leave)
    _watch(loop, server.process.wait, clients.stop)
    _end_on_signals(loop, clients.stop)
    local_server = await asyncio.start_server(clients.accept, "127.0.0.1", 0)
    where = {"port": local_server.sockets[0].getsockname()[1], "secret": clients.secret, "pid": os.getpid()}
    data_dir.write(data_dir.daemon_file, json.dumps(where).encode())
    ready()
    _watch(loop, _import_parser, lambda: None)
    async with job_worker.running(job_worker.Jobs(server.address, endpoint.sessions.catalog_changed)):
        await clients.gone.wait()
    data_dir.daemon_file.unlink(missing_ok=True)
    local_server.close()
    clients.close_all()
    await endpoint.close()
    await account.close()
    await control.close()


async def _let_the_rest_finish() -> None:
    if rest := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(rest, timeout=1)


def _watch(loop: asyncio.AbstractEventLoop, wait: Callable[[], object], then: Callable[[], object]) -> None:
    """Wait in a thread that ends with the process, since no event loop can wait for these on every system."""

    def watch() -> None:
        wait()
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(then)

    threading.Thread(target=watch, daemon=True).start()


def _until_input_ends() -> None:
    while os.read(0, 1):
        pass


def _import_parser() -> None:
    """Load the checks of tokens and the parser before they are needed: it takes a third of a second."""
    import_module("botocore.auth")
    parser.parse("SELECT 1")
    import_module("psycopg")


def _end_on_signals(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    def handle(*_: object) -> None:
        loop.call_soon_threadsafe(end)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


class ClientRegistry:
    """Clients of the daemon: processes that need the cluster.

    Args:
        greeting: Line that is sent to a new client.
        obey: Carries a request of a client out, and returns the answer.
    """

    def __init__(self, greeting: bytes, obey: Callable[[str], str]) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.gone = asyncio.Event()
        self._greeting, self._obey = greeting, obey
        self._count = 0
        self._connections: set[asyncio.StreamWriter] = set()

    def enter(self) -> None:
        """Count a client."""
        self._count += 1

    def leave(self) -> None:
        """Count a client that left; after the last one the daemon ends."""
        self._count -= 1
        if self._count == 0:
            self.gone.set()

    def stop(self) -> None:
        """End the daemon for all clients."""
        self.gone.set()

    def close_all(self) -> None:
        """Close the connections of all clients."""
        for connection in self._connections:
            connection.close()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client that sends the secret, until its connection closes."""
        self._connections.add(writer)
        try:
            with suppress(OSError, ValueError):  # reset, or a line without end
                await self._serve(reader, writer)
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = await asyncio.wait_for(reader.readline(), _HELLO_SECONDS)
        except asyncio.TimeoutError:
            return
        if not secrets.compare_digest(said.strip(), self.secret.encode()) or self.gone.is_set():
            return
        self.enter()
        try:
            writer.write(self._greeting)
            while request := await reader.readline():
                writer.write(self._obey(request.decode()).encode() + b"\n")
        finally:
            self.leave()
