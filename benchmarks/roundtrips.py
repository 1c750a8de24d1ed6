"""Round trips beside the closest peer and plain psycopg: ``python benchmarks/roundtrips.py [RUNS]``.

A local cluster, and in front of it the proxy of the tests, which takes 20 ms each way and counts how often
somebody waits for the server. Then, without the proxy, what a call costs on this machine beside an MCP ping.
The peer, awslabs-aurora-dsql-mcp-server, is installed from PyPI into a virtual environment of its own.
Medians, everything in the same run.
"""

import asyncio
import os
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
from startup import Server, client_of, peer_in

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from support.wire.certificate import make_certificate, server_context
from support.wire.proxy import Proxy

EACH_WAY = 0.02
SIZES = (1, 5, 20)
PINGS = 300

Call = Callable[[], Awaitable[None]]
Cost = tuple[float, float]  # round trips, milliseconds


def call(server: Server, tool: str, **arguments: Any) -> Call:  # noqa: ANN401 - JSON
    """Make a tool call; its errors end the benchmark."""

    def ask() -> None:
        answer = server.ask("tools/call", {"name": tool, "arguments": arguments})
        if answer.get("isError"):
            raise SystemExit(f"{tool}: {answer}")

    return lambda: asyncio.to_thread(ask)


def commands(cluster: LocalCluster, peer: list[str]) -> dict[str, Callable[[int], list[str]]]:
    """How each server is started, by the port of the cluster."""
    target = ["--cluster_endpoint", cluster.host, "--region", cluster.region, "--database_user", "admin"]
    writing = [*target, "--allow-writes"]
    ours = str(Path(sys.executable).parent / "awslabs-dsql-mcp")
    return {
        "ours": lambda _: [ours, *writing],
        "peer": lambda port: [*peer[:-1], str(port), *writing],
    }


def environment(cluster: LocalCluster, port: int, root: Path) -> dict[str, str]:
    """What both servers find in their environment; PGSSLNEGOTIATION saves both the same round trip."""
    return os.environ | {
        "AWS_ACCESS_KEY_ID": cluster.access_key,
        "AWS_SECRET_ACCESS_KEY": cluster.secret_key,
        "PGPORT": str(port),
        "PGSSLROOTCERT": str(root),
        "PGSSLNEGOTIATION": "direct",
    }


async def plain_psycopg(cluster: LocalCluster, port: int, root: Path) -> psycopg.AsyncConnection[Any]:
    """Connect as psycopg's documentation does."""
    signer = TokenSource(Identity(cluster.region, None, cluster.access_key, cluster.secret_key))
    return await psycopg.AsyncConnection.connect(
        host=cluster.host,
        port=port,
        user="admin",
        dbname="postgres",
        password=await signer.token(cluster.host, "admin"),
        sslmode="verify-full",
        sslrootcert=str(root),
        sslnegotiation="direct",
    )


def in_one_transaction(connection: psycopg.AsyncConnection[Any], statements: list[str]) -> Call:
    """Run statements as psycopg's documentation does."""

    async def run() -> None:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement.encode())

    return run


async def cost(proxy: Proxy, work: Call, runs: int) -> Cost:
    """Take the round trips and the time of some work, once it is warm."""
    await work()
    trips, times = list[float](), list[float]()
    for _ in range(runs):
        before, began = proxy.trips, time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
        trips.append(proxy.trips - before)
    return statistics.median(trips), statistics.median(times)


async def far_away(cluster: LocalCluster, peer: list[str], folder: Path, runs: int) -> None:
    """Print round trips and milliseconds for a read and for transactions."""
    root = folder / "proxy.pem"
    make_certificate(root)
    trusted = ssl.create_default_context(cafile=cluster.ca_file)
    trusted.set_alpn_protocols(["postgresql"])
    proxy = Proxy(
        lambda: asyncio.open_connection(cluster.host, cluster.port, ssl=trusted),
        server_context(root),
        delay=EACH_WAY,
    )
    await proxy.open()
    writes = {size: [f"UPDATE trips SET n = n + 1 WHERE id = {i}" for i in range(size)] for size in SIZES}  # noqa: S608 - numbers
    costs: dict[str, list[Cost]] = {}
    around = environment(cluster, proxy.port, root)
    for name, command in commands(cluster, peer).items():
        with client_of(command(proxy.port), around) as server:
            work = [call(server, "readonly_query", sql="SELECT 1")]
            work += [call(server, "transact", sql_list=statements) for statements in writes.values()]
            costs[name] = [await cost(proxy, one, runs) for one in work]
    connection = await plain_psycopg(cluster, proxy.port, root)
    work = [in_one_transaction(connection, ["SELECT 1"])]
    work += [in_one_transaction(connection, statements) for statements in writes.values()]
    costs["psycopg"] = [await cost(proxy, one, runs) for one in work]
    await connection.close()
    await proxy.close()
    print_costs(costs)


def print_costs(costs: dict[str, list[Cost]]) -> None:
    """Print a row for each kind of call."""
    print(f"{EACH_WAY * 1000:.0f} ms each way".ljust(22) + "".join(f"{name:>24}" for name in costs))
    kinds = ["a read", *(f"transact of {size}" for size in SIZES)]
    for row, kind in enumerate(kinds):
        cells = [
            f"{trips:.0f} trips {time_taken:7.1f} ms"
            for trips, time_taken in (c[row] for c in costs.values())
        ]
        print(kind.ljust(22) + "".join(f"{cell:>24}" for cell in cells))


def nearby(cluster: LocalCluster, peer: list[str]) -> None:
    """Print what a call costs on this machine beside a ping."""
    around = environment(cluster, cluster.port, cluster.ca_file)
    query = {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}}
    for name, command in commands(cluster, peer).items():
        with client_of(command(cluster.port), around) as server:
            server.ask("tools/call", query)
            ping = milliseconds(lambda: server.ask("ping", {}))
            read = milliseconds(lambda: server.ask("tools/call", query))
        print(f"{name}: ping {ping:.2f} ms, readonly_query {read:.2f} ms, {read - ping:.2f} ms more")


def milliseconds(work: Callable[[], object]) -> float:
    """Take the median time of some work."""
    times: list[float] = []
    for _ in range(PINGS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def main(runs: int) -> None:
    """Run both parts on one local cluster."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with local_cluster(folder / "data") as cluster:
            peer = peer_in(folder / "peer", cluster.port)
            connection = await plain_psycopg(cluster, cluster.port, cluster.ca_file)
            await connection.set_autocommit(True)
            await connection.execute("CREATE TABLE trips (id int PRIMARY KEY, n int)")
            await connection.execute("INSERT INTO trips SELECT i, 0 FROM generate_series(0, 99) AS i")
            await connection.close()
            await far_away(cluster, peer, folder, runs)
            nearby(cluster, peer)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
