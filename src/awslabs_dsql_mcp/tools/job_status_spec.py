"""``job_status``."""

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.tools.spec import ToolSpec, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.tools.job_status import JobTools

_LONGEST_WAIT = 45  # tools.jobs.LONGEST_WAIT, which is not imported at the start


class Jobs(TypedDict):
    """How jobs stand."""

    next: str
    unfinished: int
    data: NotRequired[str]
    jobs: list[dict[str, Any]]
    end: NotRequired[str]


def job_tools(tools: "Callable[[], JobTools]") -> tuple[ToolSpec, ...]:
    """Describe the tool for jobs.

    Args:
        tools: Gives what answers it.
    """

    async def job_status(
        ctx: Context[None, Any],
        job_id: Annotated[str, Field(description="One job; empty: a list.")] = "",
        wait_s: Annotated[
            float | None,
            Field(description="Wait so long for the end; 20 for one job.", ge=0, le=_LONGEST_WAIT),
        ] = None,
    ) -> Annotated[CallToolResult, Jobs]:
        return result_of(await tools().job_status(job_id or None, wait_s, ctx.report_progress))

    return (
        ToolSpec(
            "job_status",
            job_status,
            "Jobs",
            "Status of the jobs that CREATE INDEX ASYNC and ALTER TABLE ASYNC start: index validity, why one "
            "failed. If unfinished, ask again.",
            family="schema-changes",
        ),
    )
