"""The operations of the API: functions of the account and of an input that AWS's model has checked. Pure.

What is answered, in which form, is AWS's model (botocore, ``dsql``, 2018-05-10); the rules behind it have
their sources in the table of its tests. What is not offered is refused by its name.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.local_cluster.control_plane import errors, multi_region, quotas
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.errors import (
    ServiceError,
    conflict,
    invalid,
    not_found,
    not_offered,
)
from awslabs_dsql_mcp.local_cluster.control_plane.service import (
    Call,
    Input,
    Operation,
    Output,
    Result,
    Service,
)

_PAGE: Final = 10  # AWS's own number is not published; the fewer, the sooner a caller's missing loop is seen
_MAX_TAGS: Final = 200
_OWNED_KEY: Final = "AWS_OWNED_KMS_KEY"


# ---- Clusters


def _create(account: Account, call: Call, given: Input) -> Result:
    _refuse_policy(given, "CreateCluster")
    _refuse_key(given)
    given_properties = given.get("multiRegionProperties")
    properties = _properties(given_properties or {})
    identifier = call.new_identifier()
    cluster = Cluster(
        identifier,
        call.region,
        call.at.now,
        storage=identifier,
        is_protected=given.get("deletionProtectionEnabled", True),
        tags=_tags({}, given.get("tags", {})),
        witness=properties.witness,
        peers=properties.peers or (),
        set_up_at=None if given_properties else call.at.now,
        metric_groups=_metric_groups(given),
        fails=call.is_to_fail("create"),
    )
    if given_properties:
        multi_region.check_new(account, cluster)
    quotas.check(account, cluster, call.at)
    account = multi_region.set_up(account.put(cluster), cluster, call.at.now)
    return account, _whole(account, account.clusters[identifier], call.at)


def _get(account: Account, call: Call, given: Input) -> Result:
    cluster = _find(account, call, given["identifier"])
    return account, {**_whole(account, cluster, call.at), "tags": dict(cluster.tags)}


def _list(account: Account, call: Call, given: Input) -> Result:
    found = [
        cluster
        for cluster in sorted(account.existing(call.at), key=_position)
        if cluster.region == call.region and _position(cluster) > _start(given.get("nextToken"))
    ]
    page = found[: given.get("maxResults", _PAGE)]
    answer: Output = {"clusters": [{"identifier": c.identifier, "arn": c.arn} for c in page]}
    if len(page) < len(found):
        answer["nextToken"] = urlsafe_b64encode(json.dumps(_position(page[-1])).encode()).decode()
    return account, answer


def _update(account: Account, call: Call, given: Input) -> Result:
    cluster = _find(account, call, given["identifier"])
    _refuse_key(given)
    if cluster.deleted_at is not None:
        raise conflict("The cluster is being deleted.", cluster.identifier)
    cluster = replace(
        cluster,
        is_protected=given.get("deletionProtectionEnabled", cluster.is_protected),
        **(
            {"metric_groups": _metric_groups(given), "updated_at": call.at.now}
            if "metricGroups" in given
            else {}
        ),
    )
    account = account.put(cluster)
    if "multiRegionProperties" in given:
        properties = _properties(given["multiRegionProperties"])
        account = multi_region.change(account, cluster, properties, call.at.now)
    return account, _short(account, account.clusters[cluster.identifier], call.at)


def _delete(account: Account, call: Call, given: Input) -> Result:
    cluster = _find(account, call, given["identifier"])
    if cluster.identifier == account.default:
        raise conflict(
            "The first cluster of a local account is deleted with its data folder: end all users, remove it.",
            cluster.identifier,
        )
    if cluster.deleted_at is None:
        if cluster.is_protected:
            raise invalid(
                "The cluster is protected from deletion: set deletionProtectionEnabled to false first.",
                reason="deletionProtectionEnabled",
            )
        cluster = replace(cluster, deleted_at=call.at.now)
        account = account.put(cluster)
    return account, _short(account, cluster, call.at)


# ---- Tags


def _tag(account: Account, call: Call, given: Input) -> Result:
    cluster = _by_arn(account, call, given["resourceArn"])
    return account.put(replace(cluster, tags=_tags(cluster.tags, given["tags"]))), {}


def _untag(account: Account, call: Call, given: Input) -> Result:
    cluster = _by_arn(account, call, given["resourceArn"])
    kept = {key: value for key, value in cluster.tags.items() if key not in given["tagKeys"]}
    return account.put(replace(cluster, tags=kept)), {}


def _list_tags(account: Account, call: Call, given: Input) -> Result:
    return account, {"tags": dict(_by_arn(account, call, given["resourceArn"]).tags)}


# ---- What a local cluster never has: policies, streams, a private link


def _get_vpc_endpoint_service_name(account: Account, call: Call, given: Input) -> Result:
    _find(account, call, given["identifier"])
    return account, {"serviceName": f"com.amazonaws.{call.region}.dsql-local"}


def _put_policy(account: Account, call: Call, given: Input) -> Result:
    _find(account, call, given["identifier"])
    raise not_offered("PutClusterPolicy", "It evaluates no policies.")


def _no_policy(account: Account, call: Call, given: Input) -> Result:
    cluster = _find(account, call, given["identifier"])
    raise not_found(cluster.identifier, "cluster-policy", f"in {call.region}")


def _create_stream(account: Account, call: Call, given: Input) -> Result:
    _find(account, call, given["clusterIdentifier"])
    raise not_offered("CreateStream", "It has no streams of changes.")


def _list_streams(account: Account, call: Call, given: Input) -> Result:
    _find(account, call, given["clusterIdentifier"])
    return account, {"streams": []}


def _no_stream(account: Account, call: Call, given: Input) -> Result:
    cluster = _find(account, call, given["clusterIdentifier"])
    raise not_found(given["streamIdentifier"], "stream", f"of cluster {cluster.identifier}")


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateCluster": _create,
    "GetCluster": _get,
    "ListClusters": _list,
    "UpdateCluster": _update,
    "DeleteCluster": _delete,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": _list_tags,
    "GetVpcEndpointServiceName": _get_vpc_endpoint_service_name,
    "PutClusterPolicy": _put_policy,
    "GetClusterPolicy": _no_policy,
    "DeleteClusterPolicy": _no_policy,
    "CreateStream": _create_stream,
    "ListStreams": _list_streams,
    "GetStream": _no_stream,
    "DeleteStream": _no_stream,
}
"""Functions by the operation's name."""


def _refuse_token(given: Input) -> ServiceError:
    return conflict("This client token was used with another request.", str(given.get("identifier", "-")))


SERVICE: Final = Service(
    name="dsql",
    model="dsql/2018-05-10/service-2",
    operations=OPERATIONS,
    token="clientToken",  # noqa: S106  a member's name
    message="message",
    fault="InternalServerException",
    refuse_input=errors.refuse_input,
    refuse_token=_refuse_token,
    refuse_operation=lambda operation: not_offered(operation, "It is younger than this version."),
)
"""Aurora DSQL."""


# ---- Parts of inputs


def _find(account: Account, call: Call, identifier: str) -> Cluster:
    cluster = account.clusters.get(identifier)
    if cluster is None or cluster.region != call.region:
        raise not_found(identifier, "cluster", f"in {call.region}")
    return cluster


def _by_arn(account: Account, call: Call, arn: str) -> Cluster:
    cluster = account.by_arn(arn)
    if cluster is None or cluster.region != call.region:
        raise not_found(arn, "cluster", f"in {call.region}")
    return cluster


def _properties(given: Input) -> multi_region.Properties:
    peers = given.get("clusters")
    return multi_region.Properties(given.get("witnessRegion"), None if peers is None else tuple(peers))


def _metric_groups(given: Input) -> tuple[str, ...]:
    groups: Sequence[Input] = given.get("metricGroups", ())
    return tuple(dict.fromkeys(group["metricGroup"] for group in groups))


def _tags(present: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    reserved = [key for key in given if key.lower().startswith("aws:")]
    if reserved:
        raise invalid(f"The prefix aws: is reserved: {reserved[0]}", "tags")
    tags = {**present, **given}
    if len(tags) > _MAX_TAGS:
        raise invalid(f"A cluster has at most {_MAX_TAGS} tags.", "tags")
    return tags


def _refuse_policy(given: Input, operation: str) -> None:
    if "policy" in given:
        raise not_offered(f"{operation} with a policy", "It evaluates no policies.")


def _refuse_key(given: Input) -> None:
    if given.get("kmsEncryptionKey", _OWNED_KEY) != _OWNED_KEY:
        raise not_offered("keys of AWS KMS", "Its data are not encrypted.")


def _position(cluster: Cluster) -> tuple[float, str]:
    return cluster.created_at, cluster.identifier


def _start(token: str | None) -> tuple[float, str]:
    """Read the position after which a page begins.

    Raises:
        ServiceError: The token is not one of ours.
    """
    if token is None:
        return 0.0, ""
    try:
        created_at, identifier = json.loads(urlsafe_b64decode(token.encode()))
        return float(created_at), str(identifier)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise invalid("The token is not one that ListClusters has given.", "nextToken") from None


# ---- Parts of answers


def _short(account: Account, cluster: Cluster, at: Moment) -> Output:
    return {
        "identifier": cluster.identifier,
        "arn": cluster.arn,
        "status": account.status(cluster, at),
        "creationTime": cluster.created_at,
    }


def _whole(account: Account, cluster: Cluster, at: Moment) -> Output:
    answer: Output = {
        **_short(account, cluster, at),
        "deletionProtectionEnabled": cluster.is_protected,
        "encryptionDetails": {"encryptionType": _OWNED_KEY, "encryptionStatus": "ENABLED"},
        "endpoint": cluster.endpoint,
        "metricGroups": [{"metricGroup": group} for group in cluster.metric_groups],
    }
    if cluster.witness is not None:
        clusters = [cluster.arn, *cluster.peers]
        answer["multiRegionProperties"] = {"witnessRegion": cluster.witness, "clusters": clusters}
    return answer
