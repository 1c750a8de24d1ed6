"""``explain_query``."""

from typing import TYPE_CHECKING, Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.tools.spec import Text, ToolSpec, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.tools.explain_query import PlanTools

_DESCRIPTION = (
    "A statement's plan, and in words what costs in it: whole tables read, look-ups, filters that drop most "
    "rows, wrong estimates, and an index as a ready CREATE INDEX ASYNC where the plan supports one. Nothing "
    "is run, except with analyze: that runs a read in a READ ONLY transaction for real rows and DPUs."
)


def plan_tools(tools: "Callable[[], PlanTools]") -> tuple[ToolSpec, ...]:
    """Describe the plan tool.

    Args:
        tools: Gives what answers it.
    """

    async def explain_query(
        sql: Annotated[str, Field(description="One statement, without EXPLAIN; %s where a value goes.")],
        params: Annotated[list[Any] | None, Field(description="Values for %s, in order.")] = None,
        analyze: Annotated[bool, Field(description="Run it; only for reads.")] = False,  # noqa: FBT002 - clients pass arguments by name
    ) -> Annotated[CallToolResult, Text]:
        return result_of(await tools().explain_query(sql, params, analyze=analyze))

    return (ToolSpec("explain_query", explain_query, "Query plan and cost", _DESCRIPTION),)
