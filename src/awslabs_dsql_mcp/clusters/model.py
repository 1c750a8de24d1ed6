"""A cluster as ``GetCluster`` describes it.

Source: botocore's service model of Aurora DSQL, version 2018-05-10.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from awslabs_dsql_mcp.dsql.cluster_names import ClusterName, read_arn

MOVING: Final = frozenset({"CREATING", "UPDATING", "DELETING"})
"""States that a cluster leaves by itself, soon. AWS's own waiters stay in FAILED and IDLE too."""

LOCAL_ACCOUNT: Final = "000000000000"
"""The account of the clusters of a machine; AWS has none of this number."""

MEANINGS: Final[Mapping[str, str]] = {
    "IDLE": "a connection wakes it, the first may be slow or refused; AWS Backup refuses to back it up",
    "INACTIVE": "a connection wakes it, the first may be slow or refused; AWS Backup refuses to back it up",
    "PENDING_SETUP": "it waits for its peer: each of the two has to name the other",
    "PENDING_DELETE": "it goes when its peer is deleted too, and its storage is billed until then",
    "FAILED": "it could not be created or changed; AWS Support can tell why",
}
"""Meaning of a state for its users (user guide, "Cluster status" and "Multi-Region clusters")."""


@dataclass(frozen=True)
class Cluster:
    """A cluster.

    Attributes:
        name: Identifier and Region.
        arn: Its ARN.
        status: Its state, such as ``ACTIVE``.
        created: When it was created.
        is_protected: Deletion protection is on.
        endpoint: Host name of its endpoint.
        witness: Region of the witness; empty for a cluster of one Region.
        peers: The other clusters of a multi-Region cluster.
        encryption: ``AWS-owned key``, or the customer's key and its state; `None` for none, on a machine.
        tags: Its tags.
    """

    name: ClusterName
    arn: str
    status: str
    created: datetime
    is_protected: bool
    endpoint: str
    witness: str = ""
    peers: Sequence[ClusterName] = ()
    encryption: str | None = "AWS-owned key"
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def account(self) -> str:
        """Number of the account."""
        found = read_arn(self.arn)
        return found.account if found else ""

    @property
    def title(self) -> str:
        """Its Name tag; empty without one."""
        return self.tags.get("Name", "")

    @property
    def is_multi_region(self) -> bool:
        """True if it has, or waits for, a peer."""
        return bool(self.witness or self.peers)


def read_cluster(answer: Mapping[str, Any], region: str) -> Cluster:
    """Read the answer of ``GetCluster``.

    Args:
        answer: The members that the model requires are there.
        region: Region that was asked.
    """
    properties: Mapping[str, Any] = answer.get("multiRegionProperties") or {}
    arn = read_arn(answer["arn"])
    is_local = arn is not None and arn.account == LOCAL_ACCOUNT
    named = map(read_arn, properties.get("clusters") or ())
    name = ClusterName(answer["identifier"], region)
    # The list of peers has the cluster itself in it.
    peers = tuple(arn.name for arn in named if arn and arn.name.identifier != name.identifier)
    return Cluster(
        name,
        answer["arn"],
        answer["status"],
        answer["creationTime"],
        answer["deletionProtectionEnabled"],
        answer.get("endpoint") or name.endpoint,
        properties.get("witnessRegion") or "",
        peers,
        None if is_local else _encryption(answer.get("encryptionDetails") or {}),
        answer.get("tags") or {},
    )


def _encryption(details: Mapping[str, Any]) -> str:
    if details.get("encryptionType") != "CUSTOMER_MANAGED_KMS_KEY":
        return "AWS-owned key"
    key, status = details.get("kmsKeyArn", "a key"), details.get("encryptionStatus", "")
    return f"customer's key {key}" + ("" if status in ("ENABLED", "") else f", {status}")
