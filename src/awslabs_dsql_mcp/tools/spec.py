"""The description of a tool for clients, and its results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.config.settings import Toolset
from awslabs_dsql_mcp.output.tool_output import ReportProgress, ToolOutput
from awslabs_dsql_mcp.text import Shown, as_line
from awslabs_dsql_mcp.views.extension import shows_views

FACTS: Final = "awslabs-dsql-mcp/facts"
"""Key in a result's ``_meta`` of the values for programs (MCP specification, "General fields", ``_meta``)."""

Answer = CallToolResult | InputRequiredResult
"""A tool's answer, or a question to the user first."""

ALWAYS_LOAD: Final = {"anthropic/alwaysLoad": True}
"""``_meta`` of tools that Claude Code loads at the start; others are found by a search first."""


def search_hint(words: str) -> dict[str, str]:
    """``_meta`` with the words by which Claude Code's search of tools finds one."""
    return {"anthropic/searchHint": words}


class RowsResult(TypedDict):
    """Result of one statement."""

    data: NotRequired[str]
    notice: NotRequired[str]
    command: str
    row_count: int | None
    columns: NotRequired[list[str]]
    rows: NotRequired[list[list[Any]]]
    end: NotRequired[str]


@dataclass(frozen=True)
class ToolSpec:
    """One tool.

    Attributes:
        name: Name that clients call it by; it does not change.
        function: Typed parameters with descriptions; it gives ``Annotated[CallToolResult, …]`` with the
            schema of its structured content, or a bare ``CallToolResult`` when its text is all there is.
        title: For people.
        description: For the model.
        reads: It only reads; what may write counts as destructive and as not repeatable, unless it only adds.
        adds: It only adds; the same call again adds nothing.
        open_world: It reaches beyond the configured cluster.
        family: Set of tools that operators choose.
        cluster: The cluster that it works on, where there are several; each then has a tool of its own.
        for_new: It works on clusters, too, that are made while the server runs.
        meta: ``_meta`` of the tool, for clients that know the keys.
        withheld: Arguments that it takes only where writes are allowed, and here does not.
    """

    name: str
    function: Callable[..., Any]
    title: str
    description: str
    reads: bool = True
    adds: bool = False
    open_world: bool = False
    family: Toolset = "core"
    cluster: str | None = None
    for_new: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    withheld: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Name that it is registered under."""
        return self.name if self.cluster is None else f"{self.name}.{self.cluster}"

    @property
    def annotations(self) -> ToolAnnotations:
        """The title, and the hints that say something (MCP specification 2025-11-25, ToolAnnotations).

        The specification has it that a tool writes unless it says otherwise, and gives the hints of what it
        destroys or repeats a meaning for what writes alone. A destructive tool says so although that is the
        default, and each says if it reaches beyond: Claude Code 2.1.197 takes a missing hint for false. It
        reads the title only here, and the SDKs read it here where a tool has none beside its name.
        """
        return ToolAnnotations(
            title=self.title,
            read_only_hint=self.reads or None,
            destructive_hint=None if self.reads else not self.adds,
            idempotent_hint=(self.adds and not self.reads) or None,
            open_world_hint=self.open_world,
        )


def text_content(text: Shown) -> TextContent:
    """Make the text of a result; no other text leaves."""
    return TextContent(text=text)


def progress_of(ctx: Context[None, Any]) -> ReportProgress:
    """Report the progress of a call to its client, each message on one line."""

    async def report(done: float, total: float | None, message: str | None) -> None:
        await ctx.report_progress(done, total, message and as_line(message))

    return report


def client_of(ctx: Context[None, Any]) -> str:
    """Give the name of a call's client; empty if it told none."""
    params = ctx.session.client_params
    return params.client_info.name if params is not None else ""


def client_shows_views(ctx: Context[None, Any] | None) -> bool:
    """Check that a call's client shows views."""
    capabilities = ctx and ctx.client_capabilities
    return capabilities is not None and shows_views(capabilities.extensions)


def to_result(answer: ToolOutput) -> CallToolResult:
    """Convert the answer of a tool with an output schema: text, and structured content that says the same."""
    meta = dict(answer.for_person) or None
    return CallToolResult(
        content=[text_content(answer.text)], structured_content=answer.structured, _meta=meta
    )


def to_text_result(answer: ToolOutput) -> CallToolResult:
    """Convert the answer of a tool without an output schema: the text alone, with values in ``_meta``."""
    facts = {FACTS: answer.structured} if answer.values else {}
    meta = {**facts, **answer.for_person} or None
    return CallToolResult(content=[text_content(answer.text)], _meta=meta)


def facts_of(result: CallToolResult) -> Mapping[str, Any]:
    """Give the values for programs of an answer or an error."""
    return result.structured_content or (result.meta or {}).get(FACTS) or {}
