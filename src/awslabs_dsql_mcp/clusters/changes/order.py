"""Order of what to create: one cluster or a multi-Region pair, empty or from a recovery point. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.clusters.backup import POINT
from awslabs_dsql_mcp.clusters.changes.ownership import check_tags
from awslabs_dsql_mcp.config.parsers import read_region
from awslabs_dsql_mcp.dsql.regions import region_set
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.text import one_line

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_PAIR: Final = 2


@dataclass(frozen=True)
class RecoveryPoint:
    """A recovery point by its ARN.

    Attributes:
        arn: The ARN.
        partition: ``aws``, or another of AWS's partitions.
        region: The Region that keeps it.
        account: Number of the account.
    """

    arn: str
    partition: str
    region: str
    account: str


@dataclass(frozen=True)
class Order:
    """What is to be created.

    Attributes:
        name: Its name, by which it is found again.
        regions: One Region, or the two of a pair.
        witness: Region of a pair's witness; empty for one cluster.
        point: The recovery point that is restored; `None` for an empty cluster.
        tags: Tags besides those of this server.
        is_protected: Deletion protection is on.
    """

    name: str
    regions: tuple[str, ...]
    witness: str = ""
    point: RecoveryPoint | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    is_protected: bool = True

    @property
    def is_pair(self) -> bool:
        """True for a multi-Region pair."""
        return len(self.regions) == _PAIR

    @property
    def kind(self) -> str:
        """What it makes, in words."""
        kind = "multi-Region pair" if self.is_pair else "cluster"
        return f"a restored {kind}" if self.point else f"a {kind}"

    @property
    def peer_region(self) -> str:
        """Of a pair that is restored, the Region that does not keep the recovery point; else empty."""
        point = self.point
        return next((region for region in self.regions if point and region != point.region), "")

    @property
    def metadata(self) -> dict[str, str]:
        """What AWS Backup is told to restore; values that are no strings are JSON in one."""
        protection = self.is_protected
        each = [{"region": region, "isDeletionProtectionEnabled": protection} for region in self.regions]
        told = {"regionalConfig": json.dumps(each)}
        if not self.is_pair:
            return told
        pair = {"witnessRegion": self.witness, "peerRegion": json.dumps([self.peer_region])}
        return {**told, **pair, "useMultiRegionOrchestration": "true"}

    def token(self, account: str, what: str, nonce: int) -> str:
        """Give the token of a request: the same for the same, whichever server sends it.

        Args:
            account: Number of the account.
            what: Region of a cluster, behind it the peer that it names; or kind of a job.
            nonce: Number of the earlier requests of this name whose results are gone.
        """
        parts = [account, self.regions, self.witness, self.point and self.point.arn, what, self.name, nonce]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def read_order(
    name: str,
    regions: Sequence[str],
    witness: str = "",
    point: str = "",
    tags: Mapping[str, str] | None = None,
    *,
    is_protected: bool = True,
) -> Order:
    """Check what is to be created.

    Args:
        name: Its name.
        regions: One or two Regions.
        witness: Region of a pair's witness.
        point: ARN of a recovery point.
        tags: More tags.
        is_protected: Deletion protection is on.

    Raises:
        RequestInvalid: The parts are none, or contradict each other.
    """
    if not _NAME.fullmatch(name):
        raise RequestInvalid(
            f"name is none for a cluster: {one_line(repr(name))}.",
            hint="Use a letter or digit, then up to 62 letters, digits and _.-",
        )
    # Sorted, so that the same pair is the same order.
    chosen = tuple(sorted(_region(region, "regions") for region in regions))
    if not 1 <= len(chosen) <= _PAIR or len(set(chosen)) != len(chosen):
        told = f"names {chosen[0]} twice" if len(chosen) == _PAIR else f"has {len(chosen)} Regions"
        raise RequestInvalid(f"regions {told}.", hint="Give one, or two different ones for a pair.")
    if len(chosen) == _PAIR:
        _check_pair(chosen, _region(witness, "witness_region") if witness else "")
    elif witness:
        raise RequestInvalid(
            "witness_region is for a pair.", hint="Give two regions, or leave witness_region out."
        )
    given = dict(tags or {})
    check_tags(given)
    return Order(name, chosen, witness, _read_point(point, chosen) if point else None, given, is_protected)


def _region(text: str, argument: str) -> str:
    try:
        return read_region(text)
    except ValueError as error:
        raise RequestInvalid(f"{argument} has {one_line(repr(text))}, expected {error}.") from None


def _check_pair(regions: tuple[str, ...], witness: str) -> None:
    if not witness:
        raise RequestInvalid(
            "A pair needs witness_region: a third Region, which keeps the log.",
            hint="Give one of the same set, such as us-west-2 to us-east-1 and us-east-2.",
        )
    if witness in regions:
        raise RequestInvalid("The witness is in a Region of the pair.", hint="Give a third Region.")
    # The table of Regions ages: only what it knows to be of different sets is refused.
    sets = {named for region in (*regions, witness) if (named := region_set(region))}
    if len(sets) > 1:
        raise RequestInvalid(
            f"The three Regions are not of one set, but of {' and '.join(sorted(sets))}.",
            hint="A pair and its witness are in one part of the world (dsql://guide/multi-region).",
        )


def read_point(arn: str) -> RecoveryPoint:
    """Read the ARN of a recovery point.

    Raises:
        RequestInvalid: It is none.
    """
    found = POINT.fullmatch(arn.strip())
    if found is None:
        raise RequestInvalid(
            f"{one_line(repr(arn))} is no ARN of a recovery point.",
            hint="The answer of a backup has it; AWS Backup lists them all.",
        )
    return RecoveryPoint(found[0], found[1], found[2], found[3])


def _read_point(arn: str, regions: tuple[str, ...]) -> RecoveryPoint:
    point = read_point(arn)
    if point.region not in regions:
        raise RequestInvalid(
            f"The recovery point is in {point.region}, and is restored there.",
            hint=f'Give regions=["{point.region}"], or that and a second one for a pair.',
        )
    return point
