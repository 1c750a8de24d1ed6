"""Start a command as a client would, and list its tools: ``python smoke.py COMMAND [ARGUMENT ...]``.

Standard library only: it also runs where nothing but the wheel is installed.
"""

import json
import subprocess
import sys


def _line(number: int, method: str, params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def main(command: list[str]) -> int:
    client = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdin is None or server.stdout is None:
            return 1
        print(_line(1, "initialize", client), file=server.stdin, flush=True)
        print("started:", json.loads(server.stdout.readline())["result"]["serverInfo"])
        print(_line(2, "tools/list", {}), file=server.stdin, flush=True)
        tools = json.loads(server.stdout.readline())["result"]["tools"]
        print("tools:", ", ".join(tool["name"] for tool in tools))
        server.stdin.close()
        return server.wait(10) or int(not tools)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
