"""A cluster that was made is connected to by its endpoint's name: its own database, its own tokens."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from support.local_cluster.api import Answer, Client, Clients, client
from support.local_cluster.logins import connect, login
from support.local_cluster.waiting import wait_until

AT_ONCE = ClusterConfig(transition_seconds=0)  # also once it is started anew: a state is told by its age
_INDEXES = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid"


@contextlib.contextmanager
def made(api: Client) -> Generator[Answer]:
    """A cluster that is deleted at the end."""
    cluster = api.create_cluster(deletionProtectionEnabled=False)
    try:
        yield api.get_cluster(identifier=cluster["identifier"])
    finally:
        api.delete_cluster(identifier=cluster["identifier"])


def refusal(call: Callable[[], psycopg.Connection]) -> str:
    with pytest.raises(psycopg.OperationalError) as refused:
        call().close()
    return str(refused.value)


def test_a_cluster_has_a_database_of_its_own(account: LocalCluster, api: Client) -> None:
    with made(api) as one, made(api) as other, connect(account) as first:
        with login(account, one["endpoint"]) as here, login(account, other["endpoint"]) as there:
            here.execute("CREATE TABLE only_here (id uuid PRIMARY KEY)")
            for connection in (there, first):
                with pytest.raises(psycopg.errors.UndefinedTable):
                    connection.execute("SELECT * FROM only_here")
            assert here.execute("SELECT current_database(), current_user").fetchone() == ("postgres", "admin")
        with login(account, one["endpoint"]) as again:
            assert again.execute("SELECT count(*) FROM only_here").fetchone() == (0,)


def test_jobs_and_conflicts_are_those_of_aurora_dsql(account: LocalCluster, api: Client) -> None:
    with (
        made(api) as cluster,
        login(account, cluster["endpoint"]) as one,
        login(account, cluster["endpoint"]) as two,
    ):
        one.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        job = one.execute("CREATE INDEX ASYNC of_n ON t (n)").fetchone()
        assert job is not None
        one.execute("CALL sys.wait_for_job(%s)", job)
        assert one.execute(_INDEXES).fetchone() == (2,)
        one.execute("INSERT INTO t VALUES (1, 0)")
        one.execute("BEGIN")
        two.execute("BEGIN")
        one.execute("UPDATE t SET n = 1 WHERE id = 1")
        two.execute("UPDATE t SET n = 2 WHERE id = 1")
        one.execute("COMMIT")
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
            two.execute("COMMIT")


def test_a_token_is_for_one_cluster_and_region(account: LocalCluster, api: Client) -> None:
    with made(api) as one, made(api) as other:
        for signed_for, region in (
            (other["endpoint"], "us-east-1"),
            ("localhost", "us-east-1"),
            (one["endpoint"], "us-east-2"),
        ):
            told = refusal(
                lambda s=signed_for, r=region: login(account, one["endpoint"], signed_for=s, region=r)
            )
            assert "access denied" in told
        told = refusal(lambda: login(account, "localhost", signed_for=one["endpoint"]))
        assert "access denied" in told


def test_the_first_cluster_has_an_endpoint_too(account: LocalCluster, api: Client) -> None:
    first, *_ = api.list_clusters()["clusters"]
    endpoint = api.get_cluster(identifier=first["identifier"])["endpoint"]
    with connect(account) as one, login(account, endpoint) as other:
        one.execute("CREATE TABLE of_the_first (id int PRIMARY KEY)")
        assert other.execute("SELECT count(*) FROM of_the_first").fetchone() == (0,)
        one.execute("DROP TABLE of_the_first")


def test_a_cluster_that_was_put_to_sleep_is_inactive_until_it_is_connected_to(
    account: LocalCluster, api: Client, folder: Path
) -> None:
    first, *_ = api.list_clusters()["clusters"]
    assert main(["sleep", "--local-data", str(folder)]) == 0
    assert api.get_cluster(identifier=first["identifier"])["status"] == "INACTIVE"
    assert "waking up cluster" in refusal(lambda: connect(account))
    assert api.get_cluster(identifier=first["identifier"])["status"] == "ACTIVE"
    connect(account).close()


def test_a_cluster_that_is_not_there_is_not_connected_to(account: LocalCluster, api: Client) -> None:
    unknown = f"{'a' * 26}.dsql.us-east-1.on.aws"
    assert "cluster not found" in refusal(lambda: login(account, unknown))
    with made(api) as cluster:
        elsewhere = cluster["endpoint"].replace("us-east-1", "us-east-2")
        assert "cluster not found" in refusal(lambda: login(account, elsewhere, region="us-east-2"))


def test_a_deleted_cluster_ends_its_sessions_and_leaves_no_data(
    account: LocalCluster, api: Client, folder: Path
) -> None:
    with made(api) as cluster:
        session = login(account, cluster["endpoint"])
        session.execute("SELECT 1")
        directory = DataDir(folder).storages / cluster["identifier"]
        assert (directory / "postgres").is_dir()
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    told = refusal(lambda: login(account, cluster["endpoint"]))
    assert "cluster not found" in told or "The cluster is DELETED." in told
    wait_until(lambda: not directory.exists())
    assert _processes_below(directory) == []


def test_a_cluster_that_is_deleted_while_it_starts_leaves_nothing(
    account: LocalCluster, api: Client, folder: Path
) -> None:
    cluster = api.create_cluster(deletionProtectionEnabled=False)
    directory = DataDir(folder).storages / cluster["identifier"]
    with ThreadPoolExecutor(1) as pool:
        connecting = pool.submit(refusal, partial(login, account, cluster["endpoint"]))
        wait_until((directory / "postgres.new").exists)
        api.delete_cluster(identifier=cluster["identifier"])
        for count in range(3):  # what else changes meanwhile must not take the directory away from it
            first, *_ = api.list_clusters()["clusters"]
            api.tag_resource(resourceArn=first["arn"], tags={"count": str(count)})
        assert connecting.result()
    wait_until(lambda: not directory.exists())
    assert cluster["identifier"] not in DataDir(folder).log.read_text()
    assert _processes_below(directory) == []


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[LocalCluster]:
    """An account whose clusters stay CREATING and DELETING."""
    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=1000)) as running:
        yield running


def test_a_cluster_is_not_connected_to_before_and_after_it_is_active(slow: LocalCluster) -> None:
    api = client(slow)
    made = api.create_cluster(deletionProtectionEnabled=False)
    assert "The cluster is CREATING." in refusal(lambda: login(slow, made["endpoint"]))
    assert api.delete_cluster(identifier=made["identifier"])["status"] == "DELETING"
    assert "The cluster is DELETING." in refusal(lambda: login(slow, made["endpoint"]))


async def test_data_outlive_the_daemon(tmp_path: Path) -> None:
    def write(cluster: LocalCluster) -> str:
        endpoint = client(cluster, "eu-west-3").create_cluster()["endpoint"]
        with login(cluster, endpoint, region="eu-west-3") as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
            connection.execute("INSERT INTO t VALUES (7)")
        return endpoint

    def read(cluster: LocalCluster, endpoint: str) -> object:
        with login(cluster, endpoint, region="eu-west-3") as connection:
            return connection.execute("SELECT id FROM t").fetchone()

    async with local_cluster(tmp_path, AT_ONCE) as running:
        endpoint = await asyncio.to_thread(write, running)
    async with local_cluster(tmp_path, AT_ONCE) as running:
        assert await asyncio.to_thread(read, running, endpoint) == (7,)
    wait_until(lambda: not DataDir(tmp_path).daemon_file.exists())
    wait_until(lambda: _processes_below(tmp_path) == [])


def _processes_below(directory: Path) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cwd"]) if str(directory) in (p.info["cwd"] or "")]


async def test_a_killed_daemon_takes_its_clusters_along_and_loses_nothing(tmp_path: Path) -> None:
    def write(cluster: LocalCluster) -> str:
        endpoint = client(cluster).create_cluster()["endpoint"]
        with login(cluster, endpoint) as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
        return endpoint

    async with local_cluster(tmp_path, AT_ONCE) as running:
        endpoint = await asyncio.to_thread(write, running)
        psutil.Process(_daemon(tmp_path)).kill()
        wait_until(lambda: _processes_below(tmp_path) == [])
    async with local_cluster(tmp_path, AT_ONCE) as again:
        with login(again, endpoint) as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def _daemon(folder: Path) -> int:
    return json.loads(DataDir(folder).daemon_file.read_bytes())["pid"]


def test_a_postgresql_that_has_ended_is_started_again(
    account: LocalCluster, api: Client, folder: Path
) -> None:
    with made(api) as cluster:
        login(account, cluster["endpoint"]).close()
        directory = DataDir(folder).storages / cluster["identifier"] / "postgres"
        postmaster = int((directory / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(postmaster)
        process.kill()
        wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)  # its parent has yet to hear of it
        with login(account, cluster["endpoint"]) as again:
            assert again.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")
def test_the_environment_of_an_endpoint_connects_to_it(
    account: LocalCluster, api_in: Clients, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account.port
    program = "import psycopg; c = psycopg.connect(); print(c.info.host, c.execute('SELECT 1').fetchone())"
    with made(api_in("eu-west-1")) as cluster:
        assert (
            main(["--env", "--format", "sh", "--host", cluster["endpoint"], "--local-data", str(folder)]) == 0
        )
        script = f'{capsys.readouterr().out}\nexec {sys.executable} -c "{program}"'
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == f"{cluster['endpoint']} (1,)\n"
        assert main(["token", "--host", cluster["endpoint"], "--local-data", str(folder)]) == 0
        assert "%2Feu-west-1%2Fdsql%2F" in capsys.readouterr().out
        for file in (DataDir(folder).hosts, DataDir(folder).node_hosts):
            assert cluster["endpoint"] in file.read_text()
