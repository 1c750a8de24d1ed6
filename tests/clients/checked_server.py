"""A server as a client starts it, and what a health check says of it; run in a PID namespace of its own.

Arguments: the health check, then signals. Prints the check's status once the server has answered or ended,
and after each signal.
"""

import json
import signal
import subprocess
import sys

_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "client", "version": "1"},
}


def main(check: str, *signals: str) -> None:
    """Start, ask, check."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["awslabs-dsql-mcp"], stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin
        assert server.stdout
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO}
        server.stdin.write(json.dumps(hello) + "\n")
        server.stdin.flush()
        if not server.stdout.readline():
            server.wait()
        for name in ("", *signals):
            if name:
                server.send_signal(signal.Signals[name])
            if name == "SIGKILL":
                server.wait()
            print(subprocess.run([sys.executable, "-I", "-S", check], check=False).returncode)
        server.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
