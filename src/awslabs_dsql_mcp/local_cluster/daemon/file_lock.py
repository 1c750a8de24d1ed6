"""A lock between processes that the kernel releases when its holder ends, however it ends."""

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_POLL = 0.01  # seconds; neither system can wait for a lock with a time limit

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        # flock, not lockf: it belongs to this open file, so two threads of one process exclude
        # each other too, and closing another descriptor of the same file does not release it.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def locked(path: Path, timeout: float) -> Generator[None, None, None]:
    """Hold an exclusive lock on a file.

    Args:
        path: The file, made when absent and never removed: removing it would let two processes
            lock two files of the same name.
        timeout: Seconds to wait for another holder.

    Raises:
        TimeoutError: Another holder kept the lock all that time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{path} is locked by another process")
            time.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)  # which releases the lock


def is_locked(path: Path) -> bool:
    """Return true if the lock on this file is held now."""
    try:
        with locked(path, timeout=0):
            return False
    except TimeoutError:
        return True
