"""A program that runs a server for a client, and keeps a copy of each line that the server says.

Usage: ``recorder.py FILE COMMAND [ARGUMENT …]``.
"""

import subprocess
import sys
from pathlib import Path


def main(file: str, *command: str) -> int:
    """Run the command; its input is ours, its output is ours and is kept in the file."""
    with Path(file).open("ab") as kept, subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout
        for line in server.stdout:
            kept.write(line)
            kept.flush()
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    return server.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
