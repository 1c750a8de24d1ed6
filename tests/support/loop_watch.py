"""The longest hold of an event loop: how long it could not run what was due, and how much memory was used.

A heartbeat asks to be woken every few milliseconds. How late it is woken is how long everything else on the
loop has waited, be it for a callback, or for a thread that held the interpreter's lock in C. On a busy
machine it is late although nobody of ours held anything, so a hold counts for no more than the processor time
that this process has spent meanwhile: what other processes take is not ours.

A hold that is ours comes every time, and one that a busy machine's caches or a collection of garbage made
longer does not: `least_hold` tries again and takes the shortest.

Started as a program it is the server with the watch on: ``python -m support.loop_watch FILE OPTIONS…``.
"""

import asyncio
import mmap
import struct
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from mcp import StdioServerParameters

_WORK_SECONDS: Final = 0.053
"""Processor time of `_work` on the machine on which 50 ms are measured."""


def _work() -> float:
    began = time.process_time()
    sum(number * number for number in range(1_000_000))
    return time.process_time() - began


MAX_HOLD: Final = 0.05 * max(1.0, min(_work() for _ in range(3)) / _WORK_SECONDS)
"""Seconds for which nothing may hold the event loop: 50 ms, and more on a slower machine."""

MAX_MEMORY: Final = 300_000_000
"""Bytes that a server may use at any moment."""

_BEAT: Final = 0.002
_SECONDS: Final = struct.Struct("d")


class LoopWatch:
    """The longest hold so far, in a file that two processes share.

    Args:
        file: Where it is kept; made if it is missing.
    """

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(_SECONDS.size))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _SECONDS.size)

    @property
    def longest(self) -> float:
        """Seconds of the longest hold since the last `reset`."""
        return _SECONDS.unpack(self._shared[:])[0]

    def reset(self) -> None:
        """Forget the holds so far."""
        self._shared[:] = _SECONDS.pack(0.0)

    async def beat(self) -> None:
        """Measure, for as long as the loop runs."""
        while True:
            due, spent = time.monotonic() + _BEAT, time.process_time()
            await asyncio.sleep(_BEAT)
            hold = min(time.monotonic() - due, time.process_time() - spent)
            if hold > self.longest:
                self._shared[:] = _SECONDS.pack(hold)


async def least_hold(watch: LoopWatch, act: Callable[[], Awaitable[object]], tries: int = 12) -> float:
    """Do something until it holds the loop for less than `MAX_HOLD`, and give the shortest hold."""
    holds: list[float] = []
    while len(holds) < tries and min(holds, default=MAX_HOLD) >= MAX_HOLD:
        watch.reset()
        await act()
        holds.append(watch.longest)
    return min(holds)


@asynccontextmanager
async def watched(file: Path) -> AsyncGenerator[LoopWatch]:
    """Watch the running loop."""
    watch = LoopWatch(file)
    task = asyncio.ensure_future(watch.beat())
    try:
        yield watch
    finally:
        task.cancel()


def watched_server(server: StdioServerParameters, file: Path) -> StdioServerParameters:
    """Have a server watch its loop.

    Args:
        server: As a client starts it: ``python -m awslabs_dsql_mcp OPTIONS…``.
        file: Where its `LoopWatch` is.
    """
    assert server.args[:2] == ["-m", "awslabs_dsql_mcp"]
    paths = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    return server.model_copy(
        update={
            "args": ["-m", "support.loop_watch", str(file), *server.args[2:]],
            "env": (server.env or {}) | paths,
        }
    )


def peak_memory(process: int) -> int:
    """Read the most bytes of memory that a process has used (proc_pid_status(5), VmHWM)."""
    status = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _main(file: str, options: list[str]) -> int:
    from awslabs_dsql_mcp import cli  # noqa: PLC0415 - as the server's own start
    from awslabs_dsql_mcp.server import process  # noqa: PLC0415 - as above

    run = process.run

    def run_watched(main: Coroutine[None, None, Any]) -> object:
        async def both() -> object:
            async with watched(Path(file)):
                return await main

        return run(both())

    process.run = run_watched
    return cli.main(options)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], sys.argv[2:]))
