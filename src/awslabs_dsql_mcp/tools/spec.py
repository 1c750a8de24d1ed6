"""The description of a tool for clients, and its results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.types import CallToolResult, TextContent, ToolAnnotations
from typing_extensions import NotRequired, TypedDict

from awslabs_dsql_mcp.config.settings import Toolset
from awslabs_dsql_mcp.output.tool_output import ToolOutput


class Text(TypedDict):
    """The answer, as text."""

    text: str


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
        reads: Whether it only reads; what may write counts as destructive and as not repeatable.
        open_world: Whether it reaches beyond the configured cluster.
        family: Set of tools that operators choose.
        cluster: The cluster that it works on, where there are several; each then has a tool of its own.
    """

    name: str
    function: Callable[..., Any]
    title: str
    description: str
    reads: bool = True
    open_world: bool = False
    family: Toolset = "core"
    cluster: str | None = None

    @property
    def key(self) -> str:
        """Name that it is registered under."""
        return self.name if self.cluster is None else f"{self.name}.{self.cluster}"

    @property
    def annotations(self) -> ToolAnnotations:
        """All four hints (MCP specification, "Tools", ToolAnnotations)."""
        return ToolAnnotations(
            title=self.title,
            read_only_hint=self.reads,
            destructive_hint=not self.reads,
            idempotent_hint=self.reads,
            open_world_hint=self.open_world,
        )


def to_result(answer: ToolOutput) -> CallToolResult:
    """Convert an answer: text for the model, and as structured content that says the same."""
    structured = dict(answer.structured) or {"text": answer.text}
    return CallToolResult(content=[TextContent(text=answer.text)], structured_content=structured)
