"""Backups, copies and restores on a local account, each to its end."""

import json
from collections.abc import Callable
from typing import Any

from support.local_cluster.api import Answer, Client, Refused, refusal
from support.local_cluster.waiting import wait_until

ROLE = "arn:aws:iam::000000000000:role/service-role/AWSBackupDefaultServiceRole"


def ended(describe: Callable[[], Answer], state: str = "State") -> Answer:
    """A job once it has ended."""
    wait_until(lambda: describe()[state] in ("COMPLETED", "FAILED"))
    return describe()


def back_up(backup: Client, arn: str, vault: str = "Default", **more: object) -> Answer:
    """A backup of a cluster that has ended."""
    job = backup.start_backup_job(BackupVaultName=vault, ResourceArn=arn, IamRoleArn=ROLE, **more)
    return ended(lambda: backup.describe_backup_job(BackupJobId=job["BackupJobId"]))


def recovery_point(backup: Client, arn: str, **more: Any) -> str:  # noqa: ANN401  boto3 has no types
    """ARN of a new recovery point of a cluster."""
    job = back_up(backup, arn, **more)
    assert job["State"] == "COMPLETED", job
    return job["RecoveryPointArn"]


def copy(backup: Client, point: str, region: str) -> Answer:
    """A copy of a recovery point to another Region's default vault that has ended."""
    job = backup.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName="Default",
        DestinationBackupVaultArn=f"arn:aws:backup:{region}:000000000000:backup-vault:Default",
        IamRoleArn=ROLE,
    )
    return ended(lambda: backup.describe_copy_job(CopyJobId=job["CopyJobId"])["CopyJob"])


def restore(backup: Client, point: str, metadata: dict[str, str] | None = None, **more: object) -> Answer:
    """A restore of a recovery point that has ended; by default of one Region, without protection."""
    given = metadata if metadata is not None else unprotected(backup.meta.region_name)
    job = backup.start_restore_job(RecoveryPointArn=point, Metadata=given, IamRoleArn=ROLE, **more)
    return ended(lambda: backup.describe_restore_job(RestoreJobId=job["RestoreJobId"]), "Status")


def unprotected(*regions: str) -> dict[str, str]:
    """Metadata by which the clusters of a restore can be deleted."""
    entries = [{"region": region, "isDeletionProtectionEnabled": False} for region in regions]
    return {"regionalConfig": json.dumps(entries)}


def delete(api: Client, identifier: str) -> None:
    """Delete a cluster that may be protected."""
    api.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
    api.delete_cluster(identifier=identifier)


def made_by(api: Client, job: Answer) -> Answer:
    """The cluster that a restore has made."""
    assert job["Status"] == "COMPLETED", job
    return api.get_cluster(identifier=job["CreatedResourceArn"].rpartition("/")[2])


def refused_restore(backup: Client, point: str, metadata: dict[str, str]) -> Refused:
    """The error of a restore that is refused."""
    return refusal(
        lambda: backup.start_restore_job(RecoveryPointArn=point, Metadata=metadata, IamRoleArn=ROLE)
    )
