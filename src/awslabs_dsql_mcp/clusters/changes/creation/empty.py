"""The creation of a cluster or of a pair, as a pure generator of steps.

``creation`` yields a step, is sent the reply, and returns a `Report`. `executor` carries the steps out.

The rules:

1. It looks for the name first, in each Region; what is there is gone on with, and nothing is made twice. A
   name that another's cluster has, or one of another shape, stops it before anything is made.
2. A pair: each of the two is made with the witness, the second names the first, and then the first the
   second; from then on both are CREATING (user guide, "Configuring multi-Region clusters").
3. After a lost answer it looks by name, and never asks for the same again in that call. A later call sends
   the same client token, so that AWS gives the same cluster where the first request got through. What it
   finds then is not said to be made: another server may have made it meanwhile.
4. AWS answers a token that it knows as before, also when that cluster is gone. Only an answer of a cluster
   that was made long ago, and is not there, or that this server has deleted, is followed by another request.
5. All servers send the same tokens in the same order, whatever each has done before, so that those that
   create a name in the same moment are given one cluster. What that does not hold, such as a pair and one
   cluster of a name, is looked for when it is made, and told.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, Advice, sentence
from awslabs_dsql_mcp.clusters.changes.creation.settling import (
    GONE,
    LONG_AGO,
    LOOKS,
    Steps,
    error_of,
    seen,
    settle,
    unshown,
    with_twins,
)
from awslabs_dsql_mcp.clusters.changes.creation.steps import (
    Create,
    Done,
    Failed,
    Find,
    Look,
    Made,
    NamePeer,
    Pause,
    Reply,
    Report,
    Reserve,
    Seen,
    Step,
)
from awslabs_dsql_mcp.clusters.changes.order import Order
from awslabs_dsql_mcp.clusters.changes.ownership import is_own
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import DsqlError, OutcomeUnknown, RequestInvalid

_ONWARDS: Mapping[str, str] = {
    "FAILED": "Unprotect and delete it, or choose another name.",
    "PENDING_DELETE": "Choose another name; this one is free when its peer is deleted too.",
}
_NONCES = 8
_BETWEEN_LOOKS = 2.0

_Origin = Literal["made", "found", "in_doubt"]
_Outcome = tuple[Cluster, _Origin] | Report


def creation(
    order: Order, wait: float, gone: frozenset[str] = frozenset(), advice: Advice = TO_MODEL
) -> Steps:
    """Create what is ordered, or go on with it.

    Args:
        order: One cluster or a pair, without a recovery point.
        wait: Seconds to wait until it can be used.
        gone: Identifiers of clusters that are known to be deleted.
        advice: Words the next steps.
    """
    reply = yield Find()
    if not isinstance(reply, Seen):
        return Report(error=error_of(reply))
    try:
        have = found(order, reply.clusters)
    except RequestInvalid as collision:
        return Report(error=collision)
    missing = tuple(region for region in order.regions if region not in have)
    if missing and not isinstance(reply := (yield Reserve(missing)), Done):
        return Report(tuple(have.values()), error=error_of(reply))
    origins: dict[ClusterName, _Origin] = {}
    report = yield from _complete(order, have, origins, wait, gone, advice)
    report = replace(report, made=_of(origins, "made"), may_have_made=_of(origins, "in_doubt"))
    return (yield from with_twins(report))


def _complete(
    order: Order,
    have: dict[str, Cluster],
    origins: dict[ClusterName, _Origin],
    wait: float,
    gone: frozenset[str],
    advice: Advice,
) -> Steps:
    """Create what is missing, and note where each of them is from."""
    for region in order.regions:
        if region not in have:
            peers = [cluster.arn for cluster in have.values()]
            outcome = yield from _create(order, region, peers[0] if peers else "", gone, advice)
            if isinstance(outcome, Report):
                return replace(outcome, clusters=tuple(have.values()))
            have[region], origin = outcome
            origins[have[region].name] = origin
    if order.is_pair and (stopped := (yield from _name_peers(order, have))) is not None:
        return Report(tuple(have.values()), error=stopped)
    return (yield from settle(tuple(have[region] for region in order.regions), wait))


def _of(origins: Mapping[ClusterName, _Origin], wanted: _Origin) -> tuple[ClusterName, ...]:
    return tuple(name for name, origin in origins.items() if origin == wanted)


def found(order: Order, clusters: Sequence[Cluster]) -> dict[str, Cluster]:
    """Take the clusters that are there already, by Region.

    Raises:
        RequestInvalid: One of them is not what is ordered.
    """
    have: dict[str, Cluster] = {}
    for cluster in clusters:
        region = cluster.name.region
        if cluster.status in GONE:
            continue
        if region in have:
            raise _taken(
                order, cluster, f"so is {have[region].name.identifier}; give the id of the one meant"
            )
        have[region] = cluster
    for cluster in have.values():
        if (reason := _unfit(order, cluster)) is not None:
            raise _taken(order, cluster, reason)
    known = {cluster.name for cluster in have.values()}
    for cluster in have.values():
        strange = [peer for peer in cluster.peers if peer not in known and not _is_awaited(order, peer, have)]
        if strange and cluster.status != "PENDING_SETUP":
            raise _taken(order, cluster, f"its peer is {strange[0].identifier} in {strange[0].region}")
    return have


def _is_awaited(order: Order, peer: ClusterName, have: Mapping[str, Cluster]) -> bool:
    """Return true of the half of a restored pair that does not have its name yet."""
    return order.point is not None and peer.region in order.regions and peer.region not in have


def _unfit(order: Order, cluster: Cluster) -> str | None:
    if not is_own(cluster):
        return "it was not made by awslabs-dsql-mcp"
    if cluster.status in ("PENDING_DELETE", "FAILED"):
        return f"it is {cluster.status}"
    if order.is_pair and cluster.witness != order.witness:
        witness = f"its witness is {cluster.witness}" if cluster.witness else "it has no witness"
        return f"{witness}, and that cannot be changed"
    if not order.is_pair and cluster.is_multi_region:
        return "it is one of a multi-Region pair"
    return None


def _taken(order: Order, cluster: Cluster, reason: str) -> RequestInvalid:
    name = cluster.name
    return RequestInvalid(
        f"There is a cluster named {order.name} in {name.region}, {name.identifier}, and {reason}. "
        "Nothing was made.",
        code="name_taken",
        hint=_ONWARDS.get(cluster.status, "Use that one by its id, or choose another name.")
        if is_own(cluster)
        else "Choose another name.",
    )


def _create(
    order: Order, region: str, peer: str, gone: frozenset[str], advice: Advice
) -> Generator[Step, Reply, _Outcome]:
    """Create one cluster, and read it back; with it, where it is from."""
    for number in range(_NONCES + len(gone)):
        reply = yield Create(region, peer, number)
        if isinstance(reply, Made) and reply.name.identifier in gone:
            continue
        if isinstance(reply, Made):
            outcome = yield from _after_answer(order, reply, advice)
        else:
            outcome = yield from _after_failure(order, region, reply, advice, names_peer=bool(peer))
        if outcome is not None:
            return outcome
    return Report(
        error=RequestInvalid(
            f"AWS answers with earlier creations of {order.name}, whose clusters are gone.",
            code="name_taken",
            hint="Choose another name.",
        )
    )


def _after_answer(order: Order, reply: Made, advice: Advice) -> Generator[Step, Reply, _Outcome | None]:
    """Read a cluster back that AWS answered with; `None` if that answer is an old one."""
    now = yield from _read_back(reply.name)
    if isinstance(now, Failed):
        return unshown(order, reply.name, now.error, advice)
    if now is not None and now.status not in GONE:
        return now, "made" if reply.age < LONG_AGO else "found"
    if now is None and reply.age < LONG_AGO:
        return unshown(order, reply.name, None, advice)
    return None


def _after_failure(
    order: Order, region: str, reply: Reply, advice: Advice, *, names_peer: bool
) -> Generator[Step, Reply, _Outcome | None]:
    """Look by name where a cluster may be there all the same; `None` if another token is to be tried."""
    error = error_of(reply)
    doubtful = not isinstance(reply, Failed) or reply.is_in_doubt
    if not doubtful and error.code != "aws_conflict":
        return Report(error=error)
    # AWS refuses the token where another client, or with other tags, has created the name just now.
    again = yield from _look_by_name(order, region, LOOKS if doubtful or not names_peer else 1)
    if isinstance(again, Cluster):
        # It was not there before; still, another server's request may have made it, and not this one.
        return again, "in_doubt" if doubtful else "found"
    if isinstance(again, RequestInvalid):
        return Report(error=again)
    if doubtful:
        return Report(error=_lost(order, region, error, advice), in_doubt=region)
    # A token that was used for something else is refused; a peer that does not fit is refused with any.
    return Report(error=error) if names_peer else None


def _read_back(name: ClusterName) -> Generator[Step, Reply, Cluster | Failed | None]:
    """Look at a cluster that was just made; `None` if it is not there."""
    reply: Reply = Done()
    for look in range(LOOKS):
        if look:
            yield Pause(_BETWEEN_LOOKS, f"{name.identifier} to be seen")
        reply = yield Look((name,))
        if (cluster := seen(reply, name)) is not None:
            return cluster
    return reply if isinstance(reply, Failed) else None


def _look_by_name(
    order: Order, region: str, looks: int
) -> Generator[Step, Reply, Cluster | RequestInvalid | None]:
    """Look for a cluster that may have been made."""
    for look in range(looks):
        if look:
            yield Pause(_BETWEEN_LOOKS, f"{order.name} to be seen in {region}")
        reply = yield Find()
        if isinstance(reply, Seen):
            try:
                have = found(order, reply.clusters)
            except RequestInvalid as collision:
                return collision
            if region in have:
                return have[region]
    return None


def _name_peers(order: Order, have: dict[str, Cluster]) -> Generator[Step, Reply, DsqlError | None]:
    """Let each of a pair name the other, where it does not."""
    for region, other in zip(order.regions, reversed(order.regions), strict=True):
        cluster, peer = have[region], have[other]
        if peer.name in cluster.peers:
            continue
        if cluster.status != "PENDING_SETUP":
            return RequestInvalid(
                f"{cluster.name.identifier} is {cluster.status} and has no peer: only PENDING_SETUP takes "
                "one.",
                code="aws_conflict",
                hint="Delete it, and create the pair under another name.",
            )
        reply = yield NamePeer(cluster, peer)
        if isinstance(reply, Done):
            continue
        error = error_of(reply)
        now = seen((yield Look((cluster.name,))), cluster.name)
        if now is None or peer.name not in now.peers:
            return error
        have[region] = now
    return None


def _lost(order: Order, region: str, error: DsqlError, advice: Advice) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"AWS's answer to the creation of {order.name} in {region} is lost ({error.code}), and no cluster "
        "of that "
        "name is seen there yet: it may still be made.",
        hint=f"{sentence(advice.create(order))} in a minute: it looks first, and makes none twice.",
        outcome="unknown",
    )
