"""Lines of the log."""

import logging

from awslabs_dsql_mcp.logging_setup import SingleLineFormatter


def test_of_what_asyncio_reports_no_text_of_an_exception_and_no_path_is_logged() -> None:
    text = (
        "Task exception was never retrieved\nfuture: <Task coro=<f() at /home/me/x.py:1> exception=E('row')>"
    )
    error = ValueError("row")
    record = logging.LogRecord("asyncio", logging.ERROR, "x", 1, text, None, (ValueError, error, None))
    told = SingleLineFormatter().format(record)
    assert told.endswith(" ERROR asyncio: Task exception was never retrieved (ValueError)")
