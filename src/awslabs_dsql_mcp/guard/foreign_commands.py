"""Commands of other programs, which are not SQL of Aurora DSQL, and the tool to call instead.

Sources: PostgreSQL documentation, psql, "Meta-Commands"; MySQL Reference Manual, "SHOW Statements" and
"DESCRIBE Statement"; SQLite documentation, "Command Line Shell" and "PRAGMA Statements".
"""

import re
from typing import Final, NamedTuple

from awslabs_dsql_mcp.guard.refusal import Violation

RULE: Final = "foreign-command"
_SCHEMA: Final = "Call get_schema: without a table_name it lists the tables, with one it describes the table."
_LOAD: Final = "Call load_rows with rows, or with the path of a file in the operator's load directory."
_READ: Final = "Call readonly_query with a SELECT."


class _Command(NamedTuple):
    """A command by how it begins.

    Attributes:
        pattern: Matches the beginning of the text; case does not matter.
        program: The program whose command it is.
        instead: The call that does the same here.
    """

    pattern: str
    program: str
    instead: str


_COMMANDS: Final = (
    _Command(r"\\copy\b.*\bto\b", "psql", _READ),
    _Command(r"\\copy\b", "psql", _LOAD),
    _Command(r"\\ir?\b", "psql", "Call migrate with the statements of the file."),
    _Command(r"\\(?:d\S*|l\+?|z)(?:\s|$)", "psql", _SCHEMA),
    _Command(
        r"\\(?:c|connect)\b", "psql", "Leave it out: each call runs in the one database of its cluster."
    ),
    _Command(r"\\\S", "psql", "Send the SQL statement alone."),
    _Command(r"(?:describe|desc)\s+[\w.\"`]+\s*;?\s*$", "MySQL", _SCHEMA),
    _Command(
        r"show\s+(?:full\s+)?(?:tables|databases|schemas|columns|fields|index|indexes|keys|views"
        r"|create\s+table|table\s+status)\b",
        "MySQL",
        _SCHEMA,
    ),
    _Command(r"load\s+data\b", "MySQL", _LOAD),
    _Command(r"use\s+[\w\"`]+\s*;?\s*$", "MySQL", "There is one database: write schema.table for a table."),
    _Command(r"(?:\.(?:tables|schema|indexes)|pragma)\b", "SQLite", _SCHEMA),
    _Command(r"\.import\b", "SQLite", _LOAD),
)
_PATTERNS: Final = tuple(
    (re.compile(rf"\s*{command.pattern}", re.IGNORECASE | re.DOTALL), command) for command in _COMMANDS
)
_MAX_LENGTH: Final = 500  # characters of a text that are looked at


def check(sql: str) -> Violation | None:
    """Find the command of another program at the beginning of a text.

    Args:
        sql: A text that does not parse, or a SHOW.
    """
    beginning = sql[:_MAX_LENGTH]
    for pattern, command in _PATTERNS:
        if pattern.match(beginning):
            return Violation(RULE, 0, f"This is a command of {command.program}, not SQL.", command.instead)
    return None
