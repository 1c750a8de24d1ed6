"""``migrate``: a script of DDL and data carried over to Aurora DSQL, a transaction a step."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context
from pydantic import Field

from awslabs_dsql_mcp.sql.scripts import without_mark
from awslabs_dsql_mcp.tools.spec import Answer, ToolSpec, client_shows_views, search_hint

_DESCRIPTION: Final = (
    "Carry a PostgreSQL script (pg_dump, an ORM's migration) over to Aurora DSQL: rewritten, "
    "one transaction a step, jobs waited for. First dry_run: the plan, each change, what needs "
    "a human. A run stops at a failure, or when its time is over, and says what is applied; "
    "resume_from goes on with exactly the same script."
)


@dataclass(frozen=True)
class MigrateRequest:
    """The arguments of a call.

    Attributes:
        script: Any number of statements.
        dry_run: Only show the plan.
        resume_from: A handle that an earlier call gave.
        verify: Compare what is stored with the script once all steps are applied.
        show_from: The place in the plan to show it from, as an earlier call gave it; nothing is run then.
        previews: The client shows views: the token of a dry run is for its user alone.
        is_agreed: The user has agreed to it, by the button of a view.
    """

    script: str
    dry_run: bool = False
    resume_from: str | None = None
    verify: bool = False
    show_from: str = ""
    previews: bool = False
    is_agreed: bool = False

    @property
    def only_shows(self) -> bool:
        """Nothing is run."""
        return self.dry_run or bool(self.show_from)


def migrate_tool(
    call: Callable[[Context[None, Any], MigrateRequest], Awaitable[Answer]],
) -> ToolSpec:
    """Describe the tool; for servers that may write.

    Args:
        call: Answers a call.
    """

    async def migrate(
        ctx: Context[None, Any],
        statements: Annotated[str | list[str], Field(description="A script, or its statements.")],
        dry_run: Annotated[bool, Field(description="Only show the plan.")] = False,  # noqa: FBT002 - clients pass arguments by name
        resume_from: Annotated[str | None, Field(description="As an earlier call gave it.")] = None,
        verify: Annotated[  # noqa: FBT002 - clients pass arguments by name
            bool, Field(description="Compare what is stored.")
        ] = False,
        show_from: Annotated[str, Field(description="Next part of a plan.")] = "",
    ) -> Answer:
        previews = client_shows_views(ctx)
        script = _script(statements)
        return await call(ctx, MigrateRequest(script, dry_run, resume_from, verify, show_from, previews))

    return ToolSpec(
        "migrate",
        migrate,
        "Schema migration",
        _DESCRIPTION,
        reads=False,
        family="schema-changes",
        meta=search_hint("postgres pg_dump script ddl migration"),
    )


def _script(statements: str | list[str]) -> str:
    if isinstance(statements, str):
        return statements
    return "\n;\n".join(map(without_mark, statements))  # each may end in a comment
