"""The process of the server: from its options to its end, by a signal or the end of its input."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeVar

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import Clusters, read_clusters
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.option_parser import SettingsError
from awslabs_dsql_mcp.server.startup.first_answers import FirstAnswers
from awslabs_dsql_mcp.server.startup.kept_answers import KeptAnswers, cache_folder
from awslabs_dsql_mcp.server.transport.line_reader import LineReader, take_stdin, write_all

T = TypeVar("T")

if TYPE_CHECKING:
    from awslabs_dsql_mcp.server.calls.audit_record import AuditTrail

# Modules of the SDK's web server and colored logs, which a stdio server does not need. They take a tenth of
# the start-up time; the SDK works without them (Python documentation, "The module cache").
_UNUSED = ("uvicorn", "rich")
_TERMINAL_MESSAGE = (
    "awslabs-dsql-mcp waits for an MCP client on standard input. `install` in place of its options lets a "
    "client start it, `demo` shows the tools. Press Ctrl-C to stop."
)
_TELLS_START = ("DEBUG", "INFO")  # levels of the log
_EXIT_TIMEOUT = 1.8  # seconds; from a signal or the end of input to the end of the process


def main(arguments: Sequence[str], environ: MutableMapping[str, str]) -> int:
    """Serve MCP over standard input and output until the input ends.

    Args:
        arguments: The options.
        environ: The environment; options that are not given are read from it.

    Returns:
        The exit status: 0, 1 after an error, 128 plus the number of a signal.

    Raises:
        SettingsError: An option is wrong.
    """
    settings = read_settings(arguments, environ, version=__version__)
    clusters = read_clusters(settings)
    return _serve(settings, clusters, open_audit_log(settings), environ)


def open_audit_log(settings: Settings) -> "AuditTrail | None":
    """Open the audit log, if it is configured; without it the server does not start."""
    if settings.audit_log is None:
        return None
    from awslabs_dsql_mcp.server.calls.audit_log import AuditLog  # noqa: PLC0415 - only with the option

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
    if sys.stdin.isatty():
        print(_TERMINAL_MESSAGE, file=sys.stderr)  # noqa: T201 - output of a command
    if settings.log_level in _TELLS_START:
        _log_start(settings, clusters)
    shutdown = _Shutdown()
    lines = take_stdin(shutdown.begin)
    shutdown.on_signals(lines.close)
    first = FirstAnswers(KeptAnswers((settings, clusters), cache_folder(environ)))
    if not _give_first_answers(first, lines, settings):
        shutdown.exit()
    from awslabs_dsql_mcp.logging_setup import log_to_stderr  # noqa: PLC0415 - nothing was logged so far

    log_to_stderr(settings.log_level)
    # Importing the SDK creates half a million permanent objects. Garbage collection during the import takes a
    # tenth of the start-up time; freezing the objects keeps later collections short.
    gc.disable()
    environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # pyright: ignore[reportArgumentType] - None marks a missing module
    from awslabs_dsql_mcp.server.calls.call_log import CallLog  # noqa: PLC0415 - as the next
    from awslabs_dsql_mcp.server.factory import serve  # noqa: PLC0415 - the SDK is most of the start

    gc.enable()
    gc.freeze()
    calls = CallLog(audit)
    shutdown.last_act = calls.end_all
    try:
        run(serve(settings, clusters, lines, calls, first))
    except Exception as error:  # noqa: BLE001 - logged, and reported by the exit status
        import logging  # noqa: PLC0415 - as above

        logging.getLogger(__name__).critical("stopped by %s", type(error).__name__)
        shutdown.code = shutdown.code or 1
    sys.stderr.flush()
    shutdown.exit()


def _log_start(settings: Settings, clusters: Clusters) -> None:
    """Tell the operator which server this is, before anything is asked of it."""
    import logging  # noqa: PLC0415 - delays the first answers, where the operator wants to be told

    from awslabs_dsql_mcp.logging_setup import log_to_stderr  # noqa: PLC0415 - as above

    log_to_stderr(settings.log_level)
    logger = logging.getLogger(__name__)
    for cluster in clusters.all:
        name = f"cluster {cluster.name}: " if cluster.name else ""
        logger.info("started %s, %s%s", __version__, name, cluster.settings.cluster_in_words)


def _give_first_answers(first: FirstAnswers, lines: LineReader, settings: Settings) -> bool:
    """Answer without the SDK; false at the end of the input.

    Until a client calls a tool, this is all that runs. A local cluster starts meanwhile: it takes seconds, so
    the SDK is loaded as soon as the client has the tools.
    """
    sys.stdout.flush()
    try:
        return first.give(lines, partial(write_all, 1), until="tools/list" if settings.local else None)
    except OSError:  # the client is gone
        return False


def run(main: Coroutine[None, None, T]) -> T:
    """Run a coroutine on an event loop that psycopg can use."""
    import asyncio  # noqa: PLC0415 - a third of the time until the first answers

    if sys.platform != "win32":
        return asyncio.run(main)
    # psycopg does not support the proactor event loop.
    if sys.version_info >= (3, 12):
        return asyncio.run(main, loop_factory=asyncio.SelectorEventLoop)
    asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())  # Python 3.16 has none
    return asyncio.run(main)


class _Shutdown:
    """The end of the process within a time limit, after a signal or the end of input.

    Attributes:
        code: The exit status.
        last_act: Called before the process ends, wherever it is; in any thread.
    """

    def __init__(self) -> None:
        self.code = 0
        self.last_act: Callable[[], None] = _nothing
        self._begun = False

    def begin(self) -> None:
        """Start the time limit, after which the process exits even if a thread is still blocked."""
        if not self._begun:
            self._begun = True
            self._exit_after(_EXIT_TIMEOUT)

    def exit(self) -> NoReturn:
        """End the process; threads of libraries that may still wait for the network are not joined."""
        try:
            self.last_act()
        finally:
            os._exit(self.code)

    def on_signals(self, close_input: Callable[[], None]) -> None:
        """Let signals close the input, which stops the server; a second signal exits at once.

        SIGHUP comes when a terminal or a connection is closed; who ignores it, as nohup does, goes on.
        """

        def end(number: int, _frame: object) -> None:
            if self.code:
                self._exit_after(0)  # in a thread: what the main one holds, it may have to give up first
                return
            self.code = 128 + number
            close_input()
            self.begin()

        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                with suppress(ValueError):  # not in the main thread: an embedding program handles signals
                    signal.signal(number, end)

    def _exit_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self.exit)
        timer.daemon = True
        timer.start()


def _nothing() -> None:
    """Do nothing."""
