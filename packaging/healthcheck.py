"""Whether the server in this image runs: it is looked for among the container's processes.

Nothing is started or asked. A server that cannot go on ends, and the container with it; what is left to see
is one that was stopped, or another program in its place.
"""

import sys
from pathlib import Path

_SERVER = b"awslabs-dsql-mcp"
_RUNS = ("R", "S", "D", "I")  # running or waiting, by proc_pid_stat(5); not stopped, traced or dead


def main() -> int:
    """Tell by the status whether a server runs."""
    return 0 if any(map(_is_server_that_runs, Path("/proc").glob("[0-9]*"))) else 1


def _is_server_that_runs(process: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")[:2]
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # it has ended
        return False
    return state in _RUNS and any(word.rpartition(b"/")[2] == _SERVER for word in words)


if __name__ == "__main__":
    sys.exit(main())
