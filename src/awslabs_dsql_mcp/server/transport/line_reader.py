"""Lines of standard input, with an off switch: a client may keep the input open for ever; whole writes.

Apart from the transport that reads them, so that signals end the process while the SDK is still imported.
"""

import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from awslabs_dsql_mcp.server.transport.limits import KEPT, MAX_LINE

_CHUNK: Final = 1 << 16


class CutLine(bytes):
    """The beginning and the end of a line of more than `MAX_LINE` bytes, `KEPT` bytes of each."""

    __slots__ = ()


class LineReader:
    """Whole lines from a descriptor, until its end or until it is closed.

    Args:
        descriptor: Where to read.
        on_end: Called when the end is reported, from the thread that reads.
    """

    def __init__(self, descriptor: int, on_end: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_end = on_end
        self._wake, self._switch = os.pipe()
        self._lock = threading.Lock()
        self._is_open = True
        self._buffer = bytearray()
        self._searched = 0
        self._at_end = False
        self._again: deque[bytes] = deque()

    def close(self) -> None:
        """Make the next read report the end; from any thread, any number of times."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                os.close(self._switch)

    def readline(self) -> bytes:
        """Read one line without its line feed, the last one too if nothing ends it.

        Returns:
            The line, a `CutLine` where it is too long; ``b""`` only at the end of the input: an empty line is
            a line feed.
        """
        if self._again and self._is_open:
            return self._again.popleft()
        head = b""
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end >= 0 or (self._at_end and self._buffer):
                line = self._taken(end if end >= 0 else len(self._buffer))
                if head or len(line) > MAX_LINE:
                    return CutLine((head or line[:KEPT]) + line[-KEPT:])
                return line or b"\n"
            if self._at_end:
                self._on_end()
                return b""
            if len(self._buffer) > MAX_LINE or (head and len(self._buffer) > 2 * KEPT):
                head = head or bytes(self._buffer[:KEPT])
                del self._buffer[:-KEPT]
            self._searched = len(self._buffer)
            chunk = self._read()
            self._at_end = not chunk
            self._buffer += chunk

    def unread(self, lines: Sequence[bytes]) -> None:
        """Have lines read again, before all others."""
        self._again.extendleft(reversed(lines))

    def _taken(self, end: int) -> bytes:
        """Take what stands before a line feed, without a second copy of it."""
        with memoryview(self._buffer) as whole, whole[:end] as part:
            line = part.tobytes()
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def _read(self) -> bytes:
        if sys.platform != "win32":  # select knows no pipes on Windows: there a signal ends the process
            readable, _, _ = select.select([self._descriptor, self._wake], [], [])
            if self._wake in readable:
                self._buffer.clear()  # half a message is none
                return b""
        return os.read(self._descriptor, _CHUNK)


def take_stdin(on_end: Callable[[], None]) -> LineReader:
    """Take standard input for the protocol, before anything else can read it.

    Descriptor 0 then reads the null device, so that no child process takes a part of the protocol.

    Args:
        on_end: Called when the input has ended, from the thread that reads.
    """
    reader = LineReader(os.dup(sys.stdin.fileno()), on_end)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return reader


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of some data, which a pipe may take in parts.

    Raises:
        OSError: Nobody reads any more.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
