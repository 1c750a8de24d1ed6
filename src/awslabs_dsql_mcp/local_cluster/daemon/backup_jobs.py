"""The jobs of AWS Backup in the daemon: copies of data, made and restored, one task a job.

A job that this process leaves unfinished is ended by the next one, when it reads the account; what a job has
made so far has the ending ``.new`` until it is whole.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.account_file import AccountFile, new_identifier
from awslabs_dsql_mcp.local_cluster.control_plane.backup import jobs
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import Job, Restore
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.endpoint.context import Backend
from awslabs_dsql_mcp.local_cluster.postgres import base_backup

_log = logging.getLogger(__name__)
_DRAFT: Final = ".new"
_POSTGRES: Final = "postgres"
_RESTORES_AT_ONCE: Final = 4  # Aurora DSQL user guide, "Cluster quotas and database limits"


@dataclass(frozen=True)
class Data:
    """The data of a cluster.

    Attributes:
        directory: PostgreSQL's data directory.
        backend: Returns what runs on it, started when it does not; raises `OSError` if it cannot be.
    """

    directory: Path
    backend: Callable[[], Awaitable[Backend]]


class BackupJobs:
    """The jobs of an account that are under way.

    Args:
        data_dir: The data directory, with the daemon's lock held.
        accounts: The account.
        moment: Returns the time.
        data_of: Returns the data of a cluster.
        is_to_fail: Returns true if the next job of a kind was asked to fail.
    """

    def __init__(
        self,
        data_dir: DataDir,
        accounts: AccountFile,
        moment: Callable[[], Moment],
        data_of: Callable[[Cluster], Data],
        is_to_fail: Callable[[str], bool],
    ) -> None:
        self._data_dir, self._accounts, self._moment, self._data_of = data_dir, accounts, moment, data_of
        self._is_to_fail = is_to_fail
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._removals: set[asyncio.Task[None]] = set()
        self._restoring = asyncio.Semaphore(_RESTORES_AT_ONCE)

    def follow(self, account: Account) -> None:
        """Begin the jobs that are new, and remove the data that no recovery point needs any more."""
        for job in account.backups.under_way():
            if job.identifier not in self._tasks:
                self._tasks[job.identifier] = asyncio.ensure_future(self._run(job))
        needed = jobs.data_in_use(account.backups)
        drafts = {self._draft(identifier).name for identifier in self._tasks}
        for path in self._data_dir.backups.glob("*"):
            if path.name not in needed | drafts:
                self._remove(path)

    def _remove(self, path: Path) -> None:
        removal = asyncio.ensure_future(asyncio.to_thread(shutil.rmtree, path, ignore_errors=True))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    async def close(self) -> None:
        """Stop all jobs: they have failed when the account is read again."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), *self._removals, return_exceptions=True)

    def _draft(self, identifier: str) -> Path:
        return self._data_dir.backups / f"{identifier.lower()}{_DRAFT}"

    async def _run(self, job: Job) -> None:
        draft = self._draft(job.identifier)
        try:
            await self._do(job, draft)
        except jobs.JobFailedError as failure:
            self._fail(job, str(failure))
        except ServiceError as refused:
            self._fail(job, refused.message)
        except Exception as failure:  # noqa: BLE001  a failure is told by the job, whatever it is
            _log.exception("%s job %s failed", job.kind, job.identifier)
            reason = failure.message if isinstance(failure, DsqlError) else type(failure).__name__
            self._fail(job, f"The data could not be copied ({reason}): the log of the cluster has more.")
        finally:
            with suppress(RuntimeError):  # the loop is closing
                await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
            self._tasks.pop(job.identifier, None)

    def _fail(self, job: Job, message: str) -> None:
        self._accounts.change(
            lambda account: (jobs.fail(account, job.identifier, time.time(), message), None)
        )

    async def _do(self, job: Job, draft: Path) -> None:
        await self._pause()
        if job.restore is not None:
            async with self._restoring:
                self._begin(job)
                await self._restore(job, job.restore, draft)
                return
        self._begin(job)
        size = job.point.size if job.source else await self._back_up(job, draft)
        await self._pause()
        self._accounts.change(
            lambda account: (jobs.end_backup(account, job.identifier, self._moment(), size), None)
        )

    def _begin(self, job: Job) -> None:
        self._accounts.change(lambda account: (jobs.begin(account, job.identifier, self._moment()), None))
        if self._is_to_fail(job.kind):
            raise jobs.JobFailedError(f"The local cluster was told to let this {job.kind} job fail.")

    async def _pause(self) -> None:
        """Stay in a state as long as a cluster stays in one."""
        await asyncio.sleep(self._moment().transition)

    async def _back_up(self, job: Job, draft: Path) -> int:
        cluster = jobs.cluster_to_back_up(self._accounts.account, job, self._moment())
        data = self._data_of(cluster)
        backend = await data.backend()
        _make(draft)
        size = await base_backup.copy_running(backend.address, data.directory, draft / _POSTGRES)
        _move(draft, self._data_dir.backups / job.point.data)
        return size

    async def _restore(self, job: Job, restore: Restore, draft: Path) -> None:
        """Copy the data of a recovery point, make its clusters, and see that they start."""
        _make(draft)
        source = self._data_dir.backups / job.point.data
        await base_backup.copy_stopped(source / _POSTGRES, draft / _POSTGRES)
        identifiers = [new_identifier() for _ in restore.regions]
        # In one step of the event loop: the directory of a cluster that is not there is removed in others.
        _move(draft, self._data_dir.storages / identifiers[0])
        self._accounts.change(
            lambda account: (
                jobs.make_clusters(account, job, restore, identifiers, self._moment()),
                None,
            )
        )
        await self._data_of(self._accounts.account.clusters[identifiers[0]]).backend()
        await self._pause()
        self._accounts.change(
            lambda account: (jobs.end_restore(account, job.identifier, self._moment()), None)
        )


def _make(directory: Path) -> None:
    directory.parent.mkdir(mode=0o700, exist_ok=True)
    directory.mkdir(mode=0o700)


def _move(directory: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    directory.rename(place)
