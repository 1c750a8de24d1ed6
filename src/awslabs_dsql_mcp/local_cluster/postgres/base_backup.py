"""Copies of PostgreSQL's data directory: of one that is in use, and of such a copy.

In use it is copied as the manual has it (PostgreSQL documentation, 25.3.3 "Making a Base Backup Using the
Low Level API"): file by file between pg_backup_start and pg_backup_stop, then what was logged meanwhile, kept
by a temporary replication slot. A server that starts on the copy recovers to the moment at which it ended.
The copies belong to whoever runs PostgreSQL, as it demands.
"""

import asyncio
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final, cast

from awslabs_dsql_mcp.local_cluster.postgres import superuser
from awslabs_dsql_mcp.local_cluster.postgres.run_as import RunAs, current_run_as
from awslabs_dsql_mcp.local_cluster.postgres.server import Address

_LABEL: Final = "backup_label"
_WAL: Final = "pg_wal"
# Directories of which only the names are copied, and files that are the running server's own.
_EMPTIED: Final = frozenset(
    (
        _WAL,
        "pg_dynshmem",
        "pg_notify",
        "pg_replslot",
        "pg_serial",
        "pg_snapshots",
        "pg_stat_tmp",
        "pg_subtrans",
        "pgsql_tmp",
    )
)
_OWN: Final = ("postmaster.pid", "postmaster.opts", _LABEL, "tablespace_map", ".s.PGSQL.")
_BLOCK: Final = 1 << 16
_LAST: Final = Path("global") / "pg_control"  # read first by the server that starts on the copy

_BEGIN: Final = """
SELECT pg_catalog.pg_create_physical_replication_slot(%s, true, true),
       pg_catalog.pg_walfile_name(pg_catalog.pg_backup_start('recovery point', true))
"""
_END: Final = """
SELECT pg_catalog.pg_walfile_name(lsn), labelfile FROM pg_catalog.pg_backup_stop(false)
"""


async def copy_running(address: Address, source: Path, target: Path) -> int:
    """Copy the data directory of a running server, as it is at one moment.

    Args:
        address: Address of the server.
        source: Its data directory.
        target: The copy, which must not exist; its parent does.

    Returns:
        The size of the copy in bytes.

    Raises:
        OSError: It cannot be copied.
        psycopg.Error: The server does not answer, or ends meanwhile.
    """
    async with await superuser.connect(address) as connection:
        cursor = await connection.execute(_BEGIN, [f"dsql_{secrets.token_hex(8)}"])
        _, first = cast("tuple[str, str]", await cursor.fetchone())
        await _in_thread(lambda stopped: _copy_data(source, target, stopped))
        cursor = await connection.execute(_END)
        last, label = cast("tuple[str, str]", await cursor.fetchone())
        await _in_thread(lambda stopped: _copy_log(source, target, (first, last), label, stopped))
    return await asyncio.to_thread(_size, target)


async def copy_stopped(source: Path, target: Path) -> None:
    """Copy a data directory that no server runs on.

    Args:
        source: The directory.
        target: The copy, which must not exist; its parent does.

    Raises:
        OSError: It cannot be copied.
    """
    await _in_thread(lambda stopped: _copy_all(source, target, stopped))


async def _in_thread(work: Callable[[Event], None]) -> None:
    """Copy in a thread, which has ended when this ends, also when it is cancelled."""
    stopped = Event()
    copying = asyncio.ensure_future(asyncio.to_thread(work, stopped))
    try:
        await asyncio.shield(copying)
    except asyncio.CancelledError:
        stopped.set()
        with suppress(InterruptedError):
            await copying
        raise


def _copy_data(source: Path, target: Path, stopped: Event) -> None:
    copier = _Copier(current_run_as(), stopped)
    copier.make(target)
    for path, kept in _walk(source, emptied=True):
        if not kept.name.startswith(_OWN) and kept != _LAST:
            copier.copy(path, target / kept)
    copier.copy(source / _LAST, target / _LAST)


def _copy_log(source: Path, target: Path, segments: tuple[str, str], label: str, stopped: Event) -> None:
    copier = _Copier(current_run_as(), stopped)
    first, last = segments
    for path in sorted((source / _WAL).iterdir()):
        if first <= path.name <= last and len(path.name) == len(first):
            copier.copy(path, target / _WAL / path.name)
    (target / _LABEL).write_bytes(label.encode())
    copier.own(target / _LABEL)


def _copy_all(source: Path, target: Path, stopped: Event) -> None:
    copier = _Copier(current_run_as(), stopped)
    copier.make(target)
    for path, kept in _walk(source, emptied=False):
        copier.copy(path, target / kept)


def _walk(source: Path, *, emptied: bool) -> Iterator[tuple[Path, Path]]:
    """Yield what is below a directory, each directory before what is in it, with its relative path."""
    for place, directories, files in os.walk(source):
        here = Path(place).relative_to(source)
        for name in (*directories, *files):
            yield Path(place) / name, here / name
        if emptied:
            directories[:] = [name for name in directories if name not in _EMPTIED]


class _Copier:
    """Copies files and directories for the user who runs PostgreSQL.

    Args:
        run_as: That user.
        stopped: Set when the copy is not wanted any more.
    """

    def __init__(self, run_as: RunAs, stopped: Event) -> None:
        self._run_as, self._stopped = run_as, stopped

    def make(self, directory: Path) -> None:
        """Make a directory."""
        self._run_as.create_dir(directory)

    def copy(self, source: Path, target: Path) -> None:
        """Copy a file, or make a directory; what is neither, such as a socket, is left out.

        Raises:
            InterruptedError: The copy is not wanted any more.
            OSError: It cannot be copied.
        """
        if self._stopped.is_set():
            raise InterruptedError
        if source.is_dir():
            self.make(target)
        elif source.is_file():
            with suppress(FileNotFoundError):  # removed since: what is logged says so
                copy_file = _copy_sparsely if source.parent.name == _WAL else shutil.copyfile
                copy_file(source, target)
                self.own(target)

    def own(self, file: Path) -> None:
        """Give a file to that user, and to nobody else."""
        file.chmod(0o600)
        if sys.platform != "win32" and self._run_as.uid is not None and self._run_as.gid is not None:
            os.chown(file, self._run_as.uid, self._run_as.gid)


def _copy_sparsely(source: Path, target: Path) -> None:
    """Copy a file, most of which may be zeros that need no space: a segment of the log has 16 MiB."""
    with source.open("rb") as original, target.open("wb") as copy:
        while block := original.read(_BLOCK):
            if any(block):
                copy.write(block)
            else:
                copy.seek(len(block), os.SEEK_CUR)
        copy.truncate(original.tell())


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
