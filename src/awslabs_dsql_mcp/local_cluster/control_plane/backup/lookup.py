"""Lookup of what an input of AWS Backup names: vaults, recovery points, jobs, tags. Pure."""

import uuid
from collections.abc import Mapping
from typing import Final

from awslabs_dsql_mcp.local_cluster.control_plane.account import Account
from awslabs_dsql_mcp.local_cluster.control_plane.arns import ACCOUNT_ID
from awslabs_dsql_mcp.local_cluster.control_plane.backup.answers import RESOURCE_TYPE
from awslabs_dsql_mcp.local_cluster.control_plane.backup.errors import (
    invalid_request,
    invalid_value,
    not_found,
    not_offered,
)
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import (
    DEFAULT_VAULT,
    Job,
    Kind,
    RecoveryPoint,
    Vault,
    vault_arn,
)
from awslabs_dsql_mcp.local_cluster.control_plane.service import Call, Input, Output

_MAX_TAGS: Final = 50


def new_id() -> str:
    """Make an id, in the form of AWS Backup's."""
    return str(uuid.uuid4()).upper()


def find_vault(account: Account, region: str, name: str) -> Vault:
    """Find a vault by its name.

    Raises:
        ServiceError: There is none; also for the other functions that find.
    """
    if name == DEFAULT_VAULT:
        return default_vault(account, region)
    vault = account.backups.vaults.get(vault_arn(region, name))
    if vault is None:
        raise not_found(f"There is no backup vault {name} in {region}.")
    return vault


def default_vault(account: Account, region: str) -> Vault:
    """Return the default vault: once it has tags, it is kept as others are."""
    first = account.clusters[account.default]
    kept = account.backups.vaults.get(vault_arn(region, DEFAULT_VAULT))
    return kept or Vault(DEFAULT_VAULT, region, first.created_at)


def vault_in(arn: str) -> tuple[str, str]:
    """Return the Region and the vault's name in an ARN of a vault."""
    parts = arn.split(":")
    return (parts[3], parts[-1]) if len(parts) == len(vault_arn("", "").split(":")) else ("", "")


def find_point(account: Account, call: Call, arn: str, vault: str | None = None) -> RecoveryPoint:
    """Find a recovery point by its ARN, in one vault or in any."""
    point = account.backups.points.get(arn.rpartition(":")[2])
    if point is None or point.arn != arn or point.region != call.region or vault not in (None, point.vault):
        where = f"in vault {vault} of {call.region}" if vault else f"in {call.region}"
        raise not_found(f"There is no recovery point {arn} {where}.")
    return point


def find_whole_point(account: Account, call: Call, arn: str, vault: str | None = None) -> RecoveryPoint:
    """Find a recovery point that can be copied and restored."""
    point = find_point(account, call, arn, vault)
    if point.completed_at is None:
        raise invalid_request(f"The recovery point {arn} is still being made.")
    return point


def points_of_region(account: Account, call: Call) -> list[RecoveryPoint]:
    """Return the recovery points of the Region, the newest first."""
    return [p for p in reversed(list(account.backups.points.values())) if p.region == call.region]


def find_job(account: Account, call: Call, kind: Kind, identifier: str) -> Job:
    """Find a job of a kind by its id."""
    job = account.backups.jobs.get(identifier)
    if job is None or (job.kind, job.region) != (kind, call.region):
        raise not_found(f"There is no {kind} job {identifier} in {call.region}.")
    return job


def chosen_jobs(account: Account, call: Call, kind: Kind, given: Input, state: str) -> list[Job]:
    """Return the jobs of the Region that the common members of a list's input choose, the newest first."""
    return [
        job
        for job in reversed(list(account.backups.jobs.values()))
        if (job.kind, job.region) == (kind, call.region)
        and given.get(state) in (None, job.state)
        and given.get("ByResourceArn") in (None, job.point.resource)
        and given.get("ByResourceType") in (None, RESOURCE_TYPE)
        and given.get("ByAccountId") in (None, "*", ACCOUNT_ID)
        and not given.get("ByRestoreTestingPlanArn")
        and is_between(job.created_at, given.get("ByCreatedAfter"), given.get("ByCreatedBefore"))
        and is_between(job.ended_at, given.get("ByCompleteAfter"), given.get("ByCompleteBefore"))
    ]


def is_between(moment: object, after: float | None, before: float | None) -> bool:
    """Return true of a time between two others, each of which may be missing."""
    if after is None and before is None:
        return True
    return (
        isinstance(moment, float)
        and (after is None or moment > after)
        and (before is None or moment < before)
    )


def find_tagged(account: Account, call: Call, arn: str) -> Vault | RecoveryPoint:
    """Find what has tags by its ARN."""
    region, name = vault_in(arn)
    if region == call.region and vault_arn(region, name) == arn:
        return find_vault(account, region, name)
    return find_point(account, call, arn)


def with_tags(present: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Add tags to others.

    Raises:
        ServiceError: A key is reserved, or they are too many.
    """
    reserved = [key for key in given if key.lower().startswith("aws:")]
    if reserved:
        raise invalid_value(f"The prefix aws: is reserved: {reserved[0]}")
    tags = {**present, **given}
    if len(tags) > _MAX_TAGS:
        raise invalid_value(f"A backup or a vault has at most {_MAX_TAGS} tags.")
    return tags


def days_to_keep(given: Input) -> int | None:
    """Return the days of a Lifecycle after which a recovery point is to be deleted."""
    lifecycle: Output = given.get("Lifecycle") or {}
    if lifecycle.keys() - {"DeleteAfterDays"}:
        raise not_offered("a Lifecycle with more than DeleteAfterDays", "It has no cold storage.")
    days = lifecycle.get("DeleteAfterDays")
    if isinstance(days, int) and days < 1 and days != -1:
        raise invalid_value(f"DeleteAfterDays is {days}, at least 1.")
    return days if isinstance(days, int) and days > 0 else None
