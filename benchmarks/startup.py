"""Start-up beside the closest peer: ``python benchmarks/startup.py [RUNS]``.

Spawns each server as a client does and takes the time, and the processor's time, until the first response
(``initialize``), until the tools are listed, and until the first answer of ``SELECT 1``, all on the same
local cluster: ours with the answers that an earlier start has kept, ours without any, and the peer,
awslabs-aurora-dsql-mcp-server, which is installed from PyPI into a virtual environment of its own. The three
take turns; medians. The ratios are what counts, those of the processor's time where the machine is not idle.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster

PEER = "awslabs-aurora-dsql-mcp-server==1.1.4"
# The peer knows port 5432 alone: the number is replaced as it starts.
PEER_ON_PORT = """
import sys
from awslabs.aurora_dsql_mcp_server import consts
consts.DSQL_DB_PORT = sys.argv.pop(1)
from awslabs.aurora_dsql_mcp_server.server import main
main()
"""
SERVERS = ("ours, kept", "ours, none kept", "peer")
MOMENTS = ("first response", "tools listed", "first SELECT 1")
Cost = tuple[float, float]  # seconds: wall, processor
CLIENT = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


class Server:
    """A server under measurement."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no pipes")
        self._in, self._out = self.process.stdin, self.process.stdout
        self._ids = 0

    def send(self, message: dict[str, Any]) -> None:
        print(json.dumps({"jsonrpc": "2.0", **message}), file=self._in, flush=True)

    def receive(self) -> str:
        return self._out.readline()

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._ids += 1
        self.send({"id": self._ids, "method": method, "params": params})
        while True:
            answer = json.loads(self._out.readline())
            if answer.get("id") == self._ids:
                return answer["result"]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def client_of(command: Sequence[str], environment: dict[str, str]) -> Generator[Server]:
    """Start a server, shake hands, and end it at the end."""
    server = Server(list(command), environment)
    try:
        server.ask("initialize", CLIENT)
        server.send({"method": "notifications/initialized"})
        yield server
    finally:
        server.stop()


def measure(command: list[str], environment: dict[str, str]) -> list[Cost]:
    """Take what each of `MOMENTS` costs, from the start on."""
    server = Server(command, environment)
    process = psutil.Process(server.process.pid)

    def cost() -> Cost:
        used = process.cpu_times()
        return time.perf_counter() - server.began, used.user + used.system

    server.ask("initialize", CLIENT)
    costs = [cost()]
    server.send({"method": "notifications/initialized"})
    server.ask("tools/list", {})
    costs.append(cost())
    answer = server.ask("tools/call", {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}})
    costs.append(cost())
    server.stop()
    if answer.get("isError"):
        raise SystemExit(f"{command[0]}: {answer}")
    return costs


def peer_in(folder: Path, port: int) -> list[str]:
    """Install the peer, and give the command that starts it on a port."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return [python, "-c", PEER_ON_PORT, str(port)]


def main(runs: int) -> None:
    """Measure all in turn, and print medians and ratios."""

    async def compare(folder: Path) -> None:
        async with local_cluster(folder / "data") as cluster:
            environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
                "AWS_ACCESS_KEY_ID": cluster.access_key,
                "AWS_SECRET_ACCESS_KEY": cluster.secret_key,
                "PGPORT": str(cluster.port),
                "PGSSLROOTCERT": str(cluster.ca_file),
                "SSL_CERT_FILE": str(cluster.ca_file),
            }
            arguments = [
                "--cluster_endpoint",
                cluster.host,
                "--region",
                cluster.region,
                "--database_user",
                "admin",
            ]
            ours = [str(Path(sys.executable).parent / "awslabs-dsql-mcp"), *arguments]
            theirs = [*peer_in(folder / "peer", cluster.port), *arguments]
            homes = [folder / f"home{number}" for number in range(runs + 1)]
            for home in homes:
                home.mkdir(mode=0o700)
            rounds = [
                (
                    measure(ours, environment | at_home(homes[0])),
                    measure(ours, environment | at_home(home)),
                    measure(theirs, environment | at_home(home)),
                )
                for home in homes
            ]
            report(rounds[1:])

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(Path(folder)))


def at_home(folder: Path) -> dict[str, str]:
    """Give a server a home directory, in which it keeps its first answers."""
    return {"HOME": str(folder), "LOCALAPPDATA": str(folder), "XDG_CACHE_HOME": str(folder)}


def report(rounds: list[tuple[list[Cost], list[Cost], list[Cost]]]) -> None:
    """Print medians for each moment, and their ratios to the peer's."""
    print("medians, ms (ratio to the peer)".ljust(34) + "".join(f"{name:>18}" for name in SERVERS))
    for moment, name in enumerate(MOMENTS):
        for kind, what in enumerate(("wall", "processor")):
            costs = [statistics.median(each[server][moment][kind] for each in rounds) for server in range(3)]
            cells = [f"{1000 * cost:6.0f} ({cost / costs[-1]:.2f})" for cost in costs]
            print(f"{name}, {what}".ljust(34) + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
