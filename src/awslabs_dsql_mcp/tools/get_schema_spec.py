"""``get_schema``."""

from typing import TYPE_CHECKING, Annotated, Literal

from mcp.types import CallToolResult
from pydantic import Field

from awslabs_dsql_mcp.tools.spec import Text, ToolSpec, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.tools.get_schema import SchemaTools

_DESCRIPTION = (
    "Without table_name: the tables and views of all schemas, with estimated rows. With it: columns with "
    "types, defaults and comments, keys, foreign keys both ways, indexes, a view's definition. Names fold as "
    'in SQL: quote one with capitals ("Order Lines"). A name in several schemas gives each.'
)


def schema_tools(tools: "Callable[[], SchemaTools]") -> tuple[ToolSpec, ...]:
    """Describe the schema tool.

    Args:
        tools: Gives what answers it.
    """

    # A name may look like JSON (null, 123, [a]): the SDK leaves alone only what is typed exactly str.
    async def get_schema(
        table_name: Annotated[str, Field(description="table or schema.table; empty: list all.")] = "",
        detail: Annotated[
            Literal["names", "summary", "full"] | None,
            Field(description="Default: summary for the list, full for a table."),
        ] = None,
        after: Annotated[str, Field(description="Next page of the list: its last table.")] = "",
        limit: Annotated[int, Field(description="Tables a page.", ge=1, le=1000)] = 100,
    ) -> Annotated[CallToolResult, Text]:
        return result_of(await tools().get_schema(table_name, detail, after, limit))

    return (ToolSpec("get_schema", get_schema, "Tables and their columns", _DESCRIPTION),)
