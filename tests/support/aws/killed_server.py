"""The server as a client starts it, killed around its first request that changes the account.

``python -m support.aws.killed_server before|behind RECORD OPTION…``: it is killed before AWS's API is asked,
or as soon as that has answered and the answer has gone nowhere; a line of the record tells which it was.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from awslabs_dsql_mcp.aws import api
from awslabs_dsql_mcp.server.process import main

_READS: Final = ("Get", "List", "Describe")


def _note(record: Path, cut: str) -> None:
    with record.open("a", encoding="utf-8") as file:
        file.write(f"{cut}\n")


def serve() -> int:
    """Serve until the kill."""
    side, record, *options = sys.argv[1:]
    asked = api.AwsApi.call

    async def call(self: api.AwsApi, service: str, operation: str, region: str, **members: object) -> Any:  # noqa: ANN401 - AWS's answers have no types
        if operation.startswith(_READS):
            return await asked(self, service, operation, region, **members)
        if side == "behind":
            await asked(self, service, operation, region, **members)
        _note(Path(record), f"{operation} {side}")
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    api.AwsApi.call = call
    return main(options, os.environ)


if __name__ == "__main__":
    sys.exit(serve())
