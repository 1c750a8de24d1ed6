"""Writes that do not wait: most answers are short, and a thread for each takes longer than they do."""

import os
import select
import socket
import stat
import sys
from contextlib import closing, suppress


def write_without_waiting(descriptor: int, data: bytes) -> int:
    """Write as much as a pipe or a socket takes at once; 0 bytes where that is not known.

    A pipe that can be written takes `select.PIPE_BUF` bytes (Python documentation, "select"). It is not made
    nonblocking, since others may share it.

    Raises:
        OSError: Nobody reads any more.
    """
    if sys.platform == "win32":
        return 0
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        with closing(socket.socket(fileno=os.dup(descriptor))) as wire, suppress(BlockingIOError):
            return wire.send(data, socket.MSG_DONTWAIT)
        return 0
    if not stat.S_ISFIFO(mode):
        return 0
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return os.write(descriptor, data[: select.PIPE_BUF]) if poll.poll(0) else 0
