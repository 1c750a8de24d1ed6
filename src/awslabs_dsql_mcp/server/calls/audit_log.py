"""The audit log: JSON Lines in a file, a record a call (https://jsonlines.org).

The file is opened anew for each record and written by one append, so that several servers may share it and
whoever moves it away is not fought. When it has grown large it becomes FILE.1, that FILE.2, and so on: once,
by the server that has locked it, if several find it large at the same moment.
"""

import logging
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final

from awslabs_dsql_mcp.json_text import dumps
from awslabs_dsql_mcp.text import escape

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

MAX_BYTES: Final = 10 * 1024 * 1024
"""Bytes after which the file is moved on."""

BACKUPS: Final = 5
"""Older files that are kept."""

_OWNER_ONLY: Final = 0o600  # SQL may hold what nobody else should read


class AuditLog:
    """Writes records.

    A record that cannot be written does not fail the call: by then a change is stored, and an error would
    say that it is not. The log says it once, and the file says how many are missing as soon as it can.

    Args:
        path: The file; made when there is none, for its owner alone.
        parameters: True if records hold the arguments other than SQL.
        largest: Bytes after which the file is moved on.
        kept: Older files that are kept.
    """

    def __init__(
        self, path: Path, *, parameters: bool, largest: int = MAX_BYTES, kept: int = BACKUPS
    ) -> None:
        self._parameters = parameters
        self._path = path
        self._largest = largest
        self._kept = kept
        self._lost = 0
        self._torn = False

    @property
    def parameters(self) -> bool:
        """True if records hold arguments other than SQL."""
        return self._parameters

    def check(self) -> None:
        """Try whether records can be written, as long as no call waits for it.

        Raises:
            OSError: They cannot.
        """
        os.close(self._opened())

    def write(self, record: Mapping[str, object]) -> None:
        """Append a record; one that cannot be written is counted, and told in the log."""
        missing = [{"time": record["time"], "lost": self._lost}] if self._lost else []
        lines = "".join(escape(dumps(one)) + "\n" for one in (*missing, record))
        try:
            self._append(("\n" if self._torn else "") + lines)
        except OSError as error:
            if not self._lost:
                log.error("the audit log cannot be written (%s): calls go on without", error.strerror)  # noqa: TRY400 - no stack in the log
            self._lost += 1
            return
        if self._lost:
            log.warning("the audit log is written again; %d records are lost", self._lost)
        self._lost, self._torn = 0, False

    def _append(self, text: str) -> None:
        data = text.encode()
        opened = self._opened()
        try:
            written = os.write(opened, data)
        finally:
            os.close(opened)
        if written < len(data):
            self._torn = self._torn or written > 0
            raise OSError(None, "the file takes no more")

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        opened = os.open(self._path, flags, _OWNER_ONLY)
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            os.close(opened)
            raise OSError(None, "it is no file")
        if found.st_size < self._largest:
            return opened
        try:
            with suppress(FileNotFoundError):  # moved, and not made again yet
                if _is_locked_for_us(opened) and os.path.samestat(found, self._path.stat()):
                    self._move_on()
        finally:
            os.close(opened)  # which releases the lock
        return os.open(self._path, flags, _OWNER_ONLY)

    def _move_on(self) -> None:
        """Number the files one up; the oldest goes."""
        older = [self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._kept + 1)]
        files = [self._path, *older]
        for source, target in reversed(list(pairwise(files))):
            # Where another process holds a file open, Windows does not let it be moved: it grows on.
            with suppress(OSError):
                source.replace(target)


def _is_locked_for_us(descriptor: int) -> bool:
    """Lock a file that is to be moved on; false if another server does it now."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
