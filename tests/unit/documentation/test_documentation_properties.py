"""Laws of the documentation tools' pure parts, for any input."""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.documentation.cache import TTLCache
from awslabs_dsql_mcp.documentation.excerpt import page_from_server, paginate
from awslabs_dsql_mcp.documentation.guide import load_guide
from awslabs_dsql_mcp.documentation.http import event_data
from awslabs_dsql_mcp.documentation.replies import Reply, documentation_url, page_text, parse_search_results
from awslabs_dsql_mcp.errors import RequestInvalid

GUIDE = load_guide()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["url", "title", "results", "content"]), inner)
    ),
    max_leaves=20,
)


@given(
    messages=st.lists(st.dictionaries(st.text(), st.text(), max_size=3), max_size=5),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    cuts=st.lists(st.integers(min_value=1, max_value=20), min_size=1),
)
async def test_events_are_the_same_however_they_arrive(
    messages: list[dict[str, str]], end: bytes, cuts: list[int]
) -> None:
    stream = b"".join(
        b"event: message" + end + b"data: " + json.dumps(m).encode() + end * 2 for m in messages
    )
    stream += b": bye\n"

    async def pieces() -> AsyncIterator[bytes]:
        at, turn = 0, 0
        while at < len(stream):
            step = cuts[turn % len(cuts)]
            yield stream[at : at + step]
            at, turn = at + step, turn + 1

    assert [json.loads(data) async for data in event_data(pieces())] == messages


async def test_a_large_event_in_small_pieces_arrives_within_a_tests_time() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"data: "
        for _ in range(40_000):
            yield b"x" * 100
        yield b"\n\n"

    assert [len(data) async for data in event_data(pieces())] == [4_000_000]


@given(text=st.text(min_size=1), length=st.integers(min_value=1, max_value=50))
def test_the_parts_of_a_text_are_the_text(text: str, length: int) -> None:
    parts, where = list[str](), 0
    while True:
        part = paginate(text, where, length)
        parts.append(part.text)
        if part.next_start is None:
            break
        where = part.next_start
    assert "".join(parts) == text
    assert all(len(part) <= length for part in parts)


@given(text=st.text(), start=st.integers(min_value=0), length=st.integers(min_value=1))
def test_a_part_cut_elsewhere_always_leads_on(text: str, start: int, length: int) -> None:
    following = page_from_server(text, start, length).next_start
    assert following is None or following > start


@given(
    st.text()
    | st.builds(
        "https://{}{}".format, st.sampled_from(["docs.aws.amazon.com", "x@aws.amazon.com"]), st.text()
    )
)
def test_no_address_leaves_for_another_host(url: str) -> None:
    try:
        sent = documentation_url(url)
    except RequestInvalid:
        return
    parts = urlsplit(sent)
    assert (parts.scheme, parts.query, parts.fragment) == ("https", "", "")
    assert parts.netloc in {"docs.aws.amazon.com", "aws.amazon.com"}


@given(st.lists(JSON.map(json.dumps) | st.text(), max_size=3), st.none() | st.dictionaries(st.text(), JSON))
def test_any_reply_is_read_without_a_fault(texts: list[str], structured: dict[str, object] | None) -> None:
    reply = Reply(tuple(texts), structured)
    assert isinstance(page_text(reply), str)
    for page in parse_search_results(reply) or ():
        assert page.title
        assert "\n" not in page.title + page.url + page.line


@given(st.text(), st.integers(min_value=1, max_value=20))
def test_a_search_ranks_each_page_once(phrase: str, limit: int) -> None:
    hits = GUIDE.search(phrase, limit)
    assert len({hit.page.slug for hit in hits}) == len(hits) <= limit
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(min_value=0, max_value=12)), max_size=30))
def test_memory_holds_no_more_than_its_capacity(puts: list[tuple[str, int]]) -> None:
    memory: TTLCache[int] = TTLCache(lifetime=1.0, capacity=10)
    for key, size in puts:
        memory.put(key, size, size=size, now=0.0)
    held = [found[0] for key in "abc" if (found := memory.get(key, now=0.0))]
    assert sum(held) <= 10
    if puts and puts[-1][1] <= 10:
        assert memory.get(puts[-1][0], now=0.0) == (puts[-1][1], 0.0)
