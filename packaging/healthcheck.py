"""Whether the server in this image answers: a second one is started, and asked for its name.

It takes its options from the same variables; nothing connects to a cluster before the first query.
"""

import json
import subprocess
import sys

_HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "healthcheck", "version": "1"},
    },
}


def main() -> int:
    """Ask, and tell by the status whether there was an answer."""
    hello = json.dumps(_HELLO) + "\n"
    done = subprocess.run(
        ["awslabs-dsql-mcp"], input=hello, stdout=subprocess.PIPE, text=True, timeout=14, check=False
    )
    return 0 if '"serverInfo"' in done.stdout else 1


if __name__ == "__main__":
    sys.exit(main())
