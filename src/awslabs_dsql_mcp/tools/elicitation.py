"""Questions to the user."""

from typing import Any

from mcp.server.mcpserver import Elicit
from pydantic import BaseModel

from awslabs_dsql_mcp.database.call_context import current_cluster


def ask(text: str, answer: type[BaseModel]) -> Elicit[Any]:
    """Put a question to the user, which names the cluster where there are several.

    Args:
        text: The question.
        answer: What the user is to fill in.
    """
    cluster = current_cluster()
    return Elicit(f"On cluster {cluster}:\n{text}" if cluster else text, answer)
