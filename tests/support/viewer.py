"""The viewer as a person starts it, without a browser of its own."""

import asyncio
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mcp import StdioServerParameters

_URL: Final = re.compile(rb"http://\S+")
_STARTING: Final = 60  # seconds


class Viewer:
    """A running viewer.

    Args:
        process: The process.
        url: The address that it printed last.
        log: Where its standard error goes.
    """

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    @property
    def authority(self) -> str:
        """Its address and port."""
        return urlsplit(self.url).netloc

    @property
    def key(self) -> str:
        """The key of the next tab."""
        return urlsplit(self.url).fragment

    async def next_url(self) -> None:
        """Read the address of the next tab, once one was opened."""
        self.url = await _printed(self.process)

    async def interrupt(self) -> int:
        """End it as Ctrl-C does; give its exit status."""
        self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), 20)


async def _printed(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), _STARTING)
    found = _URL.search(line)
    assert found, line
    return found.group().decode()


@asynccontextmanager
async def running_viewer(server: StdioServerParameters, log: Path) -> AsyncGenerator[Viewer]:
    """Start a viewer, with the options and the environment of a server.

    Args:
        server: The server.
        log: A file for its standard error.
    """
    module, options = server.args[:2], server.args[2:]
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(server.command, *module, "view", "--no-open", *options),
            env=server.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Viewer(process, await _printed(process), log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
