"""How a command reports an error of ours."""

import sys

from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.text import as_line


def report_error(command: str, error: DsqlError) -> int:
    """Print an error with its next step to standard error.

    Args:
        command: Name of the command, such as ``clusters``.
        error: The error.

    Returns:
        The exit status, 1.
    """
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    told = [f"awslabs-dsql-mcp {command}: {error.text}{state}", error.hint or ""]
    sys.stderr.write("".join(f"{as_line(line)}\n" for line in told if line))
    return 1
