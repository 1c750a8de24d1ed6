"""Documentation servers to talk to: the SDK's own, in each form, and one that can be told to misbehave."""

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from starlette.types import ASGIApp, Receive, Scope, Send

PAGE = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/limits.html"


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 and the authority to trust for it."""

    authority: Path
    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain, self.key)
        return context


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    home = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = home / "chain.pem", home / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return Certificate(chain, chain, secret)


@dataclass(frozen=True)
class Request:
    """What a server saw of one request."""

    method: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def rpc(self) -> Mapping[str, object]:
        return json.loads(self.body)


@dataclass
class Remote:
    """A running server: where it is, and what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list[Request])
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: str = ""
    clients: AsyncExitStack = field(default_factory=AsyncExitStack)

    def note(self, request: Request) -> None:
        self.requests.append(request)
        self.asked.set()


def documentation() -> MCPServer:
    """A documentation server as the SDK makes one."""
    server = MCPServer("documentation", log_level="ERROR")

    @server.tool()
    def dsql_search_documentation(search_phrase: str, limit: int = 5) -> list[dict[str, str]]:
        about = {"title": f"About {search_phrase}", "url": PAGE, "context": "One line."}
        return [about, {"title": "Other", "url": PAGE + "?other", "context": "Two."}][:limit]

    @server.tool()
    def dsql_read_documentation(url: str) -> str:
        return f"# {url}\n" + "x" * 100

    @server.tool()
    def dsql_recommend(url: str) -> list[dict[str, str]]:
        message = f"nothing is known of {url}"
        raise ToolError(message)

    return server


def only_sessions(app: ASGIApp) -> ASGIApp:
    """A server from before 2026-07-28: it knows no such version, and says so as those did."""

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        versions = [value for name, value in scope.get("headers", ()) if name == b"mcp-protocol-version"]
        if scope["type"] != "http" or versions != [b"2026-07-28"]:
            await app(scope, receive, send)
            return
        start = {"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"text/plain")]}
        await send(start)
        await send({"type": "http.response.body", "body": b"Bad Request: Unsupported protocol version"})

    return front


def recording(app: ASGIApp, remote: Remote) -> ASGIApp:
    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            remote.note(Request(scope["method"], headers))
            if remote.trouble:
                await misbehave(remote.trouble, receive, send)
                return
        await app(scope, receive, send)

    return front


async def misbehave(trouble: str, receive: Receive, send: Send) -> None:
    """Answer a request with ``status [type [body]]``, or be ``silent``, ``stuck`` or a ``flood``."""
    if trouble == "silent":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    status, kind, body = [*trouble.split(" ", 2), "", ""][:3] if trouble[0].isdigit() else ("200", "", "{")
    headers = [
        (b"content-type", kind.encode() or b"application/json"),
        (b"location", b"https://example.com/"),
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    for _ in range(500 if trouble == "flood" else 0):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
    await send({"type": "http.response.body", "body": body.encode(), "more_body": trouble == "stuck"})
    while trouble == "stuck" and (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def served(app: ASGIApp, remote: Remote, certificate: Certificate) -> AsyncGenerator[Remote]:
    server = uvicorn.Server(
        uvicorn.Config(
            recording(app, remote),
            port=0,
            log_level="error",
            ws="none",
            ssl_certfile=certificate.chain,
            ssl_keyfile=certificate.key,
        )
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    remote.url = f"https://127.0.0.1:{port}/mcp"
    try:
        yield remote
    finally:
        # Clients first: a server that stops waits for its connections to end.
        await remote.clients.aclose()
        server.should_exit = True
        await task


Sdk = Callable[[str], AbstractAsyncContextManager[Remote]]

FORMS = ("bare-json", "bare-stream", "stateless-json", "stateless-stream", "session-json", "session-stream")


@pytest.fixture
def sdk(certificate: Certificate) -> Sdk:
    """Start the SDK's server in one of ``FORMS``."""

    def start(form: str) -> AbstractAsyncContextManager[Remote]:
        kind, _, reply = form.partition("-")
        app: ASGIApp = documentation().streamable_http_app(
            json_response=reply == "json", stateless_http=kind == "bare"
        )
        return served(only_sessions(app) if kind == "session" else app, Remote(""), certificate)

    return start


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


class Behave:
    """What a scripted server can do with a request."""

    @staticmethod
    def answers(
        body: object, *, status: int = 200, kind: str = "application/json", **headers: str
    ) -> Behaviour:
        """Answer with a status, headers (``_`` for ``-``) and a body: bytes as they are, all else as JSON."""

        async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(content)}"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + content)
            await writer.drain()

        return behave

    @staticmethod
    def tells(*texts: str, error: bool = False) -> Behaviour:
        """Answer as the public server does: a result with text blocks."""
        content = [{"type": "text", "text": text} for text in texts]
        return Behave.answers({"jsonrpc": "2.0", "id": 1, "result": {"content": content, "isError": error}})

    @staticmethod
    async def drops(_: Request, writer: asyncio.StreamWriter) -> None:
        """Close the connection without an answer."""
        writer.close()

    @staticmethod
    async def hangs(_: Request, writer: asyncio.StreamWriter) -> None:
        """Take the request and say nothing."""

    @staticmethod
    async def hangs_in_body(_: Request, writer: asyncio.StreamWriter) -> None:
        """Send the headers and a first byte, then nothing."""
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{")
        await writer.drain()

    @staticmethod
    async def floods(_: Request, writer: asyncio.StreamWriter) -> None:
        """Send 50 MB of JSON, for as long as somebody reads."""
        writer.write(b'HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 50000002\r\n\r\n"')
        for _chunk in range(500):
            writer.write(b"x" * 100_000)
            await writer.drain()
        writer.write(b'"')
        await writer.drain()


@pytest.fixture
def behave() -> type[Behave]:
    return Behave


Scripted = Callable[..., AbstractAsyncContextManager[Remote]]


@pytest.fixture
def scripted(certificate: Certificate) -> Scripted:
    """Start a server that follows a script: a behaviour a request, the last one from then on."""

    @asynccontextmanager
    async def start(*script: Behaviour) -> AsyncGenerator[Remote]:
        remote = Remote("")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while (request := await _request(reader)) is not None:
                    remote.note(request)
                    await script[min(len(remote.requests), len(script)) - 1](request, writer)
            except (ConnectionError, ssl.SSLError):
                pass
            finally:
                remote.gone.set()
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificate.context())
        remote.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server, remote.clients:
            yield remote

    return start


async def _request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    start, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Request(start.split()[0], headers, await reader.readexactly(int(headers.get("content-length", 0))))
