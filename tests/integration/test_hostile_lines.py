"""A server over stdio answers every line, whatever it is, and goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS = -32700, -32600, -32602
CLIENT: Final = {"name": "t", "version": "1"}
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def line(**fields: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping", **fields}).encode()


def call(argument: bytes) -> bytes:
    head = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"readonly_query","arguments":'
    return head + b'{"sql":"SELECT %s","params":[' + argument + b"]}}}"


HOSTILE: Final = [
    b"", b" ", b"\t", b"hello", b"null", b"true", b"0", b"-1", b"1e5", b'""', b'"x"', b"[]", b"{}", b"[[]]",
    b"[1]", b"{", b"}", b"]", b'{"jsonrpc"', line()[:-1], line()[:-9], line() + b"}", line() + line(), b"'x'",
    b"{jsonrpc:2}", b"Content-Length: 20", b"GET / HTTP/1.1", b"\xef\xbb\xbf" + line(), b"\xff\xfe{\x00}\x00",
    b"\x00", line() + b"\x00", b"[" + line() + b"]", b"[" + line() + b"," + line(id=8) + b"]",
    b'{"id":7,"method":"ping"}', line(jsonrpc="1.0"), line(jsonrpc=2), line(jsonrpc=None), line(id=None),
    line(id=1.5), line(id=True), line(id=[]), line(id={}), line(method=5), line(method=None), line(method=[]),
    line(method={}), b'{"jsonrpc":"2.0","id":7}', b'{"jsonrpc":"2.0"}', line(params=[]), line(params=[1]),
    line(params="x"), line(params=5), line(params=True), b'{"jsonrpc":"2.0","id":7,"result":5}',
    b'{"jsonrpc":"2.0","id":7,"error":"x"}', call(b'"M\xfcller"'), call(b'"\xed\xa0\xbd"'), call(b"NaN"),
    call(b"-Infinity"),
    call(b"[" * 200 + b"]" * 200), call(b"[" * 100_000), call(b'{"a":' * 300 + b"1" + b"}" * 300),
    call(b'"a\nb"'.replace(b"\n", b"\x0b")),
]  # fmt: skip


class Server:
    """A server that is spoken to line by line."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.stdin, self.stdout = process, process.stdin, process.stdout

    async def send(self, message: bytes) -> None:
        self.stdin.write(message + b"\n")
        await self.stdin.drain()

    async def read(self) -> Any:  # noqa: ANN401 - any JSON value
        return json.loads(await self.stdout.readline())

    async def ask(self, message: bytes) -> Any:  # noqa: ANN401 - any JSON value
        await self.send(message)
        return await self.read()


@asynccontextmanager
async def started(*, modern: bool) -> AsyncGenerator[Server]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DSQL_", "AWS_", "PG"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "awslabs_dsql_mcp", "--cluster_endpoint=x.invalid", "--region=us-east-1",
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, limit=2**24,
    )  # fmt: skip
    server = Server(process)
    if modern:
        assert "result" in await server.ask(line(method="server/discover", params={"_meta": META}))
    else:
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}
        assert "result" in await server.ask(line(method="initialize", params=about))
        await server.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
    try:
        yield server
    finally:
        server.stdin.close()
        await process.wait()


@pytest.mark.parametrize("modern", [False, True], ids=["2025-11-25", "2026-07-28"])
async def test_each_hostile_line_gets_one_answer_and_the_server_goes_on(*, modern: bool) -> None:
    assert len(HOSTILE) >= 60
    ping = line(id="ping", params={"_meta": META})
    async with started(modern=modern) as server:
        for hostile in HOSTILE:
            answer = await server.ask(hostile)
            assert answer["error"]["code"] in {PARSE_ERROR, INVALID_REQUEST}, hostile[:99]
            assert answer["error"]["message"]
            assert answer["id"] in {None, 7}
            assert (await server.ask(ping))["id"] == "ping"
        server.stdin.close()
        assert server.process.stderr is not None
        log = (await server.process.stderr.read()).decode()
        assert log.count(" a line was rejected: ") == len(HOSTILE)
        assert await server.process.wait() == 0


@pytest.mark.parametrize("modern", [False, True], ids=["2025-11-25", "2026-07-28"])
async def test_meta_that_is_no_object_is_invalid(*, modern: bool) -> None:
    async with started(modern=modern) as server:
        for method in ("tools/list", "tools/call", "ping"):
            answer = await server.ask(line(method=method, params={"_meta": "x"}))
            assert answer["error"] == {"code": INVALID_PARAMS, "message": "params._meta has to be an object."}


async def test_a_last_line_without_a_line_feed_is_answered() -> None:
    async with started(modern=False) as server:
        server.stdin.write(line(id="last"))
        server.stdin.close()
        assert (await server.read())["id"] == "last"


async def test_an_answer_with_text_that_is_no_unicode_is_sent_all_the_same() -> None:
    async with started(modern=False) as server:
        call = {"name": "dsql_read_documentation", "arguments": {"url": "x"}}
        message = line(method="tools/call", params=call).replace(b'"url": "x"', b'"url": "\\ud83d"')
        answer = await server.ask(message)
        assert answer["result"]["isError"]
        assert "lone surrogate" in answer["result"]["content"][0]["text"]


INTERRUPTED: Final = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from awslabs_dsql_mcp.cli import main
sys.exit(main(["--local"]))
"""
"""A server that is interrupted when it imports the module that the argument names."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
@pytest.mark.parametrize(
    "module",
    [
        "awslabs_dsql_mcp.server.process",
        "argparse",
        "asyncio",
        "awslabs_dsql_mcp.config.clusters",
        "awslabs_dsql_mcp.server.factory",
        "pydantic",
        "mcp",
        "mcp.server.mcpserver",
    ],
)
async def test_an_interrupt_at_the_start_ends_without_a_traceback(module: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", INTERRUPTED, module, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    _, log = await process.communicate(b"no message\n")  # what has the SDK loaded
    assert process.returncode == 128 + signal.SIGINT
    assert log == b""


def test_next_to_nothing_is_imported_before_an_interrupt_is_handled() -> None:
    program = "import sys, awslabs_dsql_mcp.cli; print(*(n for n in sys.modules if n.startswith('awslabs')))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["awslabs_dsql_mcp", "awslabs_dsql_mcp.cli"]
