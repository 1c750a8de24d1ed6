"""The server's process: from its arguments to its end, by a signal or the end of its input."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, MutableMapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import Clusters, read_clusters
from awslabs_dsql_mcp.config.option_parser import SettingsError
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.logging_setup import log_to_stderr
from awslabs_dsql_mcp.server.line_reader import take_stdin

T = TypeVar("T")

if TYPE_CHECKING:
    from awslabs_dsql_mcp.tools.ports import AuditTrail

# Stdio needs no web server, and our log no colours; the SDK does without either where it is not there.
# Together they are a tenth of the start (Python documentation, "The module cache").
_UNUSED = ("uvicorn", "rich")
_AT_A_TERMINAL = (
    "awslabs-dsql-mcp waits for an MCP client on its input; README.md says how to configure one. "
    "`awslabs-dsql-mcp demo` shows what it does, Ctrl-C ends it."
)
_LAST_RESORT = 1.8  # seconds from a signal, or the end of input, to the end of the process


def main(arguments: Sequence[str], environ: MutableMapping[str, str]) -> int:
    """Serve MCP over standard input and output until the input ends.

    Args:
        arguments: The options.
        environ: The environment; options that are not given are read from it.

    Returns:
        The exit status: 0, 1 after an error, 128 and the number for a signal.

    Raises:
        SettingsError: An option is wrong.
    """
    settings = read_settings(arguments, environ, version=__version__)
    clusters = read_clusters(settings)
    return _serve(settings, clusters, _audit(settings), environ)


def _audit(settings: Settings) -> "AuditTrail | None":
    """Open the audit log, if there is to be one: who wants it wants no server without."""
    if settings.audit_log is None:
        return None
    from awslabs_dsql_mcp.server.audit_log import AuditLog  # noqa: PLC0415 - only with the option

    audit = AuditLog(settings.audit_log, parameters=settings.audit_parameters)
    try:
        audit.check()
    except OSError as error:
        raise SettingsError(
            f"--audit-log: {settings.audit_log} cannot be written: {error.strerror}"
        ) from None
    return audit


def _serve(
    settings: Settings,
    clusters: Clusters,
    audit: "AuditTrail | None",
    environ: MutableMapping[str, str],
) -> int:
    log_to_stderr(settings.log_level)
    if sys.stdin.isatty():
        print(_AT_A_TERMINAL, file=sys.stderr)  # noqa: T201 - a command's own words
    ending = _Shutdown()
    lines = take_stdin(ending.begin)
    ending.on_signals(lines.close)
    # Importing the SDK makes half a million objects that live for ever: collecting among them costs a
    # tenth of the start, and freezing them keeps later collections short.
    gc.disable()
    environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # pyright: ignore[reportArgumentType] - how to say "not there"
    from awslabs_dsql_mcp.server.factory import serve  # noqa: PLC0415 - the SDK is most of the start

    gc.enable()
    gc.freeze()
    try:
        run(serve(settings, clusters, lines, audit))
    except Exception as error:  # noqa: BLE001 - the last line of defence: said, and told by the status
        logging.getLogger(__name__).critical("stopped by %s", type(error).__name__)
        ending.code = ending.code or 1
    sys.stderr.flush()
    # Threads of libraries may still wait for the network: nobody is left to wait for them.
    os._exit(ending.code)


def run(work: Coroutine[None, None, T]) -> T:
    """Run a coroutine on a loop that psycopg can use."""
    if sys.platform == "win32":  # psycopg needs a loop that watches sockets
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    return asyncio.run(work)


class _Shutdown:
    """How the process ends: a signal or the end of input begins it, and it gets bounded time."""

    def __init__(self) -> None:
        self.code = 0
        self._begun = False

    def begin(self) -> None:
        """End the process soon, whatever still waits: a thread that asks for credentials, say."""
        if not self._begun:
            self._begun = True
            last_resort = threading.Timer(_LAST_RESORT, lambda: os._exit(self.code))
            last_resort.daemon = True
            last_resort.start()

    def on_signals(self, switch_off: Callable[[], None]) -> None:
        """Let SIGTERM and SIGINT end the input, so that everything is closed; a second one ends at once."""

        def end(number: int, _frame: object) -> None:
            if self.code:
                os._exit(self.code)
            self.code = 128 + number
            switch_off()
            self.begin()

        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(ValueError):  # not in the main thread: who embeds us handles signals
                signal.signal(number, end)
