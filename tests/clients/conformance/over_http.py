"""Our server behind HTTP, which it does not offer: the conformance suite speaks nothing else.

Run as a program, with the server's own arguments; it prints its URL and serves until its input ends.
"""

import asyncio
import socket
import sys
from contextlib import AsyncExitStack

import uvicorn

from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import read_clusters
from awslabs_dsql_mcp.server.factory import create_server


async def serve(arguments: list[str]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    async with AsyncExitStack() as stack:
        settings = read_settings(arguments, {}, version="")
        app = create_server(settings, read_clusters(settings), stack).streamable_http_app()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        serving = asyncio.ensure_future(server.serve([listener]))
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await serving


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
