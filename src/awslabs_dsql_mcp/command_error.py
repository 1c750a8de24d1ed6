"""Report of an error of ours by a command."""

import json
import sys

from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.text import as_line


def report_error(command: str, error: DsqlError, *, as_json: bool = False) -> int:
    """Print an error with its next step to standard error.

    Args:
        command: Name of the command, such as ``clusters``.
        error: The error.
        as_json: A program reads standard output, which has it too, then.

    Returns:
        The exit status, 1.
    """
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    told = [f"awslabs-dsql-mcp {command}: {error.text}{state}", error.hint or ""]
    if as_json:
        sys.stdout.write(f"{json.dumps({'error': _facts(error)}, indent=2, ensure_ascii=False)}\n")
    sys.stderr.write("".join(f"{as_line(line)}\n" for line in told if line))
    return 1


def _facts(error: DsqlError) -> dict[str, object]:
    return {
        "code": error.code,
        "remedy": error.remedy,
        "message": as_line(error.text),
        "hint": error.hint and as_line(error.hint),
        "outcome": error.outcome,
    }
