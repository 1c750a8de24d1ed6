"""Operations of AWS Backup on recovery points, and on the clusters that have some. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.local_cluster.control_plane.account import Account
from awslabs_dsql_mcp.local_cluster.control_plane.backup import answers, metadata
from awslabs_dsql_mcp.local_cluster.control_plane.backup.answers import RESOURCE_TYPE
from awslabs_dsql_mcp.local_cluster.control_plane.backup.errors import invalid_state, not_found
from awslabs_dsql_mcp.local_cluster.control_plane.backup.lookup import (
    find_point,
    find_vault,
    is_between,
    points_of_region,
)
from awslabs_dsql_mcp.local_cluster.control_plane.backup.pages import page
from awslabs_dsql_mcp.local_cluster.control_plane.service import Call, Input, Operation, Result


def _describe_point(account: Account, call: Call, given: Input) -> Result:
    point = find_point(account, call, given["RecoveryPointArn"], given["BackupVaultName"])
    return account, answers.point(point)


def _point_metadata(account: Account, call: Call, given: Input) -> Result:
    point = find_point(account, call, given["RecoveryPointArn"], given["BackupVaultName"])
    return account, {
        "BackupVaultArn": point.vault_arn,
        "RecoveryPointArn": point.arn,
        "RestoreMetadata": metadata.write(point),
        "ResourceType": RESOURCE_TYPE,
    }


def _delete_point(account: Account, call: Call, given: Input) -> Result:
    point = find_point(account, call, given["RecoveryPointArn"], given["BackupVaultName"])
    if any(point.arn in (job.point.arn, job.source) for job in account.backups.under_way()):
        raise invalid_state("A job is under way with this recovery point. Try again when it has ended.")
    return replace(account, backups=account.backups.without_point(point.identifier)), {}


def _list_points_of(account: Account, call: Call, given: Input) -> Result:
    arn = given["ResourceArn"]
    points = [answers.point(p) for p in points_of_region(account, call) if p.resource == arn]
    told = [{**each, "BackupSizeBytes": each["BackupSizeInBytes"]} for each in points]
    return account, page("RecoveryPoints", told, "RecoveryPointArn", given, answers.OF_RESOURCE)


def _list_points_in(account: Account, call: Call, given: Input) -> Result:
    vault = find_vault(account, call.region, given["BackupVaultName"])
    told = [
        answers.point(p)
        for p in points_of_region(account, call)
        if p.vault == vault.name
        and given.get("ByResourceArn") in (None, p.resource)
        and given.get("ByResourceType") in (None, RESOURCE_TYPE)
        and is_between(p.created_at, given.get("ByCreatedAfter"), given.get("ByCreatedBefore"))
        and not given.get("ByBackupPlanId")
        and not given.get("ByParentRecoveryPointArn")
    ]
    return account, page("RecoveryPoints", told, "RecoveryPointArn", given, answers.IN_VAULT)


def _describe_protected(account: Account, call: Call, given: Input) -> Result:
    arn = given["ResourceArn"]
    told = answers.protected(account.backups, call.region).get(arn)
    if told is None:
        raise not_found(f"There is no backup of {arn} in {call.region}.")
    return account, told


def _list_protected(account: Account, call: Call, given: Input) -> Result:
    told = list(answers.protected(account.backups, call.region).values())
    return account, page("Results", told, "ResourceArn", given, answers.PROTECTED)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "DescribeRecoveryPoint": _describe_point,
    "GetRecoveryPointRestoreMetadata": _point_metadata,
    "DeleteRecoveryPoint": _delete_point,
    "ListRecoveryPointsByResource": _list_points_of,
    "ListRecoveryPointsByBackupVault": _list_points_in,
    "DescribeProtectedResource": _describe_protected,
    "ListProtectedResources": _list_protected,
}
"""Functions by the operation's name."""
