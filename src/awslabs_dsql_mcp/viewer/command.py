"""``awslabs-dsql-mcp view``: opens the viewer in the browser, and serves it until Ctrl-C."""

import argparse
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.config.arguments import settings_of
from awslabs_dsql_mcp.config.clusters import Clusters, read_clusters
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.logging_setup import log_to_stderr
from awslabs_dsql_mcp.option_parser import OptionParser, add_options
from awslabs_dsql_mcp.server import process

if TYPE_CHECKING:
    from awslabs_dsql_mcp.server.calls.audit_record import AuditTrail

_LOOPBACK: Final = "127.0.0.1"
_GRACE: Final = 1  # seconds that running calls have at the end
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve the viewer until a signal.

    Args:
        argv: The arguments after ``view``.
        environ: The environment.

    Returns:
        The exit status: 128 plus the number of the signal.

    Raises:
        SettingsError: A wrong argument.
    """
    given = _parser().parse_args(argv)
    settings = settings_of(vars(given), environ)
    clusters = read_clusters(settings)
    audit = process.open_audit_log(settings)
    log_to_stderr(settings.log_level)
    ended: list[int] = []
    with socket.create_server((_LOOPBACK, 0)) as listening:
        process.run(_serve(settings, clusters, audit, listening, ended, opens=not given.no_open))
    return 128 + ended[0] if ended else 0


async def _serve(
    settings: Settings,
    clusters: Clusters,
    audit: "AuditTrail | None",
    listening: socket.socket,
    ended: list[int],
    *,
    opens: bool,
) -> None:
    import uvicorn  # noqa: PLC0415 - the help needs none of this

    from awslabs_dsql_mcp.viewer.access import Access  # noqa: PLC0415 - as above
    from awslabs_dsql_mcp.viewer.app import make_app  # noqa: PLC0415 - as above
    from awslabs_dsql_mcp.viewer.host import open_host  # noqa: PLC0415 - as above

    access = Access(f"{_LOOPBACK}:{listening.getsockname()[1]}")

    def tell() -> None:
        print(f"A tab was opened. For another one: {access.url}", flush=True)  # noqa: T201 - output of a command

    async with open_host(settings, clusters, audit) as host:
        config = uvicorn.Config(
            make_app(host, access, tell),
            access_log=False,
            lifespan="off",
            log_config=None,
            log_level="error",  # what a stranger sends to the port is no fault here
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
            ws="none",
        )
        writes = "reads and changes" if clusters.allow_writes else "only reads, without allow-writes"
        print(f"The viewer {writes}. It is for one tab, once: {access.url}", flush=True)  # noqa: T201 - as above
        print("Press Ctrl-C to stop.", file=sys.stderr)  # noqa: T201 - as above
        if opens:
            # A browser in the terminal would hold up the server that it is to show.
            threading.Thread(target=webbrowser.open, args=[access.url], daemon=True).start()
        with _noted(ended):
            await uvicorn.Server(config).serve([listening])


@contextmanager
def _noted(ended: list[int]) -> Generator[None]:
    """Note the signal that ends the server, which uvicorn raises again once it has ended in order."""
    before = {
        number: signal.signal(number, lambda number, _frame: ended.append(number)) for number in _SIGNALS
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = OptionParser(
        "awslabs-dsql-mcp view",
        description="Open a query editor in the browser: objects, rows, plans, previews of changes. It "
        "listens on 127.0.0.1 alone, for the tab that it opens, and only reads without --allow-writes.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument(
        "--no-open", action="store_true", default=False, help="print the address, and open no browser"
    )
    add_options(parser, OPTIONS, "options of the server")
    return parser
