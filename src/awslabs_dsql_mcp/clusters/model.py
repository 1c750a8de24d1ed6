"""A cluster as ``GetCluster`` describes it, and the ways in which it is named.

Source: botocore's service model of Aurora DSQL, version 2018-05-10.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from awslabs_dsql_mcp.errors import RequestInvalid

MOVING: Final = frozenset({"CREATING", "UPDATING", "DELETING"})
"""States that a cluster leaves by itself, soon. AWS's own waiters stay in FAILED and IDLE too."""

MEANINGS: Final[Mapping[str, str]] = {
    "IDLE": "a connection wakes it, the first may be slow or refused; AWS Backup refuses to back it up",
    "INACTIVE": "a connection wakes it, the first may be slow or refused; AWS Backup refuses to back it up",
    "PENDING_SETUP": "it waits for its peer: each of the two has to name the other",
    "PENDING_DELETE": "it goes when its peer is deleted too, and its storage is billed until then",
    "FAILED": "it could not be created or changed; AWS Support can tell why",
}
"""What a state means for its users (user guide, "Cluster status" and "Multi-Region clusters")."""

_ID: Final = re.compile(r"[a-z0-9]{26}")
_ARN: Final = re.compile(r"arn:aws[\w-]*:dsql:([\w-]+):(\d{12}):cluster/([a-z0-9]{26})")
_HOST: Final = re.compile(r"([a-z0-9]{26})\.dsql(?:-[a-z0-9]+)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.on\.aws")


@dataclass(frozen=True)
class ClusterName:
    """A cluster's identifier and Region; the Region is empty where the name does not tell it."""

    identifier: str
    region: str = ""


def read_name(text: str) -> ClusterName:
    """Read an identifier, an ARN or an endpoint.

    Raises:
        RequestInvalid: It is none of them.
    """
    text = text.strip()
    if arn := _ARN.fullmatch(text):
        return ClusterName(arn[3], arn[1])
    if (name := name_in(text)) is not None:
        return name
    if _ID.fullmatch(text):
        return ClusterName(text)
    raise RequestInvalid(
        "cluster_id is no cluster's id (26 characters of a-z and 0-9), ARN or endpoint.",
        hint="Call cluster_status without it for a list.",
    )


def name_in(endpoint: str) -> ClusterName | None:
    """Read the name of a cluster in its endpoint; `None` for a host of another name."""
    host = _HOST.fullmatch(endpoint.strip().lower())
    return ClusterName(host[1], host[2]) if host else None


def endpoint_of(name: ClusterName) -> str:
    """Give the host name of a public endpoint (user guide, "Accessing Aurora DSQL")."""
    return f"{name.identifier}.dsql.{name.region}.on.aws"


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
        encryption: ``AWS-owned key``, or the customer's key and its state.
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
    encryption: str = "AWS-owned key"
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def account(self) -> str:
        """Number of the account."""
        found = _ARN.fullmatch(self.arn)
        return found[2] if found else ""

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
    named = (_ARN.fullmatch(arn) for arn in properties.get("clusters") or ())
    name = ClusterName(answer["identifier"], region)
    # The list of peers has the cluster itself in it.
    peers = tuple(ClusterName(arn[3], arn[1]) for arn in named if arn and arn[3] != name.identifier)
    return Cluster(
        name,
        answer["arn"],
        answer["status"],
        answer["creationTime"],
        answer["deletionProtectionEnabled"],
        answer.get("endpoint") or endpoint_of(name),
        properties.get("witnessRegion") or "",
        peers,
        _encryption(answer.get("encryptionDetails") or {}),
        answer.get("tags") or {},
    )


def _encryption(details: Mapping[str, Any]) -> str:
    if details.get("encryptionType") != "CUSTOMER_MANAGED_KMS_KEY":
        return "AWS-owned key"
    key, status = details.get("kmsKeyArn", "a key"), details.get("encryptionStatus", "")
    return f"customer's key {key}" + ("" if status in ("ENABLED", "") else f", {status}")
