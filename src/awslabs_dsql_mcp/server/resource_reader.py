"""Resources: the schema, a diagram of it, the roles, the pages of the guide."""

from collections.abc import Callable, Mapping
from typing import Final

from awslabs_dsql_mcp.catalog import mermaid, text
from awslabs_dsql_mcp.catalog.reader import CatalogReader
from awslabs_dsql_mcp.documentation.guide import Guide
from awslabs_dsql_mcp.documentation.page import SCHEME
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.output.tool_output import Marked, render
from awslabs_dsql_mcp.sql.identifiers import TableName, closest
from awslabs_dsql_mcp.text import Shown, as_line, truncate_lines

_MAX_TABLES: Final = 1_000
_MAX_LINES: Final = 500


class ResourceReader:
    """Reads resources, and completes the parts of their addresses.

    Args:
        catalog: Reads the catalog.
        guide: Gives the pages of the guide, read when they are first needed.
    """

    def __init__(self, catalog: CatalogReader, guide: Callable[[], Guide]) -> None:
        self._catalog = catalog
        self._guide = guide

    async def tables(self) -> Shown:
        """List all tables, as many as an answer may hold."""
        page = await self._catalog.page(None, _MAX_TABLES, full=0)
        if not page.tables:
            return render(["There are no tables or views yet."])
        listing = text.list_text(page, "summary")
        left = page.remaining + len(page.tables) - listing.shown
        more = [f"{left} more: call get_schema(after={listing.last!r})"] if left else []
        return render([*more, Marked("schema", listing.text)])

    async def table(self, schema: str, table: str) -> Shown:
        """Describe a table, named exactly."""
        tables = await self._catalog.tables(TableName(schema, table))
        shown, _ = text.tables_text(tables, "full")
        return render([Marked("schema", shown)])

    async def diagram(self) -> Shown:
        """Draw the tables of all schemas."""
        page = await self._catalog.page(None, mermaid.MAX_TABLES, full=mermaid.MAX_TABLES)
        return render(mermaid.diagram(page))

    async def diagram_of(self, schema: str) -> Shown:
        """Draw the tables of one schema."""
        page = await self._catalog.page(TableName(schema, ""), mermaid.MAX_TABLES, full=mermaid.MAX_TABLES)
        mine = tuple(table for table in page.tables if table.schema == schema)
        left = page.remaining if len(mine) == len(page.tables) else 0
        return render(mermaid.diagram(type(page)(mine, left)))

    async def roles(self) -> Shown:
        """List the database's roles, who may connect as them, and what they may do."""
        report = await self._catalog.roles()
        lines = truncate_lines(report.lines(), _MAX_LINES, "lines: `awslabs-dsql-mcp roles` prints all")
        return render([*report.notes, Marked("roles", "\n".join(lines))])

    async def index(self) -> Shown:
        """List the pages of the guide."""
        pages = self._guide().pages
        return render(f"- [{page.title}]({page.url}): {page.summary}" for page in pages)

    async def page(self, page: str) -> Shown:
        """Give a page of the guide."""
        guide = self._guide()
        found = guide.page(page)
        if found is None:
            slugs = [known.slug for known in guide.pages]
            raise RequestInvalid(
                f"The guide has no page {page[:60]!r}.",
                code="unknown_page",
                hint=f"There are: {', '.join(closest(page, slugs) or slugs)}.",
            )
        return render(found.text.split("\n"))

    async def complete(self, uri: str, argument: str, value: str, known: Mapping[str, str]) -> list[Shown]:
        """Complete a part of an address; names that a line cannot show as they are, are left out.

        Args:
            uri: The template.
            argument: Which of its parts.
            value: What is written of it so far.
            known: The parts that are written already.

        Raises:
            DsqlError: What reading the catalog raises.
        """
        if uri.startswith(SCHEME):
            values = [page.slug for page in self._guide().pages]
        else:
            names = await self._catalog.names()
            within = known.get("schema")
            chosen = [name for name in names if argument == "schema" or within in (None, name.schema)]
            values = [str(name.schema) if argument == "schema" else name.table for name in chosen]
        starts = value.lower()
        found = [one for one in dict.fromkeys(values) if one.lower().startswith(starts)]
        return [line for one in found if (line := as_line(one)) == one]
