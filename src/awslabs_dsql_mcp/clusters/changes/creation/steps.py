"""The steps of a creation, and the replies to them. Values."""

import math
from dataclasses import dataclass
from typing import Literal

from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import (
    ConnectionFailed,
    DsqlError,
    NotConfigured,
    PermissionDenied,
    RequestInvalid,
)

JobKind = Literal["copy", "restore"]
"""The work of a job of AWS Backup with a recovery point."""


@dataclass(frozen=True)
class Find:
    """Find the clusters of the order's name in its Regions, in any state."""


@dataclass(frozen=True)
class Reserve:
    """Count the clusters that are about to be made, all or none."""

    regions: tuple[str, ...]


@dataclass(frozen=True)
class Create:
    """Create a cluster.

    Attributes:
        region: Its Region.
        peer: ARN of its peer; empty for none.
        nonce: Number of the clusters of this name that AWS answered with before, and that are gone.
    """

    region: str
    peer: str = ""
    nonce: int = 0


@dataclass(frozen=True)
class NamePeer:
    """Let a cluster name its peer."""

    cluster: Cluster
    peer: Cluster


@dataclass(frozen=True)
class Look:
    """Look at clusters."""

    names: tuple[ClusterName, ...]


@dataclass(frozen=True)
class FindCopy:
    """Find the copy of the order's recovery point in the Region of the peer."""


@dataclass(frozen=True)
class StartJob:
    """Ask AWS Backup to copy the order's recovery point to the Region of the peer, or to restore it.

    Attributes:
        kind: What it is to do.
        nonce: Number of the earlier jobs of the kind that AWS Backup still answers with.
    """

    kind: JobKind
    nonce: int = 0


@dataclass(frozen=True)
class LookAtJob:
    """Look at a job of AWS Backup."""

    kind: JobKind
    job: str


@dataclass(frozen=True)
class Mark:
    """Tag a restored cluster as made by this server."""

    cluster: ClusterName


@dataclass(frozen=True)
class Pause:
    """Wait for some seconds.

    Attributes:
        seconds: How long.
        told: What is waited for.
        until: Seconds since the call began after which it ends in any case.
    """

    seconds: float
    told: str
    until: float = math.inf


Step = Find | Reserve | Create | NamePeer | Look | FindCopy | StartJob | LookAtJob | Mark | Pause


@dataclass(frozen=True)
class Seen:
    """Clusters as they are; what is not there is left out."""

    clusters: tuple[Cluster, ...]


@dataclass(frozen=True)
class Made:
    """AWS's answer to a creation.

    Attributes:
        name: The cluster.
        age: Seconds since it was created, as AWS says: it answers a token that it knows as it did before.
    """

    name: ClusterName
    age: float


@dataclass(frozen=True)
class Started:
    """A job was started, or was there already."""

    job: str


@dataclass(frozen=True)
class Job:
    """A job of AWS Backup.

    Attributes:
        state: Its state.
        message: What AWS Backup says of it.
        made: The cluster that a restore makes; `None` as long as AWS Backup does not tell.
        age: Seconds since it was created.
        is_earlier: It was created before the call began.
    """

    state: str
    message: str = ""
    made: ClusterName | None = None
    age: float = 0.0
    is_earlier: bool = False


@dataclass(frozen=True)
class Copy:
    """The copy of a recovery point.

    Attributes:
        state: Its state; empty if there is none.
        is_usable: It can be restored.
    """

    state: str
    is_usable: bool = False


@dataclass(frozen=True)
class Done:
    """The step was carried out."""


@dataclass(frozen=True)
class Paused:
    """The pause is over; ``elapsed`` is in seconds since the call began."""

    elapsed: float


@dataclass(frozen=True)
class Failed:
    """The step failed."""

    error: DsqlError

    @property
    def is_in_doubt(self) -> bool:
        """True if the step may have been carried out: an answer is lost, or AWS had trouble of its own."""
        return in_doubt(self.error)


Reply = Seen | Made | Started | Job | Copy | Done | Paused | Failed


def in_doubt(error: DsqlError) -> bool:
    """Return true if a request that ended so may have been carried out."""
    if isinstance(error, (RequestInvalid, PermissionDenied, NotConfigured)):
        return False
    if isinstance(error, ConnectionFailed):  # credentials, the clock: nothing was sent, or it was refused
        return error.code in ("aws_timeout", "aws_unreachable")
    return error.code != "aws_throttled"


@dataclass(frozen=True)
class Report:
    """How far a creation is.

    Attributes:
        clusters: The clusters of the order, as they were seen last.
        made: Those of them that AWS has made for this order, as it answered.
        may_have_made: Those that were found after a lost answer, where none was before.
        twins: Others of the name that are there beside those that were made.
        error: What stopped it; `None` if nothing did.
        in_doubt: Region in which a cluster may have been made whose answer is lost; empty for none.
        job: The job of AWS Backup that was begun or followed last.
        job_kind: What that job does.
        job_state: Its state, or that of the copy, where no cluster is there yet; empty if it is not told.
        has_ended: That job has ended without what it was to make.
        copied: The job that copied the recovery point to the Region of the peer in this call; empty for none.
        has_asked: AWS has taken a change of this call, or may have taken one.
    """

    clusters: tuple[Cluster, ...] = ()
    made: tuple[ClusterName, ...] = ()
    may_have_made: tuple[ClusterName, ...] = ()
    twins: tuple[Cluster, ...] = ()
    error: DsqlError | None = None
    in_doubt: str = ""
    job: str = ""
    job_kind: JobKind = "restore"
    job_state: str = ""
    has_ended: bool = False
    copied: str = ""
    has_asked: bool = False
