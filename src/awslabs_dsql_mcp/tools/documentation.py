"""The documentation tools: the documentation server if it answers, our own guide if it does not.

A page of the guide that was shown before is not printed again in place of a page of AWS.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated

from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.documentation.excerpt import WRAPPING, Excerpt, page_from_server, paginate
from awslabs_dsql_mcp.documentation.guide import Guide
from awslabs_dsql_mcp.documentation.page import SCHEME, Page
from awslabs_dsql_mcp.documentation.replies import (
    MAX_LINE,
    READ,
    RECOMMEND,
    SEARCH,
    DocumentationSource,
    Reply,
    RequestRejected,
    documentation_url,
    page_text,
    parse_search_results,
)
from awslabs_dsql_mcp.errors import KnowledgeUnavailable, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ToolOutput, new_nonce
from awslabs_dsql_mcp.text import one_line
from awslabs_dsql_mcp.tools.answers.documentation import (
    MAX_LENGTH,
    GuideLine,
    guide_list,
    guide_page,
    guide_page_again,
    passages,
    server_list,
    server_page,
    server_prose,
)
from awslabs_dsql_mcp.tools.spec import ToolSpec, to_text_result

DEFAULT_LIMIT = 5
MAX_LIMIT = 50
DEFAULT_LENGTH = 10_000
MAX_PHRASE = 500
_MAX_LINKS = 1_000


Url = Annotated[str, Field(description="Address of a page, as a search gave it.")]


class Documentation:
    """Searches, reads and recommends pages about Aurora DSQL.

    Args:
        source: The documentation server.
        guide: Reads the pages to answer from when it gives nothing; called at the first need.
        mark: A fresh random id per call, for the markers around untrusted text.
    """

    def __init__(
        self, source: DocumentationSource, guide: Callable[[], Guide], *, mark: Callable[[], str] = new_nonce
    ) -> None:
        self._source = source
        self._load_guide = guide
        self._mark = mark
        self._links: dict[str, None] = {}
        self._shown: dict[str, str] = {}

    @cached_property
    def _guide(self) -> Guide:
        return self._load_guide()

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as they are announced."""

        async def search(
            search_phrase: Annotated[str, Field(description="What to look for, in words.")],
            limit: Annotated[int | None, Field(description="Results at most.", ge=1, le=50)] = None,
        ) -> CallToolResult:
            return to_text_result(await self.search(search_phrase, limit))

        async def read(
            url: Url,
            start_index: Annotated[int | None, Field(description="First character.", ge=0)] = None,
            max_length: Annotated[int | None, Field(description="Characters at most.", ge=1)] = None,
        ) -> CallToolResult:
            return to_text_result(await self.read(url, start_index, max_length))

        async def recommend(url: Url) -> CallToolResult:
            return to_text_result(await self.recommend(url))

        return (
            ToolSpec(
                "dsql_search_documentation",
                search,
                "Search Aurora DSQL documentation",
                "Search Aurora DSQL's documentation.",
                open_world=True,
                family="docs",
            ),
            ToolSpec(
                "dsql_read_documentation",
                read,
                "Read Aurora DSQL documentation",
                "Read a page of AWS documentation, or of the built-in guide, as Markdown.",
                open_world=True,
                family="docs",
            ),
            ToolSpec(
                "dsql_recommend",
                recommend,
                "Related Aurora DSQL documentation",
                "List pages related to a page of AWS documentation.",
                open_world=True,
                family="docs",
            ),
        )

    async def search(self, search_phrase: str, limit: int | None = None) -> ToolOutput:
        """Find pages about a phrase.

        Args:
            search_phrase: A few words or a question; at most 500 characters.
            limit: How many pages at most, 1 to 50; 5 if not given.

        Returns:
            Title, address and one line a page. Structured: ``results``, each with ``title``, ``url``
            and ``summary``; ``content``, where the server sent prose instead of a list; ``source``
            (``server``, ``memory`` or ``guide``); ``notice``, which says why the guide answers.

        Raises:
            RequestInvalid: The phrase is empty or too long, or the limit out of range.
            KnowledgeUnavailable: The server gave nothing and the guide has nothing about it.
        """
        phrase = _checked_phrase(search_phrase)
        most = DEFAULT_LIMIT if limit is None else _checked("limit", limit, 1, MAX_LIMIT)
        arguments: dict[str, object] = {"search_phrase": phrase}
        if limit is not None:
            arguments["limit"] = limit
        return await self._listed(SEARCH, arguments, most, passages(self._guide.search(phrase, most)))

    async def recommend(self, url: str) -> ToolOutput:
        """Find pages related to a page.

        Args:
            url: A page of AWS's documentation, or ``dsql://guide/{page}``.

        Returns:
            As ``search``.

        Raises:
            RequestInvalid: The address is not one of those.
            KnowledgeUnavailable: The server gave nothing and the guide has nothing close to it.
        """
        if url.startswith(SCHEME):
            page = self._own(url)
            return self._guide_list(self._summaries(page.url))
        checked = documentation_url(url, returned=self._links)
        near = self._summaries(checked)
        return await self._listed(RECOMMEND, {"url": checked}, 2 * DEFAULT_LIMIT, near)

    async def read(
        self, url: str, start_index: int | None = None, max_length: int | None = None
    ) -> ToolOutput:
        """Read a page, or a part of it, as Markdown.

        Args:
            url: A page of AWS's documentation, an address that a search returned, or
                ``dsql://guide/{page}``.
            start_index: The first character to give, from 0.
            max_length: How many characters at most; 10,000 if not given, never more than 30,000.

        Returns:
            The text, and where to continue. Structured: ``url``, ``content``, ``start_index``,
            ``next_start_index``, ``total_length``, ``source``, ``notice``.
            Where the guide answers for a page of AWS and has shown its page before, the notice names that
            page and there is no content, unless a ``start_index`` asks for a part.

        Raises:
            RequestInvalid: The address is not one of those, or a number out of range.
            KnowledgeUnavailable: The server did not give it and the guide has nothing close to it.
        """
        start = 0 if start_index is None else _checked("start_index", start_index, 0, None)
        asked = DEFAULT_LENGTH if max_length is None else _checked("max_length", max_length, 1, None)
        length = min(asked, MAX_LENGTH)
        if url.startswith(SCHEME):
            page = self._own(url)
            return self._guide_page(page, paginate(page.text, start, length), f"{page.url}:")
        checked = documentation_url(url, returned=self._links)
        try:
            reply, excerpt = await self._excerpt(checked, start, length)
        except KnowledgeUnavailable as failure:
            return self._instead(checked, start, length, failure)
        return server_page(checked, reply, excerpt, self._mark())

    async def _listed(
        self, tool: str, arguments: Mapping[str, object], most: int, offline: Sequence[GuideLine]
    ) -> ToolOutput:
        try:
            reply = await self._source.call(tool, arguments)
        except KnowledgeUnavailable as failure:
            return self._offline(offline, failure)
        found = await asyncio.to_thread(parse_search_results, reply)
        if found == ():
            return self._offline(offline, KnowledgeUnavailable("it found nothing"))
        if found is None:
            return server_prose(reply, self._mark())
        shown = found[:most]
        self._remember(page.url for page in shown)
        return server_list(reply, shown, self._mark())

    def _offline(self, lines: Sequence[GuideLine], failure: KnowledgeUnavailable) -> ToolOutput:
        notice = self._notice(failure)
        if not lines:
            titles = ", ".join(page.slug for page in self._guide.pages)
            raise KnowledgeUnavailable(
                notice,
                details=["The built-in guide has no page on this."],
                code=failure.code,
                hint=f"Try other words, or read one of {SCHEME}: {titles}.",
            )
        return self._guide_list(lines, notice)

    def _instead(self, url: str, start: int, length: int, failure: KnowledgeUnavailable) -> ToolOutput:
        notice = self._notice(failure)
        same = self._guide.page_for_url(url)
        page = same or self._guide.closest(url)
        if page is None:
            raise KnowledgeUnavailable(
                notice,
                details=["The built-in guide has no page on this."],
                code=failure.code,
                hint="Search the guide with dsql_search_documentation.",
            )
        head = f"{page.url} " + ("stands for that page:" if same else "is the closest page:")
        shown = self._shown.get(page.slug)
        if shown and not start:
            return guide_page_again(page, head, shown, notice)
        # The caller counted in the other page's characters.
        excerpt = paginate(page.text, start if start < len(page.text) else 0, length)
        return self._guide_page(page, excerpt, head, notice)

    def _guide_page(self, page: Page, excerpt: Excerpt, head: str, *notice: str) -> ToolOutput:
        self._shown[page.slug] = f"characters {excerpt.start} to {excerpt.start + len(excerpt.text)} were"
        return guide_page(page, excerpt, head, *notice)

    def _guide_list(self, lines: Sequence[GuideLine], *notice: str) -> ToolOutput:
        for one in lines:
            self._shown.setdefault(one.page.slug, f"its part '{one.heading}' was" if one.heading else "")
        return guide_list(lines, *notice)

    def _summaries(self, url: str) -> tuple[GuideLine, ...]:
        """The pages of the guide related to an address."""
        return tuple(
            GuideLine(hit.page, "", hit.page.summary) for hit in self._guide.related(url, DEFAULT_LIMIT)
        )

    def _notice(self, failure: KnowledgeUnavailable) -> str:
        notice = f"The documentation server gave no answer: {failure.message}."
        if isinstance(failure, RequestRejected) and failure.said:
            notice += f' It said: "{one_line(failure.said, MAX_LINE)}"'
        return notice

    async def _excerpt(self, url: str, start: int, length: int) -> tuple[Reply, Excerpt]:
        """Ask for a part of a page, and make it that part where the server does not keep to it."""
        reply = await self._read(url, start, length)
        text = await asyncio.to_thread(page_text, reply)
        if len(text) > length + WRAPPING or (start and await self._ignores_start(url, length, text)):
            return reply, paginate(text, start, length)
        return reply, page_from_server(text, start, length)

    async def _ignores_start(self, url: str, length: int, text: str) -> bool:
        try:
            again = await self._read(url, 0, length)
            return await asyncio.to_thread(page_text, again) == text
        except KnowledgeUnavailable:
            return False

    async def _read(self, url: str, start: int, length: int) -> Reply:
        where = {"start_index": start} if start else {}
        return await self._source.call(READ, {"url": url, **where, "max_length": length})

    def _own(self, url: str) -> Page:
        page = self._guide.page_for_url(url)
        if page is None:
            known = ", ".join(page.slug for page in self._guide.pages)
            raise RequestInvalid("The guide has no such page.", hint=f"Pages of {SCHEME}: {known}.")
        return page

    def _remember(self, urls: Iterable[str]) -> None:
        for url in urls:
            self._links[url] = None
        while len(self._links) > _MAX_LINKS:
            del self._links[next(iter(self._links))]


def _checked_phrase(phrase: str) -> str:
    trimmed = " ".join(phrase.split())
    if not trimmed or len(trimmed) > MAX_PHRASE:
        raise RequestInvalid(
            f"search_phrase has {len(trimmed)} characters; it takes 1 to {MAX_PHRASE}.",
            hint="Ask in a few words; leave out SQL and data.",
        )
    return trimmed


def _checked(name: str, value: int, least: int, most: int | None) -> int:
    if value < least or (most is not None and value > most):
        bounds = f"from {least} to {most}" if most is not None else f"of {least} or more"
        raise RequestInvalid(f"{name} is {value}.", hint=f"Give a number {bounds}.")
    return value
