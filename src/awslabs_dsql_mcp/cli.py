"""Where everything is put together: arguments and environment in, a running server out.

The only reader of the environment, and the owner of all that lives as long as the process.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import Clusters, read_clusters
from awslabs_dsql_mcp.config.option_parser import SettingsError
from awslabs_dsql_mcp.config.settings import Settings

T = TypeVar("T")

if TYPE_CHECKING:
    from awslabs_dsql_mcp.tools.ports import AuditTrail

_WRONG_USAGE = 2
# Stdio needs no web server, and our log no colours; the SDK does without either where it is not there.
# Together they are a tenth of the start (Python documentation, "The module cache").
_UNUSED = ("uvicorn", "rich")
_AT_A_TERMINAL = (
    "awslabs-dsql-mcp waits for an MCP client on its input; README.md says how to configure one. "
    "`awslabs-dsql-mcp demo` shows what it does, Ctrl-C ends it."
)
_LAST_RESORT = 1.8  # seconds from a signal, or the end of input, to the end of the process


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command: the server, or the one that the first argument names (see ``--help``).

    Args:
        argv: The arguments; the process's own by default.

    Returns:
        The exit status: 0, 1 for what a command reports as failed, 2 for wrong arguments, 128 and the
        number for a signal.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["local"]:
            from awslabs_dsql_mcp.local_cluster.cli import main as local  # noqa: PLC0415 - its own weight

            return local(arguments[1:])
        if arguments[:1] == ["demo"]:
            from awslabs_dsql_mcp.demo import main as demo  # noqa: PLC0415 - its own weight

            return demo(arguments[1:])
        if arguments[:1] == ["install"]:
            from awslabs_dsql_mcp.installer.cli import main as install  # noqa: PLC0415 - its own weight

            return install(arguments[1:])
        if not os.environ.get("AWS_PROFILE", "unset"):
            del os.environ["AWS_PROFILE"]  # empty means not set, to boto3 too
        if arguments[:1] == ["doctor"]:
            from awslabs_dsql_mcp.doctor.cli import main as doctor  # noqa: PLC0415 - its own weight

            return _run(doctor(arguments[1:], os.environ))
        settings = read_settings(arguments, os.environ, version=__version__)
        clusters = read_clusters(settings)
        audit = _audit(settings)
    except SettingsError as error:
        print(f"awslabs-dsql-mcp: {error}", file=sys.stderr)  # noqa: T201 - a command's own words
        return _WRONG_USAGE
    return _serve(settings, clusters, audit)


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


def _serve(settings: Settings, clusters: Clusters, audit: "AuditTrail | None") -> int:
    from awslabs_dsql_mcp.logging_setup import log_to_stderr  # noqa: PLC0415 - with the rest
    from awslabs_dsql_mcp.server.stdio import install  # noqa: PLC0415 - with the rest

    log_to_stderr(settings.log_level)
    if sys.stdin.isatty():
        print(_AT_A_TERMINAL, file=sys.stderr)  # noqa: T201 - a command's own words
    ending = _Shutdown()
    ending.on_signals(install(ending.begin))
    # Importing the SDK makes half a million objects that live for ever: collecting among them costs a
    # tenth of the start, and freezing them keeps later collections short.
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # pyright: ignore[reportArgumentType] - how to say "not there"
    from awslabs_dsql_mcp.server.factory import serve  # noqa: PLC0415 - the SDK is most of the start

    gc.enable()
    gc.freeze()
    try:
        _run(serve(settings, clusters, audit))
    except Exception as error:  # noqa: BLE001 - the last line of defence: said, and told by the status
        logging.getLogger(__name__).critical("stopped by %s", type(error).__name__)
        ending.code = ending.code or 1
    sys.stderr.flush()
    # Threads of libraries may still wait for the network: nobody is left to wait for them.
    os._exit(ending.code)


def _run(work: Coroutine[None, None, T]) -> T:
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
