"""Completion of addresses of resources and of topics of prompts (MCP specification, "Completion")."""

from collections.abc import Awaitable, Callable
from typing import Final

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.server.prompts import PROMPTS
from awslabs_dsql_mcp.server.resources import ResourceTable

_TABLE_PART: Final = ("dsql://schema/{schema}/{table}", "table")  # completes a prompt's topic
_MAX_COMPLETIONS: Final = 100  # MCP specification, "Completion"

Complete = Callable[
    [PromptReference | ResourceTemplateReference, CompletionArgument, CompletionContext | None],
    Awaitable[Completion | None],
]
"""Completes an argument; ``None`` where there is nothing to complete."""


def completion(resources: ResourceTable) -> Complete:
    """Make what completes the addresses of resources, and by the same names the topic of a prompt."""
    templates = {spec.uri for spec in resources.specs}
    prompts = {prompt.function.__name__ for prompt in PROMPTS}

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        uri, part = (ref.uri, argument.name) if isinstance(ref, ResourceTemplateReference) else _TABLE_PART
        if isinstance(ref, PromptReference) and ref.name not in prompts:
            raise MCPError(INVALID_PARAMS, f"There is no prompt {ref.name!r:.60}.")
        if isinstance(ref, ResourceTemplateReference) and uri not in templates:
            raise MCPError(INVALID_PARAMS, f"There is no resource template {uri!r:.60}.")
        if uri not in templates or (isinstance(ref, PromptReference) and argument.name != "topic"):
            return None
        known = (context.arguments if context else None) or {}
        try:
            values = await resources.complete(uri, part, argument.value, known)
        except DsqlError:  # no cluster, say: who types a name is not helped by an error
            return None
        shown: list[str] = list(values[:_MAX_COMPLETIONS])
        return Completion(values=shown, total=len(values), has_more=len(values) > len(shown))

    return complete
