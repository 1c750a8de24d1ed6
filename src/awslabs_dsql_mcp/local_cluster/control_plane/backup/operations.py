"""The operations of AWS Backup: functions of the account and of an input that AWS's model has checked. Pure.

What is answered, in which form, is AWS's model (botocore, ``backup``, 2018-11-15); the rules behind it have
their sources in the table of its tests. Operations that are missing here are refused by their name.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.local_cluster.control_plane.account import Account
from awslabs_dsql_mcp.local_cluster.control_plane.backup import answers, job_operations, point_operations
from awslabs_dsql_mcp.local_cluster.control_plane.backup.answers import RESOURCE_TYPE
from awslabs_dsql_mcp.local_cluster.control_plane.backup.errors import (
    already_exists,
    invalid_request,
    invalid_value,
    not_offered,
    refuse_input,
)
from awslabs_dsql_mcp.local_cluster.control_plane.backup.lookup import (
    default_vault,
    find_tagged,
    find_vault,
    with_tags,
)
from awslabs_dsql_mcp.local_cluster.control_plane.backup.pages import page
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import DEFAULT_VAULT, Vault, vault_arn
from awslabs_dsql_mcp.local_cluster.control_plane.service import Call, Input, Operation, Result, Service

# ---- Vaults


def _create_vault(account: Account, call: Call, given: Input) -> Result:
    if given.get("EncryptionKeyArn"):
        raise not_offered("keys of AWS KMS", "Its backups are not encrypted.")
    name = given["BackupVaultName"]
    request = given.get("CreatorRequestId")
    known = account.backups.vaults.get(vault_arn(call.region, name))
    if name == DEFAULT_VAULT or (known is not None and (request is None or known.request != request)):
        raise already_exists(
            f"There is a vault {name} in {call.region}.",
            Arn=vault_arn(call.region, name),
            CreatorRequestId=request or "",
        )
    vault = known or Vault(
        name, call.region, call.at.now, with_tags({}, given.get("BackupVaultTags", {})), request
    )
    return replace(account, backups=account.backups.put(vault)), answers.vault_in_brief(vault)


def _describe_vault(account: Account, call: Call, given: Input) -> Result:
    vault = find_vault(account, call.region, given["BackupVaultName"])
    return account, answers.vault(account.backups, vault)


def _list_vaults(account: Account, call: Call, given: Input) -> Result:
    if given.get("ByVaultType", answers.VAULT_TYPE) != answers.VAULT_TYPE or given.get("ByShared"):
        return account, page("BackupVaultList", [], "BackupVaultName", given)
    own = [v for v in account.backups.vaults.values() if v.region == call.region and v.name != DEFAULT_VAULT]
    vaults = [default_vault(account, call.region), *own]
    told = [answers.vault(account.backups, vault) for vault in vaults]
    return account, page("BackupVaultList", told, "BackupVaultName", given)


def _delete_vault(account: Account, call: Call, given: Input) -> Result:
    vault = find_vault(account, call.region, given["BackupVaultName"])
    if vault.name == DEFAULT_VAULT:
        raise invalid_request("The default vault of a Region cannot be deleted.")
    if any((p.region, p.vault) == (vault.region, vault.name) for p in account.backups.points.values()):
        raise invalid_request(f"The vault {vault.name} has recovery points: delete them first.")
    return replace(account, backups=account.backups.without_vault(vault)), {}


# ---- Tags, and the settings of a Region


def _tag(account: Account, call: Call, given: Input) -> Result:
    thing = find_tagged(account, call, given["ResourceArn"])
    tagged = replace(thing, tags=with_tags(thing.tags, given["Tags"]))
    return replace(account, backups=account.backups.put(tagged)), {}


def _untag(account: Account, call: Call, given: Input) -> Result:
    thing = find_tagged(account, call, given["ResourceArn"])
    kept = {key: value for key, value in thing.tags.items() if key not in given["TagKeyList"]}
    return replace(account, backups=account.backups.put(replace(thing, tags=kept))), {}


def _list_tags(account: Account, call: Call, given: Input) -> Result:
    return account, {"Tags": dict(find_tagged(account, call, given["ResourceArn"]).tags)}


def _settings(account: Account, _: Call, __: Input) -> Result:
    return account, {
        "ResourceTypeOptInPreference": {RESOURCE_TYPE: True},
        "ResourceTypeManagementPreference": {RESOURCE_TYPE: True},
    }


def _types(account: Account, _: Call, __: Input) -> Result:
    return account, {"ResourceTypes": [RESOURCE_TYPE]}


OPERATIONS: Final[Mapping[str, Operation]] = {
    **job_operations.OPERATIONS,
    **point_operations.OPERATIONS,
    "CreateBackupVault": _create_vault,
    "DescribeBackupVault": _describe_vault,
    "ListBackupVaults": _list_vaults,
    "DeleteBackupVault": _delete_vault,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTags": _list_tags,
    "DescribeRegionSettings": _settings,
    "GetSupportedResourceTypes": _types,
}
"""Functions by the operation's name."""

SERVICE: Final = Service(
    name="backup",
    model="backup/2018-11-15/service-2",
    operations=OPERATIONS,
    token="IdempotencyToken",  # noqa: S106  a member's name
    message="Message",
    fault="ServiceUnavailableException",
    refuse_input=refuse_input,
    refuse_token=lambda _: invalid_value("This IdempotencyToken was used with another request."),
    refuse_operation=lambda operation: not_offered(
        operation, "It backs up, copies and restores clusters on demand."
    ),
)
"""AWS Backup."""
