"""Start-up beside the closest peer: ``python benchmarks/startup.py [RUNS]``.

Spawns each server as a client does and takes the time to the first response (``initialize``) and to the
first answer of ``SELECT 1``, both on the same local cluster. The peer, awslabs-aurora-dsql-mcp-server, is
installed from PyPI into a virtual environment of its own. Medians; the ratio is what counts.
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


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first response, and to the first row."""
    server = Server(command, environment)
    server.ask("initialize", CLIENT)
    first = time.perf_counter() - server.began
    server.send({"method": "notifications/initialized"})
    answer = server.ask("tools/call", {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}})
    row = time.perf_counter() - server.began
    server.stop()
    if answer.get("isError"):
        raise SystemExit(f"{command[0]}: {answer}")
    return first, row


def peer_in(folder: Path, port: int) -> list[str]:
    """Install the peer, and give the command that starts it on a port."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return [python, "-c", PEER_ON_PORT, str(port)]


def main(runs: int) -> None:
    """Measure both in turn, and print medians and ratios."""

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
            pairs = [(measure(ours, environment), measure(theirs, environment)) for _ in range(runs + 1)][1:]
            report(pairs)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(Path(folder)))


def report(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    """Print a row for each of the two moments."""
    print(f"{'':28}{'ours':>10}{'peer':>10}{'ratio':>8}")
    for moment, name in enumerate(("spawn to first response", "spawn to first SELECT 1")):
        ours = statistics.median(pair[0][moment] for pair in pairs)
        theirs = statistics.median(pair[1][moment] for pair in pairs)
        print(f"{name:28}{ours * 1000:7.0f} ms{theirs * 1000:7.0f} ms{ours / theirs:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
