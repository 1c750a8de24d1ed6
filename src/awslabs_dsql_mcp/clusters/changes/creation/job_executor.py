"""The steps of jobs of AWS Backup carried out through its API."""

import hashlib
from typing import Final

from awslabs_dsql_mcp.aws.api import Answer, Api
from awslabs_dsql_mcp.clusters.changes.creation.steps import (
    Copy,
    FindCopy,
    Job,
    JobKind,
    LookAtJob,
    Started,
    StartJob,
)
from awslabs_dsql_mcp.clusters.changes.order import Order, RecoveryPoint
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.changes.recovery_points import (
    USABLE,
    KeptPoint,
    backup_role,
    copy_state,
    kept_point,
    no_such_point,
    vault_arn,
)
from awslabs_dsql_mcp.dsql.cluster_names import name_of
from awslabs_dsql_mcp.errors import RequestInvalid


class JobExecutor:
    """Carries out the steps of one order's jobs.

    Args:
        api: Calls AWS's APIs.
        order: What is restored.
        account: Number of the account.
        pace: The time of the call.
    """

    def __init__(self, api: Api, order: Order, account: str, pace: Pace) -> None:
        self._api, self._order, self._account, self._pace = api, order, account, pace
        self._kept: KeptPoint | None = None

    async def carry_out(self, step: FindCopy | StartJob | LookAtJob) -> Copy | Started | Job:
        """Carry out a step.

        Raises:
            DsqlError: It fails.
        """
        point = self._order.point
        assert point is not None  # noqa: S101 - an order without a point has no such steps
        match step:
            case FindCopy():
                state = await copy_state(self._api, await self._find(point), self._order.peer_region)
                return Copy(state, is_usable=state in USABLE)
            case StartJob("copy", nonce):
                return await self._start_copy(await self._find(point), nonce)
            case StartJob(_, nonce):
                return await self._start_restore(point, nonce)
            case LookAtJob(kind, job):
                return await self._look(point, kind, job)

    async def _find(self, point: RecoveryPoint) -> KeptPoint:
        """Find the recovery point in its vault, once."""
        if self._kept is None:
            self._kept = await kept_point(self._api, point)
        return self._kept

    async def _start_copy(self, kept: KeptPoint, nonce: int) -> Started:
        order, point = self._order, kept.point
        answer = await self._api.call(
            "backup",
            "StartCopyJob",
            point.region,
            RecoveryPointArn=point.arn,
            SourceBackupVaultName=kept.vault,
            DestinationBackupVaultArn=vault_arn(point.partition, order.peer_region, self._account),
            IamRoleArn=backup_role(point.partition, self._account),
            # Of no name: whoever restores this point there needs one copy.
            IdempotencyToken=hashlib.sha256(f"{point.arn} {order.peer_region} {nonce}".encode()).hexdigest(),
        )
        return Started(str(answer["CopyJobId"]))

    async def _start_restore(self, point: RecoveryPoint, nonce: int) -> Started:
        try:
            answer = await self._api.call(
                "backup",
                "StartRestoreJob",
                point.region,
                RecoveryPointArn=point.arn,
                Metadata=self._order.metadata,
                IamRoleArn=backup_role(point.partition, self._account),
                IdempotencyToken=self._order.token(self._account, "restore", nonce),
            )
        except RequestInvalid as error:
            if error.code != "aws_not_found":
                raise
            raise no_such_point(point) from error
        return Started(str(answer["RestoreJobId"]))

    async def _look(self, point: RecoveryPoint, kind: JobKind, job: str) -> Job:
        operation, member, state = _LOOKS[kind]
        answer = await self._api.call("backup", operation, point.region, **{member: job})
        told: Answer = answer["CopyJob"] if kind == "copy" else answer
        made = told.get("CreatedResourceArn")
        created = told.get("CreationDate") or self._pace.now()
        return Job(
            str(told.get(state, "")),
            str(told.get("StatusMessage") or ""),
            name_of(made) if made else None,
            (self._pace.now() - created).total_seconds(),
            is_earlier=created < self._pace.began,
        )


_LOOKS: Final[dict[JobKind, tuple[str, str, str]]] = {
    "copy": ("DescribeCopyJob", "CopyJobId", "State"),
    "restore": ("DescribeRestoreJob", "RestoreJobId", "Status"),
}
"""Operation that tells of a job, the member that names it, and the one of its state."""
