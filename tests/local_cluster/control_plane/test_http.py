"""The API over HTTP: what is not signed is refused, and what is no request of AWS's ends without harm."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from support.local_cluster.api import Answer, Client, Clients, client, refusal
from support.local_cluster.logins import connect, login


def address(account: LocalCluster) -> tuple[str, int]:
    url = urlsplit(account.api_url or "")
    return url.hostname or "", url.port or 0


def ask(account: LocalCluster, method: str, path: str, **headers: str) -> tuple[int, str | None, bytes]:
    with closing(http.client.HTTPConnection(*address(account), timeout=20)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("x-amzn-ErrorType"), answer.read()


def test_it_listens_on_this_machine_alone(account: LocalCluster) -> None:
    assert address(account)[0] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/cluster", "/", "/cluster/../secrets", "/%00"])
def test_an_unsigned_request_is_refused(path: str, account: LocalCluster) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        status, code, body = ask(account, method, path, Origin="https://example.com")
        assert (status, code) == (403, "MissingAuthenticationTokenException")
        assert json.loads(body) == {"message": "Missing Authentication Token"}


def test_other_keys_are_refused(account: LocalCluster) -> None:
    for changed, code in (
        ({"secret_key": "wrong"}, "InvalidSignatureException"),
        ({"access_key": "AKIAIOSFODNN7EXAMPLE"}, "UnrecognizedClientException"),
        ({"session_token": "old"}, "UnrecognizedClientException"),
    ):
        assert refusal(client(account, **changed).list_clusters).code == code


def test_an_operation_that_is_unknown_is_named(account: LocalCluster, api: Client) -> None:
    def lead_elsewhere(params: dict[str, str], **_: object) -> None:
        params["url"] = f"{account.api_url}/backup"

    api.meta.events.register("before-call.dsql", lead_elsewhere)
    refused = refusal(api.list_clusters)
    assert (refused.code, refused.reason) == ("ValidationException", "unknownOperation")
    assert "GET /backup" in refused.message


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /cluster HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n", b"413"),
        (b"POST /cluster HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", b"411"),
        (b"POST /cluster HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", b"411"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"\x16\x03\x01\x00\xa5\x01\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_is_refused(
    sent: bytes, status: bytes, account: LocalCluster, api: Client
) -> None:
    with socket.create_connection(address(account), 20) as connection:
        connection.sendall(sent)
        assert status in connection.recv(10_000)
    assert api.list_clusters()["clusters"]


def test_a_client_that_leaves_early_harms_nobody(account: LocalCluster, api: Client) -> None:
    for sent in (b"", b"POST /cluster HTTP/1.1\r\n", b"POST /cluster HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"):
        with socket.create_connection(address(account), 20) as connection:
            connection.sendall(sent)
    assert api.list_clusters()["clusters"]


def test_many_clients_at_once_make_each_its_own_cluster(api_in: Clients) -> None:
    def make(_: int) -> Answer:
        return api_in("ca-west-1").create_cluster()

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(16)))
    assert len({cluster["identifier"] for cluster in made}) == 16
    assert len(api_in("ca-west-1").list_clusters(maxResults=100)["clusters"]) == 16


@pytest.mark.parametrize("form", ["sh", "fish", "powershell", "dotenv", "json"])
def test_the_environment_has_the_url(
    form: str, account: LocalCluster, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", "--format", form, "--local-data", str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert account.api_url is not None
    for service in ("DSQL", "BACKUP", "STS"):
        (line,) = [line for line in said if f"AWS_ENDPOINT_URL_{service}" in line]
        assert account.api_url in line


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "a.example, 10.0.0.0/8"}, "a.example,10.0.0.0/8,127.0.0.1,localhost"),
        ({"no_proxy": "b.example,localhost"}, "b.example,localhost,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_a_proxy_is_not_asked_for_the_api(
    given: dict[str, str],
    kept: str,
    account: LocalCluster,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--env", "--format", "json", "--local-data", str(folder)], given) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["NO_PROXY"], told["no_proxy"]) == (kept, kept)
    proxied = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    environ = {**os.environ, **proxied, **{name: value for name, value in told.items() if value}}
    program = "import boto3; print(boto3.client('dsql').list_clusters()['clusters'][0]['arn'])"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "arn:aws:dsql:us-east-1:000000000000:cluster/" in done.stdout, done.stderr
    assert account.api_url


async def test_the_account_outlives_its_daemon(tmp_path: Path) -> None:
    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=1000)) as first:
        made = await asyncio.to_thread(lambda: client(first).create_cluster(clientToken="once"))
        assert made["status"] == "CREATING"
        first_url = first.api_url
    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=0)) as second:
        assert second.api_url == first_url
        api = client(second)
        again = await asyncio.to_thread(lambda: api.create_cluster(clientToken="once"))
        assert again["identifier"] == made["identifier"]
        whole = await asyncio.to_thread(lambda: api.get_cluster(identifier=made["identifier"]))
        assert whole["status"] == "ACTIVE"


async def test_a_cluster_whose_api_nobody_asks_has_no_account(tmp_path: Path) -> None:
    async with local_cluster(tmp_path) as running:
        assert running.api_url
    assert not DataDir(tmp_path).clusters_file.exists()


def test_the_daemon_imports_nothing_of_it() -> None:
    program = (
        "import sys, awslabs_dsql_mcp.local_cluster.daemon.service\n"
        "print([m for m in sys.modules if 'control_plane' in m or m.startswith(('http', 'botocore'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_an_account_that_cannot_be_read_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "clusters.json").write_text('{"clusters": [')
    endpoint = f"{'a' * 26}.dsql.us-east-1.on.aws"
    async with local_cluster(tmp_path) as running:
        refused = await asyncio.to_thread(lambda: refusal(client(running).list_clusters))
        assert refused.code == "InternalServerException"
        with pytest.raises(psycopg.OperationalError, match="the local account cannot be read"):
            await asyncio.to_thread(login, running, endpoint)
        await asyncio.to_thread(lambda: connect(running).close())
    assert (tmp_path / "clusters.json").read_text() == '{"clusters": ['
    assert "clusters.json is not an account" in DataDir(tmp_path).log.read_text()
