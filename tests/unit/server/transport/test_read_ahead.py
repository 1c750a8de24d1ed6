"""Lines that are read ahead: in order, few at once, and the end is seen while the event loop is busy."""

import asyncio
import os
import threading

import pytest

from awslabs_dsql_mcp.json_reader import LARGE
from awslabs_dsql_mcp.server.transport.line_reader import LineReader
from awslabs_dsql_mcp.server.transport.read_ahead import ReadAhead


async def test_lines_come_in_order_up_to_the_end() -> None:
    reading, writing = os.pipe()
    ahead = ReadAhead(LineReader(reading, lambda: None))
    ahead.start()
    os.write(writing, b"1\n2\n\n3")
    os.close(writing)
    assert [await ahead.readline() for _ in range(5)] == [b"1", b"2", b"\n", b"3", b""]


async def test_the_end_is_seen_while_the_event_loop_is_busy() -> None:
    reading, writing = os.pipe()
    ended = threading.Event()
    ahead = ReadAhead(LineReader(reading, ended.set))
    ahead.start()
    os.write(writing, b"1\n")
    os.close(writing)
    assert ended.wait(10)  # which blocks the event loop
    assert await ahead.readline() == b"1"


class Counted(LineReader):
    """Counts the lines that were read."""

    def __init__(self, size: int, enough: int) -> None:
        super().__init__(os.open(os.devnull, os.O_RDONLY), lambda: None)
        self.size, self.left = size, enough
        self.enough = threading.Event()

    def readline(self) -> bytes:
        self.left -= 1
        if not self.left:
            self.enough.set()
        return b"x" * self.size


@pytest.mark.parametrize(("size", "ahead"), [(1, 2), (LARGE + 1, 1)])
async def test_few_lines_are_read_ahead(size: int, ahead: int) -> None:
    lines = Counted(size, ahead + 1)
    reader = ReadAhead(lines)
    reader.start()
    assert not await asyncio.to_thread(lines.enough.wait, 0.2)
    await reader.readline()
    assert await asyncio.to_thread(lines.enough.wait, 10)


async def test_an_input_that_cannot_be_read_is_an_error() -> None:
    reading, writing = os.pipe()
    ahead = ReadAhead(LineReader(reading, lambda: None))
    os.close(writing)
    os.close(reading)
    ahead.start()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await ahead.readline()
