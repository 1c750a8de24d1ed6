"""The API over HTTP on the loopback interface, in threads of its own."""

import logging
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, cast

from awslabs_dsql_mcp.local_cluster.control_plane.api import HttpResponse
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest

_log = logging.getLogger(__name__)
Respond = Callable[[HttpRequest], HttpResponse]
_MAX_BODY: Final = 1 << 20  # bytes; the largest valid input has some 150 kB


class HttpServer(ThreadingHTTPServer):
    """A server on a socket that listens already.

    Args:
        listener: The socket.
        respond: Answers a request.
    """

    daemon_threads = True

    def __init__(self, listener: socket.socket, respond: Respond) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.respond = respond

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002  socketserver's signature
        """Log a connection that has failed; most are of clients that went away."""
        _log.info("a connection of %s has failed", client_address, exc_info=True)

    def start(self) -> None:
        """Serve in a thread, until `shutdown` is called."""
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "awslabs-dsql-mcp", ""
    timeout = 60
    wbufsize = -1  # head and body in one packet: two would wait for each other

    def _respond(self) -> None:
        body = self._body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        response = cast("HttpServer", self.server).respond(
            HttpRequest(self.command, path, query, headers, body)
        )
        self.send_response(response.status)
        for name, value in {**response.headers, "content-length": str(len(response.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _respond  # noqa: N815  http.server's names

    def _body(self) -> bytes | None:
        """Read the body; `None` if that cannot be done, and the connection ends."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isascii() or not length.isdigit():
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif int(length[:20]) > _MAX_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                return body
        self.close_connection = True
        return None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's signature
        """Log nothing: the daemon's log is for faults."""
