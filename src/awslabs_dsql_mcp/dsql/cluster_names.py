"""The ways in which a cluster is named: identifier and Region, endpoint, ARN.

Sources: botocore's service model of Aurora DSQL, version 2018-05-10 (identifier, ARN); user guide, "Accessing
Aurora DSQL" (endpoint) and "AWS PrivateLink" (whose names have more labels around ``dsql``).
"""

import re
from dataclasses import dataclass
from typing import Final

_ID: Final = r"[a-z0-9]{26}"
_REGION: Final = r"[a-z]{2}(?:-[a-z]+)+-\d"
_IDENTIFIER: Final = re.compile(_ID)
_ARN: Final = re.compile(rf"arn:(aws[\w-]*):dsql:([\w-]+):(\d{{12}}):cluster/({_ID})")
_ENDPOINT: Final = re.compile(rf"({_ID})\.dsql(?:-[a-z0-9]+)?\.({_REGION})\.on\.aws")
_ANY_ENDPOINT: Final = re.compile(rf"\.dsql(?:-[a-z0-9]+)?\.({_REGION})\.")


@dataclass(frozen=True)
class ClusterName:
    """A cluster's identifier and Region; the Region is empty where the name does not tell it."""

    identifier: str
    region: str = ""

    @property
    def endpoint(self) -> str:
        """Host name of its public endpoint."""
        return f"{self.identifier}.dsql.{self.region}.on.aws"

    def arn(self, account: str, partition: str = "aws") -> str:
        """Give its ARN.

        Args:
            account: Number of its account.
            partition: Partition of its Region, such as ``aws-us-gov``.
        """
        return f"arn:{partition}:dsql:{self.region}:{account}:cluster/{self.identifier}"


@dataclass(frozen=True)
class ClusterArn:
    """The parts of a cluster's ARN."""

    partition: str
    account: str
    name: ClusterName


def name_of(text: str) -> ClusterName | None:
    """Read an identifier, an ARN or an endpoint, in any case of letters; `None` for anything else."""
    text = text.strip().lower()
    if arn := read_arn(text):
        return arn.name
    return ClusterName(text) if _IDENTIFIER.fullmatch(text) else name_in(text)


def name_in(endpoint: str) -> ClusterName | None:
    """Read the name of a cluster in its public endpoint; `None` for a host of another name."""
    host = _ENDPOINT.fullmatch(endpoint.strip().lower())
    return ClusterName(host[1], host[2]) if host else None


def read_arn(arn: str) -> ClusterArn | None:
    """Read an ARN; `None` for another text."""
    found = _ARN.fullmatch(arn)
    return ClusterArn(found[1], found[3], ClusterName(found[4], found[2])) if found else None


def is_region(name: str) -> bool:
    """Return true for what may be the name of a Region."""
    return re.fullmatch(_REGION, name) is not None


def region_of(endpoint: str) -> str | None:
    """Extract the Region from the name of an endpoint, public or private; `None` for any other name."""
    match = _ANY_ENDPOINT.search(endpoint.lower())
    return match[1] if match else None


def begins_with_identifier(host: str) -> bool:
    """True if a host's first label looks like a cluster's identifier."""
    return _IDENTIFIER.fullmatch(host.lower().partition(".")[0]) is not None
