"""``awslabs-dsql-mcp local``: who starts it chooses its behaviour; its environment for any client."""

import json
import shlex
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest

from awslabs_dsql_mcp.errors import NotConfigured
from awslabs_dsql_mcp.local_cluster import client_env, iam_token
from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import HOSTS, DataDir
from awslabs_dsql_mcp.option_parser import SettingsError
from support.local_cluster.logins import connect, keys
from support.local_cluster.waiting import wait_until

CHOSEN = ClusterConfig(seed=7, max_rows=11, max_connections=9)
CLIENT = """\
import os, aurora_dsql_psycopg, boto3, psycopg
psycopg.connect().close()
host, region = os.environ["PGHOST"], os.environ["AWS_REGION"]
aurora_dsql_psycopg.connect(host=host, region=region, user="admin", dbname="postgres").close()
psycopg.connect(host="localhost.dsql.us-east-1.on.aws").close()
signer = boto3.client("dsql")
token = signer.generate_db_connect_admin_auth_token(os.environ["PGHOST"])
with psycopg.connect(password=token) as connection:
    print(*connection.execute("SELECT current_user, current_database()").fetchone())
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("it is") / "data"


@pytest.fixture(scope="module")
async def chosen(data: Path) -> AsyncIterator[LocalCluster]:
    async with local_cluster(data, CHOSEN) as running:
        yield running


# ---- behaviour


async def test_who_wants_nothing_else_joins(chosen: LocalCluster, data: Path) -> None:
    for wanted in (None, CHOSEN):
        async with local_cluster(data, wanted) as joined:
            assert joined == chosen


async def test_who_wants_another_behaviour_is_told_what_runs(chosen: LocalCluster, data: Path) -> None:
    with pytest.raises(NotConfigured) as refused:
        async with local_cluster(data, ClusterConfig()):
            pass
    assert refused.value.message == (
        f"The local cluster in {data} runs already at port {chosen.port}, started with --seed 7 "
        "--max-rows 11 --max-connections 9."
    )
    with connect(chosen) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_command_is_refused_too(
    chosen: LocalCluster, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chosen.port
    assert main(["--local-data", str(data), "--conflict-rate", "0.1"]) == 1
    assert f"runs already at port {chosen.port}, started with --seed 7" in capsys.readouterr().err


def test_the_command_says_what_it_joins(chosen: LocalCluster, data: Path) -> None:
    assert chosen.port
    command = [sys.executable, "-m", "awslabs_dsql_mcp", "local", "--local-data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as joined:
        assert joined.stdout is not None
        said = [joined.stdout.readline().strip() for _ in range(2)]
        joined.terminate()
    assert said[1] == "It behaves as with --seed 7 --max-rows 11 --max-connections 9"


async def test_a_port_that_is_chosen_is_that_of_every_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        with pytest.raises(NotConfigured, match=f"cannot listen at port {port}: Address already in use"):
            async with local_cluster(tmp_path, ClusterConfig(port=port)):
                pass
    async with local_cluster(tmp_path, ClusterConfig(port=port)) as running:
        assert running.port == port
        async with local_cluster(tmp_path, ClusterConfig(port=port)), local_cluster(tmp_path):
            connect(running).close()
        with pytest.raises(NotConfigured, match=f"runs already at port {port}"):
            async with local_cluster(tmp_path, ClusterConfig(port=port + 1)):
                pass
    wait_until(lambda: not (tmp_path / "daemon.json").exists())
    async with local_cluster(tmp_path) as again:
        assert again.port == port


def test_postgresql_is_told_the_limits_that_are_its_part(chosen: LocalCluster) -> None:
    with connect(chosen) as connection:
        assert connection.execute("SELECT current_setting('dsql.max_rows')").fetchone() == ("11",)
        assert connection.execute("SELECT current_setting('dsql.max_bytes')").fetchone() == ("10485760",)


# ---- environment


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")
def test_clients_that_know_nothing_of_it_connect_in_its_environment(
    chosen: LocalCluster, data: Path, tmp_path: Path
) -> None:
    assert chosen.port
    program = shlex.join(
        [sys.executable, "-m", "awslabs_dsql_mcp", "local", "--env", "--local-data", str(data)]
    )
    script = f'eval "$({program})"; exec {shlex.join([sys.executable, "-c", CLIENT])}'
    before = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "AWS_PROFILE": "none",
        "AWS_SESSION_TOKEN": "old",
        "PGHOSTADDR": "192.0.2.1",
    }
    client = subprocess.run(
        ["sh", "-c", script], env=before, capture_output=True, text=True, timeout=60, check=False
    )
    assert (client.returncode, client.stdout, client.stderr) == (0, "admin postgres\n", "")


def test_the_environment_of_another_role_has_its_token(chosen: LocalCluster, data: Path) -> None:
    now = datetime.now(timezone.utc)
    variables = client_env.client_env(DataDir(data), chosen.port, None, "app", now)
    assert variables["PGUSER"] == "app"
    iam_token.check(variables["PGPASSWORD"], ["localhost"], "app", keys(chosen), now + timedelta(days=6))


def test_a_token_is_for_the_name_that_is_given_and_good_for_all_of_the_cluster(
    chosen: LocalCluster, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in HOSTS:
        assert main(["token", "--host", name, "--local-data", str(data)]) == 0
        token = capsys.readouterr().out.strip()
        assert token.startswith(f"{name}/?Action=DbConnectAdmin&")
        for asked in HOSTS:
            psycopg.connect(
                f"host={asked} hostaddr=127.0.0.1 port={chosen.port} dbname=postgres user=admin",
                password=token,
                sslmode="verify-full",
                sslrootcert=str(chosen.ca_file),
            ).close()
    with pytest.raises(SettingsError, match="--host: got 'a/b', expected a host name"):
        main(["token", "--host", "a/b", "--local-data", str(data)])


def test_a_form_alone_asks_for_the_environment(
    chosen: LocalCluster, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--format", "json", "--local-data", str(data)]) == 0
    assert json.loads(capsys.readouterr().out)["PGPORT"] == str(chosen.port)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["token", "--format", "sh"], "--format: got it with local token, expected it with local --env"),
        (["sleep", "--user", "app"], "--user: got it with local sleep, expected it with local --env or "),
        (["--env", "--port", "5432"], "--port: got it with local --env, expected it with local"),
        (["--env", "--for", "psql"], "--env: got it with local --for, expected it with local --env"),
        (["--waking-ms", "5"], "--waking-ms: got it with local, expected it with local sleep"),
        (["--user", "app"], "--user: got it with local, expected it with local --env or local --for or "),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(argv: list[str], told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        main([*argv, "--local-data", str(tmp_path)])
    assert str(refused.value).startswith(told)


def test_fish_dotenv_and_json_get_theirs() -> None:
    odd = {"PGHOST": 'it\'s a \\ "name"', "PGPORT": "5432"}
    assert client_env.FORMATS["fish"](odd).splitlines()[:3] == [
        r"""set -gx PGHOST 'it\'s a \\ "name"'""",
        "set -gx PGPORT '5432'",
        "set -e AWS_SESSION_TOKEN",
    ]
    assert (
        client_env.FORMATS["dotenv"](odd)
        == r"""PGHOST="it's a \\ \"name\""
PGPORT=5432"""
    )
    assert json.loads(client_env.FORMATS["json"](odd)) == odd | dict.fromkeys(
        ("AWS_SESSION_TOKEN", "AWS_PROFILE", "PGSERVICE")
    )


def test_powershell_gets_its_own_words() -> None:
    assert client_env.FORMATS["powershell"]({"PGHOST": "it's"}).splitlines()[:2] == [
        "$env:PGHOST = 'it''s'",
        "$env:AWS_SESSION_TOKEN = $null",
    ]


def test_the_environment_of_a_cluster_that_does_not_run_is_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", "--local-data", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"awslabs-dsql-mcp local: No local cluster runs in {tmp_path}.",
        f"Start it: {sys.executable} -m awslabs_dsql_mcp local --local-data {tmp_path}",
    ]


async def test_asking_for_the_environment_keeps_nothing_running(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    async with local_cluster(tmp_path / "data") as running:
        assert main(["--env", "--local-data", folder]) == 0
        connect(running).close()
    wait_until(lambda: main(["--env", "--local-data", folder]) == 1)
    with pytest.raises(psycopg.OperationalError):
        connect(running)
