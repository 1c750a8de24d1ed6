"""Resources: the schema, a diagram of it and the guide, at addresses that a client can complete."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from awslabs_dsql_mcp.tools.resources import ResourceReader

_MARKDOWN: Final = "text/markdown"
_MERMAID: Final = "text/vnd.mermaid"


@dataclass(frozen=True)
class ResourceSpec:
    """One resource, or a template of resources.

    Attributes:
        uri: Its address, or a template of addresses (RFC 6570, level 1).
        function: Reads it; its parameters are the template's.
        title: For people.
        description: For people and models.
        mime_type: What it is.
    """

    uri: str
    function: Callable[..., Any]
    title: str
    description: str
    mime_type: str = "text/plain"


class Resources:
    """The resources, and who reads them.

    Args:
        reader: Gives the reader, when something is first read.
    """

    def __init__(self, reader: "Callable[[], ResourceReader]") -> None:
        self._reader = reader

    @property
    def specs(self) -> tuple[ResourceSpec, ...]:
        """All resources, in the order in which clients list them."""
        return (
            ResourceSpec("dsql://schema", self.tables, "Tables", "All tables and views, a line each."),
            ResourceSpec(
                "dsql://schema/{schema}/{table}",
                self.table,
                "Table",
                "A table or view: columns, keys both ways, indexes, definition.",
            ),
            ResourceSpec(
                "dsql://diagram", self.diagram, "Diagram", "Tables and foreign keys as Mermaid.", _MERMAID
            ),
            ResourceSpec(
                "dsql://diagram/{schema}",
                self.diagram_of,
                "Diagram of a schema",
                "A schema's tables and foreign keys as Mermaid.",
                _MERMAID,
            ),
            ResourceSpec(
                "dsql://guide", self.index, "Guide", "The pages of the guide to Aurora DSQL.", _MARKDOWN
            ),
            ResourceSpec(
                "dsql://guide/{page}",
                self.page,
                "Page of the guide",
                "What Aurora DSQL does differently, by subject.",
                _MARKDOWN,
            ),
        )

    async def tables(self) -> str:
        """List all tables."""
        return await self._reader().tables()

    async def table(self, schema: str, table: str) -> str:
        """Describe a table."""
        return await self._reader().table(schema, table)

    async def diagram(self) -> str:
        """Draw all tables."""
        return await self._reader().diagram()

    async def diagram_of(self, schema: str) -> str:
        """Draw the tables of a schema."""
        return await self._reader().diagram_of(schema)

    async def index(self) -> str:
        """List the pages of the guide."""
        return await self._reader().index()

    async def page(self, page: str) -> str:
        """Give a page of the guide."""
        return await self._reader().page(page)

    async def complete(self, uri: str, argument: str, value: str, known: Mapping[str, str]) -> Sequence[str]:
        """Complete a part of an address."""
        return await self._reader().complete(uri, argument, value, known)
