"""Logging to standard error: one line per event, no stack traces, no secrets."""

import logging
import sys

from typing_extensions import override

from awslabs_dsql_mcp.text import as_line


class SingleLineFormatter(logging.Formatter):
    """Formats an event as one line; of an exception, only the class.

    An exception's text and its stack may quote a connection string, a statement or a row.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Format an event."""
        raised = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        plain = logging.makeLogRecord(
            {**vars(record), "exc_info": None, "exc_text": None, "stack_info": None}
        )
        lines = super().format(plain).splitlines()
        # asyncio's further lines have the exception's text, and the places of files.
        text = as_line(" ".join(lines[:1] if record.name == "asyncio" else lines))
        return f"{text} ({raised})" if raised else text


def log_to_stderr(level: str) -> None:
    """Log events at or above a level to standard error; of libraries, WARNING and above."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SingleLineFormatter())
    logging.basicConfig(level=max(getattr(logging, level), logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("awslabs_dsql_mcp").setLevel(level)
    # psycopg warns of every pipeline that a failed statement ends; the failure itself is reported anyway.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
