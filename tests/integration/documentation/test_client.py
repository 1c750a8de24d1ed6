"""The documentation server's client against real servers: every form, every kind of trouble."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import pytest

from awslabs_dsql_mcp.documentation.client import CACHE_SECONDS, DocumentationClient
from awslabs_dsql_mcp.documentation.replies import SEARCH, SearchResult, parse_search_results
from awslabs_dsql_mcp.errors import KnowledgeUnavailable, NotConfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from integration.documentation.conftest import Behave, Behaviour, Certificate, Remote, Scripted, Sdk

    Connect = Callable[..., DocumentationClient]

ARGUMENTS: Mapping[str, object] = {"search_phrase": "limits"}
FORMS = ("bare-json", "bare-stream", "stateless-json", "stateless-stream", "session-json", "session-stream")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def connect(certificate: Certificate) -> Connect:
    def make(
        remote: Remote, *, timeout: float = 20.0, clock: Callable[[], float] | None = None
    ) -> DocumentationClient:
        knowledge = DocumentationClient(
            remote.url,
            timeout=timeout,
            ca_file=certificate.authority,
            clock=clock or Clock(),
            random=lambda: 0.0,
        )
        remote.clients.push_async_callback(knowledge.aclose)
        return knowledge

    return make


async def failure(
    knowledge: DocumentationClient, arguments: Mapping[str, object] = ARGUMENTS
) -> KnowledgeUnavailable:
    with anyio.fail_after(30), pytest.raises(KnowledgeUnavailable) as caught:
        await knowledge.call(SEARCH, arguments)
    return caught.value


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_is_spoken(sdk: Sdk, connect: Connect, form: str) -> None:
    async with sdk(form) as remote:
        reply = await connect(remote).call(SEARCH, ARGUMENTS)
    found = parse_search_results(reply)
    assert found is not None
    assert found[0] == SearchResult(
        "About limits", "https://docs.aws.amazon.com/aurora-dsql/latest/userguide/limits.html", "One line."
    )
    assert len(found) == 2


@pytest.mark.parametrize(("form", "expected"), [("bare-json", 1), ("stateless-json", 1), ("session-json", 1)])
async def test_the_form_is_found_out_once(sdk: Sdk, connect: Connect, form: str, expected: int) -> None:
    async with sdk(form) as remote:
        knowledge = connect(remote)
        await knowledge.call(SEARCH, ARGUMENTS)
        before = len(remote.requests)
        await knowledge.call(SEARCH, {"search_phrase": "another"})
        assert len(remote.requests) - before == expected


async def test_a_session_is_opened_named_and_closed(sdk: Sdk, certificate: Certificate) -> None:
    async with sdk("session-json") as remote:
        knowledge = DocumentationClient(remote.url, timeout=20.0, ca_file=certificate.authority)
        await knowledge.call(SEARCH, ARGUMENTS)
        await knowledge.aclose()
    call, end = remote.requests[-2:]
    assert call.headers["mcp-protocol-version"] == "2025-11-25"
    assert call.headers["mcp-session-id"] == end.headers["mcp-session-id"]
    assert end.method == "DELETE"


async def test_a_server_of_2025_06_18_is_spoken_to_in_its_version(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    no = behave.answers(b"", status=400)
    begun = behave.answers(
        {"jsonrpc": "2.0", "id": 3, "result": {"protocolVersion": "2025-06-18"}}, mcp_session_id="abc"
    )
    async with scripted(no, no, begun, behave.answers(b"", status=202), behave.tells("[]")) as remote:
        await connect(remote).call(SEARCH, ARGUMENTS)
    assert remote.requests[-1].headers["mcp-protocol-version"] == "2025-06-18"
    assert remote.requests[-1].headers["mcp-session-id"] == "abc"


async def test_a_forgotten_session_is_begun_again(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    no, taken = behave.answers(b"", status=400), behave.answers(b"", status=202)
    first, second = (
        behave.answers(
            {"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-11-25"}}, mcp_session_id=name
        )
        for name in ("first", "second")
    )
    forgotten = behave.answers(b"", status=404)
    script = (no, no, first, taken, behave.tells("[]"), forgotten, second, taken, behave.tells("[]"))
    async with scripted(*script) as remote:
        knowledge = connect(remote)
        await knowledge.call(SEARCH, ARGUMENTS)
        await knowledge.call(SEARCH, {"search_phrase": "another"})
    sessions = [
        request.headers.get("mcp-session-id") for request in remote.requests if request.method == "POST"
    ]
    assert sessions[4:] == ["first", "first", None, "second", "second"]


async def test_an_event_stream_may_speak_of_other_things_first(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    stream = (
        b": hello\r\n\r\nevent: message\r\ndata:\r\n\r\n"
        b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n'
        b'data: {"jsonrpc":"2.0","id":1,\ndata: "result":{"content":[{"type":"text","text":"yes"}]}}\n\n'
    )
    async with scripted(behave.answers(stream, kind="text/event-stream; charset=utf-8")) as remote:
        reply = await connect(remote).call(SEARCH, ARGUMENTS)
    assert reply.texts == ("yes",)


TROUBLE: Mapping[str, tuple[Callable[[type[Behave]], Behaviour], int, str]] = {
    "connection dropped": (lambda do: do.drops, 2, "the connection broke"),
    "silence": (lambda do: do.hangs, 1, "no answer within 0.5 s"),
    "silence after the headers": (lambda do: do.hangs_in_body, 1, "no answer within 0.5 s"),
    "429": (lambda do: do.answers(b"", status=429), 2, "it answered 429"),
    "429 for longer than we wait": (lambda do: do.answers(b"", status=429, retry_after="60"), 1, "429"),
    "503": (lambda do: do.answers(b"", status=503, retry_after="0"), 2, "it answered 503"),
    "500": (lambda do: do.answers(b"", status=500), 1, "it answered 500"),
    "403": (lambda do: do.answers({"message": "Forbidden"}, status=403), 3, "it answered 403"),
    "HTML": (
        lambda do: do.answers(b"<html>Hello", kind="text/html"),
        1,
        "it sent text/html that is not JSON",
    ),
    "garbage": (lambda do: do.answers(b"\xff\x00{"), 1, "that is not JSON"),
    "JSON too deep": (lambda do: do.answers(b"[" * 100_000), 1, "nested more than 190 levels deep"),
    "a JSON list": (lambda do: do.answers([]), 1, "not a JSON-RPC reply"),
    "a JSON object of no meaning": (lambda do: do.answers({"a": 1}), 3, "not a JSON-RPC reply"),
    "50 MB": (lambda do: do.floods, 1, "it sent more than 5 MB; cut off"),
    "another host": (
        lambda do: do.answers(b"", status=307, location="https://example.com/x"),
        1,
        "it redirects (307) to example.com; not followed",
    ),
    "a redirect for browsers": (
        lambda do: do.answers(b"", status=302, location="/elsewhere"),
        1,
        "it redirects (302) to 127.0.0.1; not followed",
    ),
    "redirects without end": (
        lambda do: do.answers(b"", status=307, location="/"),
        2,
        "it redirects more than once",
    ),
    "a JSON-RPC error": (
        lambda do: do.answers({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "no"}}),
        3,
        "it refused the call",
    ),
    "a tool's error": (
        lambda do: do.tells("page not found", error=True),
        1,
        "its tool failed",
    ),
    "a stream that ends": (
        lambda do: do.answers(b": nothing\n\n", kind="text/event-stream"),
        2,
        "its event stream ended without an answer",
    ),
    "a stream of garbage": (lambda do: do.answers(b"data: {\n\n", kind="text/event-stream"), 1, "not JSON"),
    "compression": (lambda do: do.answers(b"x", content_encoding="gzip"), 1, "compressed"),
    "no text": (lambda do: do.tells(), 1, "it sent an answer without text"),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_ends_with_its_reason(
    scripted: Scripted, connect: Connect, behave: type[Behave], name: str
) -> None:
    choose, requests, reason = TROUBLE[name]
    async with scripted(choose(behave)) as remote:
        error = await failure(connect(remote, timeout=0.5 if "silence" in name else 20.0))
    assert reason in error.message
    assert len(remote.requests) == requests


async def test_the_total_ends_a_server_that_trickles(scripted: Scripted, connect: Connect) -> None:
    async def trickles(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n")
        while not writer.is_closing():
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with scripted(trickles) as remote:
        error = await failure(connect(remote, timeout=0.5))
    assert error.code == "knowledge_timeout"


@pytest.mark.parametrize("first", ["drops", "503"])
async def test_what_passes_by_itself_is_tried_once_more(
    scripted: Scripted, connect: Connect, behave: type[Behave], first: str
) -> None:
    trouble = behave.drops if first == "drops" else behave.answers(b"", status=503)
    async with scripted(trouble, behave.tells("well")) as remote:
        assert (await connect(remote).call(SEARCH, ARGUMENTS)).texts == ("well",)


async def test_a_redirect_within_the_origin_is_followed(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    async with scripted(behave.answers(b"", status=308, location="/mcp"), behave.tells("here")) as remote:
        assert (await connect(remote).call(SEARCH, ARGUMENTS)).texts == ("here",)


async def test_nothing_listens(connect: Connect, scripted: Scripted, behave: type[Behave]) -> None:
    async with scripted(behave.drops) as remote:
        pass
    assert (await failure(connect(remote))).message == "no connection could be made"


async def test_a_certificate_of_unknown_origin_is_refused(scripted: Scripted, behave: type[Behave]) -> None:
    async with scripted(behave.tells("trust me")) as remote:
        knowledge = DocumentationClient(remote.url, timeout=20.0, random=lambda: 0.0)
        remote.clients.push_async_callback(knowledge.aclose)
        error = await failure(knowledge)
    assert "its certificate is not trusted" in error.message
    assert remote.requests == []


async def test_certificates_named_in_the_environment_are_trusted(
    scripted: Scripted, behave: type[Behave], certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    async with scripted(behave.tells("trusted")) as remote:
        knowledge = DocumentationClient(remote.url, timeout=20.0)
        remote.clients.push_async_callback(knowledge.aclose)
        assert (await knowledge.call(SEARCH, ARGUMENTS)).texts == ("trusted",)


async def test_silence_before_tls_ends_too(certificate: Certificate) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        knowledge = DocumentationClient(url, timeout=0.5, ca_file=certificate.authority, random=lambda: 0.0)
        assert (await failure(knowledge)).message == "no connection in time"
        await knowledge.aclose()


async def test_no_cookie_or_credential_is_sent_and_connections_are_kept(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    text = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x"}]}}
    async with scripted(behave.answers(text, set_cookie="id=1; Path=/")) as remote:
        knowledge = connect(remote)
        await knowledge.call(SEARCH, ARGUMENTS)
        await knowledge.call(SEARCH, {"search_phrase": "another"})
        assert not remote.gone.is_set()
    assert len(remote.requests) == 2
    assert not {"cookie", "authorization"} & {*remote.requests[0].headers, *remote.requests[1].headers}
    assert remote.requests[0].rpc["params"] == {"name": SEARCH, "arguments": ARGUMENTS}


async def test_an_equal_call_is_answered_from_memory_until_it_is_old(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    clock = Clock()
    async with scripted(behave.tells("first"), behave.tells("second")) as remote:
        knowledge = connect(remote, clock=clock)
        assert (await knowledge.call(SEARCH, ARGUMENTS)).age is None
        clock.now = CACHE_SECONDS - 1
        remembered = await knowledge.call(SEARCH, ARGUMENTS)
        assert (remembered.texts, remembered.age) == (("first",), CACHE_SECONDS - 1)
        assert len(remote.requests) == 1
        clock.now = CACHE_SECONDS
        assert (await knowledge.call(SEARCH, ARGUMENTS)).texts == ("second",)


async def test_a_failure_is_not_remembered(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    async with scripted(behave.answers(b"", status=500), behave.tells("well")) as remote:
        knowledge = connect(remote)
        await failure(knowledge)
        assert (await knowledge.call(SEARCH, ARGUMENTS)).texts == ("well",)


async def test_ten_equal_calls_at_once_make_one_request(sdk: Sdk, connect: Connect) -> None:
    async with sdk("bare-json") as remote:
        knowledge = connect(remote)
        replies = await asyncio.gather(*(knowledge.call(SEARCH, ARGUMENTS) for _ in range(10)))
    assert len(remote.requests) == 1
    assert len(set(replies[0].texts)) == 2
    assert all(reply == replies[0] for reply in replies)


async def test_ten_equal_calls_at_once_fail_together(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    async with scripted(behave.answers(b"", status=500)) as remote:
        knowledge = connect(remote)
        calls = (knowledge.call(SEARCH, ARGUMENTS) for _ in range(10))
        errors = await asyncio.gather(*calls, return_exceptions=True)
    assert len(remote.requests) == 1
    assert all(isinstance(error, KnowledgeUnavailable) for error in errors)


async def test_a_cancelled_call_closes_its_request(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    async with scripted(behave.hangs) as remote:
        task = asyncio.create_task(connect(remote).call(SEARCH, ARGUMENTS))
        await remote.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await remote.gone.wait()


async def test_a_scope_that_is_cancelled_closes_its_request(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    async with scripted(behave.hangs) as remote:
        async with anyio.create_task_group() as group:
            group.start_soon(connect(remote).call, SEARCH, ARGUMENTS)
            await remote.asked.wait()
            group.cancel_scope.cancel()
        await remote.gone.wait()


async def test_a_cancelled_call_leaves_the_request_to_the_others(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    go = asyncio.Event()

    async def waits(request: object, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        await behave.tells("for you")(request, writer)  # pyright: ignore[reportArgumentType] - passed on

    async with scripted(waits) as remote:
        knowledge = connect(remote)
        leaver, stayer = (asyncio.create_task(knowledge.call(SEARCH, ARGUMENTS)) for _ in range(2))
        await remote.asked.wait()
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        go.set()
        assert (await stayer).texts == ("for you",)


async def test_closing_gives_up_what_is_under_way(
    scripted: Scripted, connect: Connect, behave: type[Behave]
) -> None:
    async with scripted(behave.hangs) as remote:
        knowledge = connect(remote)
        task = asyncio.create_task(knowledge.call(SEARCH, ARGUMENTS))
        await remote.asked.wait()
        await knowledge.aclose()
        with pytest.raises(KnowledgeUnavailable, match="closing"):
            await task


@pytest.mark.parametrize(
    "server",
    [
        "http://docs.example.com",
        "ftp://x",
        "https://",
        "https://user:word@host/",
        "http://[::1",
        "",
        "https://x:y/",
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused(server: str) -> None:
    with pytest.raises(NotConfigured):
        DocumentationClient(server, timeout=1.0)


def test_httpx_is_imported_at_the_first_call() -> None:
    code = "import sys, awslabs_dsql_mcp.documentation.client as k; "
    code += "k.DocumentationClient('https://x', timeout=1); "
    code += "sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
