"""What may be sent to the documentation server, and what its replies mean."""

import json

import pytest

from awslabs_dsql_mcp.documentation.cache import TTLCache
from awslabs_dsql_mcp.documentation.excerpt import page_from_server
from awslabs_dsql_mcp.documentation.replies import (
    Reply,
    SearchResult,
    check_server,
    documentation_url,
    page_text,
    parse_search_results,
)
from awslabs_dsql_mcp.errors import NotConfigured, RequestInvalid


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://docs.aws.amazon.com/a/b.html", "https://docs.aws.amazon.com/a/b.html"),
        ("https://docs.aws.amazon.com:443/a?q=secret#part", "https://docs.aws.amazon.com/a"),
        ("https://AWS.amazon.com/rds/aurora/dsql/", "https://aws.amazon.com/rds/aurora/dsql/"),
    ],
)
def test_a_page_of_aws_is_sent_without_query_and_fragment(given: str, sent: str) -> None:
    assert documentation_url(given) == sent


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://docs.aws.amazon.com/a", "https"),
        ("file:///etc/passwd", "https"),
        ("limits", "https"),
        ("", "https"),
        ("https://docs.aws.amazon.com.evil.org/", "is not AWS's documentation"),
        ("https://evil.org/docs.aws.amazon.com", "is not AWS's documentation"),
        ("https://evil.org\\@docs.aws.amazon.com/", "characters"),
        ("https://docs.aws.amazon.com@evil.org/", "user name"),
        ("https://me@docs.aws.amazon.com/", "user name"),
        ("https://docs.aws.amazon.com:8443/", "port"),
        ("https://docs.aws.amazon.com:x/", "not a valid address"),
        ("https://[docs.aws.amazon.com/", "not a valid address"),
        ("https://docs.aws.amazon.com/ a", "characters"),
        ("https://docs.aws.amazon.com/\n", "characters"),
        ("https://docs.aws.amazon.com/" + "x" * 2_000, "too long"),
        ("https://169.254.169.254/latest", "is not AWS's documentation"),
    ],
)
def test_any_other_address_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(RequestInvalid, match=reason) as refused:
        documentation_url(url)
    assert refused.value.hint is not None


def test_a_returned_address_must_be_https_too() -> None:
    assert documentation_url("https://x.org/?a=1", returned={"https://x.org/?a=1"}) == "https://x.org/?a=1"
    with pytest.raises(RequestInvalid):
        documentation_url("http://x.org/", returned={"http://x.org/"})


@pytest.mark.parametrize(
    "url", ["https://example.com", "http://127.0.0.1:8/mcp", "http://localhost/", "http://[::1]:80/"]
)
def test_https_and_this_machine_are_trusted(url: str) -> None:
    assert check_server(url) == url


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.example.com", "https://a@b/", "https://"]
)
def test_other_servers_are_the_operators_to_correct(url: str) -> None:
    with pytest.raises(NotConfigured):
        check_server(url)


def test_structured_content_is_preferred_to_the_same_in_text() -> None:
    reply = Reply(('{"title": "T", "url": "https://x"}',), {"result": [{"title": "S", "url": "https://x"}]})
    assert parse_search_results(reply) == (SearchResult("S", "https://x", ""),)


@pytest.mark.parametrize("texts", [(), ("plain",), ("{broken",), ('{"a": 1}',)])
def test_what_is_no_list_is_not_taken_for_one(texts: tuple[str, ...]) -> None:
    assert parse_search_results(Reply(texts)) is None


def test_an_empty_list_is_a_list() -> None:
    assert parse_search_results(Reply(("[]",))) == ()
    assert parse_search_results(Reply((), {"results": []})) == ()


def test_results_without_a_name_are_left_out() -> None:
    assert parse_search_results(Reply((json.dumps([{"a": 1}, 2, {"url": "https://x"}]),))) == (
        SearchResult("https://x", "https://x", ""),
    )


def test_a_page_may_be_text_json_or_structured() -> None:
    assert page_text(Reply(("# A", "b"))) == "# A\nb"
    assert page_text(Reply(('{"content": "# A"}',))) == "# A"
    assert page_text(Reply((), {"result": "# A"})) == "# A"
    assert page_text(Reply(('["x"]',))) == '["x"]'


def test_a_note_behind_the_start_is_not_followed() -> None:
    assert page_from_server("start_index=5", 5, 100).next_start is None


def test_memory_is_bounded_and_forgets_the_least_recent() -> None:
    memory: TTLCache[str] = TTLCache(lifetime=10.0, capacity=3)
    for name in "abc":
        memory.put(name, name, size=1, now=0.0)
    assert memory.get("a", now=1.0) == ("a", 1.0)
    memory.put("d", "d", size=1, now=1.0)
    assert memory.get("b", now=1.0) is None
    assert memory.get("a", now=9.9) is not None
    assert memory.get("a", now=10.0) is None
    memory.put("big", "big", size=4, now=1.0)
    assert memory.get("big", now=1.0) is None
    assert memory.get("d", now=1.0) is not None
