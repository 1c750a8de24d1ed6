"""``readonly_query``: one read, in a READ ONLY transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.database.model import ResultLimits
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.output.rows import FormattedRows, format_rows
from awslabs_dsql_mcp.output.tool_output import Marked, ToolOutput, new_nonce, untrusted_notice
from awslabs_dsql_mcp.text import pluralize
from awslabs_dsql_mcp.tools.prepare import Value, prepare, takes_limit
from awslabs_dsql_mcp.tools.spec import ALWAYS_LOAD, RowsResult, ToolSpec, to_result


class ReadonlyQuery:
    """Runs reads.

    Args:
        database: Where statements run.
        limits: Largest result that is shown.
        exports: True if ``export_query`` is offered.
    """

    def __init__(self, database: Database, limits: ResultLimits, *, exports: bool) -> None:
        self._database = database
        self._limits = limits
        self._exports = exports

    def spec(self) -> ToolSpec:
        """The tool as it is announced."""

        async def readonly_query(
            sql: Annotated[str, Field(description="One statement; %s where a value goes.")],
            params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
            limit: Annotated[int | None, Field(description="Show at most so many rows.", ge=1)] = None,
        ) -> Annotated[CallToolResult, RowsResult]:
            return to_result(await self.readonly_query(sql, params, limit))

        return ToolSpec(
            "readonly_query",
            readonly_query,
            "Query (read-only)",
            "Run one SELECT, VALUES, TABLE, SHOW or EXPLAIN in a READ ONLY transaction. "
            "Returns columns with types, then one JSON array a row, "
            f"at most {self._limits.rows:,} rows: filter and aggregate in SQL.",
            meta=ALWAYS_LOAD,
        )

    async def readonly_query(
        self, sql: str, params: Sequence[Value] | None, limit: int | None = None
    ) -> ToolOutput:
        """Run one read-only statement in a READ ONLY transaction.

        Args:
            sql: One statement, with ``%s`` where a value goes.
            params: The values.
            limit: Show fewer rows than the server's own limit, which holds for a larger one, too.

        Raises:
            RequestInvalid: The values do not fit the placeholders.
            StatementRefused: The guard refused it.
            DsqlError: What `Database.run` raises.
        """
        prepared = await prepare([sql], [params], writes=False)
        limits = self._limits if limit is None else replace(self._limits, rows=min(limit, self._limits.rows))
        unit = prepared.unit(limits, read_only=True)
        (result,) = (await self._database.run(unit)).results
        if limit is not None and limit > limits.rows < (result.returned or 0):
            told = f"This server shows at most {pluralize(limits.rows, 'row')} of a result."
            result = replace(result, notices=(*result.notices, told))
        limited = takes_limit(prepared.statements[0], read_only=True)
        return _output(format_rows(result, limits, limited=limited, exports=self._exports))


def _output(table: FormattedRows) -> ToolOutput:
    if not table.has_text:
        return ToolOutput((*table.summary, *table.lines), table.structured)
    mark = new_nonce()
    told = {name: value for name, value in table.structured.items() if name != "rows"}
    return ToolOutput(
        (*table.summary, Marked("rows", "\n".join(table.lines), mark)),
        {**told, "data": untrusted_notice(mark), **table.structured, "end": mark},
    )
