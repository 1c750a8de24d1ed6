"""Who asks about clusters, by which the next step is worded: an argument of the tool, or an option."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Asker:
    """Words for the next step.

    Attributes:
        cluster: What names a cluster.
        listing: How all clusters are listed, a sentence.
        following: How a cluster is followed, a clause.
        region: What names a Region.
        no_region: What to do where no Region is known, a sentence.
        gone: What to do about a cluster that is not there any more, behind the rest of the advice.
    """

    cluster: str
    listing: str
    following: str
    region: str
    no_region: str
    gone: str = ""


TOOL: Final = Asker(
    cluster="cluster_id",
    listing="Call cluster_status without cluster_id for a list.",
    following="follow it with cluster_id and wait_s",
    region="`region`",
    no_region="Give region, such as us-east-1; the operator can set one with --region.",
)
"""A model that calls ``cluster_status``."""

COMMAND: Final = Asker(
    cluster="the argument CLUSTER",
    listing="`awslabs-dsql-mcp clusters list` lists them.",
    following="follow it with `awslabs-dsql-mcp clusters wait`",
    region="--region",
    no_region="Give --region, such as us-east-1, or --profile with a Region of its own.",
)
"""A person or script that runs ``awslabs-dsql-mcp clusters``."""

WAITING: Final = replace(COMMAND, gone=" With --deleted that is success.")
"""The same with ``clusters wait``."""
