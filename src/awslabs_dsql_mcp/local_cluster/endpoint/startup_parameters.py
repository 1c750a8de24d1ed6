"""A startup packet's parameters: what PostgreSQL is told of them, and what Aurora DSQL refuses.

A parameter that cannot be SET cannot be set at the start either; that the text is the same is by likeness.
``options`` holds ``-c name=value`` and ``--name=value`` (PostgreSQL documentation, 55.2.1 "Start-up").
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect.settings import refused_setting
from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal

_OURS: Final = frozenset({"user", "database", "options"})
_OPTION: Final = re.compile(r"\s*(?:-c\s*|--)([^=\s\\]+)=((?:\\.|[^\s\\])*)")


def refuse(parameters: Mapping[str, str]) -> Refusal | None:
    """Say why a startup packet's parameters cannot be taken."""
    for name, _ in _settings(parameters):
        refused = refused_setting(name)
        if refused is not None and not name.startswith("_pq_."):
            return refused
    return None


def for_postgres(parameters: Mapping[str, str], longest_transaction: float) -> dict[str, str]:
    """Give what PostgreSQL is told: the client's parameters, and how long a statement may take.

    Args:
        parameters: The client's.
        longest_transaction: Seconds that a statement may take.
    """
    given = {name: value for name, value in parameters.items() if name != "options"}
    ours = f"-c statement_timeout={longest_transaction * 1000:.0f}"
    return {**given, "options": f"{parameters.get('options', '')} {ours}".strip()}


def _settings(parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((name, value) for name, value in parameters.items() if name not in _OURS)
    for option in _OPTION.finditer(parameters.get("options", "")):
        yield option[1].replace("-", "_"), option[2]
