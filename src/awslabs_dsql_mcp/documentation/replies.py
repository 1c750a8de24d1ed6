"""Requests to the documentation server, and the reading of its replies.

Only a search phrase, a page's address and numbers ever go there: no SQL, no rows. What comes back is
read leniently, since no published schema binds it: search results come as a JSON list, as an object
around one, as one object a block, or as prose.
"""

import ipaddress
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, cast
from urllib.parse import urlsplit, urlunsplit

from awslabs_dsql_mcp.errors import KnowledgeUnavailable, NotConfigured, RequestInvalid
from awslabs_dsql_mcp.json_reader import LARGE, JsonReader, TooMuch
from awslabs_dsql_mcp.text import one_line

SEARCH = "dsql_search_documentation"
READ = "dsql_read_documentation"
RECOMMEND = "dsql_recommend"

AWS_HOSTS = frozenset({"docs.aws.amazon.com", "aws.amazon.com"})
MAX_URL = 2_000
MAX_LINE = 240
_LISTS = ("search_results", "results", "recommendations", "result", "items")
_TEXTS = ("content", "markdown", "text", "result")
_LINES = ("context", "summary", "description", "excerpt", "snippet", "seo_abstract")


@dataclass(frozen=True)
class Reply:
    """A successful reply to ``tools/call``.

    Attributes:
        texts: The text blocks, in order.
        structured: The structured content, if the server gave any.
        age: Seconds since it was fetched; ``None`` when it was fetched for this call.
    """

    texts: tuple[str, ...]
    structured: Mapping[str, object] | None = None
    age: float | None = None


class RequestRejected(KnowledgeUnavailable):
    """The documentation server answered, with a refusal.

    Args:
        message: What it did, in our words.
        said: Its own words: untrusted, to be shown only in quotes.
    """

    def __init__(self, message: str, *, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class DocumentationSource(Protocol):
    """A source of documentation."""

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Reply:
        """Call a documentation tool; ``KnowledgeUnavailable`` says why there is no reply."""
        ...


@dataclass(frozen=True)
class SearchResult:
    """A page that a search found: its title, its address, and one line about it."""

    title: str
    url: str
    line: str


def parse_search_results(reply: Reply) -> tuple[SearchResult, ...] | None:
    """The pages listed in a reply; ``None`` when it holds no list that we understand."""
    structured = _listed(reply.structured)
    # A server may send its list whole as structured content and again as one block a result.
    lists = [structured] if structured is not None else [_listed(value) for value in _parsed(reply.texts)]
    understood = [listed for listed in lists if listed is not None]
    if not understood:
        return None
    pages = [page for item in chain.from_iterable(understood) if (page := _parse_result(item)) is not None]
    return tuple({page.url or page.title: page for page in pages}.values())


def page_text(reply: Reply) -> str:
    """The page in a reply: the text itself, or the text inside a JSON object around it."""
    for value in (*_parsed(reply.texts), reply.structured):
        if isinstance(value, dict):
            text = _first(cast("Mapping[str, object]", value), _TEXTS)
            if text:
                return text
    return "\n".join(reply.texts)


def documentation_url(url: str, *, returned: Container[str] = ()) -> str:
    """The address as it may be sent: an https page of AWS's documentation, without query and fragment.

    Args:
        url: What the caller gave.
        returned: Addresses that the documentation server itself has returned: allowed as they are.

    Raises:
        RequestInvalid: Any other address, with the reason.
    """
    if len(url) > MAX_URL or not url.isprintable() or any(c in url for c in " \\"):
        raise _refused("it is too long, or has characters that no address has")
    if url in returned and url.startswith("https://"):
        return url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("it is not a valid address") from None
    if parts.scheme != "https":
        raise _refused("it does not start with https://")
    if parts.username is not None or parts.password is not None or port not in (None, 443):
        raise _refused("it has a user name or a port in it")
    if parts.hostname not in AWS_HOSTS:
        raise _refused(f"{parts.hostname or 'its host'} is not AWS's documentation")
    return urlunsplit(("https", parts.hostname, parts.path, "", ""))


def check_server(url: str) -> str:
    """The documentation server's address, unchanged, if it can be trusted with a request.

    Raises:
        NotConfigured: Not https (plain http is taken for this machine only), or with a user name.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    host = parts.hostname or ""
    if not (parts.scheme == "https" and host) and not (parts.scheme == "http" and _is_loopback(host)):
        raise NotConfigured(
            "The documentation server's address must start with https:// (http:// only for this machine).",
            hint="The operator alone can correct --knowledge-server.",
        )
    if parts.username is not None:
        raise NotConfigured(
            "The documentation server's address has a user name in it; no credentials are sent there.",
            hint="The operator alone can correct --knowledge-server.",
        )
    return url


def _refused(reason: str) -> RequestInvalid:
    return RequestInvalid(
        f"url was refused: {reason}.",
        hint="Give a page of https://docs.aws.amazon.com or https://aws.amazon.com, an address that "
        "dsql_search_documentation returned, or dsql://guide/{page}.",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parsed(texts: Sequence[str]) -> Iterator[object]:
    for text in texts:
        if text.lstrip()[:1] in ("{", "["):
            try:
                yield json.loads(text) if len(text) < LARGE else JsonReader(text.encode()).read()
            except (ValueError, RecursionError, TooMuch):
                continue


def _listed(value: object) -> list[object] | None:
    if isinstance(value, list):
        return cast("list[object]", value)
    if not isinstance(value, dict):
        return None
    record = cast("Mapping[str, object]", value)
    for name in _LISTS:
        inner = record.get(name)
        if isinstance(inner, list):
            return cast("list[object]", inner)
        if isinstance(inner, dict):
            return _listed(cast("object", inner))
    return [record] if "url" in record else None


def _parse_result(item: object) -> SearchResult | None:
    if not isinstance(item, dict):
        return None
    record = cast("Mapping[str, object]", item)
    url = _first(record, ("url", "link"))
    title = _first(record, ("title", "name")) or url
    return (
        SearchResult(
            one_line(title, MAX_LINE), one_line(url, MAX_URL + 1), one_line(_first(record, _LINES), MAX_LINE)
        )
        if title
        else None
    )


def _first(record: Mapping[str, object], names: Sequence[str]) -> str:
    return next((value for name in names if isinstance(value := record.get(name), str) and value.strip()), "")
