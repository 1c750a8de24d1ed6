"""State that AWS Backup keeps for an account: vaults, recovery points, jobs. Values, without I/O.

Who carries a job out records here when it began and ended; its state is no more than that. Sources: AWS
Backup API reference; AWS Backup developer guide, "Amazon Aurora DSQL restore" (backups are full ones of a
whole cluster; copies of one recovery point have the same resource and time of creation).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from awslabs_dsql_mcp.local_cluster.control_plane.arns import arn

DEFAULT_VAULT = "Default"
"""The vault that each Region has."""
INTERRUPTED = "The local cluster was stopped before the job had ended. Start another one."
_MAX_JOBS = 1000

Kind = Literal["backup", "restore", "copy"]
State = Literal["CREATED", "PENDING", "RUNNING", "COMPLETED", "FAILED"]
Tags = Mapping[str, str]


@dataclass(frozen=True)
class Vault:
    """A backup vault.

    Attributes:
        name: Its name.
        region: Its Region.
        created_at: Seconds since 1970; also of the other times.
        tags: Its tags.
        request: The CreatorRequestId that it was made with.
    """

    name: str
    region: str
    created_at: float
    tags: Tags = field(default_factory=dict[str, str])
    request: str | None = None

    @property
    def arn(self) -> str:
        """Its ARN."""
        return vault_arn(self.region, self.name)


def vault_arn(region: str, name: str) -> str:
    """Return the ARN of a vault."""
    return arn("backup", region, f"backup-vault:{name}")


@dataclass(frozen=True)
class RecoveryPoint:
    """A recovery point.

    Attributes:
        identifier: The last part of its ARN.
        region: Its Region.
        vault: Name of its vault.
        resource: ARN of the cluster that it is of.
        name: Tag ``Name`` of that cluster, then.
        created_at: Time of the backup, which copies keep.
        began_at: Time at which this copy, or the backup, was asked for.
        data: Name of its data, which its copies share.
        role: ARN of the role that it was made with.
        cluster_tags: Tags of the cluster, then.
        tags: Its own tags.
        witness: Witness Region of the cluster, then.
        delete_after_days: Days after which it was to be deleted.
        source: ARN of the vault that it was copied from.
        size: Bytes of its data.
        completed_at: Time at which it was whole; `None` before.
        restored_at: Time of the last restore.
    """

    identifier: str
    region: str
    vault: str
    resource: str
    name: str
    created_at: float
    began_at: float
    data: str
    role: str
    cluster_tags: Tags = field(default_factory=dict[str, str])
    tags: Tags = field(default_factory=dict[str, str])
    witness: str | None = None
    delete_after_days: int | None = None
    source: str | None = None
    size: int = 0
    completed_at: float | None = None
    restored_at: float | None = None

    @property
    def arn(self) -> str:
        """Its ARN, in the form of the API reference."""
        return arn("backup", self.region, f"recovery-point:{self.identifier}")

    @property
    def vault_arn(self) -> str:
        """ARN of its vault."""
        return vault_arn(self.region, self.vault)

    def is_copy_of(self, other: "RecoveryPoint") -> bool:
        """Return true if both have the same resource and time of creation."""
        return (self.resource, self.created_at) == (other.resource, other.created_at)


@dataclass(frozen=True)
class Restore:
    """What a restore is to make.

    Attributes:
        regions: The Regions of the clusters, the restore's own first, with their protection from deletion.
        witness: Witness Region of a pair.
        tags: Tags of the clusters.
    """

    regions: Mapping[str, bool]
    witness: str | None = None
    tags: Tags = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        identifier: Its id.
        kind: What it does.
        region: Its Region.
        created_at: Time at which it was asked for.
        point: The recovery point that it makes, or that a restore reads, as it was then.
        role: ARN of its role.
        source: ARN of the recovery point that is copied.
        restore: What a restore is to make.
        began_at: Time at which it began.
        ended_at: Time at which it ended.
        failure: Why it failed.
        made: ARNs of the clusters that a restore has made, that of its own Region first.
        size: Bytes of the data.
    """

    identifier: str
    kind: Kind
    region: str
    created_at: float
    point: RecoveryPoint
    role: str
    source: str | None = None
    restore: Restore | None = None
    began_at: float | None = None
    ended_at: float | None = None
    failure: str | None = None
    made: tuple[str, ...] = ()
    size: int = 0

    @property
    def state(self) -> State:
        """Its state."""
        if self.ended_at is not None:
            return "COMPLETED" if self.failure is None else "FAILED"
        if self.began_at is not None:
            return "RUNNING"
        return "PENDING" if self.kind == "restore" else "CREATED"

    @property
    def percent(self) -> str:
        """What is done, in AWS's form; nothing is estimated."""
        return "100.0" if self.state == "COMPLETED" else "0.0"


@dataclass(frozen=True)
class Backups:
    """What AWS Backup keeps for an account, in all Regions.

    Attributes:
        vaults: Vaults that were made, by ARN.
        points: Recovery points by id, the oldest first.
        jobs: Jobs by id, likewise.
    """

    vaults: Mapping[str, Vault] = field(default_factory=dict[str, Vault])
    points: Mapping[str, RecoveryPoint] = field(default_factory=dict[str, RecoveryPoint])
    jobs: Mapping[str, Job] = field(default_factory=dict[str, Job])

    def put(self, *things: Vault | RecoveryPoint | Job) -> "Backups":
        """Add things, or replace those with their ids; the oldest jobs that have ended are forgotten."""
        vaults, points, jobs = dict(self.vaults), dict(self.points), dict(self.jobs)
        for thing in things:
            if isinstance(thing, Vault):
                vaults[thing.arn] = thing
            elif isinstance(thing, RecoveryPoint):
                points[thing.identifier] = thing
            else:
                jobs[thing.identifier] = thing
        ended = [job.identifier for job in jobs.values() if job.ended_at is not None]
        for identifier in ended[: max(0, len(jobs) - _MAX_JOBS)]:
            del jobs[identifier]
        return Backups(vaults, points, jobs)

    def without_point(self, identifier: str) -> "Backups":
        """Forget a recovery point."""
        return replace(self, points={k: v for k, v in self.points.items() if k != identifier})

    def without_vault(self, vault: Vault) -> "Backups":
        """Forget a vault."""
        return replace(self, vaults={k: v for k, v in self.vaults.items() if k != vault.arn})

    def under_way(self) -> Iterator[Job]:
        """Yield the jobs that have not ended."""
        return (job for job in self.jobs.values() if job.ended_at is None)

    def whole(self, region: str) -> Iterator[RecoveryPoint]:
        """Yield the recovery points of a Region that can be restored."""
        return (p for p in self.points.values() if p.region == region and p.completed_at is not None)
