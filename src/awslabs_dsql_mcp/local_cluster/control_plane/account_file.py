"""The account in its file, ``clusters.json``, which the daemon alone writes: it holds the folder's lock."""

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, TypeVar, cast

from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Answer, Cluster
from awslabs_dsql_mcp.local_cluster.control_plane.backup import jobs
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import (
    Backups,
    Job,
    RecoveryPoint,
    Restore,
    Vault,
)
from awslabs_dsql_mcp.local_cluster.data_dir import REGION, DataDir

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"  # of the ids that AWS makes
_ID_LENGTH: Final = 26
T = TypeVar("T")


def new_identifier() -> str:
    """Make the id of a cluster."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


class AccountFile:
    """The account of a data directory, kept as a value that threads may share.

    Args:
        data_dir: The data directory, with the daemon's lock held.
        now: Seconds since 1970.
        changed: Called after each change, in the thread that changed it.

    Raises:
        ValueError: The file is not as we write it.
    """

    def __init__(self, data_dir: DataDir, now: Callable[[], float], changed: Callable[[], None]) -> None:
        self._data_dir, self._changed = data_dir, changed
        self._lock = threading.Lock()
        self._account = self._read() or self._begin(now())
        self.change(lambda account: (jobs.interrupt(account, now()), None))

    @property
    def account(self) -> Account:
        """The account as it is now."""
        return self._account

    def change(self, work: Callable[[Account], tuple[Account, T]]) -> T:
        """Change the account, one change at a time; it is stored before this returns.

        Args:
            work: Returns the account after the change, and a result.

        Returns:
            That result.

        Raises:
            OSError: It cannot be stored; nothing has changed.
        """
        with self._lock:
            account, result = work(self._account)
            if account == self._account:
                return result
            self._store(account)
        self._changed()
        return result

    def _read(self) -> Account | None:
        file = self._data_dir.clusters_file
        try:
            return _account(json.loads(file.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise ValueError(f"{file} is not an account: {fault!r}") from fault

    def _begin(self, now: float) -> Account:
        """Take the cluster that is there already into a new account."""
        identifier = new_identifier()
        first = Cluster(identifier, REGION, now, storage=identifier, set_up_at=0.0)
        account = Account(identifier, {identifier: first})
        self._store(account)
        return account

    def _store(self, account: Account) -> None:
        content = {
            "default": account.default,
            "clusters": [asdict(cluster) for cluster in account.clusters.values()],
            "answers": {token: asdict(answer) for token, answer in account.answers.items()},
            "backups": {
                "vaults": [asdict(vault) for vault in account.backups.vaults.values()],
                "points": [asdict(point) for point in account.backups.points.values()],
                "jobs": [asdict(job) for job in account.backups.jobs.values()],
            },
        }
        self._data_dir.write(self._data_dir.clusters_file, json.dumps(content, indent=1).encode())
        self._account = account


def _account(stored: dict[str, Any]) -> Account:
    clusters = [_cluster(each) for each in stored["clusters"]]
    return Account(
        stored["default"],
        {cluster.identifier: cluster for cluster in clusters},
        {token: Answer(**answer) for token, answer in stored["answers"].items()},
        _backups(stored.get("backups", {})),
    )


def _cluster(stored: dict[str, Any]) -> Cluster:
    return Cluster(**_with_tuples(stored))


def _backups(stored: dict[str, Any]) -> Backups:
    vaults = [Vault(**each) for each in stored.get("vaults", ())]
    points = [RecoveryPoint(**each) for each in stored.get("points", ())]
    return Backups().put(*vaults, *points, *(_job(each) for each in stored.get("jobs", ())))


def _job(stored: dict[str, Any]) -> Job:
    values = _with_tuples(stored)
    values["point"] = RecoveryPoint(**stored["point"])
    values["restore"] = stored["restore"] and Restore(**stored["restore"])
    return Job(**values)


def _with_tuples(stored: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(cast("list[str]", value)) if isinstance(value, list) else value
        for name, value in stored.items()
    }
