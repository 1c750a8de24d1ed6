"""``get_schema``: tables listed, or one described in full."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.catalog import text as schema_text
from awslabs_dsql_mcp.catalog.model import Page, Table
from awslabs_dsql_mcp.catalog.reader import CatalogReader
from awslabs_dsql_mcp.catalog.schema_view import MAX_TABLES, schema_view
from awslabs_dsql_mcp.catalog.text import Detail
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput
from awslabs_dsql_mcp.sql.identifiers import parse_name, quote_identifier
from awslabs_dsql_mcp.tools.offered import OfferedTools
from awslabs_dsql_mcp.tools.spec import ALWAYS_LOAD, ToolSpec, client_shows_views, to_text_result
from awslabs_dsql_mcp.views.extension import VIEW

_DESCRIPTION: Final = (
    "Without table_name: the tables and views of all schemas, with estimated rows; up to 15 tables in full. "
    "In full: columns with types, defaults and comments, keys, foreign keys both ways, indexes, a view's "
    'definition. Names fold as in SQL: quote one with capitals ("Order Lines"). A name in several schemas '
    "gives each."
)
_ALL: Final = OfferedTools()
_NO_MORE: Final = "There is no table behind that name: this was the last page."
_NONE: Final = "There are no tables or views yet."
_CREATE: Final = "Create one with transact."
_MAX_FULL_TABLES: Final = 20  # described in full, more would not fit into an answer
_MAX_SMALL_TABLES: Final = 15  # of a database that is described in full unasked
_MAX_SMALL_TEXT: Final = 15_000  # characters, likewise


class GetSchema:
    """Describes tables.

    Args:
        catalog: Reads the catalog.
        offered: The tools that the next step may name.
    """

    def __init__(self, catalog: CatalogReader, offered: OfferedTools = _ALL) -> None:
        self._catalog = catalog
        self._offered = offered

    def spec(self) -> ToolSpec:
        """The tool as it is announced."""

        # A name may look like JSON (null, 123, [a]): the SDK leaves alone only what is typed exactly str.
        async def get_schema(
            ctx: Context[None, Any],
            table_name: Annotated[str, Field(description="table or schema.table; empty: list all.")] = "",
            detail: Annotated[
                Literal["names", "summary", "full"] | None,
                Field(description="Default: full for a table or up to 15, else summary."),
            ] = None,
            after: Annotated[str, Field(description="Next page of the list: its last table.")] = "",
            limit: Annotated[int, Field(description="Tables a page.", ge=1, le=1000)] = 100,
        ) -> CallToolResult:
            views = client_shows_views(ctx)
            return to_text_result(await self.get_schema(table_name, detail, after, limit, views=views))

        return ToolSpec("get_schema", get_schema, "Tables and their columns", _DESCRIPTION, meta=ALWAYS_LOAD)

    async def get_schema(
        self,
        table_name: str,
        detail: Detail | None = None,
        after: str = "",
        limit: int = 100,
        *,
        views: bool = False,
    ) -> ToolOutput:
        """Describe a table, or list all tables.

        Args:
            table_name: ``table`` or ``schema.table``, quoted or not; empty for the list.
            detail: How much; by default everything of a table and of a database of up to 15 tables, else a
                line a table.
            after: The last table of the page of the list that came before.
            limit: Tables of the list at most.
            views: Give a view what it draws, too.

        Raises:
            RequestInvalid: It is no name, or no table has it.
            DsqlError: What `Database.run` raises.
        """
        if not table_name.strip():
            return await self._list(detail, after, limit, views=views)
        tables = await self._catalog.tables(parse_name(table_name))
        text, cut = schema_text.tables_text(tables, detail or "full")
        notice = (f"Too long to tell whole: cut to detail={cut}.",) if cut else ()
        shown = {VIEW: schema_view(tables)} if views else {}
        return ToolOutput((*notice, Marked("schema", text), _next_for(tables)), for_person=shown)

    async def _list(self, detail: Detail | None, after: str, limit: int, *, views: bool) -> ToolOutput:
        behind = parse_name(after) if after.strip() else None
        full = _MAX_FULL_TABLES if detail == "full" else 0
        if detail is None and behind is None:  # a small database is described at once
            full = _MAX_SMALL_TABLES
        if detail == "full":
            limit = min(limit, full)
        elif views:  # the same round trip reads all that a diagram needs
            full = MAX_TABLES
        page = await self._catalog.page(behind, limit, full=full)
        if not page.tables:
            none = (_NONE, f"Next: {self._offered.advise(_CREATE)}")
            return ToolOutput(none if behind is None else (_NO_MORE,))
        shown = {VIEW: schema_view(page.tables, page.remaining)} if views else {}
        if detail is None and behind is None and (small := _small_schema(page)):
            return replace(small, for_person=shown)
        listing = schema_text.list_text(page, detail or "summary")
        left = page.remaining + len(page.tables) - listing.shown
        counted = _count(listing.shown) + (_without(page) if detail == "full" else "")
        if left:
            detailed = f", detail={detail!r}" if detail else ""
            onwards = self._offered.led(f"get_schema(after={listing.last!r}{detailed})")
            counted += f"; {left:,} more: call {onwards}"
        describing = self._offered.led(f"get_schema(table_name={page.tables[0].title!r})")
        following = (
            f"Next: {describing} describes one in full; detail='full' describes {_MAX_FULL_TABLES} a call."
        )
        parts = (counted, Marked("schema", listing.text))
        return ToolOutput(parts if detail == "full" else (*parts, following), for_person=shown)


def _small_schema(page: Page) -> ToolOutput | None:
    """Describe all tables, if they are few and fit: otherwise each would be asked for next."""
    if page.remaining or len(page.tables) > _MAX_SMALL_TABLES:
        return None
    listing = schema_text.list_text(page, "full")
    if listing.shown < len(page.tables) or len(listing.text) > _MAX_SMALL_TEXT:
        return None
    following = "Next: readonly_query to read; explain_query shows what a query costs."
    return ToolOutput(
        (f"{_count(listing.shown)}, in full{_without(page)}", Marked("schema", listing.text), following)
    )


def _without(page: Page) -> str:
    """Say what a list lacks, whose queries do not read the sequences of identities."""
    has_identity = any(column.identity for table in page.tables for column in table.columns)
    return " but for the CACHE of identities, which get_schema of one table has" if has_identity else ""


def _count(tables: int) -> str:
    return f"{tables:,} tables and views" if tables > 1 else "1 table or view"


def _missing_grants(table: Table) -> str:
    """Write the statements without which the role cannot read a table; empty if it can, or is unknown."""
    if not table.role:
        return ""
    role, schema = quote_identifier(table.role), quote_identifier(table.schema)
    needed = {"USAGE": f"SCHEMA {schema}", "SELECT": table.title}
    return " ".join(
        f"GRANT {privilege} ON {what} TO {role};"
        for privilege, what in needed.items()
        if privilege not in table.privileges
    )


def _next_for(tables: Sequence[Table]) -> str:
    if len(tables) > 1:
        schemas = " and ".join(table.schema for table in tables)
        return f"Next: the name is in {schemas}: write it with its schema."
    if grants := _missing_grants(tables[0]):
        return f"Next: this role cannot read it. Whoever owns it can allow that: {grants}"
    linked = {str(key.target) for key in tables[0].constraints if key.target}
    linked |= {str(key.table) for key in tables[0].referenced_by}
    others = sorted(linked - {tables[0].title, tables[0].name})
    look = f"get_schema({others[0]!r}) to join it, or " if others else ""
    return f"Next: {look}readonly_query to read; explain_query shows what a query costs."
