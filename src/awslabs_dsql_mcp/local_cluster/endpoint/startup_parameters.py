"""Parameters of a startup packet: those that PostgreSQL gets, and those that Aurora DSQL refuses.

A parameter that cannot be SET cannot be set at the start either; the text is by analogy (no record).
``options`` holds ``-c name=value`` and ``--name=value``, parted by white space; a backslash escapes
(PostgreSQL documentation, 55.7 "Message Formats"). PostgreSQL's other options are refused.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect.settings import refused_setting
from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal

_OURS: Final = frozenset({"user", "database", "options"})
_WORD: Final = re.compile(r"(?:\\.|[^\\ \t\n\v\f\r]|\\$)+", re.DOTALL)
_OPTION: Final = re.compile(r"(?:-c|--)([^=]+)=(.*)", re.DOTALL)


def refuse(parameters: Mapping[str, str]) -> Refusal | None:
    """Return the refusal of the parameters of a startup packet, if any."""
    for name, value in _settings(parameters):
        refused = refused_setting(name, value)
        if refused is not None and not name.startswith("_pq_."):
            return refused
    return None


def for_postgres(parameters: Mapping[str, str], longest_transaction: float) -> dict[str, str]:
    """Return the parameters for PostgreSQL: those of the client, and the timeout of statements.

    Args:
        parameters: Parameters of the client.
        longest_transaction: Maximum seconds of a statement.
    """
    given = {name: value for name, value in parameters.items() if name != "options"}
    ours = f"-c statement_timeout={longest_transaction * 1000:.0f}"
    return {**given, "options": f"{parameters.get('options', '')} {ours}".strip()}


def _settings(parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((name, value) for name, value in parameters.items() if name not in _OURS)
    words = iter(
        re.sub(r"\\(.?)", r"\1", word, flags=re.DOTALL)
        for word in _WORD.findall(parameters.get("options", ""))
    )
    for word in words:
        option = _OPTION.fullmatch(word + next(words, "") if word == "-c" else word)
        yield (option[1].replace("-", "_"), option[2]) if option else (word, "")
