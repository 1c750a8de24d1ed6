"""Jobs of AWS Backup: their states, and what a daemon that ends leaves of them."""

import asyncio
import json
from pathlib import Path

import psutil
import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from support.local_cluster.api import Answer, client, refusal
from support.local_cluster.backups import (
    ROLE,
    made_by,
    recovery_point,
    refused_restore,
    restore,
    unprotected,
)
from support.local_cluster.waiting import wait_until


async def test_jobs_stay_in_their_states_as_long_as_clusters(tmp_path: Path) -> None:
    def watch(running: LocalCluster) -> None:
        api, backup = client(running), client(running, service="backup")
        first, *_ = api.list_clusters()["clusters"]
        wait_until(lambda: api.get_cluster(identifier=first["identifier"])["status"] == "ACTIVE")
        started = backup.start_backup_job(
            BackupVaultName="Default", ResourceArn=first["arn"], IamRoleArn=ROLE
        )
        seen: dict[str, Answer] = {}

        def has_ended() -> bool:
            job = backup.describe_backup_job(BackupJobId=started["BackupJobId"])
            is_new = job["State"] not in seen
            seen.setdefault(job["State"], job)
            points = backup.list_recovery_points_by_resource(ResourceArn=first["arn"])["RecoveryPoints"]
            if job["State"] == "RUNNING" and is_new:  # for a second from now on
                assert [point["Status"] for point in points] == ["CREATING"]
                point = {"BackupVaultName": "Default", "RecoveryPointArn": points[0]["RecoveryPointArn"]}
                assert refusal(lambda: backup.delete_recovery_point(**point)).code == (
                    "InvalidResourceStateException"
                )
                assert refused_restore(backup, point["RecoveryPointArn"], {}).code == (
                    "InvalidRequestException"
                )
            return job["State"] == "COMPLETED"

        wait_until(has_ended)
        assert list(seen) == ["CREATED", "RUNNING", "COMPLETED"]
        assert [job["PercentDone"] for job in seen.values()] == ["0.0", "0.0", "100.0"]

    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=1)) as running:
        await asyncio.to_thread(watch, running)


@pytest.mark.parametrize("end", ["killed", "left by its last user"])
async def test_a_job_that_is_cut_off_has_failed_and_leaves_no_half_copy(end: str, tmp_path: Path) -> None:
    killed = end == "killed"
    folder = DataDir(tmp_path)

    def cut_off(running: LocalCluster) -> dict[str, str]:
        api, backup = client(running), client(running, service="backup")
        first, *_ = api.list_clusters()["clusters"]
        point = recovery_point(backup, first["arn"])
        begun = {
            "backup": backup.start_backup_job(
                BackupVaultName="Default", ResourceArn=first["arn"], IamRoleArn=ROLE
            )["BackupJobId"],
            "restore": backup.start_restore_job(
                RecoveryPointArn=point, Metadata=unprotected("us-east-1"), IamRoleArn=ROLE
            )["RestoreJobId"],
        }
        # From its first file on, each needs half a second more.
        wait_until(lambda: bool(list(folder.backups.glob("*.new"))))
        if killed:
            daemon = psutil.Process(json.loads(folder.daemon_file.read_bytes())["pid"])
            daemon.kill()
        return {**begun, "point": point}

    def look(running: LocalCluster, begun: dict[str, str]) -> None:
        wait_until(lambda: not list(folder.backups.glob("*.new")))
        api, backup = client(running), client(running, service="backup")
        failed = (
            backup.describe_backup_job(BackupJobId=begun["backup"]),
            backup.describe_restore_job(RestoreJobId=begun["restore"]),
        )
        for job in failed:
            assert job.get("State", job.get("Status")) == "FAILED"
            assert "was stopped before the job had ended" in job["StatusMessage"]
        assert len(api.list_clusters()["clusters"]) == 1
        points = backup.list_recovery_points_by_backup_vault(BackupVaultName="Default")["RecoveryPoints"]
        assert [point["RecoveryPointArn"] for point in points] == [begun["point"]]
        wait_until(lambda: len(list(folder.backups.glob("*"))) == 1 and not list(folder.storages.glob("*")))
        made_by(api, restore(backup, begun["point"]))

    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=0.5)) as running:
        begun = await asyncio.to_thread(cut_off, running)
    wait_until(lambda: killed or not folder.daemon_file.exists())
    async with local_cluster(tmp_path, ClusterConfig(transition_seconds=0)) as running:
        await asyncio.to_thread(look, running, begun)
