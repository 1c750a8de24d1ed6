"""What a session costs that never calls a tool: ``python benchmarks/idle.py [RUNS]``.

Most sessions of a client are such ones. Each server is started as a client does: handshake, tools listed,
then left alone for some seconds. Its memory (what no other process shares, and all that is resident) and the
processor's time from its start on; ours with kept first answers and without any, ours on a local cluster, and
the closest peer, in turn; medians, with ratios to the peer's. Nothing is connected to.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from startup import at_home, client_of, peer_in

SECONDS = 5  # left alone
UNREACHED = "abcdefghijklmnopqrstuvwxyz"  # an identifier of no cluster


class Cost(NamedTuple):
    """What a session costs: megabytes of its own, megabytes resident, seconds of the processor."""

    own: float
    resident: float
    processor: float


def measure(command: list[str], environment: dict[str, str]) -> Cost:
    """Start a server, shake hands, list the tools, and leave it alone."""
    with client_of(command, environment) as server:
        server.ask("tools/list", {})
        time.sleep(SECONDS)
        process = psutil.Process(server.process.pid)
        memory, used = process.memory_full_info(), process.cpu_times()
        return Cost(memory.uss / 1e6, memory.rss / 1e6, used.user + used.system)


def main(runs: int) -> None:
    """Measure all in turn, and print the medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        around = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        around |= {
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        host = f"{UNREACHED}.dsql.us-east-1.on.aws"
        target = ["--cluster_endpoint", host, "--region", "us-east-1", "--database_user", "admin"]
        ours = [str(Path(sys.executable).parent / "awslabs-dsql-mcp"), *target]
        theirs = [*peer_in(folder / "peer", 5432), *target]
        costs: dict[str, list[Cost]] = {"ours, kept": [], "ours, none kept": [], "peer": []}
        for run in range(runs + 1):
            home = folder / f"home{run}"
            home.mkdir(mode=0o700)
            fresh, kept = around | at_home(home), around | at_home(folder / "home0")
            costs["ours, none kept"].append(measure(ours, fresh))
            costs["ours, kept"].append(measure(ours, kept))
            costs["peer"].append(measure(theirs, fresh))
    medians = {
        server: Cost(*map(statistics.median, zip(*each[1:], strict=True))) for server, each in costs.items()
    }
    peer = medians["peer"]
    print("medians (ratio to the peer)".ljust(28) + "".join(f"{server:>20}" for server in medians))
    for row, what in enumerate(("memory of its own, MB", "resident memory, MB", "processor, s")):
        cells = [f"{cost[row]:7.2f} ({cost[row] / peer[row]:.2f})" for cost in medians.values()]
        print(what.ljust(28) + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
