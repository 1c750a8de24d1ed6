"""Recovery points as the vaults of a Region have them, and copies of them in another Region.

A pair is restored from a recovery point and a copy of it in the Region of the peer, both of the same resource
and time of creation (AWS Backup developer guide, "Amazon Aurora DSQL restore", questions).
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from awslabs_dsql_mcp.aws.api import Api, pages
from awslabs_dsql_mcp.clusters.changes.order import RecoveryPoint
from awslabs_dsql_mcp.errors import RequestInvalid

VAULT: Final = "Default"
"""The vault that backups and copies go to."""

USABLE: Final = frozenset({"COMPLETED", "AVAILABLE"})
"""States of a recovery point that can be restored."""


@dataclass(frozen=True)
class KeptPoint:
    """A recovery point with what its vault tells of it.

    Attributes:
        point: The point.
        vault: Name of its vault.
        resource: ARN of the cluster that it is of.
        created: Time of the backup.
    """

    point: RecoveryPoint
    vault: str
    resource: str
    created: datetime


def vault_arn(partition: str, region: str, account: str) -> str:
    """Give the ARN of the vault of a Region that backups and copies go to."""
    return f"arn:{partition}:backup:{region}:{account}:backup-vault:{VAULT}"


def backup_role(partition: str, account: str) -> str:
    """Give the role that AWS Backup makes for itself (AWS Backup developer guide, "IAM service roles")."""
    return f"arn:{partition}:iam::{account}:role/service-role/AWSBackupDefaultServiceRole"


async def kept_point(api: Api, point: RecoveryPoint) -> KeptPoint:
    """Find a recovery point in the vaults of its Region.

    Raises:
        RequestInvalid: No vault has it.
        DsqlError: AWS does not tell.
    """
    async for vault, each in _points(api, point.region, await _vaults(api, point.region), {}):
        if each["RecoveryPointArn"] == point.arn:
            return KeptPoint(point, vault, each["ResourceArn"], each["CreationDate"])
    raise no_such_point(point)


def no_such_point(point: RecoveryPoint) -> RequestInvalid:
    """Make the error of a recovery point that its Region does not know."""
    return RequestInvalid(
        f"No backup vault of {point.region} has the recovery point {point.arn}. Nothing was restored.",
        code="no_such_point",
        hint="It may be deleted. Look at the cluster that it is of, by its id, also if that cluster is gone: "
        "its recovery points are named there.",
    )


async def copy_state(api: Api, point: KeptPoint, region: str) -> str:
    """Tell the state of the copy of a recovery point in another Region; empty if there is none.

    Raises:
        RequestInvalid: There is none, and no vault that it could be copied to.
        DsqlError: AWS does not tell.
    """
    vaults = await _vaults(api, region)
    of_resource = {"ByResourceArn": point.resource}
    states = {
        str(each.get("Status"))
        async for _, each in _points(api, region, vaults, of_resource)
        if each["CreationDate"] == point.created
    }
    if found := [state for state in (*sorted(USABLE), "CREATING") if state in states]:
        return found[0]
    if VAULT not in vaults:
        raise RequestInvalid(
            f"{region} has no backup vault {VAULT}, which the copy of the recovery point would go to.",
            code="no_vault",
            hint="A person can make it: "
            f"`aws backup create-backup-vault --backup-vault-name {VAULT} --region {region}`.",
        )
    return ""


async def _vaults(api: Api, region: str) -> list[str]:
    return [
        each["BackupVaultName"]
        async for page in pages(api, "backup", "ListBackupVaults", region, {})
        for each in page.get("BackupVaultList") or ()
    ]


async def _points(
    api: Api, region: str, vaults: Sequence[str], chosen: Mapping[str, str]
) -> AsyncGenerator[tuple[str, Mapping[str, Any]]]:
    """Yield recovery points of vaults, each with the name of its vault."""
    for vault in vaults:
        members = {"BackupVaultName": vault, "MaxResults": 1000, **chosen}
        async for page in pages(api, "backup", "ListRecoveryPointsByBackupVault", region, members):
            for point in page.get("RecoveryPoints") or ():
                yield vault, point
