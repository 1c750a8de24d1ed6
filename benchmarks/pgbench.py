"""Transactions a second through the local endpoint: ``python benchmarks/pgbench.py [SECONDS [RUNS]]``.

PostgreSQL's own pgbench, in the extended protocol, through the endpoint (TLS, checks and translation of each
statement) beside the same on the embedded PostgreSQL's own socket, in turn; medians. A point read, and a
transaction of two updates and a read, each by one client and by eight on keys of their own. The processor's
time is that of the whole machine. pgbench has to be on the PATH, with TLS: Debian's postgresql-client has it.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg
from logins import conninfo
from psycopg.conninfo import conninfo_to_dict

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER

ROWS = 100_000
CLIENTS = (1, 8)
SCRIPTS = {
    "point read": "\\set id random(1, {rows})\nSELECT n FROM bench WHERE id = :id;\n",
    "two updates and a read": (
        # Keys of a client are its own: what conflicts would be refused at COMMIT, past the endpoint it waits.
        "\\set id 8 * random(1, {rows} / 16) - :client_id % 8\n"
        "BEGIN;\nUPDATE bench SET n = n + 1 WHERE id = :id;\n"
        "UPDATE bench SET n = n - 1 WHERE id = :id + {rows} / 2;\n"
        "SELECT n FROM bench WHERE id = :id;\nCOMMIT;\n"
    ),
}
LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "dbname": "PGDATABASE",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


class Cost(NamedTuple):
    """Transactions a second, and the machine's processor time of one in milliseconds."""

    rate: float
    processor: float


def used() -> float:
    """Give the seconds that the machine's processors have worked."""
    times = psutil.cpu_times()
    return times.user + times.system + times.softirq


def measure(where: dict[str, str], script: Path, clients: int, seconds: int) -> Cost:
    """Run pgbench once."""
    command = ["pgbench", "--no-vacuum", "--protocol=extended", f"--time={seconds}", f"--file={script}"]
    command += [f"--client={clients}", f"--jobs={min(clients, 2)}"]
    before = used()
    ended = subprocess.run(command, env=os.environ | where, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr)
    cost = used() - before
    figures = dict(line.split(" = ") for line in ended.stdout.splitlines() if " = " in line)
    rate = float(figures["tps"].split()[0])
    return Cost(rate, 1000 * cost / (rate * seconds))


def report(costs: dict[tuple[str, int], list[tuple[Cost, Cost]]]) -> None:
    """Print the medians and their ratios."""
    print("medians".ljust(38) + f"{'through it':>12}{'past it':>12}{'ratio':>8}{'processor, ms':>20}")
    for (name, clients), rounds in costs.items():
        through, past = (
            Cost(*(statistics.median(each[way][kind] for each in rounds) for kind in range(2)))
            for way in range(2)
        )
        print(
            f"{name}, clients: {clients}".ljust(38)
            + f"{through.rate:10.0f}/s{past.rate:10.0f}/s{through.rate / past.rate:8.2f}"
            + f"{through.processor:11.3f}{past.processor:9.3f}"
        )


async def main(seconds: int, runs: int) -> None:
    """Measure on a local cluster of its own."""
    costs: dict[tuple[str, int], list[tuple[Cost, Cost]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with local_cluster(folder / "data") as cluster:
            async with await psycopg.AsyncConnection.connect(conninfo(cluster), autocommit=True) as made:
                await made.execute("CREATE TABLE bench (id int PRIMARY KEY, n int)")
                for low in range(1, ROWS, 2000):
                    await made.execute(
                        "INSERT INTO bench SELECT i, 0 FROM generate_series(%s::int, %s::int) AS i",
                        (low, low + 1999),
                    )
            endpoint = {
                LIBPQ[k]: str(v) for k, v in conninfo_to_dict(conninfo(cluster)).items() if k in LIBPQ
            }
            past = {
                "PGHOST": str(DataDir.of(folder / "data").postgres),
                "PGUSER": SUPERUSER,
                "PGDATABASE": "postgres",
            }
            for number, (what, text) in enumerate(SCRIPTS.items()):
                script = folder / f"{number}.sql"
                script.write_text(text.format(rows=ROWS))
                for clients in CLIENTS:
                    for _ in range(runs):
                        both = [
                            await asyncio.to_thread(measure, where, script, clients, seconds)
                            for where in (endpoint, past)
                        ]
                        costs.setdefault((what, clients), []).append((both[0], both[1]))
    report(costs)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    asyncio.run(main(*given, *(5, 3)[len(given) :]))
