"""What the doctor is tried on: the tests' cluster as if it were AWS's, and servers with something wrong."""

import asyncio
import ssl
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.doctor.context import Environment
from awslabs_dsql_mcp.doctor.report import CheckResult
from awslabs_dsql_mcp.doctor.runner import run_checks
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.wire.certificate import make_certificate, server_context

ANSWER = b'{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "[]"}]}}'


def utc_now() -> datetime:
    """This machine's time."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Report:
    """What the doctor found, by the names of the checks."""

    findings: tuple[CheckResult, ...]

    def __getitem__(self, name: str) -> CheckResult:
        return next(finding for finding in self.findings if finding.name == name)

    def states(self) -> dict[str, str]:
        return {finding.name: finding.state for finding in self.findings}

    def worst(self) -> list[tuple[str, str | None]]:
        """The checks that failed, each with its cause."""
        return [(f.name, f.outcome.code) for f in self.findings if f.state == "failed"]


@dataclass
class Practice:
    """Where configurations are examined: an environment of this process, which boto3 and libpq read too."""

    patch: pytest.MonkeyPatch
    cluster: LocalCluster
    knowledge: str
    environ: dict[str, str] = field(default_factory=dict[str, str])

    def set(self, **changes: str) -> None:
        for name, value in changes.items():
            self.patch.setenv(name, value)
            self.environ[name] = value

    def unset(self, *names: str) -> None:
        for name in names:
            self.patch.delenv(name)
            del self.environ[name]

    async def examine(
        self,
        *flags: str,
        endpoint: str = "localhost",
        region: str | None = None,
        now: Callable[[], datetime] = utc_now,
        tokens: Callable[[Identity], TokenSource] = TokenSource,
    ) -> Report:
        """Examine a server on the tests' cluster, with these changes."""
        base = ["--cluster_endpoint", endpoint, "--connect-timeout", "20", "--knowledge-timeout", "5"]
        where = ["--region", region or self.cluster.region, "--knowledge-server", self.knowledge]
        return await self.examine_only([*base, *where, *flags], now, tokens)

    async def examine_only(
        self,
        flags: Sequence[str],
        now: Callable[[], datetime] = utc_now,
        tokens: Callable[[Identity], TokenSource] = TokenSource,
    ) -> Report:
        """Examine a server with just these flags."""
        found = [finding async for finding in run_checks(flags, Environment(self.environ, now, tokens))]
        assert not [finding for finding in found if finding.outcome.code == "bug"]
        for finding in found:
            assert bool(finding.outcome.remedy) == (finding.state in ("failed", "warning"))
        return Report(tuple(found))


@pytest.fixture
def practice(
    monkeypatch: pytest.MonkeyPatch, cluster: LocalCluster, knowledge: str, tmp_path: Path
) -> Practice:
    here = Practice(monkeypatch, cluster, knowledge)
    monkeypatch.setenv("HOME", str(tmp_path))
    here.set(
        AWS_ACCESS_KEY_ID=cluster.access_key,
        AWS_SECRET_ACCESS_KEY=cluster.secret_key,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE="/nowhere/config",
        AWS_SHARED_CREDENTIALS_FILE="/nowhere/credentials",
        AWS_ENDPOINT_URL_STS="http://127.0.0.1:9",
        PGPORT=str(cluster.port),
        PGSSLROOTCERT=str(cluster.ca_file),
    )
    return here


class _Documentation(BaseHTTPRequestHandler):
    """A documentation server that is right about the time."""

    ahead = timedelta()

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer(ANSWER)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        assert timestamp is None
        return format_datetime(datetime.now(timezone.utc) + self.ahead, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        assert format or args


class _HourAhead(_Documentation):
    ahead = timedelta(hours=1)


def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def knowledge() -> Iterator[str]:
    """A documentation server."""
    yield from _served(_Documentation)


@pytest.fixture
def hour_ahead() -> Iterator[str]:
    """One whose clock is an hour ahead."""
    yield from _served(_HourAhead)


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(behaviour: Behaviour, context: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    """A server of one behaviour on 127.0.0.1; gives its port."""
    tasks = set[asyncio.Task[None] | None]()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await behaviour(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(behave, "127.0.0.1", 0, ssl=context)
    async with server:
        yield str(server.sockets[0].getsockname()[1])
    for task in filter(None, tasks):
        task.cancel()
        await asyncio.wait([task])


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Read, and say nothing."""
    while await reader.read(1000):
        pass


@pytest.fixture(scope="session")
def localhost_pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost, its own root, which the cluster's root does not know."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    make_certificate(file)
    return file


@pytest.fixture
def tls_context(localhost_pem: Path) -> ssl.SSLContext:
    return server_context(localhost_pem)
