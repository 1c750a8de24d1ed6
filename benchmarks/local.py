"""What the local cluster's endpoint costs: ``python benchmarks/local.py [RUNS]``.

``SELECT 1`` and a large result through the endpoint (TLS, checks and translation of each statement),
beside the same on the embedded PostgreSQL's own socket. Medians, everything in the same run, the two
in turn.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from logins import conninfo

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER

STATEMENTS = 2000
ROWS = 100_000
ROW = 1000  # bytes
MOST_ADDED = 0.3  # milliseconds
LEAST_CARRIED = 50  # MB/s

Connection = psycopg.Connection[Any]


def through_the_endpoint(cluster: LocalCluster) -> Connection:
    """Connect as users do."""
    return psycopg.connect(conninfo(cluster), autocommit=True)


def past_it(folder: DataDir) -> Connection:
    """Connect to the embedded PostgreSQL itself."""
    return psycopg.connect(host=str(folder.postgres), user=SUPERUSER, dbname="postgres", autocommit=True)


def seconds(work: Callable[[], object]) -> float:
    """Take the time of some work."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def statement(connection: Connection) -> float:
    """Give the median milliseconds of ``SELECT 1``."""
    return 1000 * statistics.median(
        seconds(lambda: connection.execute("SELECT 1").fetchone()) for _ in range(STATEMENTS)
    )


def carried(connection: Connection) -> float:
    """Give the MB/s of a result's rows, taken one by one so that the client keeps none."""
    query = f"SELECT repeat('x', {ROW}) FROM generate_series(1, {ROWS})"  # noqa: S608 - numbers

    def read() -> None:
        with connection.cursor() as cursor:
            for _ in cursor.stream(query.encode(), size=1000):
                pass

    return ROWS * ROW / 1e6 / seconds(read)


def report(runs: int, endpoint: Connection, direct: Connection) -> None:
    """Measure both in turn, and print the medians with the targets."""
    times = [(statement(endpoint), statement(direct)) for _ in range(runs)]
    rates = [(carried(endpoint), carried(direct)) for _ in range(runs)]
    through, past = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"SELECT 1    {through:.3f} ms through the endpoint, {past:.3f} ms past it")
    print(f"added       {through - past:.3f} ms (wanted: under {MOST_ADDED} ms)")
    through, past = (statistics.median(column) for column in zip(*rates, strict=True))
    print(f"rows        {through:.0f} MB/s (wanted: {LEAST_CARRIED} MB/s or more), {past:.0f} MB/s past it")


async def main(runs: int) -> None:
    """Run it on a cluster of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        async with local_cluster(folder) as cluster:
            with through_the_endpoint(cluster) as endpoint, past_it(DataDir.of(folder)) as direct:
                await asyncio.to_thread(report, runs, endpoint, direct)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
