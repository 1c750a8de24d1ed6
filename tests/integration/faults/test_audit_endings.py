"""The audit log tells what became of each transaction, whatever ends the server or the call."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from support.line_client import LEGACY, LineClient, line_client
from support.wire.fault_plans import parameters
from support.wire.faults import At, Fault, Hold
from support.wire.harness import Harness, until

INSERT: Final[dict[str, Any]] = {"sql_list": ["INSERT INTO t VALUES (1)"]}
WAYS: Final = [
    "SIGTERM",
    pytest.param("SIGHUP", marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has none")),
    "end of input",
]


def end(client: LineClient, way: str) -> None:
    """Let a server end, or one call of it."""
    if way == "end of input":
        client.input.close()
    elif way == "cancelled":
        client.send({"method": "notifications/cancelled", "params": {"requestId": "c2"}})
    else:
        client.process.send_signal(signal.Signals[way])


def outcomes(log: Path) -> list[Any]:
    """Read the outcomes that are recorded."""
    return [json.loads(line)["outcome"] for line in log.read_text().splitlines()]


async def ended_while(
    bed: Harness, certificate: Path, log: Path, held: Fault, *ways: str, release: bool = False
) -> None:
    """End a server while a transaction of it is held, and release it then."""
    fault = bed.proxy.add(held)
    assert isinstance(held.deed, Hold)
    async with line_client(parameters(bed, certificate, "--audit-log", str(log)), LEGACY, {}) as client:
        client.begin_call("transact", **INSERT)
        await fault.reached.wait()
        end(client, ways[0])
        if release:
            await asyncio.sleep(0)
            held.deed.release.set()
        for way in ways[1:]:
            end(client, way)
        if ways == ("cancelled",):
            await until(lambda: bool(log.read_text()))
        else:
            await asyncio.wait_for(client.process.wait(), 10)


@pytest.mark.parametrize("way", [*WAYS, "cancelled"])
async def test_a_commit_whose_answer_comes_late_is_recorded_as_committed(
    bed: Harness, certificate: Path, tmp_path: Path, way: str
) -> None:
    log = tmp_path / "audit.jsonl"
    await ended_while(bed, certificate, log, Fault(At.ANSWERED, Hold(), "COMMIT"), way, release=True)
    assert bed.ids() == [1]
    assert outcomes(log) == ["committed"]


@pytest.mark.parametrize(
    ("way", "at"), [("SIGTERM", At.ASKED), ("end of input", At.ANSWERED), ("cancelled", At.ANSWERED)]
)
async def test_a_commit_whose_answer_never_comes_is_recorded_as_unknown(
    bed: Harness, certificate: Path, tmp_path: Path, way: str, at: At
) -> None:
    log = tmp_path / "audit.jsonl"
    await ended_while(bed, certificate, log, Fault(at, Hold(), "COMMIT"), way)
    assert outcomes(log) == ["unknown"]


@pytest.mark.parametrize("way", ["SIGTERM", "cancelled"])
async def test_what_had_no_commit_is_recorded_as_cancelled(
    bed: Harness, certificate: Path, tmp_path: Path, way: str
) -> None:
    log = tmp_path / "audit.jsonl"
    await ended_while(bed, certificate, log, Fault(At.ASKED, Hold(), "VALUES (1)"), way)
    assert outcomes(log) == ["cancelled"]
    assert bed.ids() == []


@pytest.mark.parametrize(("sql", "told"), [("COMMIT", "unknown"), ("VALUES (1)", "cancelled")])
async def test_a_second_signal_leaves_a_record(
    bed: Harness, certificate: Path, tmp_path: Path, sql: str, told: str
) -> None:
    log = tmp_path / "audit.jsonl"
    await ended_while(bed, certificate, log, Fault(At.ASKED, Hold(), sql), "SIGTERM", "SIGINT")
    assert outcomes(log) == [told]
