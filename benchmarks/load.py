"""Rows a second into a table: ``load_rows`` beside psycopg's ``executemany`` in 3,000-row transactions.

Both go to the same local cluster, by turns: ``python benchmarks/load.py [ROWS [TURNS]]``. It prints each
turn's ratio and their median; more than 1 is faster than ``executemany``.
"""

import asyncio
import csv
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from logins import conninfo
from mcp import Client, StdioServerParameters

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster

TABLE = "id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2), made timestamptz, open boolean"
NAMES = ["id", "name", "amount", "made", "open"]
BATCH = 3000


def rows(count: int) -> list[tuple[str, ...]]:
    """Make rows as a CSV file has them."""
    return [
        (str(n), f"customer, number {n}", f"{n % 9973}.{n % 100:02d}", "2026-11-24 10:00:00+00", "ft"[n % 2])
        for n in range(count)
    ]


def write(file: Path, count: int) -> None:
    """Write the file."""
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([NAMES, *rows(count)])


def read(file: Path) -> list[list[str]]:
    """Read the file, without its first line."""
    with file.open(newline="") as opened:
        return list(csv.reader(opened))[1:]


async def make_table(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    """Make the table anew: neither way meets what the other left behind."""
    await connection.execute("DROP TABLE IF EXISTS bench.t")
    await connection.execute(f"CREATE TABLE bench.t ({TABLE})".encode())


async def executemany(connection: psycopg.AsyncConnection[tuple[object, ...]], file: Path) -> float:
    """Load the file with executemany; give the seconds."""
    began = time.perf_counter()
    everything = await asyncio.to_thread(read, file)
    for start in range(0, len(everything), BATCH):
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO bench.t (id, name, amount, made, open) VALUES (%s, %s, %s, %s, %s)",
                everything[start : start + BATCH],
            )
    return time.perf_counter() - began


async def load_rows(client: Client, file: Path) -> float:
    """Load the file with our tool; give the seconds."""
    began = time.perf_counter()
    result = await client.call_tool("load_rows", {"table": "bench.t", "path": file.name})
    if result.is_error or (result.structured_content or {}).get("status") != "finished":
        raise RuntimeError(result.content)
    return time.perf_counter() - began


async def main(count: int, turns: int) -> None:
    """Compare."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.csv")
        await asyncio.to_thread(write, file, count)
        data = Path(folder, "cluster")
        flags = ["--local", "--local-data", str(data), "--allow-writes", "--load-dir", folder]
        server = StdioServerParameters(command=sys.executable, args=["-m", "awslabs_dsql_mcp", *flags])
        async with (
            local_cluster(data) as cluster,
            Client(server) as client,
            await psycopg.AsyncConnection.connect(conninfo(cluster), autocommit=True) as connection,
        ):
            await connection.execute("CREATE SCHEMA bench")
            await compare(connection, client, file, count, turns)


async def compare(
    connection: psycopg.AsyncConnection[tuple[object, ...]],
    client: Client,
    file: Path,
    count: int,
    turns: int,
) -> None:
    """Take turns, and print how they went."""
    ratios: list[float] = []
    for turn in range(turns + 1):
        await make_table(connection)
        theirs = await executemany(connection, file)
        await make_table(connection)
        ours = await load_rows(client, file)
        if turn:  # the first one warms up
            ratios.append(theirs / ours)
            print(
                f"executemany {count / theirs:,.0f} rows/s, load_rows {count / ours:,.0f}, {ratios[-1]:.2f}"
            )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    asyncio.run(main(*given, *(50_000, 3)[len(given) :]))
