"""What tables there are, and what each is made of."""

from collections.abc import Sequence

from awslabs_dsql_mcp.catalog import model
from awslabs_dsql_mcp.catalog import queries as catalog_queries
from awslabs_dsql_mcp.catalog import text as schema_text
from awslabs_dsql_mcp.catalog.model import Page, Table
from awslabs_dsql_mcp.catalog.text import Detail
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, PermissionDenied, StatementFailed
from awslabs_dsql_mcp.output.marks import new_nonce
from awslabs_dsql_mcp.output.tool_output import ToolOutput, wrap_untrusted
from awslabs_dsql_mcp.sql.identifiers import TableName, parse_name

_NO_MORE = "There is no table behind that name: this was the last page."
_NONE = "There are no tables or views yet.\nNext: create one with transact, if writes are allowed."
_WHOLE_PAGE = 20  # described in full, more would not fit into an answer
# What a server says that lacks a catalog, or does not show it: undefined table, insufficient privilege,
# feature not supported.
_LACKING = frozenset({"42P01", "42501", "0A000"})


class SchemaTools:
    """Reads the catalog: one round trip a call, or two while an index of the table is not valid.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._caches = True

    async def get_schema(
        self, table_name: str, detail: Detail | None = None, after: str = "", limit: int = 100
    ) -> ToolOutput:
        """Describe a table, or list all tables.

        Args:
            table_name: ``table`` or ``schema.table``, quoted or not; empty for the list.
            detail: How much; by default a line a table of the list, and all there is of a table.
            after: The last table of the page of the list that came before.
            limit: Tables of the list at most.

        Raises:
            RequestInvalid: It is no name, or no table has it.
            DsqlError: What `Database.run` raises.
        """
        if not table_name.strip():
            return await self._list(detail or "summary", after, limit)
        tables = await self.tables(parse_name(table_name))
        text, cut = schema_text.tables_text(tables, detail or "full")
        notice = f"Too long to tell whole: cut to detail={cut}.\n" if cut else ""
        return ToolOutput(f"{notice}{fenced(text)}\n{_next_for(tables)}")

    async def tables(self, name: TableName) -> tuple[Table, ...]:
        """Read everything about the tables of a name, one of each schema that has it.

        Raises:
            RequestInvalid: No table has it.
            DsqlError: What `Database.run` raises.
        """
        tables = model.fold_tables(name, (await self._about(name)).results)
        if all(index.valid for table in tables for index in table.indexes):
            return tables
        try:
            jobs = await self._database.run(UnitOfWork((catalog_queries.index_jobs_query(),), read_only=True))
        except (StatementFailed, PermissionDenied):
            return tables  # a server without jobs
        return model.with_jobs(tables, jobs.results[0])

    async def page(self, after: TableName | None, limit: int, *, whole: bool) -> Page:
        """Read a page of the list of tables.

        Args:
            after: The last table of the page before.
            limit: Tables at most.
            whole: Everything about each.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        queries = catalog_queries.page_queries(after, limit, full=whole)
        return model.fold_page((await self._database.run(UnitOfWork(queries, read_only=True))).results)

    async def names(self) -> list[TableName]:
        """Read the names of all tables and views.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        report = await self._database.run(UnitOfWork((catalog_queries.known_tables(),), read_only=True))
        return [TableName(schema, str(table)) for schema, table in report.results[0].rows]

    async def _about(self, name: TableName) -> Report:
        """Ask about a table; once a server has said that it lacks a catalog, without that."""
        try:
            return await self._database.run(
                UnitOfWork(catalog_queries.table_queries(name, caches=self._caches), read_only=True)
            )
        except DsqlError as error:
            if not self._caches or error.sqlstate not in _LACKING:
                raise
        report = await self._database.run(
            UnitOfWork(catalog_queries.table_queries(name, caches=False), read_only=True)
        )
        self._caches = False
        return report

    async def _list(self, detail: Detail, after: str, limit: int) -> ToolOutput:
        whole = detail == "full"
        limit = min(limit, _WHOLE_PAGE) if whole else limit
        page = await self.page(parse_name(after) if after.strip() else None, limit, whole=whole)
        if not page.tables:
            return ToolOutput(_NO_MORE if after.strip() else _NONE)
        listing = schema_text.list_text(page, detail)
        left = page.remaining + len(page.tables) - listing.shown
        counted = f"{listing.shown} tables and views" if listing.shown > 1 else "1 table or view"
        if left:
            counted += f"; {left} more: call get_schema(after={listing.last!r})"
        following = (
            "" if whole else f"\nNext: get_schema(table_name={page.tables[0].title!r}) tells it whole."
        )
        return ToolOutput(f"{counted}\n{fenced(listing.text)}{following}")


def fenced(text: str) -> str:
    """Mark what the catalog says as data: comments and names are other people's words."""
    return wrap_untrusted(text, kind="schema", nonce=new_nonce())


def _next_for(tables: Sequence[Table]) -> str:
    if len(tables) > 1:
        schemas = " and ".join(table.schema for table in tables)
        return f"Next: the name is in {schemas}: write it with its schema."
    linked = {str(key.target) for key in tables[0].constraints if key.target}
    linked |= {str(key.table) for key in tables[0].referenced_by}
    others = sorted(linked - {tables[0].title, tables[0].name})
    look = f"get_schema({others[0]!r}) to join it, or " if others else ""
    return f"Next: {look}readonly_query to read; explain_query shows what a query costs."
