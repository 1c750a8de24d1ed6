r"""Rows a second into a file: ``export_query`` beside psql's ``\copy``, and the memory of the server.

Both read the same rows of the same local cluster, by turns: ``python benchmarks/export.py [ROWS [TURNS]]``.
It prints each turn's ratio, their median (more than 1 is faster than ``\copy``), and by how much the
server's largest resident set has grown (Linux).
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from logins import conninfo
from mcp import Client, StdioServerParameters

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster

SQL = (
    "SELECT g AS id, 'customer, number ' || g AS name, (g % 9973) / 100.0 AS amount, "
    "timestamptz '2026-11-24 10:00:00+00' + g * interval '1 second' AS made, g % 2 = 0 AS open "
    "FROM generate_series(1, {rows}) g"
)
FORMATS = ("csv", "jsonl", "parquet")


def copy(cluster: LocalCluster, sql: str, file: Path) -> float:
    """Write the rows with psql; give the seconds."""
    began = time.perf_counter()
    command = f"\\copy ({sql}) TO '{file}' WITH (FORMAT csv, HEADER)"
    subprocess.run(["psql", "-qXc", command, conninfo(cluster)], check=True)
    return time.perf_counter() - began


async def export(client: Client, sql: str, name: str) -> float:
    """Write the rows with our tool; give the seconds."""
    began = time.perf_counter()
    result = await client.call_tool("export_query", {"sql": sql, "path": name, "overwrite": True})
    if result.is_error:
        raise RuntimeError(result.content)
    return time.perf_counter() - began


def peak() -> int:
    """Largest resident set of our child processes, in kB; 0 where the system does not say."""
    children = [
        pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()
    ]
    lines = [line for pid in children for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return max((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), default=0)


async def main(count: int, turns: int) -> None:
    """Compare."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "cluster")
        flags = ["--local", "--local-data", str(data), "--export-dir", folder]
        server = StdioServerParameters(command=sys.executable, args=["-m", "awslabs_dsql_mcp", *flags])
        async with local_cluster(data) as cluster, Client(server) as client:
            for name in FORMATS:  # warms up
                await export(client, SQL.format(rows=1000), f"first.{name}")
            before = peak()
            sql = SQL.format(rows=count)
            ratios: dict[str, list[float]] = {name: [] for name in FORMATS}
            for _ in range(turns):
                theirs = await asyncio.to_thread(copy, cluster, sql, Path(folder, "theirs.csv"))
                for name in FORMATS:
                    ours = await export(client, sql, f"ours.{name}")
                    ratios[name].append(theirs / ours)
                    memory = f"+{peak() - before:,} kB"
                    print(f"\\copy {theirs:.1f} s, {name} {ours:.1f} s, ratio {theirs / ours:.2f}, {memory}")
            for name, measured in ratios.items():
                print(f"{name}: median ratio {statistics.median(measured):.2f}")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    asyncio.run(main(*given, *(1_000_000, 3)[len(given) :]))
