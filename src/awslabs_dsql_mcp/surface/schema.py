"""``get_schema``."""

from typing import Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field
from typing_extensions import TypedDict

from awslabs_dsql_mcp.core.ports import Database
from awslabs_dsql_mcp.surface.spec import ToolSpec, result_of
from awslabs_dsql_mcp.tools.schema import get_schema as describe


class Schema(TypedDict):
    """The tables of one name."""

    tables: list[dict[str, Any]]


def schema_tools(database: Database) -> tuple[ToolSpec, ...]:
    """Describe the schema tool.

    Args:
        database: Where.
    """

    async def get_schema(
        table_name: Annotated[str, Field(description="table or schema.table, as in SQL.")],
    ) -> Annotated[CallToolResult, Schema]:
        return result_of(await describe(database, table_name))

    return (
        ToolSpec(
            "get_schema",
            get_schema,
            "Table schema",
            "Columns with types, defaults and NOT NULL, constraints and indexes of a table or view.",
        ),
    )
