"""The account in the daemon: its API, imported and served from the first request on."""

import asyncio
import socket
import time
from typing import TYPE_CHECKING

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

if TYPE_CHECKING:
    from awslabs_dsql_mcp.local_cluster.control_plane.http_server import HttpServer


class AccountService:
    """The account of a running daemon.

    Args:
        data_dir: The data directory, with the daemon's lock held.
        config: Configuration of the cluster.
        listener: The socket of the API, which listens already.
    """

    def __init__(self, data_dir: DataDir, config: ClusterConfig, listener: socket.socket) -> None:
        self._data_dir, self._config = data_dir, config
        self._listener = listener
        self._starting: asyncio.Future[HttpServer] | None = None

    def serve(self) -> None:
        """Begin to wait for the first connection to the API, which is kept waiting while it starts."""
        asyncio.get_running_loop().add_reader(self._listener, self._begin)

    def _begin(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        self._starting = asyncio.ensure_future(asyncio.to_thread(self._start))

    def _start(self) -> "HttpServer":
        # A tenth of a second, and the account's file, which most clusters never need.
        from awslabs_dsql_mcp.local_cluster.control_plane.account_file import AccountFile  # noqa: PLC0415
        from awslabs_dsql_mcp.local_cluster.control_plane.api import Api  # noqa: PLC0415
        from awslabs_dsql_mcp.local_cluster.control_plane.http_server import HttpServer  # noqa: PLC0415

        accounts = AccountFile(self._data_dir, time.time, lambda _: None)
        api = Api(self._data_dir.credentials(), accounts, self._config.transition_seconds)
        server = HttpServer(self._listener, api.respond)
        server.start()
        return server

    async def close(self) -> None:
        """Stop the API."""
        if self._starting is None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            return
        server = await self._starting
        await asyncio.to_thread(server.shutdown)
        server.server_close()
