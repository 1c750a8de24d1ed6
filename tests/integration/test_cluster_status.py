"""``cluster_status`` and the command ``clusters``, on the account of a local cluster."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client

from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from conftest import ServerOn, server
from support.client_helpers import call
from support.local_cluster.api import client
from support.local_cluster.backups import back_up, recovery_point, restore

IDENTIFIER = re.compile(r"\b[a-z2-7]{26}\b")


async def test_the_local_cluster_is_in_an_account_of_this_machine(reader: Client) -> None:
    listed = await call(reader, "cluster_status")
    assert "us-east-1: 1 cluster of account 000000000000." in listed.text
    (identifier,) = set(IDENTIFIER.findall(listed.text))
    assert listed.facts["clusters"][0]["identifier"] == identifier
    for name in ("this", identifier, f"{identifier}.dsql.us-east-1.on.aws"):
        one = await call(reader, "cluster_status", cluster_id=name, wait_s=1)
        assert f"Cluster {identifier} in us-east-1: ACTIVE; deletion protection on." in one.text
        assert one.facts["settled"]


async def test_what_a_local_account_lacks_is_told_in_its_place(reader: Client) -> None:
    answer = await call(reader, "cluster_status", cluster_id="this", days=7)
    assert "Usage: not known. A local cluster has no CloudWatch." in answer.text
    assert len(answer.facts["notes"]) == 1


async def test_the_size_on_this_machine_is_what_the_cluster_says(writer: Client) -> None:
    await call(writer, "transact", statements=["CREATE TABLE sized (id int PRIMARY KEY, t text)"])
    await call(
        writer,
        "transact",
        statements=["INSERT INTO sized SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 900) i"],
    )
    answer = await call(writer, "cluster_status", cluster_id="this")
    said = await call(writer, "readonly_query", sql="SELECT sys.cluster_size()")
    (size,) = map(int, re.findall(r"\b\d{7,}\b", said.text))
    assert answer.facts["storage_gb"] == pytest.approx(size / 1e9, rel=0.05)
    assert f"Storage: {size / 1e6:,.0f} MB on this machine" in answer.text
    await call(writer, "transact", statements=["DROP TABLE sized"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"cluster_id": "orders"}, "cluster_id is no cluster's id"),
        ({"cluster_id": "a" * 26}, "There is no cluster aaaaaaaaaaaaaaaaaaaaaaaaaa in us-east-1."),
        ({"wait_s": 5}, "wait_s needs cluster_id"),
        ({"cluster_id": "a" * 26, "region": "us-east-1,us-east-2"}, "in one Region"),
        ({"days": 0}, "days"),
        ({"region": "nowhere"}, "region is no AWS Region"),
        ({"region": "us-east-1.example.com"}, "region is no AWS Region"),
    ],
    ids=str,
)
async def test_a_wrong_question_is_told(reader: Client, arguments: dict[str, object], told: str) -> None:
    answer = await call(reader, "cluster_status", **arguments)
    assert answer.is_error
    assert told in answer.text


async def test_without_a_cluster_the_region_has_to_be_named(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    async with Client(server("--tools", "clusters", **home)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["cluster_status", "diagnose"]
        answer = await call(client, "cluster_status")
        assert answer.is_error
        assert "--region" in answer.text


@pytest.mark.parametrize("command", ["clusters", "roles"])
def test_of_a_file_of_clusters_one_is_asked_and_a_guess_is_said(
    cluster_folder: Path, tmp_path: Path, command: str
) -> None:
    file, guess = tmp_path / "clusters.toml", "this is a, its first. For another: --cluster b\n"
    entry = f"local = true\nlocal-data = {json.dumps(str(cluster_folder))}\n"
    file.write_text(f"[clusters.a]\n{entry}[clusters.b]\n{entry}")
    words = [sys.executable, "-m", "awslabs_dsql_mcp", command, "--config", str(file)]

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*words, *more], capture_output=True, text=True, timeout=60, check=False)

    guessed, named, wrong = run(), run("--cluster", "b"), run("--cluster", "bb")
    assert (guessed.returncode, named.returncode, wrong.returncode) == (0, 0, 2)
    assert (guessed.stdout, named.stderr) == (named.stdout, "")
    assert guessed.stderr.endswith(guess)
    assert wrong.stderr == "awslabs-dsql-mcp: --cluster: got 'bb', expected b?\n"
    file.write_text(f'default = "b"\n{file.read_text()}')
    assert run().stderr == ""


def test_a_cluster_is_named_behind_the_options_too(cluster_folder: Path) -> None:
    words = [sys.executable, "-m", "awslabs_dsql_mcp", "clusters", "show", "--local"]
    words += ["--local-data", str(cluster_folder), "this"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.startswith("Cluster "), ended.stderr


SHOW = "`awslabs-dsql-mcp clusters show` and the server's options"


@pytest.mark.parametrize(
    ("toolsets", "next_step"),
    [
        ("core,clusters", "Next: cluster_status(cluster_id='{endpoint}') tells its state"),
        ("core", f"Next: The operator sees it with {SHOW}."),
    ],
)
async def test_a_cluster_that_takes_no_connections_leads_to_its_state(
    tmp_path: Path, toolsets: str, next_step: str
) -> None:
    async with local_cluster(tmp_path / "data") as account:
        made = client(account).create_cluster(multiRegionProperties={"witnessRegion": "us-west-2"})
        environment = {
            "AWS_ACCESS_KEY_ID": account.access_key,
            "AWS_SECRET_ACCESS_KEY": account.secret_key,
            "AWS_ENDPOINT_URL_DSQL": account.api_url or "",
            "PGHOSTADDR": "127.0.0.1",
            "PGPORT": str(account.port),
            "PGSSLROOTCERT": str(account.ca_file),
        }
        flags = ("--cluster_endpoint", made["endpoint"], "--tools", toolsets)
        async with Client(server(*flags, **environment)) as asking:
            failed = await call(asking, "readonly_query", sql="SELECT 1")
            assert failed.is_error
            assert "(cluster_not_available" in failed.text
            assert next_step.format(endpoint=made["endpoint"]) in failed.text
            if "clusters" in toolsets:
                told = await call(asking, "cluster_status", cluster_id="this")
                assert "PENDING_SETUP (it waits for its peer" in told.text


@pytest.fixture
def data(on_cluster: ServerOn) -> str:
    """The data directory that the servers of the tests share."""
    arguments = on_cluster().args
    return arguments[arguments.index("--local-data") + 1]


def command(*arguments: str, data: str) -> "subprocess.CompletedProcess[str]":
    words = [
        sys.executable,
        "-m",
        "awslabs_dsql_mcp",
        "clusters",
        *arguments,
        "--local",
        "--local-data",
        data,
    ]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=os.environ)


def test_the_command_prints_what_the_tool_says(data: str) -> None:
    listed = command(data=data)
    assert (listed.returncode, listed.stderr) == (0, "")
    identifier = IDENTIFIER.findall(listed.stdout)[0]
    for words in (
        ("show",),
        ("show", identifier),
        ("wait", "--seconds", "1"),
        ("usage", identifier, "--days", "7"),
    ):
        shown = command(*words, data=data)
        assert shown.returncode == 0, shown.stderr
        assert f"Cluster {identifier} in us-east-1: ACTIVE" in shown.stdout
    assert json.loads(command("show", "--json", data=data).stdout)["identifier"] == identifier
    refused = command("show", "none", "--json", data=data)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["hint"] in refused.stderr


async def test_backups_of_a_local_account_are_told_as_those_on_aws(tmp_path: Path) -> None:
    def look(running: LocalCluster) -> None:
        backup = client(running, service="backup")
        arn = client(running).list_clusters()["clusters"][0]["arn"]
        assert "Backup: none." in command("show", data=str(tmp_path)).stdout
        point = recovery_point(backup, arn)
        restored = restore(backup, point)["CreatedResourceArn"]
        shown = command("show", data=str(tmp_path)).stdout
        assert "Backup: last recovery point" in shown
        assert f"in vault Default: {point}." in shown
        assert main(["sleep", "--local-data", str(tmp_path)]) == 0
        back_up(backup, arn)
        asked = client(running).list_clusters()["clusters"][0]["identifier"]
        shown = command("show", asked, data=str(tmp_path)).stdout
        assert "The last backup job failed: backup" in shown
        reason = f"Cluster '{asked}' is in state 'INACTIVE' and can't be backed up."
        assert reason in shown
        as_json = json.loads(command("show", asked, "--json", data=str(tmp_path)).stdout)
        assert reason in as_json["failed_job"]
        of_other = json.loads(command("show", restored, "--json", data=str(tmp_path)).stdout)
        assert of_other["failed_job"] is None
        assert restored.rpartition("/")[2] in command("list", data=str(tmp_path)).stdout

    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=0)) as running:
        await asyncio.to_thread(look, running)


def test_a_deletion_that_has_ended_is_success(data: str) -> None:
    ended = command("wait", "A" * 26, "--deleted", data=data)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"Cluster {'a' * 26} is deleted: us-east-1 knows it no more.\n"
    stays = command("wait", "--deleted", data=data)
    assert stays.returncode == 1
    assert ": ACTIVE;" in stays.stdout


async def test_a_wait_that_is_over_too_soon_says_so(tmp_path: Path) -> None:
    data = str(tmp_path)
    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=60)):
        made = await asyncio.to_thread(lambda: command("create", "slow", "--no-wait", data=data))
        identifier = IDENTIFIER.findall(made.stdout)[0]
        waited = await asyncio.to_thread(lambda: command("wait", identifier, "--seconds", "1", data=data))
    assert waited.returncode == 3
    assert waited.stderr.endswith("it is still CREATING. The same command again waits on.\n")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("lst",), 2, "expected list?"),
        (("usage", "--days", "1000"), 2, "--days: got '1000', expected a whole number from 1 to 90"),
        (("--regions", "nowhere"), 2, "expected the name of an AWS region"),
        (("show", "orders"), 1, "no cluster's id"),
        (("show", "a" * 26), 1, "There is no cluster"),
        (("wait", "a" * 26), 1, "With --deleted that is success."),
        (("list", "--days", "7"), 2, "--days: got it with clusters list, expected it with clusters usage"),
        (("list", "a" * 26), 2, "CLUSTER: got it with clusters list, expected it with clusters show"),
        (("show", "--seconds", "7"), 2, "--seconds: got it with clusters show"),
        (("--allow-writes",), 2, "--allow-writes: unknown flag"),
    ],
    ids=str,
)
def test_a_wrong_command_is_told(words: tuple[str, ...], status: int, told: str, data: str) -> None:
    ended = command(*words, data=data)
    assert ended.returncode == status
    assert told in ended.stderr
    assert not ended.stdout
