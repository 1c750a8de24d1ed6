"""Reads a second through one server: ``python benchmarks/reads.py [CALLS [RUNS]]``.

``SELECT 1`` on a local cluster, one call at a time and as many at a time as the pool has connections, beside
an MCP ping sent the same way, which is what the SDK and the pipes cost. The processor's time is the server's
own. Medians. The closest peer is left out: it sends RESET ROLE behind each read, and connects anew where that
is refused, as on a local cluster.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from roundtrips import commands, environment
from startup import Server, client_of

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster

AT_A_TIME = (1, 4)
PING: tuple[str, dict[str, Any]] = ("ping", {})
READ: tuple[str, dict[str, Any]] = (
    "tools/call",
    {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}},
)


class Cost(NamedTuple):
    """Calls a second, and the server's processor time of a call in milliseconds."""

    rate: float
    processor: float


def measure(server: Server, method: str, params: dict[str, Any], calls: int, at_a_time: int) -> Cost:
    """Keep some calls going until all are answered."""
    process = psutil.Process(server.process.pid)

    def used() -> float:
        times = process.cpu_times()
        return times.user + times.system

    before, began = used(), time.perf_counter()
    for number in range(calls + at_a_time):
        if number < calls:
            server.send({"id": f"{method}{number}", "method": method, "params": params})
        if number >= at_a_time and "result" not in (answer := json.loads(server.receive())):
            raise SystemExit(f"{method}: {answer}")
    taken = time.perf_counter() - began
    return Cost(calls / taken, 1000 * (used() - before) / calls)


def report(costs: dict[tuple[str, int], list[Cost]]) -> None:
    """Print the medians."""
    print("medians".ljust(28) + f"{'calls/s':>10}{'processor, ms a call':>24}")
    for (what, at_a_time), each in costs.items():
        rate, processor = (statistics.median(column) for column in zip(*each[1:], strict=True))
        print(f"{what}, {at_a_time} at a time".ljust(28) + f"{rate:10.0f}{processor:24.2f}")


async def main(calls: int, runs: int) -> None:
    """Measure one server on one local cluster."""
    costs: dict[tuple[str, int], list[Cost]] = {}
    with tempfile.TemporaryDirectory() as name:
        async with local_cluster(Path(name) / "data") as cluster:
            around = environment(cluster, cluster.port, cluster.ca_file)
            with client_of(commands(cluster, [])["ours"](cluster.port), around) as server:
                for _ in range(runs + 1):
                    for what, (method, params) in (("ping", PING), ("read", READ)):
                        for at_a_time in AT_A_TIME:
                            cost = await asyncio.to_thread(measure, server, method, params, calls, at_a_time)
                            costs.setdefault((what, at_a_time), []).append(cost)
    report(costs)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    asyncio.run(main(*given, *(2000, 3)[len(given) :]))
