"""Source of a call of ``load_rows``: the table and rows that it names, and the job that loads them."""

import asyncio

from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.bulk.jobs.resume_token import fingerprint, fingerprint_in
from awslabs_dsql_mcp.bulk.loading.inline_rows import InlineRows
from awslabs_dsql_mcp.bulk.loading.insert_plan import plan_insert
from awslabs_dsql_mcp.bulk.loading.row_loader import RowLoadJob
from awslabs_dsql_mcp.bulk.loading.rows import FileOptions, RowFiles, RowSource
from awslabs_dsql_mcp.bulk.splitting import table_info
from awslabs_dsql_mcp.bulk.splitting.table_info import TableInfo
from awslabs_dsql_mcp.catalog import key_sequences
from awslabs_dsql_mcp.catalog.key_sequences import KeySequence
from awslabs_dsql_mcp.catalog.unknown_table import unknown_table
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import parse_name
from awslabs_dsql_mcp.tools.load_rows import LoadRequest


class LoadSource:
    """Finds what calls name.

    Args:
        database: Where the tables are.
        files: The operator's folder.
        cluster: Name of the cluster: a handle is good on no other.
    """

    def __init__(self, database: Database, files: RowFiles, cluster: str) -> None:
        self._database = database
        self._files = files
        self._cluster = cluster

    async def content(self, request: LoadRequest) -> str:
        """Compute what identifies the rows: `RowSource.name`.

        Raises:
            RequestInvalid: The file cannot be read.
            NotConfigured: No folder is allowed.
        """
        if request.rows is not None:
            return fingerprint(request.rows)
        return await asyncio.to_thread(self._files.digest, request.path)

    async def table(self, request: LoadRequest) -> tuple[TableInfo, list[KeySequence]]:
        """Read the table and the sequences of its columns.

        Raises:
            RequestInvalid: There is no such table, or rows and path are not one of the two.
            DsqlError: What `Database.run` raises.
        """
        if (request.rows is None) == (not request.path):
            raise RequestInvalid("Give either rows or path.", hint="rows for a few, path for a file.")
        name = str(parse_name(request.table))
        queries = (table_info.table_info_query(name), key_sequences.of_table(name))
        report = await self._database.run(UnitOfWork(queries, read_only=True))
        table = table_info.parse_table_info(report.results[0])
        if table is None:
            raise await unknown_table(self._database, name)
        return table, key_sequences.parse(report.results[1])

    async def rows(self, request: LoadRequest, table: TableInfo) -> RowSource:
        """Open the rows; the caller closes them.

        Raises:
            RequestInvalid: A column or the file is wrong.
            NotConfigured: No folder is allowed, or nothing reads the file.
        """
        known = [column.name for column in table.columns if not column.is_generated]
        if request.rows is not None:
            return InlineRows(request.rows, request.columns, known)
        options = FileOptions(
            request.path,
            request.columns,
            known,
            request.null,
            request.delimiter,
            request.encoding,
            request.header,
        )
        return await asyncio.to_thread(self._files.open, options)

    def job(self, request: LoadRequest, source: RowSource, table: TableInfo) -> RowLoadJob:
        """Make the job of a call, or the one that its handle goes on with.

        Raises:
            RequestInvalid: The rows do not fit the table.
        """
        plan = plan_insert(table, source.choice, request.on_conflict)
        columns = [column.name for column in plan.columns]
        what = (self._cluster, "load_rows", table.oid, columns, request.on_conflict, request.path)
        # Mended rows go on with the handle of the first ones: the job sees that those before are the same.
        work = fingerprint(what)
        given = fingerprint_in(request.resume)
        own = f"{work}-{source.name}"
        same = request.resume not in ("", RESTART) and given.partition("-")[0] == work
        return RowLoadJob(
            self._database, plan, source, given if same else own, skip_bad_rows=request.skip_bad_rows
        )
