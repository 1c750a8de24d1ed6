"""A backup of a cluster made by AWS Backup."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from awslabs_dsql_mcp.aws.api import Api, pages
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation.executor import look
from awslabs_dsql_mcp.clusters.changes.creation.steps import in_doubt
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.recovery_points import VAULT, backup_role
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.clusters.report import facts
from awslabs_dsql_mcp.errors import Busy, DsqlError, OutcomeUnknown, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ToolOutput

_RUNNING: Final = frozenset({"CREATED", "PENDING", "RUNNING", "ABORTING"})
_ASLEEP: Final = frozenset({"IDLE", "INACTIVE"})
_AT_FIRST, _LATER = 2.0, 5.0
_UNLISTED: Final = 8


class Wakes(Protocol):
    """Connects to a cluster by itself."""

    async def wake(self, cluster: Cluster) -> None:
        """Connect once, so that a cluster that sleeps wakes up.

        Raises:
            DsqlError: It cannot be connected to.
        """
        ...


@dataclass(frozen=True)
class BackupJob:
    """A backup that AWS Backup lists, or has begun."""

    identifier: str
    created: datetime
    state: str

    @property
    def is_running(self) -> bool:
        """True if it has not ended."""
        return self.state in _RUNNING


async def backup_jobs(api: Api, cluster: Cluster) -> list[BackupJob]:
    """List the backups of a cluster, the newest first.

    Raises:
        DsqlError: AWS does not tell.
    """
    region, chosen = cluster.name.region, {"ByResourceArn": cluster.arn}
    jobs = [
        BackupJob(str(job["BackupJobId"]), job["CreationDate"], str(job.get("State")))
        async for page in pages(api, "backup", "ListBackupJobs", region, chosen)
        for job in page.get("BackupJobs") or ()
    ]
    return sorted(jobs, key=lambda job: job.created, reverse=True)


async def start_backup(api: Api, cluster: Cluster, newest: str, advice: Advice) -> str:
    """Start a backup; an answer that is lost is looked for among the jobs.

    AWS Backup answers a token that it knows with the job that it has (AWS Backup API reference,
    StartBackupJob, IdempotencyToken): servers that know the same backups are given the same job.

    Args:
        api: Calls AWS's APIs.
        cluster: The cluster.
        newest: The newest backup that is known; empty for none.
        advice: Words the next steps.

    Raises:
        OutcomeUnknown: No answer came, and no job is seen.
        DsqlError: AWS refuses it.
    """
    partition = cluster.arn.split(":")[1]
    try:
        answer = await api.call(
            "backup",
            "StartBackupJob",
            cluster.name.region,
            BackupVaultName=VAULT,
            ResourceArn=cluster.arn,
            IamRoleArn=backup_role(partition, cluster.account),
            IdempotencyToken=hashlib.sha256(f"{cluster.arn} {newest}".encode()).hexdigest(),
        )
    except DsqlError as error:
        if not in_doubt(error):
            raise
        try:
            jobs = await backup_jobs(api, cluster)
        except DsqlError:
            jobs = []
        if not jobs or jobs[0].identifier == newest:
            raise OutcomeUnknown(
                f"AWS Backup's answer is lost ({error.code}), and no job of the cluster is seen: it may "
                "still begin.",
                hint=_look_again(cluster, advice),
                outcome="unknown",
            ) from error
        return jobs[0].identifier
    return str(answer["BackupJobId"])


@dataclass(frozen=True)
class BackUp:
    """A backup that is begun and followed.

    Attributes:
        account: The account.
        inside: Connects to a cluster, which wakes it.
        pace: The time of the call.
        turn: The lock of calls that back this cluster up.
        advice: Words the next steps.
    """

    account: Account
    inside: Wakes
    pace: Pace
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    advice: Advice = TO_MODEL

    async def run(self, cluster: Cluster) -> ToolOutput:
        """Wake a cluster if it sleeps, begin a backup unless one runs, and follow it.

        Raises:
            DsqlError: It cannot be woken, AWS Backup refuses it, or it failed.
        """
        api, woken = self.account.api, ""
        if cluster.status in _ASLEEP:
            await self.inside.wake(cluster)
            woken = f"It was {cluster.status}, and was woken by a connection. "
            cluster = await self._awake(cluster)
        async with self.turn:
            known = await backup_jobs(api, cluster)
            running = next((job.identifier for job in known if job.is_running), None)
            is_new = running is None
            begun = "AWS Backup has accepted the backup" if is_new else "A backup was running already"
            job = running or await self._begin(cluster, known[0].identifier if known else "")
        try:
            told = await self._ended(cluster, job)
        except DsqlError as error:
            raise OutcomeUnknown(
                f"{woken}{begun}: job {job}. How far it is cannot be read now: {error.text}",
                hint=_look_again(cluster, self.advice),
                outcome="unknown",
            ) from error
        state = str(told.get("State", ""))
        is_done = state == "COMPLETED"
        took = ("changed" if is_done else "requested") if is_new else "unchanged"
        values: dict[str, object] = {
            **facts(cluster),
            "outcome": took,
            "job": job,
            "state": state,
            "done": is_done,
        }
        if state == "COMPLETED":
            point = str(told.get("RecoveryPointArn", ""))
            lines = (f"{woken}Backup {job} is COMPLETED in vault {VAULT}.", f"Recovery point: {point}.")
            return ToolOutput(lines, {**values, "recovery_point": point})
        if state not in _RUNNING:
            why = str(told.get("StatusMessage") or "no reason told").rstrip(".")
            raise RequestInvalid(
                f"{woken}Backup {job} of {cluster.name.identifier} is {state}: {why}.",
                code="backup_failed",
                hint="Mend what AWS Backup says, and back it up again.",
            )
        again = self.advice.change(cluster.arn, "back_up")
        return ToolOutput(
            (
                f"{woken}{begun}: job {job} is {state}, not done. No recovery point yet.",
                f"Next: {again} follows that job; it may wait some minutes before it begins.",
            ),
            values,
        )

    async def _begin(self, cluster: Cluster, newest: str) -> str:
        """Begin a backup, past those that ended before the call and that AWS Backup does not list yet."""
        api, region = self.account.api, cluster.name.region
        for _ in range(_UNLISTED):
            job = await start_backup(api, cluster, newest, self.advice)
            try:
                told = await api.call("backup", "DescribeBackupJob", region, BackupJobId=job)
            except DsqlError:
                return job
            if told.get("State") in _RUNNING or told.get("CreationDate", self.pace.began) >= self.pace.began:
                return job
            newest = job
        raise Busy(
            f"AWS Backup answers with earlier backups of {cluster.name.identifier}. No backup was begun.",
            hint=f"{sentence(self.advice.again)} in a minute.",
        )

    async def _awake(self, cluster: Cluster) -> Cluster:
        """Look until a cluster that was connected to sleeps no more.

        Raises:
            Busy: It does, in the time there is.
        """
        while True:
            seen = await look(self.account.api, cluster.name)
            if seen is None or seen.status not in _ASLEEP:
                return seen or cluster
            if not self.pace.left:
                raise Busy(
                    f"Cluster {seen.name.identifier} is still {seen.status} after a connection. "
                    "No backup was begun.",
                    hint=f"{sentence(self.advice.again)}: it goes on from there.",
                )
            await self.pace.pause(min(_AT_FIRST, self.pace.left), f"{seen.name.identifier} to wake up")

    async def _ended(self, cluster: Cluster, job: str) -> dict[str, Any]:
        """Look at a job until it has ended, or the time is over; gives what AWS Backup says last."""
        while True:
            region = cluster.name.region
            told = dict(await self.account.api.call("backup", "DescribeBackupJob", region, BackupJobId=job))
            if told.get("State") not in _RUNNING or not self.pace.left:
                return told
            await self.pace.pause(min(_LATER, self.pace.left), f"backup {job} {told['State']}")


def _look_again(cluster: Cluster, advice: Advice) -> str:
    again = advice.action("back_up")
    return f"Look with {advice.look(cluster.arn)} in a minute; {again} again follows a job that runs."
