"""``dsql_lint``."""

from typing import TYPE_CHECKING, Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.tools.spec import ToolSpec, result_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.tools.dsql_lint import LintTools


class Lint(TypedDict):
    """What was found."""

    summary: str
    findings: list[dict[str, Any]]
    fixed_sql: NotRequired[str]
    fixed_sql_cut: NotRequired[bool]


def lint_tools(tools: "Callable[[], LintTools]") -> tuple[ToolSpec, ...]:
    """Describe the lint tool.

    Args:
        tools: Gives what answers it.
    """

    async def dsql_lint(
        sql: Annotated[str, Field(description="A script: any number of statements.")],
        fix: Annotated[bool, Field(description="Also give the script as fixed.")] = False,  # noqa: FBT002 - clients pass arguments by name
    ) -> Annotated[CallToolResult, Lint]:
        return result_of(await tools().dsql_lint(sql, fix=fix))

    return (
        ToolSpec(
            "dsql_lint",
            dsql_lint,
            "Lint SQL for Aurora DSQL",
            "What Aurora DSQL does not take of PostgreSQL DDL (a pg_dump, a migration): rule, line, what to "
            "write instead. Nothing is run.",
            family="schema-changes",
        ),
    )
