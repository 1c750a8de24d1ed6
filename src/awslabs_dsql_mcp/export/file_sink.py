"""A file that receives the rows of a statement, a batch at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from threading import Lock
from typing import Final

from awslabs_dsql_mcp.database.model import Field
from awslabs_dsql_mcp.export.writers import OpenWriter, Row, RowWriter
from awslabs_dsql_mcp.files.directory import NewFile

_BATCH: Final = 1 << 18  # characters that wait in memory until they are written
_CELL: Final = 8  # characters that a cell counts for besides its own, so that NULLs add up too

ReportRows = Callable[[int], Awaitable[None]]
"""Reports the number of rows so far."""


class FileSink:
    """Receiver of rows that writes them to a file, in a thread; see `database.model.RowSink`.

    Attributes:
        fields: The columns.
        rows: Number of rows received.

    Args:
        file: The file.
        open_writer: Begins its format.
        report: Called with the progress, after each batch.
    """

    def __init__(self, file: NewFile, open_writer: OpenWriter, report: ReportRows) -> None:
        self.fields: tuple[Field, ...] = ()
        self.rows = 0
        self._file = file
        self._open_writer = open_writer
        self._report = report
        self._writer: RowWriter | None = None
        self._pending: list[Row] = []
        self._characters = 0
        self._is_new = True
        self._is_discarded = False
        # A cancelled call leaves its thread writing: `discard` waits for it.
        self._lock = Lock()

    def begin(self, fields: Sequence[Field]) -> None:
        """Take the columns; what an earlier attempt has written is replaced."""
        self.fields, self.rows, self._is_new = tuple(fields), 0, True
        self._pending, self._characters = [], 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows."""
        self.rows += len(rows)
        self._pending += rows
        self._characters += sum(map(len, filter(None, chain.from_iterable(rows))))
        self._characters += len(rows) * (len(self.fields) + 1) * _CELL

    @property
    def is_full(self) -> bool:
        """True if a batch is waiting to be written."""
        return self._characters >= _BATCH

    async def flush(self) -> None:
        """Write the batch.

        Raises:
            DsqlError: The format cannot hold it, or the disk takes no more.
        """
        rows, self._pending, self._characters = self._pending, [], 0
        await asyncio.to_thread(self._write, rows)
        await self._report(self.rows)

    async def publish(self) -> None:
        """Write what is left, and give the file its name.

        Raises:
            DsqlError: As `flush`; or there is a file of that name by now.
        """
        await asyncio.to_thread(self._publish, self._pending)

    async def discard(self) -> None:
        """Remove the file, unless it is published."""
        await asyncio.to_thread(self._discard)

    def _write(self, rows: Sequence[Row]) -> RowWriter:
        with self._lock, self._file.errors():
            if self._is_discarded:
                raise RuntimeError("the file was discarded")
            writer = self._writer
            if writer is None or self._is_new:
                self._abandon()
                self._file.restart()
                self._writer = writer = self._open_writer(self._file.file, self.fields)
                self._is_new = False
            if rows:
                writer.write(rows)
            return writer

    def _publish(self, rows: Sequence[Row]) -> None:
        writer = self._write(rows)
        with self._lock, self._file.errors():
            writer.close()
            self._file.publish()

    def _abandon(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
        self._writer = None

    def _discard(self) -> None:
        with self._lock:
            self._is_discarded = True
            self._abandon()
            self._file.discard()
