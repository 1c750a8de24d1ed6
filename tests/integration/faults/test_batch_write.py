"""Big changes through a real server, with a network and a cluster that fail."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from awslabs_dsql_mcp.core.keyset import MOST
from calls import call
from conftest import server
from wire.bed import Bed, until
from wire.faults import At, Hold, Kill, Often, Say
from wire.served import Served

ROWS = 100_000
Opens = Callable[..., AbstractAsyncContextManager[Client]]


def parameters(bed: Bed, certificate: Path, *flags: str) -> StdioServerParameters:
    """A server that may write, through the proxy."""
    return server(
        *("--cluster_endpoint", "localhost", "--region", "us-east-1", "--allow-writes"),
        *("--ssl-root-cert", str(certificate), *flags),
        PGPORT=str(bed.proxy.port),
        PGSSLNEGOTIATION="direct",
        AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
        AWS_SECRET_ACCESS_KEY="secret",  # noqa: S106 - any will do
    )


def make_schema(bed: Bed) -> None:
    """Make the schema ``bulk`` anew."""
    bed.postgres.query("DROP SCHEMA IF EXISTS bulk CASCADE")
    bed.postgres.query("CREATE SCHEMA bulk AUTHORIZATION admin")


@pytest.fixture
def opens(bed: Bed, certificate: Path) -> Opens:
    """Opens a client of a server on the bed, whose schema ``bulk`` is new."""
    make_schema(bed)

    @asynccontextmanager
    async def opening(*flags: str) -> AsyncGenerator[Client]:
        async with Client(parameters(bed, certificate, *flags)) as client:
            yield client

    return opening


def fill(bed: Bed, rows: int) -> None:
    """Make a table with a key of two columns."""
    bed.postgres.query(
        "CREATE TABLE bulk.t (a int, b text, n int NOT NULL DEFAULT 0, s text, PRIMARY KEY (a, b));"
        f"INSERT INTO bulk.t SELECT g % 97, 'k' || g FROM generate_series(1, {rows}) g;"
        "ALTER TABLE bulk.t OWNER TO admin; ANALYZE bulk.t"
    )


def counts(bed: Bed) -> dict[Any, Any]:
    """How many rows have which n."""
    return dict(bed.postgres.query("SELECT n, count(*) FROM bulk.t GROUP BY n ORDER BY n"))  # pyright: ignore[reportArgumentType] - pairs


ADD = "UPDATE bulk.t SET n = n + %s"
ADD_ONE = {"sql": ADD, "params": [1]}


def rain(bed: Bed) -> None:
    """Conflicts and lost connections, at statements and at COMMIT, before and behind it."""
    bed.proxy.add(Often(At.ASKED, Say("40001", "change conflicts (OC000)"), "COMMIT", every=4))
    bed.proxy.add(Often(At.ANSWERED, Kill(), "COMMIT", every=5))
    bed.proxy.add(Often(At.ASKED, Kill(), "COMMIT", every=11))
    bed.proxy.add(Often(At.ANSWERED, Kill(), "UPDATE bulk", every=7))
    bed.proxy.add(Often(At.ASKED, Kill(), "octet_length", every=9))


async def test_every_row_is_changed_once_in_all_weathers(bed: Bed, opens: Opens) -> None:
    fill(bed, ROWS)
    rain(bed)
    async with opens() as client:
        reply = await call(client, "batch_write", sql=ADD, params=[1])
    assert not reply.is_error, reply.text
    assert reply.facts["status"] == "finished"
    assert reply.facts["rows"] == ROWS
    assert counts(bed) == {1: ROWS}


def resume_in(text: str) -> str:
    """Read the handle that an answer names."""
    found = re.search(r"resume='(bulk-[^']+)'", text)
    assert found is not None, text
    return found.group(1)


async def test_a_run_that_is_killed_goes_on_without_doing_anything_twice(bed: Bed, certificate: Path) -> None:
    make_schema(bed)
    fill(bed, 20_000)
    held = bed.proxy.add(Often(At.ANSWERED, Hold(), "COMMIT", every=4))
    kept = parameters(bed, certificate)
    process = await asyncio.create_subprocess_exec(
        *(kept.command, *kept.args),
        env=kept.env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    served = Served(process)
    await served.shake_hands()
    served.send("tools/call", {"name": "batch_write", "arguments": ADD_ONE}, 2)
    await held.reached.wait()
    process.kill()
    await process.wait()
    served.input.close()
    bed.proxy.clear()
    rain(bed)
    async with Client(kept) as client:
        again = await call(client, "batch_write", sql=ADD, params=[1])
        assert again.facts["code"] == "unfinished_run", again.text
        reply = await call(client, "batch_write", sql=ADD, params=[1], resume=resume_in(again.text))
    assert reply.facts["status"] == "finished"
    assert reply.facts["rows"] == 20_000
    assert counts(bed) == {1: 20_000}


async def test_a_cancelled_run_stops_at_once_and_tells_what_it_did(bed: Bed, opens: Opens) -> None:
    fill(bed, 20_000)
    held = bed.proxy.add(Often(At.ASKED, Hold(), "UPDATE bulk", every=4))
    told: list[tuple[float, str]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        told.append((progress, message or ""))

    async with opens() as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.call_tool("batch_write", ADD_ONE, progress_callback=hear))
            await held.reached.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(1):
            await until(lambda: not bed.states())
        bed.proxy.clear()
        done = 3 * MOST
        assert counts(bed) == {0: 20_000 - done, 1: done}
        again = await call(client, "batch_write", sql=ADD, params=[1])
        assert again.is_error
        assert f"{done:,} rows in 3 batches committed" in again.text
        assert "unfinished_run" in again.text
        reply = await call(client, "batch_write", sql=ADD, params=[1], resume=resume_in(again.text))
    assert reply.facts["rows"] == 20_000
    assert counts(bed) == {1: 20_000}
    assert [progress for progress, _ in told] == sorted(progress for progress, _ in told)
    assert all("resume='bulk-" in message for _, message in told)
