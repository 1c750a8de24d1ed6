"""Arguments and answers of tools that work in many transactions, and are resumed."""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

from mcp.server.mcpserver import Context
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.clusters.budget import ForecastFacts
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.tools.spec import progress_of

if TYPE_CHECKING:
    from awslabs_dsql_mcp.bulk.jobs.runner import ProgressCallback, RunResult

IN_BATCHES: Final = "in batches, a transaction each"
"""Transactions of these tools, for who is asked to confirm them."""

_SAYS_NOTHING: Final = re.compile(r"\bnothing (?:more )?was\b", re.IGNORECASE)


class BatchResult(TypedDict):
    """Progress of a run."""

    status: str
    message: str
    rows: int
    batches: int
    resume: NotRequired[str]
    dry_run_token: NotRequired[str]
    forecast: NotRequired[ForecastFacts]


Resume = Annotated[
    str,
    Field(description="Handle that an earlier call gave; 'new' to do anew what was begun or done before."),
]
Token = Annotated[
    str | None, Field(description="Of a dry run of the same: replaces the user's confirmation.")
]


def refuse_running_dry(*, resume: str | None, token: str | None) -> None:
    """Refuse a dry run that is told to go on, or to be what a dry run was for.

    Raises:
        RequestInvalid: It is.
    """
    given = "dry_run_token" if token is not None else "resume" if resume else ""
    if given:
        raise RequestInvalid(
            f"dry_run shows what a run would do, and {given} is for a run; nothing was run.",
            code="dry_run_or_run",
            hint=f"To run it, send the same without dry_run; to see it only, without {given}.",
        )


@contextmanager
def saying_what_is_stored() -> Generator[None]:
    """Add to an error that came before any transaction of a call that it has stored nothing."""
    try:
        yield
    except DsqlError as error:
        if error.outcome is None and not _SAYS_NOTHING.search(error.text):
            error.details = (*error.details, "Nothing was stored by this call.")
        raise


def progress_callback(ctx: Context[None, Any]) -> "ProgressCallback":
    """Report the progress of a run to the client."""
    report_progress = progress_of(ctx)

    async def report(rows: float, message: str) -> None:
        await report_progress(rows, None, message)

    return report


def run_output(result: "RunResult", no_rows: str, lacking: Sequence[str] = ()) -> ToolOutput:
    """Describe the result of a call: finished, at its end with a part undone, or paused with the next call.

    Args:
        result: The result.
        no_rows: A sentence for a run that found no rows to work on.
        lacking: What is not done though there is no further batch, and lines on what to do; none if all is.
    """
    at = result.progress
    done = at.stored
    values: dict[str, object] = {"rows": at.rows, "batches": at.storing}
    note = f" {result.note}" if result.note else ""
    if result.resume_token is None:
        if lacking:
            what, *more = lacking
            return with_message("partial", [f"partial, not finished: {done}. {what}{note}", *more], values)
        done = f"{done}." if at.batches else no_rows
        return with_message("finished", [f"finished: {done}{note}"], values)
    lines = (
        f"paused, not finished: {done}; {result.reason}.{note}",
        f"Next: make the same call with resume='{result.resume_token}', and again until it is finished.",
    )
    return with_message("paused", lines, values | {"resume": result.resume_token})


def with_message(status: str, lines: Sequence[str], values: Mapping[str, object]) -> ToolOutput:
    """Make an answer whose structured content holds the text as well: it says what no value does."""
    return ToolOutput(tuple(lines), {"status": status, "message": tuple(lines), **values})
