"""Start of the local cluster: ``python benchmarks/starts.py [RUNS]``.

From nothing, and from a data directory whose cluster was stopped, until the first row of ``SELECT 1`` through
its endpoint, beside the embedded PostgreSQL alone. The processor's time is the machine's. Medians, all in
turn.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
from logins import conninfo

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.postgres import discovery

WANTED = {"from nothing": 1.5, "once stopped": 0.4}  # seconds

Cost = tuple[float, float]  # seconds: wall, processor


def cluster(folder: Path) -> Cost:
    """Start the cluster and read a row; stop it."""

    async def first_row() -> Cost:
        cost = stopwatch()
        async with local_cluster(folder / "data") as cluster:
            with psycopg.connect(conninfo(cluster), autocommit=True) as connection:
                connection.execute("SELECT 1")
            return cost()

    return asyncio.run(first_row())


def postgres(folder: Path) -> Cost:
    """Start PostgreSQL alone; stop it."""
    cost = stopwatch()
    server = discovery.find().start(folder / "postgres", lambda: None)
    taken = cost()
    server.stop()
    return taken


def stopwatch() -> Callable[[], Cost]:
    """Give what says how much time has gone by since."""

    def used() -> float:
        times = psutil.cpu_times()
        return times.user + times.system

    began, before = time.perf_counter(), used()
    return lambda: (time.perf_counter() - began, used() - before)


def main(runs: int) -> None:
    """Measure both starts of both, and print the medians."""
    costs: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name in WANTED}
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory() as name:
            for each in costs.values():
                each.append((cluster(Path(name)), postgres(Path(name))))
    print(
        "medians, s".ljust(16)
        + f"{'cluster':>10}{'PostgreSQL':>12}{'wanted':>10}{'processor':>12}{'PostgreSQL':>12}"
    )
    for name, each in costs.items():
        ours, alone = (
            tuple(statistics.median(both[which][kind] for both in each[1:]) for kind in range(2))
            for which in range(2)
        )
        print(f"{name:16}{ours[0]:10.2f}{alone[0]:12.2f}{WANTED[name]:10.1f}{ours[1]:12.2f}{alone[1]:12.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
