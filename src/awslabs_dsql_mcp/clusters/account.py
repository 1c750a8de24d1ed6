"""An AWS account as one identity sees it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from awslabs_dsql_mcp.aws.api import Api
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName

Sizes = Callable[[], Awaitable[Mapping[str, int]]]
"""Gives the bytes that each cluster has stored on this machine, by identifier."""


@dataclass(frozen=True)
class Account:
    """What an identity sees of AWS.

    Attributes:
        api: AWS's APIs.
        region: Region of this server's cluster, or of the AWS configuration; empty if there is none.
        cluster: This server's cluster; `None` where its endpoint does not tell the identifier.
        sizes: Tells the sizes of a local account's clusters; `None` of AWS, where CloudWatch does.
        options: Options of a command line that choose this account.
        no_region: Why there is no Region, a clause.
    """

    api: Api
    region: str
    cluster: ClusterName | None = None
    sizes: Sizes | None = None
    options: tuple[str, ...] = ()
    no_region: str = "the AWS configuration has none"
