"""Lines that keep to no rule: the server lives on, answers each request once, and says nothing else."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import settings
from mcp import StdioServerParameters

from conftest import ServerOn
from support.canaries import faults_in_log
from support.fuzzed_lines import ENVELOPE, OPENING, Era, LineMaker
from support.line_client import LEGACY, MODERN
from support.line_ledger import LineLedger

LINES: Final = int(os.environ.get("DSQL_TEST_LINES", 6 * settings().max_examples))
"""Lines of each era."""

AT_ONCE: Final = 100
ERAS: Final = get_args(Era)
PLANTED: Final = "planted-7c1f9e"
_SILENCE: Final = 30.0  # seconds for what takes milliseconds


class Conversation:
    """A server, and all that went to it and came from it."""

    def __init__(self, process: asyncio.subprocess.Process, maker: LineMaker, log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.log, self.ledger = process, log, LineLedger()
        self.input, self._output, self._maker = process.stdin, process.stdout, maker
        self._last: list[bytes] = []

    async def open(self, era: Era) -> None:
        """Begin as a client of the era does; one that mixes them begins with anything."""
        if era == LEGACY:
            await self.exchange([_request("initialize", OPENING)])
            await self.exchange([b'{"jsonrpc":"2.0","method":"notifications/initialized"}'])
        elif era == MODERN:
            await self.exchange([_request("server/discover", {"_meta": ENVELOPE})])

    async def exchange(self, lines: list[bytes]) -> None:
        """Send lines at once, and read until all that they are owed has come."""
        self._last = lines
        for line in lines:
            self.ledger.sent(line)
        self.input.write(b"\n".join([*lines, b""]))
        try:
            await asyncio.wait_for(asyncio.gather(self.input.drain(), self._read_all()), _SILENCE)
        except TimeoutError:
            pytest.fail(f"silence; owed: {self.ledger.missing[:9]}")

    async def _read_all(self) -> None:
        while not self.ledger.is_even:
            await self.read()

    async def read(self) -> dict[str, Any]:
        """Read a line, look at it, and answer it if it is a question."""
        line = await self._output.readline()
        assert line, f"the server has died; owed: {self.ledger.missing[:9]}"
        faults = list(self.ledger.given(line))
        assert not faults, (faults, self._last)
        message = json.loads(line)
        if "method" in message and "id" in message:
            answer = self._maker.answer_to(message)
            self.ledger.sent(answer)
            self.input.write(answer + b"\n")
        return message

    async def works(self) -> bool:
        """Call a tool as each era does; one of the two has to succeed."""
        call = {"name": "readonly_query", "arguments": {"sql": "SELECT 40 + 2"}}
        done: list[Any] = []
        for number, params in enumerate((call, {**call, "_meta": ENVELOPE})):
            line = _request("tools/call", params, f"plain {number}")
            self.ledger.sent(line)
            self.input.write(line + b"\n")
            while (answer := await self.read()).get("id") != f"plain {number}":
                pass
            done.append(answer.get("result", {}).get("structuredContent", {}).get("rows"))
        return [[42]] in done

    async def end(self) -> None:
        """Close the input, and read what is left."""
        self.input.close()
        while line := await self._output.readline():
            faults = list(self.ledger.given(line))
            assert not faults, faults
        assert await self.process.wait() == 0
        assert self.ledger.missing == []


def _request(method: str, params: dict[str, Any], number: str = "opening") -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


@asynccontextmanager
async def conversation(
    start: StdioServerParameters, maker: LineMaker, log: Path
) -> AsyncGenerator[Conversation]:
    environment = (start.env or {}) | {"AWS_SECRET_ACCESS_KEY": PLANTED}
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            start.command, *start.args, env=environment, stdin=PIPE, stdout=PIPE, stderr=errors, limit=2**26
        )
    try:
        yield Conversation(process, maker, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def fuzzed(on_cluster: ServerOn) -> StdioServerParameters:
    """A server that may do everything, with nothing to read documentation from."""
    return on_cluster("--allow-writes", "--knowledge-server", "http://127.0.0.1:9/")


@pytest.mark.parametrize("era", ERAS)
async def test_each_request_is_answered_once_and_nothing_else_is_said(
    fuzzed: StdioServerParameters, tmp_path: Path, era: Era
) -> None:
    maker = LineMaker(20261128, era)
    async with conversation(fuzzed, maker, tmp_path / "log") as server:
        await server.open(era)
        while server.ledger.lines < LINES:
            await server.exchange([maker.line() for _ in range(AT_ONCE)])
        assert await server.works()
        await server.end()
        assert server.ledger.answers > LINES // 2
    log = (tmp_path / "log").read_bytes().decode()
    assert not list(faults_in_log(log))[:3]
    for word in (
        PLANTED,
        "X-Amz-",
        "Traceback",
        "/site-packages/",
        " ERROR aws",
        " ERROR asyncio",
        " CRITICAL ",
    ):
        assert word not in log, [line for line in log.splitlines() if word in line][:3]


async def test_all_that_was_asked_is_answered_where_the_input_ends(
    fuzzed: StdioServerParameters, tmp_path: Path
) -> None:
    maker = LineMaker(7, LEGACY)
    async with conversation(fuzzed, maker, tmp_path / "log") as server:
        await server.open(LEGACY)
        lines = [maker.line() for _ in range(AT_ONCE)] + [_request("ping", {}, "last")[:-9]]
        for line in lines:
            server.ledger.sent(line)
        server.input.write(b"\n".join(lines))
        await server.end()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for a single process")
async def test_a_signal_ends_it_amid_lines(fuzzed: StdioServerParameters, tmp_path: Path) -> None:
    maker = LineMaker(8, MODERN)
    async with conversation(fuzzed, maker, tmp_path / "log") as server:
        await server.open(MODERN)
        server.input.write(b"\n".join(maker.line() for _ in range(AT_ONCE)))
        assert server.process.stdout is not None
        await server.process.stdout.readline()
        server.process.send_signal(signal.SIGTERM)
        rest = await server.process.stdout.read()
        assert await server.process.wait() == 128 + signal.SIGTERM
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
