"""A documentation server that sends without end, in crumbs, or elsewhere: callers have answers in time."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from awslabs_dsql_mcp.documentation.client import DocumentationClient
from awslabs_dsql_mcp.documentation.replies import SEARCH
from awslabs_dsql_mcp.errors import KnowledgeUnavailable
from conftest import server
from support.line_client import LEGACY, line_client
from support.loop_watch import MAX_HOLD, MAX_MEMORY, LoopWatch, least_hold, peak_memory, watched_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from integration.documentation.conftest import Behaviour, Certificate, Request, Scripted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

TIMEOUT: Final = 1.0
"""Seconds that the server waits for its documentation server."""

GRACE: Final = 5.0
"""Seconds for what takes milliseconds on a machine that is not busy."""

PAUSELESS: Final = "interim responses without end"
"""httpcore reads those that have been received without a pause: this alone may hold the loop for longer."""

LATE: Final = "no answer within"

_JSON: Final = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\n"
_EVENTS: Final = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n"


def _reply(text: str, **more: object) -> bytes:
    result = {"content": [{"type": "text", "text": text}], **more}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()


_REPLY: Final = _reply("crumb by crumb " + "x" * 50_000)
_VALUES: Final = _reply(
    "it all came", structuredContent={"x": [{"a": [n]} for n in range(20_000)], "y": "z" * 4_000_000}
)


def sends(head: bytes, piece: bytes = b"", times: int = sys.maxsize, *, close: bool = False) -> Behaviour:
    """Send a beginning, and then the same for as long as somebody reads."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        del request
        writer.write(head)
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)  # drain alone waits for nothing while the peer reads as fast
        if close:
            writer.close()

    return behave


def redirects(location: str) -> Behaviour:
    head = f"HTTP/1.1 307 X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    return sends(head.encode(), times=0)


def in_chunks(body: bytes, size: int) -> bytes:
    """Write a body as chunks (RFC 9112, section 7.1)."""
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _of(kind: str) -> bytes:
    return b"HTTP/1.1 200 X\r\ncontent-type: %b\r\n\r\n" % kind.encode()


_CHUNKED: Final = _JSON + b"transfer-encoding: chunked\r\n\r\n"
SENT: Final[Mapping[str, tuple[Behaviour, str]]] = {
    "a status line without end": (sends(b"HTTP/1.1 200 ", b"x" * 9_000), "the connection broke"),
    "headers without end": (sends(_JSON, b"a: b\r\n" * 1_000), "the connection broke"),
    "a header without end": (sends(_JSON + b"a: ", b"x" * 9_000), "the connection broke"),
    "interim responses without end": (sends(b"", b"HTTP/1.1 103 X\r\n\r\n" * 1_000), "no answer within"),
    "a body without end": (sends(_JSON + b"\r\n", b" " * 60_000), "more than 5 MB"),
    "a body of chunks without end": (sends(_CHUNKED, b"1\r\n \r\n" * 1_000), "no answer within"),
    "a body in crumbs": (sends(_CHUNKED + in_chunks(_REPLY, 20), times=0), "crumb by crumb"),
    "a body of many values": (sends(_JSON + b"\r\n" + _VALUES, times=0, close=True), "it all came"),
    "a body of too many values": (
        sends(_JSON + b"\r\n" + b'{"a":[' + b"[]," * 1_500_000 + b"0]}", times=0, close=True),
        "more than 100,000 values",
    ),
    "a body in chunks with extensions": (sends(_CHUNKED, b"1;" + b"x" * 9_000 + b"\r\n \r\n"), "no answer"),
    "an event without end": (sends(_EVENTS + b"data: ", b"x" * 60_000), "more than 5 MB"),
    "an event of lines without end": (sends(_EVENTS, b"data:x\n" * 9_000), "more than 5 MB"),
    "an event of empty lines without end": (sends(_EVENTS, b"data\n" * 9_000), "more than 5 MB"),
    "blank events without end": (sends(_EVENTS + b"id: 1\n", b"\n" * 60_000), "more than 5 MB"),
    "comments without end": (sends(_EVENTS, b":\n" * 30_000), "more than 5 MB"),
    "events without end": (sends(_EVENTS, b"data:{}\n\n" * 7_000), "more than 5 MB"),
    "carriage returns without end": (sends(_EVENTS, b"\r" * 60_000), "more than 5 MB"),
    "a bomb": (
        sends(_JSON + b"content-encoding: gzip\r\n\r\n" + gzip.compress(bytes(30_000_000)), times=0),
        "a compressed reply, unasked",
    ),
    "a page without end": (sends(_of("text/html"), b"<p>" * 9_000), "5 MB"),
    "an image without end": (sends(_of("image/png"), b"\x89" * 9_000), "5 MB"),
    "to a file": (redirects("file:///etc/passwd"), "it redirects (307) to ; not followed"),
    "to the machine's role": (redirects("http://169.254.169.254/x"), "to 169.254.169.254; not followed"),
    "to another port": (redirects("https://127.0.0.1:1/"), "to 127.0.0.1; not followed"),
    "to the same host in clear": (redirects("//127.0.0.1/"), "to 127.0.0.1; not followed"),
    "to a name with a password": (redirects("https://a:b@127.0.0.1/"), "to 127.0.0.1; not followed"),
    "to no address": (redirects("https://[::"), "gave no answer"),
}  # fmt: skip


async def test_whatever_it_sends_the_caller_has_an_answer_soon(
    scripted: Scripted, certificate: Certificate, tmp_path: Path
) -> None:
    current: list[Behaviour] = []

    async def does(request: Request, writer: asyncio.StreamWriter) -> None:
        await current[0](request, writer)

    held: dict[str, float] = {}
    async with scripted(does) as remote:
        start = watched_server(
            server(
                *("--cluster_endpoint=x.invalid", "--region=us-east-1"),
                *("--knowledge-server", remote.url, "--knowledge-timeout", str(TIMEOUT)),
                SSL_CERT_FILE=str(certificate.authority),
            ),
            tmp_path / "watch",
        )
        async with line_client(start, LEGACY, {}) as client:
            watch = LoopWatch(tmp_path / "watch")

            async def ask() -> None:
                began = time.monotonic()
                answer = await client.call("dsql_search_documentation", search_phrase=f"limits {began}")
                told[:] = [answer["result"]["content"][0]["text"], time.monotonic() - began]

            told: list[str | float] = []
            current[:] = [redirects("x:y")]
            await ask()  # all is imported
            for name, (behaviour, expected) in SENT.items():
                current[:] = [behaviour]
                held[name] = await least_hold(watch, ask, tries=1 if name == PAUSELESS else 5)
                assert expected in str(told[0]) or (name.endswith("end") and LATE in str(told[0])), (
                    name,
                    told,
                )
                assert float(told[1]) < TIMEOUT + GRACE, name
                assert peak_memory(client.process.pid) < MAX_MEMORY, name
    del held[PAUSELESS]
    assert {name: hold for name, hold in held.items() if hold > MAX_HOLD} == {}


@pytest.mark.parametrize("name", [name for name, (_, expected) in SENT.items() if "5 MB" in expected])
async def test_what_is_too_much_is_cut_off_as_such(
    scripted: Scripted, certificate: Certificate, name: str
) -> None:
    behaviour, _ = SENT[name]
    async with scripted(behaviour) as remote:
        knowledge = DocumentationClient(
            remote.url, timeout=60.0, ca_file=certificate.authority, random=lambda: 0.0
        )
        remote.clients.push_async_callback(knowledge.aclose)
        with pytest.raises(KnowledgeUnavailable, match="it sent more than 5 MB; cut off"):
            await knowledge.call(SEARCH, {"search_phrase": "limits"})
