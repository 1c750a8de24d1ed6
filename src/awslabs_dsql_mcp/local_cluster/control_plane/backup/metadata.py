"""Metadata of a restore: what is to be made of a recovery point. Pure.

Sources: AWS Backup developer guide, "Amazon Aurora DSQL restore" (keys, values as JSON in strings, protection
on by default, a copy of the recovery point in the peer Region); a report of August 2026 on
GetRecoveryPointRestoreMetadata, whose answer StartRestoreJob refuses: it has ``cluster_id``, which is none of
the keys that are accepted, and its keys are in lower case.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from awslabs_dsql_mcp.dsql.regions import region_set
from awslabs_dsql_mcp.local_cluster.control_plane.backup.errors import invalid_value
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import Backups, RecoveryPoint, Restore

_CONFIG, _WITNESS, _PEER = "regionalConfig", "witnessRegion", "peerRegion"
_ORCHESTRATION = "useMultiRegionOrchestration"
_ACCEPTED: Final = {
    name.lower(): name for name in (_CONFIG, _WITNESS, _ORCHESTRATION, _PEER, "aws:backup:request-id")
}
_OF_REGION: Final[Mapping[str, type]] = {
    "region": str,
    "isDeletionProtectionEnabled": bool,
    "kmsKeyId": str,
}


def read(metadata: Mapping[str, str], backups: Backups, point: RecoveryPoint) -> Restore:
    """Read the metadata of a restore; tags are not among them.

    Args:
        metadata: Values by key, whose case does not matter.
        backups: What there is to restore.
        point: The recovery point.

    Raises:
        ServiceError: A key or a value is not accepted, or the peer Region has no copy of the point.
    """
    given = {_known(key): value for key, value in metadata.items()}
    peer = _peer(given, point) if _is_pair(given) else None
    regions = [point.region] if peer is None else [point.region, peer]
    if peer is not None and not any(copy.is_copy_of(point) for copy in backups.whole(peer)):
        raise invalid_value(
            f"{peer} has no copy of the recovery point {point.arn}: make one by StartCopyJob before."
        )
    protection = dict(_protection(given.get(_CONFIG, "[]"), point.region))
    for region in protection.keys() - set(regions):
        raise invalid_value(f"{_CONFIG} has {region}, where no cluster is restored.")
    return Restore(
        {region: protection.get(region, True) for region in regions},
        given[_WITNESS] if peer is not None else None,
    )


def write(point: RecoveryPoint) -> dict[str, str]:
    """Return what GetRecoveryPointRestoreMetadata tells of a point."""
    config = [{"region": point.region, "isDeletionProtectionEnabled": True}]
    told = {
        "cluster_id": point.resource.rpartition("/")[2],
        _CONFIG.lower(): json.dumps(config),
        _ORCHESTRATION.lower(): "false",
    }
    return {**told, _WITNESS.lower(): point.witness} if point.witness else told


def _known(key: str) -> str:
    known = _ACCEPTED.get(key.lower())
    if known is None:
        raise invalid_value(f"Metadata have no key {key} here: accepted are {', '.join(_ACCEPTED.values())}.")
    return known


def _is_pair(given: Mapping[str, str]) -> bool:
    wanted = given.get(_ORCHESTRATION, "false")
    if wanted not in ("true", "false"):
        raise invalid_value(f'{_ORCHESTRATION} is "true" or "false", not {wanted!r}.')
    alone = [name for name in (_WITNESS, _PEER) if name in given and wanted == "false"]
    if alone:
        raise invalid_value(f'{" and ".join(alone)}: a pair is restored with {_ORCHESTRATION} "true" alone.')
    return wanted == "true"


def _peer(given: Mapping[str, str], point: RecoveryPoint) -> str:
    """Return the peer Region of a pair.

    Raises:
        ServiceError: It is missing, or it, the witness and the own Region are not three of one set.
    """
    missing = [name for name in (_WITNESS, _PEER) if name not in given]
    if missing:
        raise invalid_value(f"{' and '.join(missing)}: a pair needs a witness Region and a peer Region.")
    peers = _json(_PEER, given[_PEER])
    if not isinstance(peers, list) or [type(each) for each in cast("list[object]", peers)] != [str]:
        raise invalid_value(f'{_PEER} is a list of one Region as JSON, such as ["us-east-2"].')
    (peer,) = cast("list[str]", peers)
    three = (point.region, peer, given[_WITNESS])
    if len(set(three)) < len(three):
        raise invalid_value(f"The Regions of a pair and its witness differ: {', '.join(three)} do not.")
    sets = {region_set(region) for region in three}
    if None in sets or len(sets) > 1:
        raise invalid_value(f"{', '.join(three)} are not of one set of Regions.")
    return peer


def _protection(text: str, own: str) -> Iterator[tuple[str, bool]]:
    """Yield the Regions that are configured, with their protection from deletion."""
    entries = _json(_CONFIG, text)
    if not isinstance(entries, list):
        raise invalid_value(f"{_CONFIG} is a list as JSON.")
    for entry in cast("list[Any]", entries):
        if not isinstance(entry, dict):
            raise invalid_value(f"{_CONFIG} is a list of objects as JSON.")
        told = cast("dict[str, Any]", entry)
        for name, value in told.items():
            if name not in _OF_REGION or not isinstance(value, _OF_REGION[name]):
                raise invalid_value(f"{_CONFIG}: {name} is not known, or its value is not of its type.")

        if "kmsKeyId" in told:
            raise invalid_value("The local cluster does not offer keys of AWS KMS: leave kmsKeyId out.")
        yield told.get("region", own), told.get("isDeletionProtectionEnabled", True)


def _json(name: str, text: str) -> Any:  # noqa: ANN401  whatever is there
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise invalid_value(f"{name} is a string of JSON.") from None
