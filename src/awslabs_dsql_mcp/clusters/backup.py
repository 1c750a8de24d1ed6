"""A cluster's backups as AWS Backup tells of them.

Source: AWS Backup API reference; it keeps full backups of a whole cluster, without recovery to a point in
time (Aurora DSQL user guide, "Backup and restore").
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from awslabs_dsql_mcp.clusters.times import age, minute

POINT: Final = re.compile(r"arn:(aws[\w-]*):backup:([a-z0-9-]+):(\d{12}):recovery-point:[\w.:/-]{1,200}")
"""ARN of a recovery point: partition, Region, account (AWS Backup API reference, RecoveryPointArn)."""

_RUNNING: Final = frozenset({"CREATED", "PENDING", "RUNNING", "ABORTING"})
_FAILED: Final = frozenset({"FAILED", "ABORTED", "EXPIRED", "PARTIAL"})


@dataclass(frozen=True)
class BackupJob:
    """A job: a backup, or a restore of one.

    Attributes:
        kind: ``backup`` or ``restore``.
        identifier: Its id.
        state: Its state.
        percent: What is done, as AWS Backup says it.
        began: When it was created.
        message: What AWS Backup says of its failure.
        made: ARN of the cluster that a restore makes.
    """

    kind: str
    identifier: str
    state: str
    percent: str
    began: datetime
    message: str = ""
    made: str = ""

    @property
    def is_running(self) -> bool:
        """True if it has not ended."""
        return self.state in _RUNNING

    @property
    def has_failed(self) -> bool:
        """True if it ended without a recovery point or cluster."""
        return self.state in _FAILED

    def __str__(self) -> str:
        """Describe it."""
        done = f" {self.percent.rstrip('%')} %" if self.is_running and self.percent else ""
        made = f", making {self.made}" if self.made else ""
        told = f": {self.message}" if self.message else ""
        return f"{self.kind} {self.identifier} {self.state}{done}, begun {minute(self.began)}{made}{told}"


@dataclass(frozen=True)
class Backups:
    """What there is of a cluster.

    Attributes:
        last: Time of the last recovery point; `None` if there was never one.
        vault: ARN of that point's vault.
        point: ARN of that point.
        jobs: Jobs of the last 30 days, newest first.
    """

    last: datetime | None = None
    vault: str = ""
    point: str = ""
    jobs: Sequence[BackupJob] = ()

    def lines(self, now: datetime) -> list[str]:
        """Describe them.

        Args:
            now: The time, from which ages count.
        """
        if self.last is None:
            lines = ["Backup: none. AWS Backup has no recovery point of this cluster."]
        else:
            vault = self.vault.rpartition(":")[2]
            since = age(now - self.last)
            point = f": {self.point}" if self.point else ""
            lines = [
                f"Backup: last recovery point {minute(self.last)}, {since} ago, in vault {vault}{point}."
            ]
        running = [str(job) for job in self.jobs if job.is_running]
        lines += [f"Running: {job}" for job in running]
        if self.failed is not None:
            lines.append(f"The last backup job failed: {self.failed}")
        return lines

    @property
    def failed(self) -> BackupJob | None:
        """The last backup job that has ended, if it failed."""
        newest = next((job for job in self.jobs if job.kind == "backup" and not job.is_running), None)
        return newest if newest is not None and newest.has_failed else None


def read_backups(
    protected: Mapping[str, Any] | None,
    backups: Sequence[Mapping[str, Any]],
    restores: Sequence[Mapping[str, Any]],
) -> Backups:
    """Read the answers of AWS Backup.

    Args:
        protected: Of DescribeProtectedResource; `None` if it knows nothing of the cluster.
        backups: ``BackupJobs`` of ListBackupJobs.
        restores: ``RestoreJobs`` of ListRestoreJobsByProtectedResource.
    """
    jobs = [_job("backup", "BackupJobId", "State", each) for each in backups]
    jobs += [_job("restore", "RestoreJobId", "Status", each) for each in restores]
    jobs.sort(key=lambda job: job.began, reverse=True)
    known = protected or {}
    return Backups(
        known.get("LastBackupTime"),
        known.get("LastBackupVaultArn") or "",
        known.get("LastRecoveryPointArn") or "",
        jobs,
    )


def _job(kind: str, identifier: str, state: str, told: Mapping[str, Any]) -> BackupJob:
    return BackupJob(
        kind,
        told.get(identifier, ""),
        told.get(state, ""),
        str(told.get("PercentDone") or ""),
        told["CreationDate"],
        told.get("StatusMessage") or "",
        told.get("CreatedResourceArn") or "",
    )
