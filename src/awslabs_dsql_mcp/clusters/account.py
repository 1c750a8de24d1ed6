"""An AWS account as one identity sees it."""

from dataclasses import dataclass

from awslabs_dsql_mcp.aws.api import Api
from awslabs_dsql_mcp.clusters.model import ClusterName


@dataclass(frozen=True)
class Account:
    """What an identity sees of AWS.

    Attributes:
        api: AWS's APIs.
        region: Region of this server's cluster, or of the AWS configuration; empty if there is none.
        cluster: This server's cluster; `None` where its endpoint does not tell the identifier.
    """

    api: Api
    region: str
    cluster: ClusterName | None = None
