"""``export_query``: all rows of a read into a file of the operator's directory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Final, Literal, get_args

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ResourceLink
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.dsql.limits import MAX_TRANSACTION_SECONDS
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid, TimedOut
from awslabs_dsql_mcp.export.file_sink import FileSink, ReportRows
from awslabs_dsql_mcp.export.parquet_writer import ParquetWriter, parquet_type
from awslabs_dsql_mcp.export.writers import CsvWriter, JsonLinesWriter, OpenWriter
from awslabs_dsql_mcp.files.directory import NewFile, OperatorDirectory
from awslabs_dsql_mcp.files.parquet import import_pyarrow
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.text import pluralize, truncate_lines
from awslabs_dsql_mcp.tools.prepare import Value, prepare
from awslabs_dsql_mcp.tools.spec import ToolSpec, progress_of, search_hint, to_result

FileFormat = Literal["csv", "jsonl", "parquet"]

_MAX_COLUMNS: Final = 10_000  # characters of the columns that are named
_SINCE_LINKS: Final = "2025-06-18"  # the first revision of MCP with resource links in results


@dataclass(frozen=True)
class _Format:
    open_writer: OpenWriter
    mime_type: str


_FORMATS: Final[dict[str, _Format]] = {
    "csv": _Format(CsvWriter, "text/csv"),
    "jsonl": _Format(JsonLinesWriter, "application/x-ndjson"),
    "parquet": _Format(ParquetWriter, "application/vnd.apache.parquet"),
}


class ExportResult(TypedDict):
    """A file that was written."""

    notice: NotRequired[str]
    path: str
    uri: str
    rows: int
    bytes: int
    columns: list[str]


@dataclass(frozen=True)
class ExportRequest:
    """The arguments of a call.

    Attributes:
        sql: One read, with ``%s`` where a value goes.
        params: The values.
        path: The file, in the operator's directory.
        format: Its format; by default as its name ends.
        overwrite: Replace a file of that name.
    """

    sql: str
    params: Sequence[Value] | None
    path: str
    format: FileFormat | None = None
    overwrite: bool = False


class ExportQuery:
    """Writes the rows of reads to files.

    Args:
        database: Where statements run.
        directory: Where files go.
    """

    def __init__(self, database: Database, directory: OperatorDirectory) -> None:
        self._database = database
        self._directory = directory

    def spec(self) -> ToolSpec:
        """The tool as it is announced."""

        async def export_query(
            ctx: Context[None, Any],
            sql: Annotated[str, Field(description="One statement; %s where a value goes.")],
            path: Annotated[str, Field(description="New file in the operator's folder.")],
            params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
            format: Annotated[  # noqa: A002 - clients pass arguments by name
                FileFormat | None, Field(description="As the name ends, if not given.")
            ] = None,
            overwrite: Annotated[bool, Field(description="Replace a file that is there.")] = False,  # noqa: FBT002 - as above
        ) -> Annotated[CallToolResult, ExportResult]:
            report_progress = progress_of(ctx)

            async def report(rows: int) -> None:
                await report_progress(rows, None, f"{pluralize(rows, 'row')} so far")

            request = ExportRequest(sql, params, path, format, overwrite)
            output, link = await self.export_query(request, report)
            result = to_result(output)
            if (ctx.protocol_version or "") >= _SINCE_LINKS:
                result.content.append(link)
            return result

        return ToolSpec(
            "export_query",
            export_query,
            "Export a query to a file",
            "Write all rows of one SELECT, VALUES, TABLE, SHOW or EXPLAIN to a CSV, JSON Lines or Parquet "
            "file in the operator's folder, from one snapshot: for more than readonly_query shows.",
            reads=False,
            meta=search_hint("download dump save csv json parquet file rows"),
        )

    async def export_query(
        self, request: ExportRequest, report: ReportRows
    ) -> tuple[ToolOutput, ResourceLink]:
        """Run one read-only statement in a READ ONLY transaction, and write its rows to a file.

        Args:
            request: What to write.
            report: Called with the number of rows so far.

        Raises:
            RequestInvalid: The values do not fit the placeholders, or there can be no such file.
            NotConfigured: The directory cannot be written to, or nothing writes the format.
            StatementRefused: The guard refused it.
            DsqlError: What `Database.run` raises; then there is no file.
        """
        prepared = await prepare([request.sql], [request.params], writes=False)
        name = _format_of(request)
        if name == "parquet":
            await asyncio.to_thread(import_pyarrow)
        file = await asyncio.to_thread(self._directory.create, request.path, overwrite=request.overwrite)
        sink = FileSink(file, _FORMATS[name].open_writer, report)
        try:
            (result,) = (await self._database.run(prepared.export_unit(sink))).results
            with anyio.CancelScope(shield=True):
                await sink.publish()
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await sink.discard()
            if isinstance(error, DsqlError):
                _explain(error, sink.rows)
            raise
        return _output(request.path, file, name, sink, result), _link(request.path, file, name)


def _format_of(request: ExportRequest) -> str:
    """Check that the name of a file ends as its format.

    Raises:
        RequestInvalid: It does not.
    """
    ending = PurePath(request.path).suffix.lower().removeprefix(".")
    chosen = request.format or {"ndjson": "jsonl"}.get(ending, ending)
    if chosen not in _FORMATS:
        known = ", ".join(f".{name}" for name in get_args(FileFormat))
        raise RequestInvalid(
            f"{request.path!r} does not end in {known}.", hint="Let the name end as its format."
        )
    if ending != chosen and (ending, chosen) != ("ndjson", "jsonl"):
        raise RequestInvalid(
            f"{request.path!r} does not end in .{chosen}, as a file of that format does.",
            hint=f"Name it {PurePath(request.path).stem or 'rows'}.{chosen}.",
        )
    return chosen


def _explain(error: DsqlError, rows: int) -> None:
    """Say that there is no file, and what to do where a transaction has not enough time."""
    written = "No file was written."
    if isinstance(error, TimedOut) or (error.sqlstate == "54000" and "age limit" in error.message):
        written += f" {pluralize(rows, 'row')} had arrived."
        error.hint = (
            f"A transaction lasts {MAX_TRANSACTION_SECONDS} s at most: export parts, each to a file of its "
            "own, by ranges of the key (WHERE key > … AND key <= …); or fewer columns."
        )
    error.details = (*error.details, written)


def _output(path: str, file: NewFile, name: str, sink: FileSink, result: Result) -> ToolOutput:
    columns = [f"{column.name} {column.type}" for column in result.columns]
    if name == "parquet":
        kinds = map(parquet_type, sink.fields)
        columns = [f"{column} as {kind}" for column, kind in zip(columns, kinds, strict=True)]
    columns = truncate_lines(columns, len(columns), "columns", characters=_MAX_COLUMNS)
    notice = {"notice": " ".join(result.notices)} if result.notices else {}
    text = (
        f"{path}: {pluralize(sink.rows, 'row')}, {file.size:,} bytes ({', '.join(columns) or 'no columns'})"
    )
    return ToolOutput(
        (*result.notices, text, file.uri),
        {**notice, "path": path, "uri": file.uri, "rows": sink.rows, "bytes": file.size, "columns": columns},
    )


def _link(path: str, file: NewFile, name: str) -> ResourceLink:
    return ResourceLink(
        name=PurePath(path).name, uri=file.uri, mime_type=_FORMATS[name].mime_type, size=file.size
    )
