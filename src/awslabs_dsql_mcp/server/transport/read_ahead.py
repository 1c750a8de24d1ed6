"""Lines of standard input, read by one thread for as long as the server runs.

A thread for each line would be woken for each, which takes longer than reading it. The event loop does not
read itself: it may be busy, and the end of the input has to be seen in time.
"""

import asyncio
import threading
from collections import deque

from awslabs_dsql_mcp.json_reader import LARGE
from awslabs_dsql_mcp.server.transport.line_reader import LineReader


class ReadAhead:
    """Lines that were read before they are asked for: two at most, one if it has more than `LARGE` bytes.

    No more, since the process ends soon after the end of the input is seen, and what was read before has
    to be answered until then.

    Args:
        lines: Where they are read.
    """

    def __init__(self, lines: LineReader) -> None:
        self._lines = lines
        self._loop = asyncio.get_running_loop()
        self._read: asyncio.Queue[bytes | BaseException] = asyncio.Queue()
        self._has_room = threading.Condition()
        self._ahead = deque[int]()  # bytes of each line

    def start(self) -> None:
        """Begin to read, in a thread that does not delay the end of the process."""
        threading.Thread(target=self._run, name="stdin", daemon=True).start()

    async def readline(self) -> bytes:
        """Give the next line, as `LineReader.readline` does.

        Raises:
            OSError: Standard input cannot be read.
        """
        line = await self._read.get()
        if isinstance(line, BaseException):
            raise line
        with self._has_room:
            self._ahead.popleft()
            self._has_room.notify()
        return line

    def _run(self) -> None:
        line: bytes | BaseException = b"\n"
        while isinstance(line, bytes) and line:
            try:
                line = self._lines.readline()
            except BaseException as error:  # noqa: BLE001 - passed to the task that reads
                line = error
            with self._has_room:
                self._ahead.append(len(line) if isinstance(line, bytes) else 0)
                try:
                    self._loop.call_soon_threadsafe(self._read.put_nowait, line)
                except RuntimeError:  # the loop is closed
                    return
                self._has_room.wait_for(lambda: len(self._ahead) <= 1 and sum(self._ahead) <= LARGE)
