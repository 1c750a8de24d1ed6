"""``load_rows``: rows from the call or from a file into a table, any number of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.tools.large_changes.resumable import BatchResult, Resume, Token
from awslabs_dsql_mcp.tools.spec import Answer, ToolSpec, client_shows_views, search_hint

_DESCRIPTION: Final = (
    "Load rows into a table in transactions of under 3,000 rows: given here, or from a CSV, JSON Lines, JSON "
    "or Parquet file in the operator's folder, with the values that COPY would read. Not atomic; resumed "
    "like batch_write, nothing is lost or loaded twice. A row that cannot be stored stops the load before "
    "its batch (mend it and resume), or is left out with skip_bad_rows."
)


class LeftOut(TypedDict):
    """A row that was left out, or from which on nothing can be read."""

    row: int
    line: NotRequired[int]
    reason: str


class Verified(TypedDict):
    """Result of a comparison; ``complete`` if it reached the last row.

    ``read_as_others`` counts values that their type changes as it reads them, so that no difference shows.
    """

    compared: int
    complete: bool
    missing: int
    changed: dict[str, int]
    read_as_others: NotRequired[dict[str, int]]


class LoadResult(BatchResult):
    """Progress of a load."""

    bad_rows: NotRequired[int]
    bad_rows_at_least: NotRequired[int]
    data: NotRequired[str]
    reasons: NotRequired[list[LeftOut]]
    unread_from: NotRequired[int]
    unread: NotRequired[LeftOut]
    skipped: NotRequired[int]
    skipped_rows: NotRequired[list[int]]
    nulls: NotRequired[dict[str, int]]
    json_strings: NotRequired[dict[str, int]]
    changed: NotRequired[dict[str, int]]
    verified: NotRequired[Verified]
    differences: NotRequired[list[str]]
    notes: NotRequired[list[str]]
    end: NotRequired[str]


@dataclass(frozen=True)
class LoadRequest:
    """The arguments of a call.

    Attributes:
        table: Where to.
        rows: The rows: objects, or arrays in the order of ``columns``.
        path: Or a file of the operator's folder.
        columns: The columns to load, or the table's column for each.
        on_conflict: What happens to a row whose key is there.
        skip_bad_rows: Leave out what cannot be stored, and tell of it, instead of stopping there.
        null: The text of an unquoted CSV field that is NULL.
        delimiter: What separates CSV fields; empty to find it.
        encoding: Encoding of a text file; empty for its byte order mark's, or UTF-8.
        header: The first line of a CSV file has the names.
        dry_run: Only try the first batch, and count.
        dry_run_token: What a dry run of the same gave.
        resume: A handle.
        rows_per_second: How fast at most.
        verify: Compare what is stored with the rows when all are loaded.
        previews: The client shows views: the token of a dry run is for its user alone.
    """

    table: str
    rows: Sequence[object] | None = None
    path: str = ""
    columns: Sequence[str] | Mapping[str, str] | None = None
    on_conflict: Literal["error", "skip", "update"] = "error"
    skip_bad_rows: bool = False
    null: str = ""
    delimiter: str = ""
    encoding: str = ""
    header: bool = True
    dry_run: bool = False
    dry_run_token: str | None = None
    resume: str = ""
    rows_per_second: int | None = None
    verify: bool = False
    previews: bool = False


def load_rows_tool(
    call: Callable[[Context[None, Any], LoadRequest], Awaitable[Answer]],
) -> ToolSpec:
    """Describe the tool; for servers that may write.

    Args:
        call: Answers a call.
    """

    async def load_rows(  # noqa: PLR0913, PLR0917 - a tool's arguments
        ctx: Context[None, Any],
        table: Annotated[str, Field(description="table or schema.table.")],
        rows: Annotated[
            list[Any] | None, Field(description="Objects by column, or arrays in the order of columns.")
        ] = None,
        path: Annotated[str, Field(description="File in the operator's folder.")] = "",
        columns: Annotated[
            list[str] | dict[str, str] | None,
            Field(description="Columns to load; or {theirs: the table's}."),
        ] = None,
        on_conflict: Annotated[
            Literal["error", "skip", "update"],
            Field(description="For a row that is there: update goes by primary key."),
        ] = "error",
        skip_bad_rows: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool, Field(description="Leave out and report what cannot be stored.")
        ] = False,
        null: Annotated[
            str,
            Field(description="CSV: unquoted text for NULL."),
        ] = "",
        delimiter: Annotated[str, Field(description="CSV: found if not given.")] = "",
        encoding: Annotated[str, Field(description="UTF-8 or by mark if not given.")] = "",
        header: Annotated[  # noqa: FBT002 - as above
            bool, Field(description="CSV: the first line names the columns.")
        ] = True,
        dry_run: Annotated[  # noqa: FBT002 - as above
            bool, Field(description="Count, and try the first batch; gives a dry_run_token.")
        ] = False,
        dry_run_token: Token = None,
        resume: Resume = "",
        rows_per_second: Annotated[int | None, Field(description="Go no faster.", ge=1)] = None,
        verify: Annotated[  # noqa: FBT002 - as above
            bool, Field(description="Then compare what is stored with the rows.")
        ] = False,
    ) -> Annotated[CallToolResult, LoadResult] | InputRequiredResult:
        request = LoadRequest(
            table,
            rows,
            path,
            columns,
            on_conflict,
            skip_bad_rows,
            null,
            delimiter,
            encoding,
            header,
            dry_run,
            dry_run_token,
            resume,
            rows_per_second,
            verify,
            previews=client_shows_views(ctx),
        )
        return await call(ctx, request)

    return ToolSpec(
        "load_rows",
        load_rows,
        "Load many rows",
        _DESCRIPTION,
        reads=False,
        family="bulk",
        meta=search_hint("import csv json parquet file rows"),
    )
