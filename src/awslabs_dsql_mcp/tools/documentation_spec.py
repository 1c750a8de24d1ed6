"""``dsql_search_documentation``, ``dsql_read_documentation`` and ``dsql_recommend``."""

from typing import Annotated

from mcp.types import CallToolResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.tools.ports import Documentation
from awslabs_dsql_mcp.tools.spec import ToolSpec, result_of


class Pages(TypedDict):
    """Pages of documentation."""

    results: list[dict[str, str]]
    source: str
    notice: NotRequired[str]
    content: NotRequired[str]


class PageText(TypedDict):
    """A page of documentation, or a part of it."""

    url: str
    content: str
    start_index: int
    next_start_index: int | None
    total_length: int | None
    source: str
    notice: NotRequired[str]


Url = Annotated[str, Field(description="Address of a page, as a search gave it.")]


def documentation_tools(documentation: Documentation) -> tuple[ToolSpec, ...]:
    """Describe the documentation tools.

    Args:
        documentation: What answers them.
    """

    async def search(
        search_phrase: Annotated[str, Field(description="What to look for, in words.")],
        limit: Annotated[int | None, Field(description="Results at most.", ge=1, le=50)] = None,
    ) -> Annotated[CallToolResult, Pages]:
        return result_of(await documentation.search(search_phrase, limit))

    async def read(
        url: Url,
        start_index: Annotated[int | None, Field(description="First character.", ge=0)] = None,
        max_length: Annotated[int | None, Field(description="Characters at most.", ge=1)] = None,
    ) -> Annotated[CallToolResult, PageText]:
        return result_of(await documentation.read(url, start_index, max_length))

    async def recommend(url: Url) -> Annotated[CallToolResult, Pages]:
        return result_of(await documentation.recommend(url))

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
