"""Operations of AWS Backup on jobs: backups, copies, restores. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.local_cluster.control_plane.account import Account
from awslabs_dsql_mcp.local_cluster.control_plane.backup import answers, metadata
from awslabs_dsql_mcp.local_cluster.control_plane.backup.answers import RESOURCE_TYPE
from awslabs_dsql_mcp.local_cluster.control_plane.backup.errors import (
    invalid_value,
    missing_value,
    not_found,
    not_offered,
)
from awslabs_dsql_mcp.local_cluster.control_plane.backup.lookup import (
    chosen_jobs,
    days_to_keep,
    find_job,
    find_vault,
    find_whole_point,
    is_between,
    new_id,
    vault_in,
    with_tags,
)
from awslabs_dsql_mcp.local_cluster.control_plane.backup.pages import page
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import Job, RecoveryPoint, vault_arn
from awslabs_dsql_mcp.local_cluster.control_plane.service import Call, Input, Operation, Result

_MIN_START_WINDOW: Final = 60  # minutes (AWS Backup API reference, StartBackupJob)


def _start_backup(account: Account, call: Call, given: Input) -> Result:
    for member in ("LogicallyAirGappedBackupVaultArn", "BackupOptions"):
        if given.get(member):
            raise not_offered(member, "It makes full backups of clusters into vaults.")
    if given.get("Index") == "ENABLED":
        raise not_offered("Index", "It searches no backups.")
    vault = find_vault(account, call.region, given["BackupVaultName"])
    cluster = account.by_arn(given["ResourceArn"])
    if cluster is None or cluster.region != call.region:
        raise not_found(f"There is no resource {given['ResourceArn']} in {call.region}.")
    window = given.get("StartWindowMinutes", _MIN_START_WINDOW)
    if window < _MIN_START_WINDOW:
        raise invalid_value(f"StartWindowMinutes is {window}, at least {_MIN_START_WINDOW}.")
    identifier, now = new_id(), call.at.now
    point = RecoveryPoint(
        identifier=new_id(),
        region=call.region,
        vault=vault.name,
        resource=cluster.arn,
        name=cluster.tags.get("Name", ""),
        created_at=now,
        began_at=now,
        data=identifier.lower(),
        role=given["IamRoleArn"],
        cluster_tags=cluster.tags,
        tags=with_tags({}, given.get("RecoveryPointTags", {})),
        witness=cluster.witness,
        delete_after_days=days_to_keep(given),
    )
    job = Job(identifier, "backup", call.region, now, point, given["IamRoleArn"])
    account = replace(account, backups=account.backups.put(point, job))
    return account, {"BackupJobId": identifier, "CreationDate": now, "IsParent": False}


def _start_copy(account: Account, call: Call, given: Input) -> Result:
    point = find_whole_point(account, call, given["RecoveryPointArn"], given["SourceBackupVaultName"])
    target = given["DestinationBackupVaultArn"]
    region, name = vault_in(target)
    if vault_arn(region, name) != target or (region, name) == (point.region, point.vault):
        raise invalid_value(f"{target} is no vault of this account that the recovery point can be copied to.")
    vault = find_vault(account, region, name)
    now = call.at.now
    copy = replace(
        point,
        identifier=new_id(),
        region=region,
        vault=vault.name,
        began_at=now,
        role=given["IamRoleArn"],
        tags={},
        delete_after_days=days_to_keep(given),
        source=point.vault_arn,
        completed_at=None,
        restored_at=None,
    )
    job = Job(new_id(), "copy", call.region, now, copy, given["IamRoleArn"], source=point.arn)
    account = replace(account, backups=account.backups.put(copy, job))
    return account, {"CopyJobId": job.identifier, "CreationDate": now, "IsParent": False}


def _start_restore(account: Account, call: Call, given: Input) -> Result:
    point = find_whole_point(account, call, given["RecoveryPointArn"])
    if given.get("ResourceType", RESOURCE_TYPE) != RESOURCE_TYPE:
        raise invalid_value(f"ResourceType is {given['ResourceType']}, not {RESOURCE_TYPE}.")
    role = given.get("IamRoleArn")
    if not role:
        raise missing_value("IamRoleArn is required.")
    wanted = metadata.read(given["Metadata"], account.backups, point)
    if given.get("CopySourceTagsToRestoredResource"):
        wanted = replace(wanted, tags=point.cluster_tags)
    job = Job(new_id(), "restore", call.region, call.at.now, point, role, restore=wanted, size=point.size)
    return replace(account, backups=account.backups.put(job)), {"RestoreJobId": job.identifier}


def _describe_backup(account: Account, call: Call, given: Input) -> Result:
    job = find_job(account, call, "backup", given["BackupJobId"])
    return account, answers.backup_job(job)


def _describe_copy(account: Account, call: Call, given: Input) -> Result:
    job = find_job(account, call, "copy", given["CopyJobId"])
    return account, {"CopyJob": answers.copy_job(job)}


def _describe_restore(account: Account, call: Call, given: Input) -> Result:
    job = find_job(account, call, "restore", given["RestoreJobId"])
    return account, answers.restore_job(job)


def _list_backups(account: Account, call: Call, given: Input) -> Result:
    if any(given.get(name) for name in ("ByParentJobId", "ByMessageCategory")):
        raise not_offered("ByParentJobId and ByMessageCategory", "Its jobs have neither.")
    jobs = [
        answers.backup_job(job)
        for job in chosen_jobs(account, call, "backup", given, "ByState")
        if given.get("ByBackupVaultName") in (None, job.point.vault)
    ]
    return account, page("BackupJobs", jobs, "BackupJobId", given)


def _list_copies(account: Account, call: Call, given: Input) -> Result:
    jobs = [
        answer
        for job in chosen_jobs(account, call, "copy", given, "ByState")
        for answer in (answers.copy_job(job),)
        if given.get("ByDestinationVaultArn") in (None, answer["DestinationBackupVaultArn"])
        and given.get("BySourceRecoveryPointArn") in (None, answer.get("SourceRecoveryPointArn"))
    ]
    return account, page("CopyJobs", jobs, "CopyJobId", given)


def _list_restores(account: Account, call: Call, given: Input) -> Result:
    jobs = chosen_jobs(account, call, "restore", given, "ByStatus")
    told = [answers.restore_job(job) for job in jobs]
    return account, page("RestoreJobs", told, "RestoreJobId", given)


def _list_restores_of(account: Account, call: Call, given: Input) -> Result:
    after = given.get("ByRecoveryPointCreationDateAfter")
    before = given.get("ByRecoveryPointCreationDateBefore")
    told = [
        answer
        for job in chosen_jobs(account, call, "restore", given, "ByStatus")
        for answer in (answers.restore_job(job),)
        if job.point.resource == given["ResourceArn"]
        and is_between(answer.get("RecoveryPointCreationDate"), after, before)
    ]
    return account, page("RestoreJobs", told, "RestoreJobId", given)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "StartBackupJob": _start_backup,
    "DescribeBackupJob": _describe_backup,
    "ListBackupJobs": _list_backups,
    "StartCopyJob": _start_copy,
    "DescribeCopyJob": _describe_copy,
    "ListCopyJobs": _list_copies,
    "StartRestoreJob": _start_restore,
    "DescribeRestoreJob": _describe_restore,
    "ListRestoreJobs": _list_restores,
    "ListRestoreJobsByProtectedResource": _list_restores_of,
}
"""Functions by the operation's name."""
