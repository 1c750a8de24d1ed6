"""What the tests share: one local cluster, and servers on it that real clients speak to."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import hypothesis
import pytest
from mcp import Client, StdioServerParameters

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from support.direct_connection import drop_schemas
from support.local_cluster import forms
from support.local_cluster.requirements import load

pytest_plugins = ("support.aws.accounts",)

ServerOn = Callable[..., StdioServerParameters]
T = TypeVar("T")
CLUSTER: Final = pytest.StashKey[LocalCluster]()


def pytest_configure() -> None:
    """Make the profiles of property tests, for ``--hypothesis-profile``; ``usual`` is loaded without one.

    None has a deadline: how long an example takes says more of the machine than of the code.
    The programs that tests start keep their byte code whatever this process was told: without it, most of a
    start is compiling. They hear SIGINT, too, also where this process began as a job of a shell that has it
    ignored: what is ignored stays so in children (POSIX, ``exec``).
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, examples in {"few": 10, "usual": 100, "many": 2000}.items():
        hypothesis.settings.register_profile(name, deadline=None, max_examples=examples)
    hypothesis.settings.load_profile("usual")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many facts about Aurora DSQL the local cluster is held to."""
    for line in (load().summary, *forms.summary().splitlines()):
        terminalreporter.write_line(line)


@asynccontextmanager
async def held(opening: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
    """Hold something open in a task of its own: a fixture may end in another task than it began in."""
    opened: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    finished = asyncio.Event()

    async def hold() -> None:
        async with opening as value:
            opened.set_result(value)
            await finished.wait()

    task = asyncio.ensure_future(hold())
    await asyncio.wait({task, opened}, return_when=asyncio.FIRST_COMPLETED)
    if not opened.done():
        await task
    try:
        yield opened.result()
    finally:
        finished.set()
        await task


@pytest.fixture(scope="session")
def cluster_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the tests' cluster."""
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="session")
async def cluster(request: pytest.FixtureRequest, cluster_folder: Path) -> AsyncIterator[LocalCluster]:
    """The tests' cluster, kept running between servers."""
    async with local_cluster(cluster_folder) as running:
        request.session.stash[CLUSTER] = running
        yield running


@pytest.fixture(scope="module", autouse=True)
async def schemas(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Drop the schemas that a file made: a cluster holds ten, and other files need them as well."""
    yield
    if running := request.session.stash.get(CLUSTER, None):
        await drop_schemas(running)


def server(*flags: str, **environment: str) -> StdioServerParameters:
    """A server as a client starts it, without what this machine's environment holds for one."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DSQL_", "AWS_", "PG", "FASTMCP_"))}
    return StdioServerParameters(
        command=sys.executable, args=["-m", "awslabs_dsql_mcp", *flags], env=inherited | environment
    )


@pytest.fixture(scope="session")
def on_cluster(cluster: LocalCluster, cluster_folder: Path) -> ServerOn:
    """Gives a server on the tests' cluster, with more flags."""

    def on(*flags: str) -> StdioServerParameters:
        assert cluster.port
        return server("--local", "--local-data", str(cluster_folder), "--knowledge-timeout", "1", *flags)

    return on


@pytest.fixture(scope="session")
async def writer(on_cluster: ServerOn) -> AsyncIterator[Client]:
    """A client of a server that may write."""
    async with held(Client(on_cluster("--allow-writes"))) as client:
        yield client


@pytest.fixture(scope="session")
async def reader(on_cluster: ServerOn) -> AsyncIterator[Client]:
    """A client of a server that only reads."""
    async with held(Client(on_cluster())) as client:
        yield client
