"""Rules of multi-Region clusters: which Regions, which peers, and when. Pure.

Sources: Aurora DSQL user guide, "Configuring multi-Region clusters" (two active Regions and a witness, all of
one set; both clusters have the same witness); the AWS provider of Terraform, ``cluster_peering.go``, and its
issue 41868 (a cluster is peered from PENDING_SETUP alone; its witness cannot be taken away). A peer that does
not exist is a ValidationException: the model has no ResourceNotFoundException for CreateCluster.
"""

from dataclasses import dataclass, replace

from awslabs_dsql_mcp.dsql.regions import region_set
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster
from awslabs_dsql_mcp.local_cluster.control_plane.errors import conflict, invalid

_FIELD = "multiRegionProperties"
_WITNESS, _PEERS = f"{_FIELD}.witnessRegion", f"{_FIELD}.clusters"


@dataclass(frozen=True)
class Properties:
    """The input's multiRegionProperties.

    Attributes:
        witness: The witness Region, if it is given.
        peers: ARNs of the clusters, if they are given; the cluster's own may be among them.
    """

    witness: str | None
    peers: tuple[str, ...] | None


def check_new(account: Account, cluster: Cluster) -> None:
    """Check a multi-Region cluster that is to be made.

    Raises:
        ServiceError: Its Regions or its peers do not fit.
    """
    _check_witness(cluster)
    _check_peers(account, cluster)


def change(account: Account, cluster: Cluster, given: Properties, now: float) -> Account:
    """Give a cluster its peer; a pair of which each names the other begins to be set up.

    Raises:
        ServiceError: It is no multi-Region cluster, or it is set up, or the peer does not fit.
    """
    if cluster.witness is None:
        raise invalid("A single-Region cluster cannot become a multi-Region cluster.", _FIELD)
    witness = cluster.witness if given.witness is None else given.witness
    peers = cluster.peers if given.peers is None else others(given.peers, cluster.arn)
    if (witness, peers) == (cluster.witness, cluster.peers):
        return account
    if cluster.set_up_at is not None:
        raise conflict(
            "Peers and the witness Region change only while the cluster is PENDING_SETUP.", cluster.arn
        )
    changed = replace(cluster, witness=witness, peers=peers)
    _check_witness(changed)
    _check_peers(account, changed)
    return set_up(account.put(changed), changed, now)


def set_up(account: Account, cluster: Cluster, now: float) -> Account:
    """Begin to set up a pair if each of the two names the other: from then on they share their data."""
    for arn in cluster.peers:
        other = account.by_arn(arn)
        if other is not None and cluster.arn in other.peers:
            pair = (replace(each, set_up_at=now, storage=other.storage) for each in (other, cluster))
            return account.put(*pair)
    return account


def others(arns: tuple[str, ...], own: str) -> tuple[str, ...]:
    """Leave a cluster's own ARN out of those that are given."""
    return tuple(dict.fromkeys(arn for arn in arns if arn != own))


def _check_witness(cluster: Cluster) -> None:
    witness = cluster.witness
    if not witness:
        raise invalid("A multi-Region cluster needs a witness Region.", _WITNESS)
    if witness == cluster.region:
        raise invalid(f"The witness Region cannot be the cluster's own, {cluster.region}.", _WITNESS)
    _check_same_set(cluster.region, witness, _WITNESS)


def _check_peers(account: Account, cluster: Cluster) -> None:
    if len(cluster.peers) > 1:
        raise invalid("A multi-Region cluster has one peer: two active Regions and a witness Region.", _PEERS)
    for arn in cluster.peers:
        region = arn.split(":")[3]
        if region == cluster.region:
            raise invalid(f"The peer {arn} is in the cluster's own Region.", _PEERS)
        if region == cluster.witness:
            raise invalid(f"The peer {arn} is in the witness Region.", _PEERS)
        _check_same_set(cluster.region, region, _PEERS)
        _check_peer(cluster, account.by_arn(arn), arn)


def _check_peer(cluster: Cluster, peer: Cluster | None, arn: str) -> None:
    if peer is None or peer.deleted_at is not None:
        raise invalid(f"The peer {arn} does not exist.", _PEERS)
    if peer.witness is None:
        raise invalid(f"The peer {arn} is a single-Region cluster.", _PEERS)
    if peer.witness != cluster.witness:
        raise invalid(f"The peer {arn} has another witness Region, {peer.witness}.", _PEERS)
    if peer.set_up_at is not None or others(peer.peers, cluster.arn):
        raise conflict(f"The cluster {arn} has another peer, or is not PENDING_SETUP.", arn)


def _check_same_set(one: str, other: str, field: str) -> None:
    sets: list[str | None] = [region_set(one), region_set(other)]
    if None in sets:
        missing = one if sets[0] is None else other
        raise invalid(f"{missing} takes no part in multi-Region clusters.", field)
    if sets[0] != sets[1]:
        raise invalid(f"{one} and {other} are not of one set: {sets[0]} and {sets[1]}.", field)
