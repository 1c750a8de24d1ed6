"""Reads tables from the catalog."""

from typing import Final

from awslabs_dsql_mcp.catalog import model
from awslabs_dsql_mcp.catalog import queries as catalog_queries
from awslabs_dsql_mcp.catalog.model import Page, Table
from awslabs_dsql_mcp.catalog.roles import RoleReport, read_roles
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, PermissionDenied, StatementFailed
from awslabs_dsql_mcp.sql.identifiers import TableName

# SQLSTATEs of a server that lacks a catalog, or does not show it: undefined table, insufficient privilege,
# feature not supported.
_LACKING: Final = frozenset({"42P01", "42501", "0A000"})


class CatalogReader:
    """Reads the catalog: one round trip a call, or two while an index of the table is not valid.

    Args:
        database: Where statements run.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._caches = True

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

    async def page(self, after: TableName | None, limit: int, *, full: int) -> Page:
        """Read a page of the list of tables.

        Args:
            after: The last table of the page before.
            limit: Tables at most.
            full: Tables, from the first, of which everything is read.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        queries = catalog_queries.page_queries(after, limit, full=full)
        return model.fold_page((await self._database.run(UnitOfWork(queries, read_only=True))).results)

    async def names(self) -> list[TableName]:
        """Read the names of all tables and views.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        report = await self._database.run(UnitOfWork((catalog_queries.known_tables(),), read_only=True))
        return [TableName(schema, str(table)) for schema, table in report.results[0].rows]

    async def roles(self) -> RoleReport:
        """Read the database's roles.

        Raises:
            DsqlError: What `read_roles` raises.
        """
        return await read_roles(self._database)

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
