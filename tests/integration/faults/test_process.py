"""The server as a process: whatever ends it, or a call of it, leaves nothing behind at the cluster."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.wire.harness import Harness, until
from support.wire.served import Served

GONE_WITHIN = 2.0
NAP = "CREATE OR REPLACE FUNCTION nap() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(60)'"
SLOW = {"sql_list": ["INSERT INTO t VALUES (1)", "SELECT nap()"]}
EARS = pytest.mark.parametrize("honoured", [True, False], ids=["heard", "ignored"])


@pytest.fixture
async def served(bed: Harness, certificate: Path) -> AsyncIterator[Served]:
    bed.postgres.query(NAP)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DSQL_", "AWS_", "PG"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "awslabs_dsql_mcp", "--cluster_endpoint", "localhost", "--allow-writes"),
        *("--region", "us-east-1", "--ssl-root-cert", str(certificate)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=kept
        | {"PGPORT": str(bed.proxy.port), "PGSSLNEGOTIATION": "direct"}
        | {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"},
    )
    server = Served(process)
    await server.shake_hands()
    yield server
    if process.returncode is None:
        process.kill()
    await process.wait()
    server.input.close()


def end(served: Served, way: str) -> None:
    """Let a server end."""
    if way == "end of input":
        served.input.close()
    else:
        served.process.send_signal(signal.Signals[way])


@EARS
@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "SIGKILL", "end of input"])
async def test_a_server_that_ends_leaves_nothing_behind(
    bed: Harness, served: Served, way: str, *, honoured: bool
) -> None:
    bed.proxy.honours_cancel = honoured
    served.send("tools/call", {"name": "transact", "arguments": SLOW}, 2)
    await until(lambda: bed.states() == ["active"])
    end(served, way)
    await asyncio.wait_for(served.process.wait(), GONE_WITHIN)
    await until(lambda: not bed.states())
    assert bed.ids() == []


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "end of input"])
async def test_a_server_that_ends_idle_closes_its_sessions(bed: Harness, served: Served, way: str) -> None:
    await served.ask("tools/call", {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}}, 2)
    end(served, way)
    status = await asyncio.wait_for(served.process.wait(), GONE_WITHIN)
    assert status == (0 if way == "end of input" else 128 + signal.Signals[way])
    await until(lambda: not bed.states())


@EARS
async def test_a_cancelled_call_ends_at_the_cluster_and_the_next_one_works(
    bed: Harness, served: Served, *, honoured: bool
) -> None:
    bed.proxy.honours_cancel = honoured
    served.send("tools/call", {"name": "transact", "arguments": SLOW}, 2)
    await until(lambda: bed.states() == ["active"])
    served.send("notifications/cancelled", {"requestId": 2, "reason": "test"})
    await until(lambda: not bed.states())
    assert bed.proxy.cancelled == 1
    assert bed.ids() == []
    insert = {"name": "transact", "arguments": {"sql_list": ["INSERT INTO t VALUES (3)"]}}
    answer = await served.ask("tools/call", insert, 3)
    assert answer["structuredContent"]["outcome"] == "committed"
    assert bed.ids() == [3]
