"""The one who asks about clusters, by an argument of a tool or an option: the next step is worded so."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.clusters.changes.advice import TO_MODEL, CommandAdvice

_PROGRAM: Final = ("awslabs-dsql-mcp", "clusters")


@dataclass(frozen=True)
class Asker:
    """Words for the next step.

    Attributes:
        cluster: What names a cluster.
        listing: How all clusters are listed, a sentence.
        following: Says how the cluster of an ARN is followed, a clause.
        region: What names a Region.
        no_region: What to do where no Region is known, a sentence.
        restore: Names what restores a recovery point, by its ARN and Region.
        not_this: Says that no cluster is named, and none is known from the server's own endpoint, a sentence.
        gone: What to do about a cluster that is not there any more, behind the rest of the advice.
    """

    cluster: str
    listing: str
    following: Callable[[str], str]
    region: str
    no_region: str
    restore: Callable[[str, str], str]
    not_this: str
    gone: str = ""


TOOL: Final = Asker(
    cluster="cluster_id",
    listing="Call cluster_status without cluster_id for a list.",
    following=lambda _: "follow it with cluster_id and wait_s",
    region="`region`",
    no_region="Give region, such as us-east-1; the operator can set one with --region.",
    restore=TO_MODEL.restore,
    not_this="The id of the connected cluster is not known: its endpoint has another name.",
)
"""A model that calls ``cluster_status``."""


def at_command_line(options: Sequence[str] = (), *, waits: bool = False) -> Asker:
    """Give the words for a person or script that runs ``awslabs-dsql-mcp clusters``.

    Args:
        options: Options that choose the account.
        waits: It runs ``clusters wait``.
    """
    listing = shlex.join((*_PROGRAM, "list", *options))
    return Asker(
        cluster="the argument CLUSTER",
        listing=f"`{listing}` lists them.",
        following=lambda arn: f"follow it with `{shlex.join((*_PROGRAM, 'wait', arn, *options))}`",
        region="--region",
        no_region="Give --region, such as us-east-1, or --profile with a Region of its own.",
        restore=CommandAdvice(options).restore,
        not_this="No cluster is named, and --cluster_endpoint tells none: give its id, ARN or endpoint.",
        gone=" With --deleted that is success." if waits else "",
    )
