"""Answers of AWS Backup on jobs, recovery points, resources and vaults, by the members of its model. Pure."""

from typing import Final

from awslabs_dsql_mcp.local_cluster.control_plane.arns import ACCOUNT_ID
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import Backups, Job, RecoveryPoint, Vault
from awslabs_dsql_mcp.local_cluster.control_plane.service import Output

RESOURCE_TYPE: Final = "DSQL"
"""Aurora DSQL among the types of resources, as a Region's settings have it on AWS."""
VAULT_TYPE: Final = "BACKUP_VAULT"
_DAY: Final = 86_400
_START_WINDOW: Final = 8 * 3600.0  # AWS's default, in seconds

# Members that lists tell, where they are fewer than those of one thing.
OF_RESOURCE: Final = frozenset(
    (
        "RecoveryPointArn",
        "CreationDate",
        "Status",
        "BackupSizeBytes",
        "BackupVaultName",
        "IsParent",
        "ResourceName",
        "VaultType",
    )
)
IN_VAULT: Final = frozenset(
    (
        "RecoveryPointArn",
        "BackupVaultName",
        "BackupVaultArn",
        "SourceBackupVaultArn",
        "ResourceArn",
        "ResourceType",
        "IamRoleArn",
        "Status",
        "CreationDate",
        "InitiationDate",
        "CompletionDate",
        "BackupSizeInBytes",
        "CalculatedLifecycle",
        "Lifecycle",
        "IsEncrypted",
        "LastRestoreTime",
        "IsParent",
        "ResourceName",
        "VaultType",
    )
)
PROTECTED: Final = frozenset(
    (
        "ResourceArn",
        "ResourceType",
        "LastBackupTime",
        "ResourceName",
        "LastBackupVaultArn",
        "LastRecoveryPointArn",
    )
)


def backup_job(job: Job) -> Output:
    """Tell of a backup."""
    return _present(
        **_common(job),
        BackupJobId=job.identifier,
        State=job.state,
        BackupVaultName=job.point.vault,
        BackupVaultArn=job.point.vault_arn,
        VaultType=VAULT_TYPE,
        RecoveryPointArn=job.point.arn if job.began_at is not None and job.failure is None else None,
        RecoveryPointLifecycle=_lifecycle(job.point),
        ResourceArn=job.point.resource,
        PercentDone=job.percent,
        StartBy=job.created_at + _START_WINDOW,
        ResourceName=job.point.name or None,
        InitiationDate=job.created_at,
        IsEncrypted=False,
    )


def copy_job(job: Job) -> Output:
    """Tell of a copy."""
    return _present(
        **_common(job),
        CopyJobId=job.identifier,
        State=job.state,
        SourceBackupVaultArn=job.point.source,
        SourceRecoveryPointArn=job.source,
        DestinationBackupVaultArn=job.point.vault_arn,
        DestinationVaultType=VAULT_TYPE,
        DestinationRecoveryPointArn=job.point.arn if job.failure is None else None,
        DestinationRecoveryPointLifecycle=_lifecycle(job.point),
        ResourceArn=job.point.resource,
        ResourceName=job.point.name or None,
    )


def restore_job(job: Job) -> Output:
    """Tell of a restore."""
    return _present(
        **_common(job),
        RestoreJobId=job.identifier,
        Status=job.state,
        RecoveryPointArn=job.point.arn,
        SourceResourceArn=job.point.resource,
        BackupVaultArn=job.point.vault_arn,
        PercentDone=job.percent,
        CreatedResourceArn=job.made[0] if job.made else None,
        RecoveryPointCreationDate=job.point.created_at,
    )


def _common(job: Job) -> Output:
    return {
        "AccountId": ACCOUNT_ID,
        "CreationDate": job.created_at,
        "CompletionDate": job.ended_at,
        "StatusMessage": job.failure,
        "BackupSizeInBytes": job.size or None,
        "IamRoleArn": job.role,
        "ResourceType": RESOURCE_TYPE,
        "IsParent": False,
    }


def point(point: RecoveryPoint) -> Output:
    """Tell of a recovery point."""
    days = point.delete_after_days
    return _present(
        RecoveryPointArn=point.arn,
        BackupVaultName=point.vault,
        BackupVaultArn=point.vault_arn,
        SourceBackupVaultArn=point.source,
        ResourceArn=point.resource,
        ResourceType=RESOURCE_TYPE,
        IamRoleArn=point.role,
        Status="CREATING" if point.completed_at is None else "COMPLETED",
        CreationDate=point.created_at,
        InitiationDate=point.began_at,
        CompletionDate=point.completed_at,
        BackupSizeInBytes=point.size,
        CalculatedLifecycle={"DeleteAt": point.created_at + days * _DAY} if days else None,
        Lifecycle=_lifecycle(point),
        IsEncrypted=False,
        StorageClass="WARM",
        LastRestoreTime=point.restored_at,
        IsParent=False,
        ResourceName=point.name or None,
        VaultType=VAULT_TYPE,
    )


def protected(backups: Backups, region: str) -> dict[str, Output]:
    """Tell of the resources of a Region that have been backed up, by their ARNs, the last of them first."""
    told: dict[str, Output] = {}
    for last in sorted(backups.whole(region), key=lambda point: point.created_at, reverse=True):
        restores = [
            job
            for job in backups.jobs.values()
            if (job.kind, job.region, job.point.resource) == ("restore", region, last.resource)
        ]
        ended = [job for job in restores if job.state == "COMPLETED"]
        told.setdefault(
            last.resource,
            _present(
                ResourceArn=last.resource,
                ResourceType=RESOURCE_TYPE,
                LastBackupTime=last.created_at,
                ResourceName=last.name or None,
                LastBackupVaultArn=last.vault_arn,
                LastRecoveryPointArn=last.arn,
                LatestRestoreJobCreationDate=restores[-1].created_at if restores else None,
                LatestRestoreExecutionTimeMinutes=_minutes(ended[-1]) if ended else None,
            ),
        )
    return told


def vault(backups: Backups, vault: Vault) -> Output:
    """Tell of a vault."""
    points = [p for p in backups.points.values() if p.vault_arn == vault.arn]
    return _present(
        **vault_in_brief(vault),
        VaultType=VAULT_TYPE,
        VaultState="AVAILABLE",
        CreatorRequestId=vault.request,
        NumberOfRecoveryPoints=len(points),
        Locked=False,
    )


def vault_in_brief(vault: Vault) -> Output:
    """Tell of a vault that was made."""
    return {
        "BackupVaultName": vault.name,
        "BackupVaultArn": vault.arn,
        "CreationDate": vault.created_at,
    }


def _lifecycle(point: RecoveryPoint) -> Output | None:
    return {"DeleteAfterDays": point.delete_after_days} if point.delete_after_days else None


def _minutes(job: Job) -> int:
    return round(((job.ended_at or job.created_at) - job.created_at) / 60)


def _present(**members: object) -> Output:
    """Leave out the members that have no value."""
    return {name: value for name, value in members.items() if value is not None}
