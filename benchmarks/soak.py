"""Growth of the local cluster under load: ``python benchmarks/soak.py [MINUTES]``.

Four sessions read, write and now and then log in anew, for ten minutes unless told otherwise. Each minute's
transactions, and the memory and descriptors of the cluster's processes, beside those of the first minute.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from logins import conninfo

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster

SESSIONS = 4
PER_LOGIN = 500  # transactions
ROWS = 1000


async def session(cluster: LocalCluster, number: int, until: float, done: list[int]) -> None:
    """Read and write rows of one's own, in sessions that follow each other."""
    low = number * ROWS
    while time.monotonic() < until:
        async with await psycopg.AsyncConnection.connect(conninfo(cluster)) as connection:
            for turn in range(PER_LOGIN):
                row = low + turn % ROWS
                await connection.execute(
                    "UPDATE soak SET n = n + 1, note = %s WHERE id = %s", (str(turn) * 50, row)
                )
                await connection.execute(
                    "SELECT count(*) FROM soak WHERE id BETWEEN %s AND %s", (row, row + 20)
                )
                await connection.commit()
                done[number] += 1
                if time.monotonic() >= until:
                    return


def size(processes: list[psutil.Process]) -> tuple[float, int]:
    """Give the megabytes that no other process shares, and the open descriptors."""
    own, descriptors = 0.0, 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            own += process.memory_full_info().uss / 1e6
            descriptors += process.num_fds() if sys.platform != "win32" else process.num_handles()
    return own, descriptors


def processes_of(data: Path) -> list[psutil.Process]:
    """Find the daemon of a data directory, and what it has started."""
    daemons = [
        each for each in psutil.process_iter(["cmdline"]) if str(data) in " ".join(each.info["cmdline"] or [])
    ]
    found = {each.pid: each for each in daemons}
    for each in daemons:
        found |= {child.pid: child for child in each.children(recursive=True)}
    return list(found.values())


async def main(minutes: int) -> None:
    """Run the load, and print a line each minute."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        async with local_cluster(data) as cluster:
            async with await psycopg.AsyncConnection.connect(
                conninfo(cluster), autocommit=True
            ) as connection:
                await connection.execute("CREATE TABLE soak (id int PRIMARY KEY, n int NOT NULL, note text)")
                for number in range(SESSIONS):
                    await connection.execute(
                        "INSERT INTO soak SELECT i, 0 FROM generate_series(%s::int, %s::int) AS i",
                        (number * ROWS, (number + 1) * ROWS - 1),
                    )
            done, until = [0] * SESSIONS, time.monotonic() + 60 * minutes
            load = asyncio.gather(*(session(cluster, number, until, done) for number in range(SESSIONS)))
            first: tuple[float, int] | None = None
            before = 0
            for minute in range(1, minutes + 1):
                await asyncio.sleep(60 if minute < minutes else max(0, until - time.monotonic() - 1))
                own, descriptors = size(processes_of(data))
                first = first or (own, descriptors)
                print(
                    f"minute {minute}: {sum(done) - before} transactions, {own:.0f} MB ({own / first[0]:.2f})"
                    f", {descriptors} descriptors ({descriptors / first[1]:.2f})",
                    flush=True,
                )
                before = sum(done)
            await load


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
