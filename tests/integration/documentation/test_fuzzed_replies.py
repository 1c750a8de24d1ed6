"""A documentation server that may answer anything, and a machine set up in any way: a reply, or a reason."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.documentation.client import DocumentationClient
from awslabs_dsql_mcp.documentation.replies import SEARCH, page_text, parse_search_results
from awslabs_dsql_mcp.errors import KnowledgeUnavailable

if TYPE_CHECKING:
    import asyncio

    from integration.documentation.conftest import Behave, Certificate, Request, Scripted

_STATUSES = (200, 200, 200, 202, 204, 301, 302, 307, 308, 400, 404, 405, 429, 500, 503, 599)
_PARTS = (
    *("https://", "http://", "//", "/", "?", "#", ":", "@", "[", "]", "[::1]", "127.0.0.1", "%", "%zz", ".."),
    *("xn--", "xn--a", "é", "\x80", "\xad", "\\", "a", "999999", "-1", "0x7f.1", "a" * 300, "\t", " ", ","),
)
_LOCATIONS = st.lists(st.sampled_from(_PARTS), max_size=5).map("".join)
_TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=8)
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "location": _LOCATIONS,
        "mcp-session-id": _TEXTS | _LOCATIONS,
        "retry-after": st.sampled_from(("0", "-1", "9" * 400, "x", "Mon, 99 Feb 0000 25:00:00 +9999", "é")),
        "date": st.sampled_from(("x", "Mon, 01 Jan 2024 00:00:00 GMT")),
        "content-encoding": st.sampled_from(("identity", "gzip", "x")),
    },
)
_KINDS = ("application/json", "application/json; charset=é", "text/event-stream", "text/html", "", "é")
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.text(max_size=4) | _LOCATIONS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("content", "text", "type", "url", "title", "results", "isError", "message", "data")
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
_MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers(1, 6)},
    optional={
        "result": _VALUES | st.fixed_dictionaries({"protocolVersion": _VALUES}) | st.fixed_dictionaries(
            {"content": st.lists(_VALUES, max_size=3)},
            optional={"structuredContent": _VALUES, "isError": _VALUES},
        ),
        "error": _VALUES | st.fixed_dictionaries({"message": _VALUES}),
    },
)  # fmt: skip
_REPLIES = st.tuples(
    st.sampled_from(_STATUSES), _HEADERS, st.sampled_from(_KINDS), _MESSAGES | _VALUES | st.binary(max_size=9)
)
_Answer = tuple[int, dict[str, str], str, Any]
_NO: _Answer = (400, {}, "application/json", {})
_REDIRECTED: _Answer = (307, {"location": "https://xn--a/"}, "application/json", {})


def _begun(version: str, session: str) -> _Answer:
    message = {"jsonrpc": "2.0", "id": 3, "result": {"protocolVersion": version}}
    return 200, {"mcp-session-id": session}, "application/json", message


@given(st.lists(_REPLIES, min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([_REDIRECTED])
@example([(301, {"location": "x:https://"}, "text/html", {})])
@example([_NO, _NO, _begun("2025-11-25", "é"), _NO])
@example([_NO, _NO, _begun("é\u2028", "a"), _NO])
@example([_NO, _NO, _begun("x" * 9_000, "a b"), _NO])
async def test_whatever_it_answers_there_is_a_reply_or_a_reason(
    scripted: Scripted,
    certificate: Certificate,
    behave: type[Behave],
    replies: list[_Answer],
) -> None:
    def does(reply: _Answer) -> Any:  # noqa: ANN401 - a Behaviour
        status, headers, kind, message = reply
        body = b"data: " + b"{}\n\n" if kind == "text/event-stream" and message == {} else message

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            await behave.answers(body, status=status, kind=kind, **headers)(request, writer)

        return answer

    async with scripted(*map(does, replies)) as remote:
        knowledge = DocumentationClient(
            remote.url, timeout=0.5, ca_file=certificate.authority, random=lambda: 0.0
        )
        remote.clients.push_async_callback(knowledge.aclose)
        with anyio.fail_after(30):
            with suppress(KnowledgeUnavailable):
                reply = await knowledge.call(SEARCH, {"search_phrase": "limits"})
                parse_search_results(reply)
                page_text(reply)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("HTTPS_PROXY", "socks5://127.0.0.1:9", "a proxy of this machine"),
        ("HTTPS_PROXY", "nosuch://planted@127.0.0.1", "a proxy of this machine"),
        ("HTTPS_PROXY", "http://x\ny", "a proxy of this machine"),
        ("HTTPS_PROXY", "http://[::", "a proxy of this machine"),
        ("ALL_PROXY", "x://", "a proxy of this machine"),
        ("NO_PROXY", "[,:::", "a proxy of this machine"),
        ("SSL_CERT_FILE", "/nosuch/planted", "certificates of this machine"),
        ("SSL_CERT_FILE", "/", "certificates of this machine"),
        ("SSL_CERT_FILE", "/dev/null", "certificates of this machine"),
        ("SSLKEYLOGFILE", "/nosuch/planted", "certificates of this machine"),
        ("SSL_CERT_DIR", "/nosuch", "no connection could be made"),
    ],
)
async def test_an_environment_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    knowledge = DocumentationClient("https://127.0.0.1:9/", timeout=5.0, random=lambda: 0.0)
    with pytest.raises(KnowledgeUnavailable, match=named) as caught:
        await knowledge.call(SEARCH, {"search_phrase": "limits"})
    assert "planted" not in caught.value.message
    assert named == "no connection could be made" or name in caught.value.message
    await knowledge.aclose()
