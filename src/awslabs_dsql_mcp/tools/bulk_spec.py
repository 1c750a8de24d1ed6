"""``batch_write`` and ``load_rows``."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.types import CallToolResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.tools import elicitation
from awslabs_dsql_mcp.tools.batch_write import WriteRequest
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from awslabs_dsql_mcp.tools.spec import ToolSpec, result_of
from awslabs_dsql_mcp.tools.sql_spec import Confirmation, require_confirmation

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.bulk.runner import ProgressCallback
    from awslabs_dsql_mcp.tools.batch_write import BatchWrite
    from awslabs_dsql_mcp.tools.load_rows import LoadRows

_BATCH_WRITE = (
    "Run one UPDATE, DELETE or INSERT … SELECT over any number of rows, in transactions of under 3,000 rows "
    "cut by primary key. Not atomic: batches stay committed if a later one fails. Each row is done once: "
    "where repeating a batch could change more (n = n + 1, INSERT), batches are marked in a table made "
    "beside the target, dsql_mcp_progress. Stops at the first error, or paused when the call's time is up: "
    "call again with resume until finished. Refuses what cannot be cut: no primary key, reads of the changed "
    "table, aggregates."
)
_LOAD_ROWS = (
    "Load rows into a table in transactions of under 3,000 rows: given here as objects, or from a CSV (first "
    "line names the columns), JSON Lines or Parquet file in the operator's folder. Not atomic, and resumed "
    "like batch_write: nothing is lost or loaded twice; where rows have no key of their own to tell, batches "
    "are marked in dsql_mcp_progress. A row that cannot be stored is named with its reason and stops the "
    "load before its batch, or is left out with skip_bad_rows."
)


class BatchResult(TypedDict):
    """How far a long change is."""

    status: str
    rows: int
    batches: int
    resume: NotRequired[str]
    dry_run_token: NotRequired[str]


class BadRow(TypedDict):
    """A row that was left out."""

    row: int
    reason: str


class LoadResult(BatchResult):
    """How far a load is."""

    bad_rows: NotRequired[int]
    data: NotRequired[str]
    reasons: NotRequired[list[BadRow]]
    end: NotRequired[str]


Resume = Annotated[
    str,
    Field(description="Handle that an earlier call gave; 'new' to begin again beside an unfinished run."),
]
Token = Annotated[str | None, Field(description="Of a dry run of the same, in place of the user's yes.")]


def bulk_tools(
    batch_write: "Callable[[], BatchWrite]", load_rows: "Callable[[], LoadRows]"
) -> tuple[ToolSpec, ...]:
    """Describe the tools for many rows; for servers that may write.

    Args:
        batch_write: Gives what runs big changes.
        load_rows: Gives what loads rows.
    """
    return (_batch_write(batch_write), _load_rows(load_rows))


def supports_elicitation(ctx: Context[None, Any]) -> bool:
    """Whether the client can put a question to its user."""
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def _progress_callback(ctx: Context[None, Any]) -> "ProgressCallback":
    async def tell(rows: int, told: str) -> None:
        await ctx.report_progress(rows, None, told)

    return tell


def _batch_write(tools: "Callable[[], BatchWrite]") -> ToolSpec:
    async def ask(
        ctx: Context[None, Any],
        sql: str,
        params: list[Any] | None,
        dry_run: bool,  # noqa: FBT001 - as above
        dry_run_token: str | None,
        resume: str,
    ) -> Confirmation | Elicit[Confirmation]:
        request = WriteRequest(sql, params, dry_run, dry_run_token, resume)
        question = await tools().prompt(request, can_ask=supports_elicitation(ctx))
        return Confirmation(run=True) if question is None else elicitation.ask(question, Confirmation)

    async def batch_write(  # noqa: PLR0913, PLR0917 - a tool's arguments
        ctx: Context[None, Any],
        sql: Annotated[str, Field(description="The statement; %s where a value goes.")],
        answer: Annotated[ElicitationResult[Confirmation], Resolve(ask)],
        params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
        dry_run: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool, Field(description="Only count rows and batches; gives a dry_run_token.")
        ] = False,
        dry_run_token: Token = None,
        resume: Resume = "",
        rows_per_second: Annotated[int | None, Field(description="Go no faster.", ge=1)] = None,
    ) -> Annotated[CallToolResult, BatchResult]:
        require_confirmation(answer)
        request = WriteRequest(sql, params, dry_run, dry_run_token, resume, rows_per_second)
        return result_of(await tools().batch_write(request, _progress_callback(ctx)))

    return ToolSpec("batch_write", batch_write, "Change many rows", _BATCH_WRITE, reads=False, family="bulk")


def _load_rows(tools: "Callable[[], LoadRows]") -> ToolSpec:
    async def ask(  # noqa: PLR0913, PLR0917 - resolvers take tools' arguments by name
        ctx: Context[None, Any],
        table: str,
        rows: list[Any] | None,
        path: str,
        columns: list[str] | None,
        on_conflict: Literal["error", "skip", "update"],
        null: str,
        dry_run: bool,  # noqa: FBT001 - as above
        dry_run_token: str | None,
        resume: str,
    ) -> Confirmation | Elicit[Confirmation]:
        request = LoadRequest(
            table,
            rows,
            path,
            columns,
            on_conflict,
            null=null,
            dry_run=dry_run,
            dry_run_token=dry_run_token,
            resume=resume,
        )
        question = tools().prompt(request, can_ask=supports_elicitation(ctx))
        return Confirmation(run=True) if question is None else elicitation.ask(question, Confirmation)

    async def load_rows(  # noqa: PLR0913, PLR0917 - a tool's arguments
        ctx: Context[None, Any],
        table: Annotated[str, Field(description="table or schema.table.")],
        answer: Annotated[ElicitationResult[Confirmation], Resolve(ask)],
        rows: Annotated[
            list[Any] | None, Field(description="Objects by column, or arrays in the order of columns.")
        ] = None,
        path: Annotated[str, Field(description="File in the operator's folder.")] = "",
        columns: Annotated[
            list[str] | None, Field(description="Columns of rows, or of a CSV file without a first line.")
        ] = None,
        on_conflict: Annotated[
            Literal["error", "skip", "update"],
            Field(description="For a row that is there: update goes by primary key."),
        ] = "error",
        skip_bad_rows: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool, Field(description="Leave out and report what cannot be stored.")
        ] = False,
        null: Annotated[str, Field(description="What a CSV field that is NULL reads.")] = "",
        dry_run: Annotated[  # noqa: FBT002 - as above
            bool, Field(description="Count, and try the first batch; gives a dry_run_token.")
        ] = False,
        dry_run_token: Token = None,
        resume: Resume = "",
        rows_per_second: Annotated[int | None, Field(description="Go no faster.", ge=1)] = None,
    ) -> Annotated[CallToolResult, LoadResult]:
        require_confirmation(answer)
        request = LoadRequest(
            table,
            rows,
            path,
            columns,
            on_conflict,
            skip_bad_rows,
            null,
            dry_run,
            dry_run_token,
            resume,
            rows_per_second,
        )
        return result_of(await tools().load_rows(request, _progress_callback(ctx)))

    return ToolSpec("load_rows", load_rows, "Load many rows", _LOAD_ROWS, reads=False, family="bulk")
