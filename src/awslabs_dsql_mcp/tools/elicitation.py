"""Questions to the user (MCP specification, "Elicitation")."""

from collections.abc import Callable
from typing import Any

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit
from pydantic import BaseModel, Field

from awslabs_dsql_mcp.database.call_context import current_cluster
from awslabs_dsql_mcp.errors import NotConfirmed


class Confirmation(BaseModel):
    """The form that the user is asked to fill in."""

    run: bool = Field(description="Run it?")


def supports_elicitation(ctx: Context[None, Any]) -> bool:
    """Check that the client can show its user a form.

    A client that declares neither mode has form mode; one with URL mode alone cannot ask (MCP specification,
    "Elicitation", Capabilities).
    """
    modes = ctx.client_capabilities and ctx.client_capabilities.elicitation
    return modes is not None and (modes.form is not None or modes.url is None)


def name_resolver(resolver: Callable[..., object], tool: str) -> None:
    """Name a resolver for clients, which see it as a key of a request for input: ``confirm:TOOL``.

    The SDK makes the key of the module and the qualified name (`mcp.server.mcpserver.resolve`).
    """
    resolver.__module__, resolver.__qualname__ = "confirm", tool


def ask(question: str | None) -> Confirmation | Elicit[Any]:
    """Put a question to the user, which names the cluster where there are several.

    Args:
        question: The question; ``None`` where none is needed, which counts as confirmed.
    """
    if question is None:
        return Confirmation(run=True)
    cluster = current_cluster()
    return Elicit(f"On cluster {cluster}:\n{question}" if cluster else question, Confirmation)


def require_confirmation(answer: ElicitationResult[Confirmation]) -> None:
    """Stop where the user was asked and did not agree.

    Raises:
        NotConfirmed: The user declined, or did not answer.
    """
    if not (isinstance(answer, AcceptedElicitation) and answer.data.run):
        raise NotConfirmed(
            "The user did not approve this transaction; nothing was run.",
            hint="Ask the user what to do instead.",
        )
