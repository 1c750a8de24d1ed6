"""Answers of the documentation tools, of what the documentation server says and of our own guide.

Texts of the server are someone else's, and stand between markers; the guide's pages are ours. Every answer
names its source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.documentation.excerpt import Excerpt
from awslabs_dsql_mcp.documentation.page import Page
from awslabs_dsql_mcp.documentation.replies import Reply, SearchResult
from awslabs_dsql_mcp.documentation.search_index import SearchHit
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput
from awslabs_dsql_mcp.text import pluralize

MAX_LENGTH: Final = 30_000  # characters
_READ_ONE: Final = "Read one with dsql_read_documentation(url)."


@dataclass(frozen=True)
class GuideLine:
    """A page of the guide in a list: the section that answers, if one does, and a line of text."""

    page: Page
    heading: str
    text: str


def server_list(reply: Reply, found: Sequence[SearchResult], mark: str) -> ToolOutput:
    """List pages that the server found."""
    lines = [
        line for i, page in enumerate(found, 1) for line in _numbered(i, page.title, page.url, page.line)
    ]
    parts = (
        f"{pluralize(len(found), 'page')} from {_origin(reply)}.",
        Marked("results", "\n".join(lines), mark),
        _READ_ONE,
    )
    results = [{"title": page.title, "url": page.url, "summary": page.line} for page in found]
    return ToolOutput(parts, _list_values(results, _kind(reply)))


def server_prose(reply: Reply, mark: str) -> ToolOutput:
    """Show a reply that is no list that we can read as it is."""
    text = "\n".join(reply.texts)[:MAX_LENGTH]
    notice = f"Not in the form of a list; as it came from {_origin(reply)}."
    body = Marked("results", text, mark)
    return ToolOutput((notice, body), _list_values([], _kind(reply), notice, content=text))


def server_page(url: str, reply: Reply, excerpt: Excerpt, mark: str) -> ToolOutput:
    """Show a part of a page of the server's."""
    head = f"{url}: {excerpt.extent}, from {_origin(reply)}."
    body = Marked("page", excerpt.text, mark)
    return ToolOutput((head, body), _page_values(url, excerpt, _kind(reply)))


def guide_page(page: Page, excerpt: Excerpt, head: str, *notice: str) -> ToolOutput:
    """Show a part of a page of the guide."""
    extent = f"{head} {excerpt.extent}, from {_built_in(page.as_of)}"
    return ToolOutput(
        (*notice, extent, "", *excerpt.text.split("\n")),
        _page_values(page.url, excerpt, "guide", *notice),
    )


def guide_page_again(page: Page, head: str, shown: str, notice: str) -> ToolOutput:
    """Name a page of the guide that was shown before, in place of its text."""
    lines = (
        notice,
        f"{head} {shown} shown before, from {_built_in(page.as_of)}",
        f"Read {page.url} for its text.",
    )
    return ToolOutput(lines, _page_values(page.url, Excerpt("", 0, 0, len(page.text)), "guide", *lines))


def guide_list(lines: Sequence[GuideLine], *notice: str) -> ToolOutput:
    """List pages of the guide."""
    results = [{"title": one.page.title, "url": one.page.url, "summary": one.text} for one in lines]
    listed = [
        line for i, r in enumerate(results, 1) for line in _numbered(i, r["title"], r["url"], r["summary"])
    ]
    head = f"{pluralize(len(lines), 'page')} from {_built_in(min(one.page.as_of for one in lines))}"
    return ToolOutput((*notice, head, *listed, _READ_ONE), _list_values(results, "guide", *notice))


def _page_values(url: str, excerpt: Excerpt, source: str, *notice: str) -> Mapping[str, object]:
    return {
        "url": url,
        "content": excerpt.text,
        "start_index": excerpt.start,
        "next_start_index": excerpt.next_start,
        "total_length": excerpt.total,
        "source": source,
        "notice": notice,
    }


def passages(hits: Sequence[SearchHit]) -> tuple[GuideLine, ...]:
    """List the passages that a search of the guide found."""
    return tuple(GuideLine(hit.page, hit.heading, f"{hit.heading}. {hit.passage}") for hit in hits)


def _built_in(as_of: str) -> str:
    return f"the built-in guide, as of {as_of} (AWS's documentation in short)."


def _list_values(
    results: Sequence[Mapping[str, str]], source: str, *notice: str, content: str = ""
) -> Mapping[str, object]:
    return {"results": results, "content": content, "source": source, "notice": notice}


def _numbered(number: int, title: str, url: str, line: str) -> list[str]:
    return [f"{number}. {title}", *(f"   {part}" for part in (url, line) if part)]


def _origin(reply: Reply) -> str:
    if reply.age is None:
        return "the documentation server"
    return f"memory, as the documentation server gave it {int(reply.age // 60)} min ago"


def _kind(reply: Reply) -> str:
    return "server" if reply.age is None else "memory"
