"""The server as a client starts it, killed around its requests that change the account.

``python -m support.aws.killed_server RECORD OPTION…``: it is killed before AWS's API is asked, and as soon as
that has answered and the answer has gone nowhere, at both sides of each change that the record does not have
yet.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from awslabs_dsql_mcp.aws import api
from awslabs_dsql_mcp.server.process import main
from support.aws.pauses import shorten_pauses

_READS: Final = ("Get", "List", "Describe")


def _kill_once(record: Path, cut: str) -> None:
    known = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    if cut not in known:
        with record.open("a", encoding="utf-8") as file:
            file.write(f"{cut}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def serve() -> int:
    """Serve until the kill."""
    record, *options = sys.argv[1:]
    asked = api.AwsApi.call

    async def call(self: api.AwsApi, service: str, operation: str, region: str, **members: object) -> Any:  # noqa: ANN401 - AWS's answers have no types
        if operation.startswith(_READS):
            return await asked(self, service, operation, region, **members)
        _kill_once(Path(record), f"{operation} in {region} before")
        answer = await asked(self, service, operation, region, **members)
        _kill_once(Path(record), f"{operation} in {region} behind")
        return answer

    api.AwsApi.call = call
    shorten_pauses()
    return main(options, os.environ)


if __name__ == "__main__":
    sys.exit(serve())
