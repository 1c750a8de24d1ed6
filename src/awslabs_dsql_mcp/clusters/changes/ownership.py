"""The tags by which a cluster is known as made by this server, and the rules of all tags. Pure.

Source of the rules: botocore's service model of Aurora DSQL (TagKey, TagValue, TagMap); "aws:" is AWS's own
(AWS General Reference, "Tagging your AWS resources").
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from awslabs_dsql_mcp.clusters.backup import POINT
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.text import one_line

NAME: Final = "Name"
MANAGED_BY: Final = "managed_by"
MANAGER: Final = "awslabs-dsql-mcp"
CREATED_BY: Final = "created_by"
RESTORED_FROM: Final = "restored_from"

# IAM compares the keys of tags without regard to case (IAM user guide, "aws:ResourceTag").
_RESERVED: Final = frozenset(key.casefold() for key in (NAME, MANAGED_BY, CREATED_BY, RESTORED_FROM))
_TEXT: Final = re.compile(r"[a-zA-Z0-9_.:/=+\-@ ]*")
_OF_AWS: Final = "aws:"  # AWS General Reference, "Tagging your AWS resources"
_MAX_KEY, _MAX_VALUE, _MAX_TAGS = 128, 256, 200
_NOT_IN_TAGS: Final = re.compile(r"[^a-zA-Z0-9_.:/=+\-@ ]+")


def is_own(cluster: Cluster) -> bool:
    """Return true if a server of this kind has made the cluster."""
    return cluster.tags.get(MANAGED_BY) == MANAGER


def restored_from(cluster: Cluster) -> str:
    """Give the ARN of the recovery point that a cluster was restored from; empty if no tag tells it."""
    told = cluster.tags.get(RESTORED_FROM, "")
    return told if is_own(cluster) and POINT.fullmatch(told) else ""


def own_tags(name: str, client: str, others: Mapping[str, str]) -> dict[str, str]:
    """Give the tags of a cluster that is made.

    Args:
        name: Its name.
        client: Name of the client that asked for it.
        others: Tags that were asked for besides, which are checked.
    """
    maker = _NOT_IN_TAGS.sub("-", client).strip()[:_MAX_VALUE] or "unknown"
    return {**others, NAME: name, MANAGED_BY: MANAGER, CREATED_BY: maker}


def check_tags(tags: Mapping[str, str]) -> None:
    """Check tags that are to be set.

    Raises:
        RequestInvalid: One of them is reserved, or AWS takes none like it.
    """
    check_keys(tags)
    if len(tags) > _MAX_TAGS - len(_RESERVED):
        raise RequestInvalid(f"A cluster has at most {_MAX_TAGS} tags, four of them this server's.")
    for key, value in tags.items():
        if not (_TEXT.fullmatch(value) and len(value) <= _MAX_VALUE):
            raise RequestInvalid(
                f"The value of tag {one_line(repr(key))} is none that AWS takes.",
                hint=f"Use up to {_MAX_VALUE} letters, digits, spaces and _.:/=+-@.",
            )


def check_keys(keys: Iterable[str]) -> None:
    """Check keys of tags that are to be set or removed.

    Raises:
        RequestInvalid: One of them is reserved, or AWS takes none like it.
    """
    for key in keys:
        bare = key.strip().casefold()
        if bare.startswith(_OF_AWS):
            raise RequestInvalid(
                f"The tag {one_line(repr(key))} begins with {_OF_AWS}, and only AWS sets such tags.",
                code="reserved_tag",
                hint="Give it another key.",
            )
        if bare in _RESERVED:
            raise RequestInvalid(
                f"The tag {one_line(repr(key))} is not changed here: it tells what the cluster is, "
                "and who made it.",
                code="reserved_tag",
                hint="Leave it out; a person can change it in the console of AWS.",
            )
        if not (bare and _TEXT.fullmatch(key) and len(key) <= _MAX_KEY):
            raise RequestInvalid(
                f"{one_line(repr(key))} is no key of a tag.",
                hint=f"Use 1 to {_MAX_KEY} letters, digits, spaces and _.:/=+-@.",
            )
