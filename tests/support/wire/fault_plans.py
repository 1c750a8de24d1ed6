"""Long changes in bad weather: a server through the proxy, and faults that come again and again."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

from conftest import server
from support.wire.faults import At, Fault, Kill, Often, Say
from support.wire.harness import Harness
from support.wire.served import Served

Opens = Callable[..., AbstractAsyncContextManager[Client]]


def parameters(bed: Harness, certificate: Path, *flags: str) -> StdioServerParameters:
    """A server that may write, through the proxy."""
    return server(
        *("--cluster_endpoint", "localhost", "--region", "us-east-1", "--allow-writes"),
        *("--ssl-root-cert", str(certificate), *flags),
        PGPORT=str(bed.proxy.port),
        PGSSLNEGOTIATION="direct",
        AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
        AWS_SECRET_ACCESS_KEY="secret",  # noqa: S106 - any will do
        AWS_ENDPOINT_URL_PRICING="http://127.0.0.1:9",  # where nothing answers: a test asks nobody for prices
    )


def insert(bed: Harness, sql: str, rows: int, step: int = 1) -> None:
    """Insert rows in transactions of 3,000.

    Args:
        bed: Where.
        sql: ``INSERT … SELECT``, up to where it reads numbers ``g`` from 1 on.
        rows: The last number.
        step: From one number to the next.
    """
    for first in range(1, rows + 1, 3000 * step):
        last = min(rows, first + 3000 * step - 1)
        bed.postgres.query(f"{sql} FROM generate_series({first}, {last}, {step}) g")


def make_schema(bed: Harness) -> None:
    """Make the schema ``bulk`` anew."""
    bed.postgres.query("DROP SCHEMA IF EXISTS bulk CASCADE")
    bed.postgres.query("CREATE SCHEMA bulk AUTHORIZATION admin")


def rain(bed: Harness) -> None:
    """Conflicts and lost connections, at statements and at COMMIT, before and behind it."""
    bed.proxy.add(Often(At.ASKED, Say("40001", "change conflicts (OC000)"), "COMMIT", every=4))
    bed.proxy.add(Often(At.ANSWERED, Kill(), "COMMIT", every=5))
    bed.proxy.add(Often(At.ASKED, Kill(), "COMMIT", every=11))
    bed.proxy.add(Often(At.ANSWERED, Kill(), "UPDATE bulk.t", every=7))
    bed.proxy.add(Often(At.ASKED, Kill(), "octet_length", every=9))


async def kill_while(
    held: Fault, started: StdioServerParameters, tool: str, arguments: dict[str, Any]
) -> None:
    """Start a server, have it run a tool, and kill it as soon as a fault holds it."""
    process = await asyncio.create_subprocess_exec(
        *(started.command, *started.args),
        env=started.env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    served = Served(process)
    await served.shake_hands()
    answered = asyncio.ensure_future(served.ask("tools/call", {"name": tool, "arguments": arguments}, 2))
    reached = asyncio.ensure_future(held.reached.wait())
    await asyncio.wait((answered, reached), return_when=asyncio.FIRST_COMPLETED)
    assert reached.done(), f"the call ended before that: {answered.result()}"
    answered.cancel()
    process.kill()
    await process.wait()
    served.input.close()


def resume_in(text: str) -> str:
    """Read the handle that an answer names."""
    found = find_resume(text)
    assert found is not None, text
    return found


def find_resume(text: str) -> str | None:
    """Read the handle that an answer names, if it names one."""
    found = re.search(r"resume='(bulk-[^']+)'", text)
    return found and found.group(1)
