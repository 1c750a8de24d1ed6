"""AWS's own samples and its CLI, unchanged, manage clusters of the local account as those on AWS.

They are brought from where AWS publishes them, in minutes: ``.ci/test -m suites tests/clients`` does so.
DSQL_TEST_SAMPLES may name a clone of the samples' repository.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster import client_env
from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.daemon.client import connect_if_running
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

SAMPLES = os.environ.get("DSQL_TEST_SAMPLES", "https://github.com/aws-samples/aurora-dsql-samples")
REVISION = "c0505bcbcdde6b3ed920ddf98ff88ac645ec748f"
SAMPLE = "python/cluster_management"
CLI = "awscli==1.46.3"

pytestmark = [
    pytest.mark.suites,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="the programs are found as on POSIX systems"),
]


@pytest.fixture
async def environment(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """The environment of ``local --env`` for an account of its own."""
    data_dir = DataDir(tmp_path / "data")
    async with local_cluster(data_dir.path):
        handle = connect_if_running(data_dir)
        assert handle is not None
        now = datetime.now(timezone.utc)
        variables = client_env.client_env(data_dir, handle.port, handle.api_port, "admin", now)
        yield {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables}
        handle.close()


def run(*command: str | Path, folder: Path, env: Mapping[str, str] | None = None) -> str:
    """What a program prints.

    Raises:
        subprocess.CalledProcessError: It fails.
    """
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(
            done.returncode, command, done.stdout[-4000:], done.stderr[-1000:]
        )
    return done.stdout


def bring(*commands: tuple[str | Path, ...], folder: Path) -> None:
    try:
        for command in commands:
            run(*command, folder=folder)
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"it could not be brought: {failure.stderr[-200:]}")


def test_the_samples_of_one_region_and_two_run_unchanged(environment: dict[str, str], tmp_path: Path) -> None:
    clone = tmp_path / "samples"
    bring(
        ("git", "clone", "--quiet", "--no-checkout", SAMPLES, clone),
        ("git", "-C", clone, "checkout", "--quiet", REVISION, "--", SAMPLE),
        folder=tmp_path,
    )
    said = run(sys.executable, "-m", "pytest", "-q", "test", folder=clone / SAMPLE, env=environment)
    assert "2 passed" in said


def test_the_cli_makes_finds_tags_and_deletes_a_cluster(environment: dict[str, str], tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", folder=tmp_path)
    program = tmp_path / "env" / "bin"
    bring((program / "python", "-m", "pip", "--quiet", "install", CLI), folder=tmp_path)

    def aws(*words: str) -> str:
        return run(program / "aws", "dsql", *words, folder=tmp_path, env=environment)

    made = json.loads(aws("create-cluster", "--tags", "Name=demo"))
    identifier = ("--identifier", made["identifier"])
    aws("wait", "cluster-active", *identifier)
    aws("tag-resource", "--resource-arn", made["arn"], "--tags", "team=a/b c")
    whole = json.loads(aws("get-cluster", *identifier))
    assert (whole["status"], whole["tags"]) == ("ACTIVE", {"Name": "demo", "team": "a/b c"})
    assert made["identifier"] in aws("list-clusters", "--page-size", "1")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        aws("delete-cluster", *identifier)
    assert "(ValidationException)" in refused.value.stderr
    aws("update-cluster", *identifier, "--no-deletion-protection-enabled")
    assert json.loads(aws("delete-cluster", *identifier))["status"] == "DELETING"
    aws("wait", "cluster-not-exists", *identifier)
    assert made["identifier"] not in aws("list-clusters")


def test_the_cli_backs_up_deletes_and_restores_a_cluster(environment: dict[str, str], tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", folder=tmp_path)
    program = tmp_path / "env" / "bin"
    bring((program / "python", "-m", "pip", "--quiet", "install", CLI), folder=tmp_path)

    def aws(*words: str) -> dict[str, str]:
        said = run(program / "aws", *words, "--output", "json", folder=tmp_path, env=environment)
        return json.loads(said) if said else {}

    def ended(*words: str, state: str) -> dict[str, str]:
        for _ in range(60):
            job = aws("backup", *words)
            if job[state] in ("COMPLETED", "FAILED"):
                return job
        pytest.fail("the job does not end")

    made = aws("dsql", "create-cluster", "--no-deletion-protection-enabled", "--tags", "Name=demo")
    aws("dsql", "wait", "cluster-active", "--identifier", made["identifier"])
    role = ("--iam-role-arn", "arn:aws:iam::000000000000:role/service-role/AWSBackupDefaultServiceRole")
    vault = ("--backup-vault-name", "Default")
    started = aws("backup", "start-backup-job", *vault, "--resource-arn", made["arn"], *role)
    job = ended("describe-backup-job", "--backup-job-id", started["BackupJobId"], state="State")
    assert job["State"] == "COMPLETED"
    aws("dsql", "delete-cluster", "--identifier", made["identifier"])
    point = ("--recovery-point-arn", job["RecoveryPointArn"])
    metadata = json.dumps({"regionalConfig": json.dumps([{"region": "us-east-1"}])})
    started = aws(
        "backup",
        "start-restore-job",
        *point,
        *role,
        "--metadata",
        metadata,
        "--copy-source-tags-to-restored-resource",
    )
    job = ended("describe-restore-job", "--restore-job-id", started["RestoreJobId"], state="Status")
    assert job["Status"] == "COMPLETED"
    restored = aws("dsql", "get-cluster", "--identifier", job["CreatedResourceArn"].rpartition("/")[2])
    assert (restored["status"], restored["tags"]) == ("ACTIVE", {"Name": "demo"})
    aws("backup", "delete-recovery-point", *vault, *point)
