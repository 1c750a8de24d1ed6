"""One local cluster for several processes: who holds it up, who ends it, and what a crash leaves."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import psutil
import psycopg
import pytest

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local import tokens
from awslabs_dsql_mcp.local.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local.folder import DataFolder

MEMBER = """\
import asyncio, sys
from pathlib import Path
from awslabs_dsql_mcp.local.cluster import local_cluster

async def stay():
    async with local_cluster(Path(sys.argv[1])) as cluster:
        print(cluster.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(stay())
"""
COMMAND = "import sys; from awslabs_dsql_mcp.local.cluster import main; sys.exit(main(sys.argv[1:]))"
END_SECONDS = 20


class Member:
    """A process of its own that is in the cluster until told to leave."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", MEMBER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def port(self) -> int:
        """Wait until it is in."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate(timeout=END_SECONDS)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=END_SECONDS)


@contextmanager
def member(data: Path) -> Generator[Member, None, None]:
    one = Member(data)
    try:
        yield one
    finally:
        one.kill()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a cluster once; tests start from its copy, which is faster than to make one each."""
    data = tmp_path_factory.mktemp("template") / "data"
    with member(data) as first:
        first.port()
        running = cluster_processes(data)
        first.leave()
        assert_ended(running)
    return data


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "data"
    shutil.copytree(template, copy)
    owner = (template / "postgres").stat()
    for place in (copy / "postgres", *(copy / "postgres").rglob("*")):
        shutil.chown(place, owner.st_uid, owner.st_gid)
    yield copy
    assert_ended(cluster_processes(copy))


def keeper_of(data: Path) -> psutil.Process:
    return psutil.Process(json.loads((data / "keeper.json").read_bytes())["pid"])


def postgres_of(data: Path) -> psutil.Process:
    return psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().split()[0]))


def cluster_processes(data: Path) -> list[psutil.Process]:
    """Find the keeper and every PostgreSQL process of a data folder."""
    if not (data / "keeper.json").exists():
        return []
    try:
        keeper = keeper_of(data)
        return [keeper, *keeper.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def assert_ended(running: list[psutil.Process]) -> None:
    """Wait until each of these is gone, or is a zombie that a careless process 1 has not reaped."""
    for process in running:
        try:
            while process.status() != psutil.STATUS_ZOMBIE:
                process.wait(timeout=0.05)
        except psutil.TimeoutExpired:
            continue
        except psutil.NoSuchProcess:
            continue
    assert [process for process in running if is_alive(process)] == []


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
