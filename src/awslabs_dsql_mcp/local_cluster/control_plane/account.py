"""The account: its clusters, their states, what was answered to which client token. Values, without I/O.

A cluster's state follows from the times at which something was asked for, so that it needs no worker, and is
the same after a restart. The states and their order: Aurora DSQL user guide, "Configuring multi-Region
clusters" (PENDING_SETUP until each cluster of a pair names the other) and "Cluster status" (what is deleted
first of a pair is PENDING_DELETE until the other is deleted too).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.local_cluster.control_plane.arns import ACCOUNT_ID
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import Backups

_MAX_ANSWERS = 500

Status = Literal[
    "CREATING",
    "ACTIVE",
    "INACTIVE",
    "UPDATING",
    "PENDING_SETUP",
    "PENDING_DELETE",
    "DELETING",
    "DELETED",
    "FAILED",
]
CONNECTABLE: frozenset[Status] = frozenset(("ACTIVE", "INACTIVE", "UPDATING"))
"""States in which a cluster takes connections, or wakes up at one."""


@dataclass(frozen=True)
class Moment:
    """A time at which states are looked at.

    Attributes:
        now: Seconds since 1970.
        transition: Seconds that a state such as CREATING lasts.
        asleep: Ids of the clusters that the next connection has to wake up.
    """

    now: float
    transition: float
    asleep: frozenset[str] = frozenset()

    def is_over(self, since: float) -> bool:
        """Return true if what began then is over."""
        return self.now >= since + self.transition


@dataclass(frozen=True)
class Cluster:
    """A cluster as it was asked for.

    Attributes:
        identifier: Its id, 26 letters and digits.
        region: Its Region.
        created_at: Seconds since 1970; also of the other times.
        storage: The id of the cluster that its data are named after: those of a pair have one.
        is_protected: True if it must not be deleted.
        tags: Its tags.
        witness: The witness Region of a multi-Region cluster.
        peers: ARNs of its peers, without its own.
        set_up_at: Time at which its creation could begin; `None` while it waits for its peer.
        updated_at: Time of the last change that takes a while.
        deleted_at: Time at which it was to be deleted.
        metric_groups: Names of its metric groups.
        fails: True if its creation ends in FAILED.
    """

    identifier: str
    region: str
    created_at: float
    storage: str
    is_protected: bool = True
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    witness: str | None = None
    peers: tuple[str, ...] = ()
    set_up_at: float | None = None
    updated_at: float = 0.0
    deleted_at: float | None = None
    metric_groups: tuple[str, ...] = ()
    fails: bool = False

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self._name.arn(ACCOUNT_ID)

    @property
    def endpoint(self) -> str:
        """Name of its endpoint."""
        return self._name.endpoint

    @property
    def _name(self) -> ClusterName:
        return ClusterName(self.identifier, self.region)


@dataclass(frozen=True)
class Answer:
    """An answer that is given again to the same client token.

    Attributes:
        request: Digest of the request.
        content: The answer.
    """

    request: str
    content: Mapping[str, object]


@dataclass(frozen=True)
class Account:
    """The clusters of one account, in all Regions.

    Attributes:
        default: The id of the cluster that every local cluster has.
        clusters: Clusters by id, the oldest first.
        answers: Answers by client token.
        backups: What AWS Backup keeps of clusters, also of those that are deleted.
    """

    default: str
    clusters: Mapping[str, Cluster]
    answers: Mapping[str, Answer] = field(default_factory=dict[str, Answer])
    backups: Backups = field(default_factory=Backups)

    def put(self, *clusters: Cluster) -> "Account":
        """Add clusters, or replace those with their ids."""
        return replace(self, clusters={**self.clusters, **{c.identifier: c for c in clusters}})

    def remember(self, token: str, answer: Answer) -> "Account":
        """Keep an answer; the oldest are forgotten."""
        known = {**self.answers, token: answer}
        return replace(self, answers=dict(list(known.items())[-_MAX_ANSWERS:]))

    def status(self, cluster: Cluster, at: Moment) -> Status:
        """Return the state of a cluster."""
        if cluster.deleted_at is not None:
            return self._deletion(cluster, cluster.deleted_at, at)
        if cluster.set_up_at is None:
            return "PENDING_SETUP"
        if not at.is_over(cluster.set_up_at):
            return "CREATING"
        if cluster.fails:
            return "FAILED"
        if not at.is_over(cluster.updated_at):
            return "UPDATING"
        return "INACTIVE" if cluster.identifier in at.asleep else "ACTIVE"

    def _deletion(self, cluster: Cluster, since: float, at: Moment) -> Status:
        partner = self.partner(cluster)
        if partner is not None:
            if partner.deleted_at is None:
                return "PENDING_DELETE"
            since = max(since, partner.deleted_at)
        return "DELETED" if at.is_over(since) else "DELETING"

    def partner(self, cluster: Cluster) -> Cluster | None:
        """Return the other cluster of a pair that is set up."""
        if cluster.set_up_at is None:
            return None
        return next((other for peer in cluster.peers if (other := self.by_arn(peer))), None)

    def by_arn(self, name: str) -> Cluster | None:
        """Find a cluster by its ARN."""
        found = self.clusters.get(name.rpartition("/")[2])
        return found if found is not None and found.arn == name else None

    def existing(self, at: Moment) -> Iterator[Cluster]:
        """Yield the clusters that are not deleted yet."""
        return (c for c in self.clusters.values() if self.status(c, at) != "DELETED")

    def without_deleted(self, at: Moment) -> "Account":
        """Forget the clusters that are deleted."""
        return replace(self, clusters={c.identifier: c for c in self.existing(at)})

    def named(self, endpoint: str) -> Cluster | None:
        """Find the cluster of an endpoint's name, in lower case."""
        found = self.clusters.get(endpoint.partition(".")[0])
        return found if found is not None and found.endpoint == endpoint else None
