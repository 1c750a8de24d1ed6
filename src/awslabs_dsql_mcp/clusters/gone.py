"""Recovery points of a cluster, also of one that is not there any more: AWS Backup keeps them beyond it.

Source: AWS Backup API reference, ListRecoveryPointsByResource; it takes the ARN of a resource that is gone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from awslabs_dsql_mcp.aws.api import Api, pages
from awslabs_dsql_mcp.clusters.changes.creation.executor import account_number
from awslabs_dsql_mcp.clusters.changes.recovery_points import USABLE
from awslabs_dsql_mcp.clusters.times import minute
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from awslabs_dsql_mcp.text import pluralize

_MOST: Final = 5  # points that an answer names


@dataclass(frozen=True)
class Point:
    """A recovery point from which a cluster can be restored."""

    arn: str
    created: datetime

    def __str__(self) -> str:
        """Describe it."""
        return f"{self.arn} ({minute(self.created)})"


async def points_of(api: Api, arn: str, region: str) -> list[Point]:
    """List the recovery points of a cluster that are complete, the newest first.

    Args:
        api: Calls AWS's APIs.
        arn: The cluster's ARN; it may be gone.
        region: Its Region.

    Raises:
        DsqlError: AWS does not tell.
    """
    members = {"ResourceArn": arn}
    points = [
        Point(each["RecoveryPointArn"], each["CreationDate"])
        async for page in pages(api, "backup", "ListRecoveryPointsByResource", region, members)
        for each in page.get("RecoveryPoints") or ()
        if each.get("Status") in USABLE
    ]
    return sorted(points, key=lambda point: point.created, reverse=True)


async def no_such_cluster(
    api: Api, name: ClusterName, given: str, hint: str, restore: Callable[[str, str], str]
) -> RequestInvalid:
    """Make the error of a cluster that its Region does not know, with what recovery points are left of it.

    Args:
        api: Calls AWS's APIs.
        name: The cluster.
        given: Its name as it was given; an ARN tells the account.
        hint: What helps where it is elsewhere.
        restore: Says how a recovery point, by its ARN and Region, is restored.
    """
    arn = given.strip().lower()
    try:
        if not arn.startswith("arn:"):
            arn = name.arn(await account_number(api, name.region))
        points = await points_of(api, arn, name.region)
        told = _named(points)
    except DsqlError as error:
        points, told = [], (f"Recovery points of it are not known. {error.message}",)
    if points:
        hint = f"To restore it: {restore(points[0].arn, name.region)}. {hint}"
    error = RequestInvalid(
        f"There is no cluster {name.identifier} in {name.region}.",
        details=told,
        code="no_such_cluster",
        hint=hint,
    )
    error.facts = {"recovery_points": [point.arn for point in points[:_MOST]]}
    return error


def _named(points: list[Point]) -> tuple[str, ...]:
    if not points:
        return ("AWS Backup has no recovery point of it.",)
    number = pluralize(len(points), "recovery point")
    more = f", and {len(points) - _MOST:,} older" if len(points) > _MOST else ""
    return (f"AWS Backup has {number} of it: {', '.join(map(str, points[:_MOST]))}{more}.",)
