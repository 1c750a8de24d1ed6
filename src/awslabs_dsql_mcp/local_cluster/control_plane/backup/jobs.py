"""Changes of an account while a job is carried out: it begins, makes something, ends. Pure."""

from dataclasses import replace

from awslabs_dsql_mcp.local_cluster.control_plane import quotas
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import INTERRUPTED, Backups, Job, Restore

CANNOT = (
    "Cluster '{}' is in state '{}' and can't be backed up. In order to take a backup of your cluster, it "
    "must be in Active state. Please connect to your cluster to transition it to Active."
)
"""Source: Aurora DSQL user guide, "Aurora DSQL cluster lifecycle"; its end is ours."""


class JobFailedError(Exception):
    """A job that cannot be done; its text is the job's message."""


def begin(account: Account, job: str, at: Moment) -> Account:
    """Begin a job."""
    return _put(account, replace(account.backups.jobs[job], began_at=at.now))


def cluster_to_back_up(account: Account, job: Job, at: Moment) -> Cluster:
    """Return the cluster of a backup.

    Raises:
        JobFailedError: It is not ACTIVE, or is deleted.
    """
    cluster = account.by_arn(job.point.resource)
    status = "DELETED" if cluster is None else account.status(cluster, at)
    if cluster is None or status != "ACTIVE":
        raise JobFailedError(CANNOT.format(job.point.resource.rpartition("/")[2], status))
    return cluster


def end_backup(account: Account, job: str, at: Moment, size: int) -> Account:
    """End a backup, or a copy: its recovery point is whole."""
    ended = replace(account.backups.jobs[job], ended_at=at.now, size=size)
    point = replace(account.backups.points[ended.point.identifier], completed_at=at.now, size=size)
    return replace(account, backups=account.backups.put(ended, point))


def make_clusters(
    account: Account, job: Job, restore: Restore, identifiers: list[str], at: Moment
) -> Account:
    """Add what a restore makes: a cluster, or a pair that is set up, over one storage.

    Args:
        account: The account.
        job: The restore.
        restore: What it is to make.
        identifiers: Ids of the clusters; the first is that of their data, too.
        at: The time.

    Raises:
        ServiceError: A Region has no room for one.
    """
    made = [
        Cluster(
            identifier,
            region,
            at.now,
            storage=identifiers[0],
            is_protected=is_protected,
            tags=restore.tags,
            witness=restore.witness,
            set_up_at=at.now,
        )
        for identifier, (region, is_protected) in zip(identifiers, restore.regions.items(), strict=True)
    ]
    for cluster in made:
        quotas.check(account, cluster, at)
    arns = tuple(cluster.arn for cluster in made)
    peered = [replace(c, peers=tuple(arn for arn in arns if arn != c.arn)) for c in made]
    return _put(account.put(*peered), replace(account.backups.jobs[job.identifier], made=arns))


def end_restore(account: Account, job: str, at: Moment) -> Account:
    """End a restore: its clusters can be connected to."""
    ended = replace(account.backups.jobs[job], ended_at=at.now)
    backups = account.backups.put(ended)
    point = backups.points.get(ended.point.identifier)
    if point is not None:
        backups = backups.put(replace(point, restored_at=at.now))
    return replace(account, backups=backups)


def fail(account: Account, job: str, now: float, message: str) -> Account:
    """End a job that failed: nothing of what it was to make is left."""
    failed = replace(account.backups.jobs[job], ended_at=now, failure=message)
    backups = account.backups.put(replace(failed, made=()))
    if failed.kind != "restore":
        backups = backups.without_point(failed.point.identifier)
    gone = set(failed.made)
    clusters = {k: cluster for k, cluster in account.clusters.items() if cluster.arn not in gone}
    return replace(account, clusters=clusters, backups=backups)


def interrupt(account: Account, now: float) -> Account:
    """End the jobs that an earlier daemon has left under way."""
    for job in list(account.backups.under_way()):
        account = fail(account, job.identifier, now, INTERRUPTED)
    return account


def data_in_use(backups: Backups) -> set[str]:
    """Return the names of the data that recovery points need."""
    return {point.data for point in backups.points.values()}


def _put(account: Account, job: Job) -> Account:
    return replace(account, backups=account.backups.put(job))
