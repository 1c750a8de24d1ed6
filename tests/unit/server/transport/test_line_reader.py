"""Lines of the input: whole however they arrive, the last one too, until the end or until it is closed."""

import os
import threading

from awslabs_dsql_mcp.server.transport.limits import KEPT, MAX_LINE
from awslabs_dsql_mcp.server.transport.line_reader import CutLine, LineReader


def piped() -> tuple[LineReader, int]:
    reading, writing = os.pipe()
    return LineReader(reading, lambda: None), writing


def rest(reader: LineReader) -> list[bytes]:
    return list(iter(reader.readline, b""))


def test_lines_come_whole_however_they_arrive() -> None:
    reader, writing = piped()
    for part in (b'{"a"', b":1}\n{", b'"b":2}\n'):
        os.write(writing, part)
    os.close(writing)
    assert rest(reader) == [b'{"a":1}', b'{"b":2}']


def test_the_last_line_needs_no_line_feed() -> None:
    reader, writing = piped()
    os.write(writing, b"1\n2")
    os.close(writing)
    assert rest(reader) == [b"1", b"2"]


def test_an_empty_line_is_not_the_end() -> None:
    reader, writing = piped()
    os.write(writing, b"\n1\n")
    os.close(writing)
    assert rest(reader) == [b"\n", b"1"]


def test_a_long_line_survives() -> None:
    reader, writing = piped()
    line = b'"' + b"x" * 300_000 + b'"'
    writer = threading.Thread(target=lambda: (os.write(writing, line + b"\n"), os.close(writing)))
    writer.start()
    assert rest(reader) == [line]
    writer.join()


def test_a_line_beyond_the_limit_is_cut_and_the_next_one_is_whole() -> None:
    reader, writing = piped()

    def write() -> None:
        block = b"x" * 2**20
        for _ in range(MAX_LINE // 2**20 + 3):
            view = memoryview(block)
            while view:
                view = view[os.write(writing, view) :]
        os.write(writing, b"y\nnext\n")
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    first = reader.readline()
    assert isinstance(first, CutLine)
    assert first == b"x" * (2 * KEPT - 1) + b"y"
    assert rest(reader) == [b"next"]
    writer.join()


def test_closing_ends_a_read_that_waits() -> None:
    reader, writing = piped()
    os.write(writing, b"half a message")
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(reader.readline()))
    thread.start()
    reader.close()
    reader.close()
    thread.join(10)
    assert got == [b""]
