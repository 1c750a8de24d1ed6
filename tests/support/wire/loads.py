"""The tool that loads rows, on a bed's PostgreSQL, without a server around it."""

import time
from collections.abc import Callable
from pathlib import Path

from awslabs_dsql_mcp.bulk.jobs.runner import BatchRunner
from awslabs_dsql_mcp.bulk.loading.row_files import LoadDirectory
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation
from awslabs_dsql_mcp.tools.large_changes.load_rows import LoadRows
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from support.wire.harness import Harness


class Loads:
    """Loads files of a folder, and rows, into tables of schema ``bulk``.

    Args:
        bed: Where.
        folder: The folder.
        call_time: Seconds of a call.
        clock: Tells the time of a call.
    """

    def __init__(
        self, bed: Harness, folder: Path, call_time: float = 60, clock: Callable[[], float] = time.monotonic
    ) -> None:
        database = bed.connect()
        runner = BatchRunner(database, call_time=call_time, clock=clock)
        self._tool = LoadRows(database, runner, ChangeConfirmation("never"), LoadDirectory(folder), "c")
        self._postgres = bed.postgres
        self.folder = folder

    def table(self, columns: str, name: str = "t") -> None:
        """Make a table."""
        self._postgres.query(f"CREATE TABLE bulk.{name} ({columns}); ALTER TABLE bulk.{name} OWNER TO admin")

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Read what is stored."""
        return self._postgres.query(sql)

    async def load(self, request: LoadRequest) -> ToolOutput:
        """Load rows."""
        return await self._tool.load_rows(request, _ignore)

    async def file(self, name: str, content: str | bytes, request: LoadRequest) -> ToolOutput:
        """Write a file, and load it."""
        data = content if isinstance(content, bytes) else content.encode()
        (self.folder / name).write_bytes(data)
        return await self.load(request)


async def _ignore(_rows: float, _message: str) -> None:
    """Take progress."""
