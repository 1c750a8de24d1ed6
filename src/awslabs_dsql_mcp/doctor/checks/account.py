"""Check of the cluster's state, as AWS's API tells it; a login does not need the permission."""

import asyncio
from collections.abc import Sequence

from awslabs_dsql_mcp.clusters.changes.advice import CommandAdvice
from awslabs_dsql_mcp.clusters.model import MEANINGS, Cluster
from awslabs_dsql_mcp.clusters.reader import ClusterReader
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.target import resolve_account

_SLEEPING = frozenset({"IDLE", "INACTIVE"})
_REMEDIES = {
    "CREATING": "Wait for ACTIVE: {wait}.",
    "PENDING_SETUP": "Let each of the two clusters name the other, or delete it.",
    "PENDING_DELETE": "Take another cluster: this one is deleted with its peer.",
    "DELETING": "Take another cluster.",
    "DELETED": "Take another cluster.",
    "FAILED": "Take another cluster, or ask AWS Support.",
}


async def state(context: CheckContext) -> CheckOutcome:
    """Ask AWS for the cluster's state, before it is connected to."""
    account = await resolve_account(context.settings, context.stack)
    if account.cluster is None:
        return CheckOutcome("Not asked: the endpoint's name does not tell the cluster's id.")
    reader = ClusterReader(account, context.environment.now)
    limit = context.settings.connect_timeout
    try:
        cluster = await asyncio.wait_for(reader.cluster(account.cluster), limit)
    except asyncio.TimeoutError:
        return warning(
            f"AWS did not tell the cluster's state within {limit:g} s.",
            code="aws_timeout",
            remedy="Go by the checks that follow; they connect to the cluster itself.",
        )
    except DsqlError as error:
        if error.code == "no_such_cluster":
            return failed(
                error.message, code=error.code, remedy="Correct --cluster_endpoint; it may be deleted."
            )
        return warning(f"Not known: {error.message}", code=error.code, remedy=error.hint or "")
    outcome = _outcome(cluster, account.options)
    if outcome.state == "failed":
        context.unusable = cluster.status
    return outcome


def _outcome(cluster: Cluster, options: Sequence[str]) -> CheckOutcome:
    protection = "deletion protection is on" if cluster.is_protected else "deletion protection is off"
    if remedy := _REMEDIES.get(cluster.status):
        meaning = MEANINGS.get(cluster.status, "it takes no connections")
        wait = CommandAdvice(options).follow(cluster.arn)
        return failed(
            f"{cluster.status}: {meaning}.", code=cluster.status.lower(), remedy=remedy.format(wait=wait)
        )
    if cluster.status in _SLEEPING:
        return CheckOutcome(f"{cluster.status}: the login below wakes it up; {protection}.")
    return CheckOutcome(f"{cluster.status}; {protection}.")
