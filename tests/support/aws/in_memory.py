"""An account of AWS in memory: the local account's own operations, backups by a table, and faults on demand.

Time passes only in pauses, and a little with each call.
"""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from botocore import xform_name  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from awslabs_dsql_mcp.aws.api_errors import ApiCall, api_error
from awslabs_dsql_mcp.errors import Busy, ConnectionFailed, DsqlError
from awslabs_dsql_mcp.local_cluster.control_plane import service as control_plane
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.arns import ACCOUNT_ID
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.operations import SERVICE

START: Final = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)
CHANGING: Final = frozenset(
    (
        "CreateCluster",
        "UpdateCluster",
        "DeleteCluster",
        "TagResource",
        "UntagResource",
        "StartBackupJob",
        "StartCopyJob",
        "StartRestoreJob",
    )
)


class Killed(BaseException):
    """The server's process ends here."""


@dataclass
class Fault:
    """What goes wrong at one of the calls that change something.

    Attributes:
        at: The number of that call, from 0.
        kind: ``killed``, ``lost``, ``unreachable``, ``failed``, ``throttled`` or ``denied``.
        is_done: The change is carried out all the same.
    """

    at: int
    kind: str
    is_done: bool = False


@dataclass
class InMemory:
    """An account, as an `Api`.

    Attributes:
        asked: Operation, Region and members of each call.
        faults: What goes wrong.
        points: Recovery points by the ARN of their cluster.
        before: Called before each call, with its operation.
        transition: Seconds that a state lasts.
        failing: The next job fails.
        vaults: Names of the vaults of each Region.
    """

    asked: list[tuple[str, str, dict[str, Any]]] = field(
        default_factory=list[tuple[str, str, dict[str, Any]]]
    )
    faults: list[Fault] = field(default_factory=list[Fault])
    points: dict[str, datetime] = field(default_factory=dict[str, datetime])
    before: Callable[[str, Mapping[str, Any]], None] = lambda _operation, _members: None
    transition: float = 6.0
    number: str = ACCOUNT_ID
    failing: bool = False
    vaults: tuple[str, ...] = ("Default",)

    def __post_init__(self) -> None:
        """Begin empty."""
        self.now = START
        self.state = Account("", {})
        self._names = itertools.count(1)
        self._changes = itertools.count()
        self.asleep: set[str] = set()
        self.jobs: dict[str, dict[str, Any]] = {}

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def clock(self) -> datetime:
        """Tell the time."""
        return self.now

    def changes(self) -> list[str]:
        """List the operations that change something, as they were asked for."""
        return [operation for operation, _, _ in self.asked if operation in CHANGING]

    def living(self) -> list[tuple[str, str, str]]:
        """List Name, Region and state of what is not deleted."""
        at = self._moment()
        return [
            (cluster.tags.get("Name", ""), cluster.region, self.state.status(cluster, at))
            for cluster in self.state.existing(at)
            if self.state.status(cluster, at) != "DELETING"
        ]

    async def call(self, service: str, operation: str, region: str, **members: object) -> dict[str, Any]:
        """Answer a call: see `Api`."""
        self.before(operation, members)
        self.now += timedelta(milliseconds=100)
        self.asked.append((operation, region, dict(members)))
        fault = None
        if operation in CHANGING:
            number = next(self._changes)
            fault = next((each for each in self.faults if each.at == number), None)
        if fault is None or fault.is_done:
            answer = self._answer(service, operation, region, members)
            if fault is None:
                return answer
        if fault.kind == "killed":
            raise Killed
        raise _error(fault.kind, ApiCall(service, operation, region))

    def _answer(
        self, service: str, operation: str, region: str, members: Mapping[str, Any]
    ) -> dict[str, Any]:
        if service == "sts":
            return {"Account": self.number}
        if service == "backup":
            return getattr(self, f"_{xform_name(operation)}")(region, members)
        if service != "dsql":
            raise _error("denied", ApiCall(service, operation, region))
        call = control_plane.Call(region, self._moment(), self._new_name)
        try:
            self.state, output = control_plane.run(SERVICE, operation, self.state, call, members)
        except ServiceError as refused:
            told = {"Error": {"Code": refused.code, "Message": refused.message}, **refused.members}
            raise api_error(ClientError(told, operation), ApiCall(service, operation, region)) from None
        answer: dict[str, Any] = dict(output)
        if "creationTime" in answer:
            answer["creationTime"] = datetime.fromtimestamp(answer["creationTime"], timezone.utc)
        return answer

    def _new_name(self) -> str:
        return f"{next(self._names):026}".replace("0", "a")

    def _moment(self) -> Moment:
        return Moment(self.now.timestamp(), self.transition, frozenset(self.asleep))

    def _list_recovery_points_by_resource(self, _region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        made = self.points.get(members["ResourceArn"])
        point = {
            "RecoveryPointArn": f"arn:aws:backup:us-east-1:{ACCOUNT_ID}:recovery-point:p",
            "CreationDate": made,
            "Status": "COMPLETED",
        }
        return {"RecoveryPoints": [point] if made else []}

    def _list_backup_jobs(self, _region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            {"BackupJobId": key, **job}
            for key, job in self.jobs.items()
            if job.get("of") == members["ByResourceArn"]
        ]
        return {
            "BackupJobs": [
                {"CreationDate": job.get("began", START), "State": self._job_state(job), **job}
                for job in found
            ]
        }

    def _describe_protected_resource(self, _region: str, _members: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def _list_restore_jobs_by_protected_resource(
        self, _region: str, _members: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {"RestoreJobs": []}

    def _start_backup_job(self, _region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        identifier = members["ResourceArn"].rpartition("/")[2]
        if identifier in self.asleep:
            raise _error("asleep", ApiCall("backup", "StartBackupJob", "us-east-1"))
        return {"BackupJobId": self._job("job", members, lambda: {"of": members["ResourceArn"]})}

    def _describe_backup_job(self, _region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        job = self.jobs[members["BackupJobId"]]
        state = self._job_state(job)
        if state == "COMPLETED":
            self.points[job["of"]] = self.now
        told = {"State": state, "CreationDate": job.get("began", START)}
        return told | {"RecoveryPointArn": f"arn:aws:backup:us-east-1:{ACCOUNT_ID}:recovery-point:p"}

    def _job_state(self, job: Mapping[str, Any]) -> str:
        return "COMPLETED" if self.now >= job["began"] + timedelta(seconds=self.transition) else "RUNNING"

    def _list_backup_vaults(self, _region: str, _members: Mapping[str, Any]) -> dict[str, Any]:
        return {"BackupVaultList": [{"BackupVaultName": name} for name in self.vaults]}

    def _list_recovery_points_by_backup_vault(
        self, region: str, _members: Mapping[str, Any]
    ) -> dict[str, Any]:
        """One recovery point of a cluster that is gone, in us-east-1, and the copies that jobs have made."""
        state = "COMPLETED" if region == "us-east-1" else ""
        for job in self.jobs.values():
            if job.get("copy") == region and (told := self._state_of(job)) in ("RUNNING", "COMPLETED"):
                state = state or told.replace("RUNNING", "CREATING")
        point = {
            "RecoveryPointArn": f"arn:aws:backup:{region}:{ACCOUNT_ID}:recovery-point:p",
            "ResourceArn": f"arn:aws:dsql:us-east-1:{ACCOUNT_ID}:cluster/{'z' * 26}",
            "CreationDate": START,
            "Status": state,
        }
        return {"RecoveryPoints": [point] if state else []}

    def _start_copy_job(self, _region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        region = members["DestinationBackupVaultArn"].split(":")[3]
        return {"CopyJobId": self._job("copy", members, lambda: {"copy": region})}

    def _describe_copy_job(self, _region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        job = self.jobs[members["CopyJobId"]]
        return {
            "CopyJob": {"State": self._state_of(job), "CreationDate": job["began"], **job.get("told", {})}
        }

    def _start_restore_job(self, region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "RestoreJobId": self._job("restore", members, lambda: self._restored(region, members["Metadata"]))
        }

    def _restored(self, region: str, metadata: Mapping[str, str]) -> dict[str, Any]:
        """Make what the metadata ask for: a cluster, or two that name each other."""
        if self.failing:
            return {}
        plain: dict[str, Any] = {"deletionProtectionEnabled": True}
        if "peerRegion" not in metadata:
            return {"arn": self._answer("dsql", "CreateCluster", region, plain)["arn"]}
        (peer,), witness = json.loads(metadata["peerRegion"]), metadata["witnessRegion"]
        assert metadata["useMultiRegionOrchestration"] == "true"
        properties: dict[str, Any] = {"witnessRegion": witness}
        one = self._answer("dsql", "CreateCluster", region, plain | {"multiRegionProperties": properties})
        properties |= {"clusters": [one["arn"]]}
        two = self._answer("dsql", "CreateCluster", peer, plain | {"multiRegionProperties": properties})
        named = {
            "identifier": one["identifier"],
            "multiRegionProperties": properties | {"clusters": [two["arn"]]},
        }
        self._answer("dsql", "UpdateCluster", region, named)
        return {"arn": one["arn"]}

    def _job(self, kind: str, members: Mapping[str, Any], work: Callable[[], dict[str, Any]]) -> str:
        """Begin a job, or answer with the one that has its token."""
        for key, job in self.jobs.items():
            if job.get("token") == members["IdempotencyToken"]:
                return key
        key = f"{kind}-{sum(key.startswith(kind) for key in self.jobs) + 1}"
        self.jobs[key] = {"token": members["IdempotencyToken"], "began": self.now, "is_failing": self.failing}
        self.jobs[key] |= work()
        self.failing = False
        return key

    def _describe_restore_job(self, _region: str, members: Mapping[str, Any]) -> dict[str, Any]:
        job = self.jobs[members["RestoreJobId"]]
        made = {"CreatedResourceArn": job["arn"]} if self._state_of(job) == "COMPLETED" else {}
        return {"Status": self._state_of(job), "CreationDate": job["began"], **made, **job.get("told", {})}

    def _state_of(self, job: Mapping[str, Any]) -> str:
        state = self._job_state(job)
        return "FAILED" if state == "COMPLETED" and job["is_failing"] else state


def _error(kind: str, called: ApiCall) -> DsqlError:
    """Make the error of a fault, as `AwsApi` does."""
    if kind == "lost":
        return ConnectionFailed(f"AWS did not answer {called} within 20 s.", code="aws_timeout")
    if kind == "unreachable":
        return ConnectionFailed(f"AWS could not be reached for {called}.", code="aws_unreachable")
    if kind == "failed":
        return Busy(f"AWS could not carry out {called}.", code="aws_failed")
    codes = {
        "throttled": ("ThrottlingException", "Slow down."),
        "denied": ("AccessDeniedException", f"not authorized to perform: {called.action}"),
        "asleep": ("InvalidRequestException", "The cluster is in state 'IDLE' and can't be backed up."),
    }
    code, message = codes[kind]
    return api_error(ClientError({"Error": {"Code": code, "Message": message}}, called.operation), called)
