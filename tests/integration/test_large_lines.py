"""Lines of megabytes: each answered, in bounded memory, while the event loop stays free."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from conftest import server
from support.loop_watch import MAX_HOLD, MAX_MEMORY, LoopWatch, least_hold, peak_memory, watched_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

MIB: Final = 2**20


def request(method: str, params: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":7,"method":"%b","params":%b}' % (method.encode(), params)


def query(values: bytes) -> bytes:
    return request(
        "tools/call", b'{"name":"readonly_query","arguments":{"sql":"SELECT %%s","params":[%b]}}' % values
    )


LONG: Final = b"x" * 8 * MIB
LINES: Final = {
    "one text": (query(b'"' + b"x" * 15 * MIB + b'"'), "larger than the 10 MiB"),
    "one text of emoji": (query(b'"' + "😀".encode() * 3 * MIB + b'"'), "larger than the 10 MiB"),
    "escapes": (query(b'"' + b"\\n" * 7 * MIB + b'"'), ""),
    "escaped letters": (query(b'"' + b"\\u5b57" * 2 * MIB + b'"'), ""),
    "integers": (query(b"1," * MIB + b"1"), "more than 100,000 values"),
    "fractions": (query(b"1.5," * MIB + b"1"), "more than 100,000 values"),
    "objects": (query(b"{}," * MIB + b"1"), "more than 100,000 values"),
    "keys": (query(b"{" + b'"a":1,' * MIB + b'"a":1}'), "more than 100,000 values"),
    "as many values as there may be": (query(b"1.5," * 99_900 + b"1"), "99,901 values"),
    "a list in a text": (
        request(
            "tools/call",
            b'{"name":"readonly_query","arguments":{"sql":"SELECT 1","params":"[%b1]"}}' % (b"1," * MIB),
        ),
        "Argument params has more than 100,000 values",
    ),
    "an open list in a text": (
        request(
            "tools/call",
            b'{"name":"readonly_query","arguments":{"sql":"SELECT 1","params":"[%b1"}}' % (b"1," * 40_000),
        ),
        "and no JSON",
    ),
    "digits": (query(b"1" * MIB), "a number of more than 150,000 digits"),
    "levels": (query(b"[" * 8 * MIB), "nested more than 190 levels"),
    "open text": (query(b'"')[:-4] + b'\\"' * 4 * MIB + b"[" * 300, "is not JSON"),
    "no utf-8": (query(b'"' + LONG + b'\xff"'), "not UTF-8: byte 0xFF"),
    "half a pair": (query(b'"' + b"x" * 4 * MIB + b'\\ud83d"'), "a lone surrogate"),
    "no json": (b"x" * 8 * MIB, "is not JSON"),
    "NUL": (b"\0" * 8 * MIB, "is not JSON"),
    "blanks": (b" " * 8 * MIB, "is not JSON"),
    "an id": (b'{"jsonrpc":"2.0","method":"ping","id":"' + LONG + b'"}', "id has to be"),
    "a method": (request("x" * 8 * MIB, b"{}"), "method has more than 1,000"),
    "a tool": (request("tools/call", b'{"name":"%b"}' % LONG), "params.name has more"),
    "a prompt": (request("prompts/get", b'{"name":"%b"}' % LONG), "params.name has more"),
    "a resource": (request("resources/read", b'{"uri":"%b"}' % LONG), "params.uri has more"),
    "an argument": (
        request("tools/call", b'{"name":"get_schema","arguments":{"%b":1}}' % LONG),
        "The name of an argument has more than 1,000",
    ),
    "longer than a line may be": (query(b'"' + b"x" * 70 * MIB + b'"'), "longer than 16 MiB"),
    "longer, its id at the end": (
        b'{"method":"ping","params":{"x":"' + b"x" * 20 * MIB + b'"},"jsonrpc":"2.0","id":7}',
        "longer than 16 MiB",
    ),
}  # fmt: skip

WITHOUT_ID: Final = {"an id", "no json", "NUL", "blanks"}


class Speaker:
    """A server that watches its loop, and is spoken to in bytes."""

    def __init__(self, process: asyncio.subprocess.Process, watch: LoopWatch) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.watch = process, watch
        self._input, self._output = process.stdin, process.stdout

    async def write(self, *parts: bytes) -> None:
        for part in parts:
            self._input.write(part)
            await self._input.drain()

    async def ask(self, line: bytes) -> dict[str, Any]:
        self._input.write(line + b"\n")
        answers = await asyncio.gather(self._input.drain(), asyncio.wait_for(self.read(), 30))
        return answers[1]

    async def read(self) -> dict[str, Any]:
        return json.loads(await self._output.readline())


@asynccontextmanager
async def speaker(file: Path) -> AsyncGenerator[Speaker]:
    started = watched_server(server("--cluster_endpoint=x.invalid", "--region=us-east-1"), file)
    process = await asyncio.create_subprocess_exec(
        started.command, *started.args, env=started.env, stdin=-1, stdout=-1, stderr=-3
    )
    speaking = Speaker(process, LoopWatch(file))
    about = b'{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}'
    await speaking.ask(request("initialize", about))
    assert "result" in await speaking.ask(query(b"1,1"))  # the parser is loaded
    try:
        yield speaking
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0


async def test_lines_of_megabytes_are_answered_in_little_memory_and_hold_nothing_up(tmp_path: Path) -> None:
    held: dict[str, float] = {}
    async with speaker(tmp_path / "watch") as speaking:
        for name, (line, expected) in LINES.items():
            answers: list[dict[str, Any]] = []

            async def ask(line: bytes = line, answers: list[dict[str, Any]] = answers) -> None:
                answers.append(await speaking.ask(line))
                assert "result" in await speaking.ask(request("ping", b"{}"))

            held[name] = await least_hold(speaking.watch, ask)
            answer = answers[-1]
            told = answer.get("error", {}).get("message") or answer["result"]["content"][0]["text"]
            assert expected in told, (name, told[:300])
            assert len(told) < 400, name
            assert answer["id"] == (None if name in WITHOUT_ID else 7), name
        assert peak_memory(speaking.process.pid) < MAX_MEMORY
    assert {name: hold for name, hold in held.items() if hold > MAX_HOLD} == {}


async def test_a_line_without_an_end_takes_little_memory(tmp_path: Path) -> None:
    async with speaker(tmp_path / "watch") as speaking:
        await speaking.write(query(b'"').removesuffix(b"]}}}"), *[b"x" * MIB] * 300)
        answer = await speaking.ask(b'"]}}}')
        assert answer["id"] == 7
        assert "longer than 16 MiB" in answer["error"]["message"]
        assert peak_memory(speaking.process.pid) < MAX_MEMORY


async def test_large_requests_that_wait_are_bounded_together(tmp_path: Path) -> None:
    call = b'{"name":"readonly_query","arguments":{"sql":"SELECT %%s","params":["%b"]}}' % (b"x" * 9 * MIB)
    async with speaker(tmp_path / "watch") as speaking:
        first, *others = [
            b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":%b}' % (number, call)
            for number in range(8)
        ]
        answers = [await speaking.ask(b"\n".join([first, *others])), *[await speaking.read() for _ in others]]
        assert sorted(answer["id"] for answer in answers) == list(range(8))
        assert peak_memory(speaking.process.pid) < MAX_MEMORY
