"""``migrate``."""

from typing import TYPE_CHECKING, Annotated, Any, Final

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.types import CallToolResult
from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.tools import elicitation
from awslabs_dsql_mcp.tools.spec import ToolSpec, result_of
from awslabs_dsql_mcp.tools.sql_spec import Confirmation, require_confirmation

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.tools.migrate import MigrateTools

_DESCRIPTION: Final = (
    "Carry a PostgreSQL script (pg_dump, an ORM's migration) over to Aurora DSQL: rewritten to what it has, "
    "one transaction a step, jobs waited for. First dry_run: the plan, what was changed and why, what needs "
    "a human. A run stops at the first failure, or when its time is over, and says what is applied; "
    "resume_from goes on with exactly the same script. Nothing runs twice."
)


class Migrated(TypedDict):
    """How far a migration came."""

    state: str
    steps: int
    needs_human: int
    applied: NotRequired[int]
    resume_from: NotRequired[str]


def migrate_tools(tools: "Callable[[], MigrateTools]") -> tuple[ToolSpec, ...]:
    """Describe the tool for migrations.

    Args:
        tools: Gives what answers it.
    """

    async def ask(
        ctx: Context[None, Any],
        statements: str | list[str],
        dry_run: bool,  # noqa: FBT001 - resolvers take tools' arguments by name
        resume_from: str | None,
    ) -> Confirmation | Elicit[Confirmation]:
        from awslabs_dsql_mcp.tools.migrate import MigrateRequest  # noqa: PLC0415 - at first need

        capabilities = ctx.client_capabilities
        can_ask = capabilities is not None and capabilities.elicitation is not None
        request = MigrateRequest(_script(statements), dry_run, resume_from)
        question = await tools().prompt(request, can_ask=can_ask)
        return Confirmation(run=True) if question is None else elicitation.ask(question, Confirmation)

    async def migrate(
        ctx: Context[None, Any],
        statements: Annotated[str | list[str], Field(description="The script, or its statements in order.")],
        answer: Annotated[ElicitationResult[Confirmation], Resolve(ask)],
        dry_run: Annotated[bool, Field(description="Only show the plan.")] = False,  # noqa: FBT002 - clients pass arguments by name
        resume_from: Annotated[str | None, Field(description="As an earlier call gave it.")] = None,
    ) -> Annotated[CallToolResult, Migrated]:
        from awslabs_dsql_mcp.tools.migrate import MigrateRequest  # noqa: PLC0415 - at first need

        require_confirmation(answer)
        request = MigrateRequest(_script(statements), dry_run, resume_from)
        return result_of(await tools().migrate(request, ctx.report_progress))

    return (
        ToolSpec(
            "migrate",
            migrate,
            "Schema migration",
            _DESCRIPTION,
            reads=False,
            family="schema-changes",
        ),
    )


def _script(statements: str | list[str]) -> str:
    if isinstance(statements, str):
        return statements
    return "\n;\n".join(statements)  # each may end in a comment
