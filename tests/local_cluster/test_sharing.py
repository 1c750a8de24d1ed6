"""One local cluster for several processes: who holds it up, who ends it, and what a crash leaves."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import conninfo

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

MEMBER = """\
import asyncio, sys
from pathlib import Path
from awslabs_dsql_mcp.local_cluster.cluster import local_cluster

async def stay():
    async with local_cluster(Path(sys.argv[1])) as cluster:
        print(cluster.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(stay())
"""
COMMAND = "import sys; from awslabs_dsql_mcp.local_cluster.cli import main; sys.exit(main(sys.argv[1:]))"


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask a hundred times a second, for 30 seconds at most."""
    never = threading.Event()
    for _ in range(3000):
        if condition():
            return
        never.wait(0.01)
    pytest.fail("it did not happen in 30 seconds")


class Member:
    """A process that is in the cluster until it is told to leave."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", MEMBER, data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def port(self) -> int:
        """Wait until it is in."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@contextmanager
def members(data: Path, count: int) -> Generator[list[Member], None, None]:
    """Start so many at once."""
    started = [Member(data) for _ in range(count)]
    try:
        yield started
    finally:
        for member in started:
            member.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    """Share one folder, so that each test also starts after whatever the one before left."""
    return DataDir(tmp_path_factory.mktemp("cluster") / "data")


@pytest.fixture(autouse=True)
def _ends_by_itself(folder: DataDir) -> Generator[None, None, None]:
    yield
    wait_until(lambda: not processes(folder))


def daemon(folder: DataDir) -> psutil.Process:
    return psutil.Process(json.loads(folder.daemon_file.read_bytes())["pid"])


def postmaster(folder: DataDir) -> psutil.Process:
    return psutil.Process(int((folder.postgres / "postmaster.pid").read_text().split()[0]))


def processes(folder: DataDir) -> list[psutil.Process]:
    """Find the living processes that work in the folder: the daemon, and all of PostgreSQL's."""

    def works_there(process: psutil.Process) -> bool:
        with suppress(psutil.Error, OSError):
            return Path(process.cwd()) in (folder.path, folder.postgres)
        return False

    return [process for process in psutil.process_iter() if works_there(process)]


def connect(folder: DataDir, port: int, password: str | None = None) -> psycopg.Connection:
    now = datetime.now(timezone.utc)
    settings = {
        "host": "localhost",
        "port": str(port),
        "user": "admin",
        "dbname": "postgres",
        "password": password or iam_token.issue("localhost", "admin", folder.credentials(), now),
        "sslmode": "verify-full",
        "sslrootcert": str(folder.ca_file),
    }
    return psycopg.connect(conninfo.make_conninfo(**settings), autocommit=True)


def answers(folder: DataDir, port: int) -> bool:
    with connect(folder, port) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def count_starts(folder: DataDir, port: int) -> int:
    """Add a row to a table that lives through the starts of this module; count them."""
    with connect(folder, port) as connection:
        identity = "bigint GENERATED ALWAYS AS IDENTITY (CACHE 1)"
        connection.execute(f"CREATE TABLE IF NOT EXISTS start (number {identity})".encode())
        connection.execute("INSERT INTO start DEFAULT VALUES")
        row = connection.execute("SELECT count(*) FROM start").fetchone()
    assert row is not None
    return int(row[0])


def test_the_first_leaves_and_the_second_goes_on(folder: DataDir) -> None:
    with members(folder.path, 1) as [first], members(folder.path, 1) as [second]:
        port = first.port()
        with connect(folder, port) as connection:
            assert second.port() == port
            first.leave()
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert answers(folder, port)
        second.leave()


def test_those_who_start_at_once_share_one_postgresql(folder: DataDir) -> None:
    with members(folder.path, 4) as four:
        assert len({member.port() for member in four}) == 1
        servers = [one for one in processes(folder) if one.ppid() == daemon(folder).pid]
        assert servers == [postmaster(folder)]


def test_the_port_stays_from_start_to_start(folder: DataDir) -> None:
    with members(folder.path, 1) as [member]:
        port = member.port()
    wait_until(lambda: not processes(folder))
    with members(folder.path, 1) as [member]:
        assert member.port() == port


async def test_who_comes_while_it_stops_gets_a_new_one(folder: DataDir) -> None:
    daemons: set[int] = set()
    for _ in range(4):
        async with local_cluster(folder.path) as cluster:
            assert await asyncio.to_thread(answers, folder, cluster.port)
            daemons.add(daemon(folder).pid)
    assert len(daemons) == 4


async def test_who_is_cancelled_while_joining_leaves_nothing_running(folder: DataDir) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(local_cluster(folder.path).__aenter__(), timeout=0.01)
    await asyncio.to_thread(wait_until, lambda: not processes(folder))


class TestCrashes:
    """SIGKILL of any of them: nothing stays, nothing that was committed is lost, the next start works."""

    def starts_again(self, folder: DataDir, starts: int) -> None:
        with members(folder.path, 1) as [member]:
            assert count_starts(folder, member.port()) == starts + 1

    def test_of_a_member(self, folder: DataDir) -> None:
        with members(folder.path, 1) as [member]:
            starts = count_starts(folder, member.port())
            member.kill()
            wait_until(lambda: not processes(folder))
        self.starts_again(folder, starts)

    def test_of_the_daemon(self, folder: DataDir) -> None:
        with members(folder.path, 1) as [member]:
            starts = count_starts(folder, member.port())
            daemon(folder).kill()
            wait_until(lambda: not processes(folder))
            self.starts_again(folder, starts)

    def test_of_the_daemon_while_a_statement_never_looks_up(self, folder: DataDir) -> None:
        """A backend that is stopped minds no signal but the last: an orphan at its worst."""
        with members(folder.path, 1) as [member]:
            port = member.port()
            starts = count_starts(folder, port)
            with connect(folder, port) as connection:
                psutil.Process(connection.info.backend_pid).suspend()
                daemon(folder).kill()
                self.starts_again(folder, starts)

    def test_of_the_postmaster(self, folder: DataDir) -> None:
        with members(folder.path, 1) as [member]:
            starts = count_starts(folder, member.port())
            postmaster(folder).kill()
            self.starts_again(folder, starts)

    def test_of_all(self, folder: DataDir) -> None:
        with members(folder.path, 2) as both:
            starts = count_starts(folder, both[0].port())
            both[1].port()
            for member in both:
                member.process.kill()
            for process in processes(folder):
                with suppress(psutil.NoSuchProcess):  # some end with those killed before them
                    process.kill()
        self.starts_again(folder, starts)


def test_a_number_in_postmaster_pid_that_belongs_to_another_process_blocks_nothing(
    folder: DataDir,
) -> None:
    with members(folder.path, 1) as [member]:
        member.port()
    wait_until(lambda: not processes(folder))
    left = (postmaster_file := folder.postgres / "postmaster.pid").with_name("left")
    left.write_text(f"{os.getpid()}\n{folder.postgres}\n")
    left.replace(postmaster_file)
    with members(folder.path, 1) as [member]:
        assert answers(folder, member.port())


def test_a_start_that_was_cut_short_is_begun_anew(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "data")
    draft = folder.postgres.with_name("postgres.new")
    with members(folder.path, 1):
        wait_until((draft / "global").exists)
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if Path(process.cwd()) in (folder.path, draft):
                    process.kill()
    assert not folder.postgres.exists()
    with members(folder.path, 1) as [member]:
        assert answers(folder, member.port())
    wait_until(lambda: not processes(folder))


async def test_postgresqls_refusal_is_told(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "data")
    folder.postgres.mkdir(parents=True)
    (folder.postgres / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(NotConfigured, match=r"PostgreSQL did not start: .*") as refused:
        async with local_cluster(folder.path):
            pass
    assert "9.6" in refused.value.message or "postgresql.conf" in refused.value.message


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotConfigured, match="data folder cannot be used") as refused:
        async with local_cluster(tmp_path / "file" / "data"):
            pass
    assert refused.value.message.endswith(f"{tmp_path / 'file' / 'data'}: Not a directory.")
    assert refused.value.hint == "Give another folder with --local-data DIR."


# ---- awslabs-dsql-mcp local


def run(*arguments: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_how_to_connect_and_stays(folder: DataDir, ending: signal.Signals) -> None:
    with run("--local-data", folder.path) as command:
        assert command.stdout is not None
        lines = [command.stdout.readline() for _ in range(4)]
        port = int((folder.path / "port").read_text())
        assert f"host=localhost port={port} dbname=postgres user=admin sslmode=verify-full" in lines[3]
        assert str(folder.ca_file) in lines[3]
        assert f"local token --local-data {folder.path}" in lines[3]
        token, _ = run("token", "--local_data", folder.path).communicate(timeout=30)
        with connect(folder, port, token.strip()) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("admin",)
        command.send_signal(ending)
        assert command.wait(30) == 0


def test_the_command_ends_with_the_cluster(folder: DataDir) -> None:
    with run("--local-data", folder.path) as command:
        assert command.stdout is not None
        command.stdout.readline()
        daemon(folder).terminate()
        _, said = command.communicate(timeout=30)
        assert (command.returncode, said) == (1, "awslabs-dsql-mcp local: the cluster has ended\n")


def test_a_token_for_another_role_is_for_that_role(folder: DataDir) -> None:
    token, _ = run("token", "--local-data", folder.path, "--user", "app").communicate(timeout=30)
    iam_token.check(token.strip(), "localhost", "app", folder.credentials(), datetime.now(timezone.utc))


def test_a_token_of_no_cluster_is_refused(tmp_path: Path) -> None:
    command = run("token", "--local-data", tmp_path)
    told, said = command.communicate(timeout=30)
    assert (command.returncode, told) == (1, "")
    assert said == (
        f"awslabs-dsql-mcp local: There is no local cluster in {tmp_path}.\n"
        f"Start it: {sys.executable} -m awslabs_dsql_mcp local --local-data {tmp_path}\n"
    )
