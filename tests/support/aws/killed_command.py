"""A command as a person starts it, killed around each of its changes of the account, once for each.

``python -m support.aws.killed_command RECORD N WORD…``: it is killed before it asks AWS's API for a change,
and another time as soon as that has answered and the answer has gone nowhere; the record keeps which kills
have been, so that the next run comes further. With N above 0 it is killed at its Nth call of any kind.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from awslabs_dsql_mcp.aws import api
from awslabs_dsql_mcp.cli import main
from support.aws.pauses import shorten_pauses

_READS: Final = ("Get", "List", "Describe")


class Killer:
    """Kills this process around calls of AWS's API.

    Args:
        record: File of the kills that have been.
        number: Number of the call to kill at; 0 to kill at changes.
    """

    def __init__(self, record: Path, number: int) -> None:
        self._record = record
        self._number = number

    def pass_call(self) -> None:
        """Count a call, and kill at the one that is meant."""
        self._number -= 1
        if self._number == 0:
            self._kill("a call")

    def pass_change(self, change: str) -> None:
        """Kill at a change, the first time that it comes here."""
        known = self._record.read_text(encoding="utf-8") if self._record.exists() else ""
        if self._number < 0 and f"{change}\n" not in known:
            self._kill(change)

    def _kill(self, why: str) -> None:
        with self._record.open("a", encoding="utf-8") as file:
            file.write(f"{why}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def run(arguments: Sequence[str]) -> int:
    """Run the command until the kill, or its end."""
    killer = Killer(Path(arguments[0]), int(arguments[1]))
    asked = api.AwsApi.call

    async def call(self: api.AwsApi, service: str, operation: str, region: str, **members: object) -> Any:  # noqa: ANN401 - AWS's answers have no types
        killer.pass_call()
        if operation.startswith(_READS):
            return await asked(self, service, operation, region, **members)
        killer.pass_change(f"before {operation} in {region}")
        answer = await asked(self, service, operation, region, **members)
        killer.pass_change(f"behind {operation} in {region}")
        return answer

    api.AwsApi.call = call
    shorten_pauses()
    return main(arguments[2:])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
