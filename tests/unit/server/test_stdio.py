"""The input: whole lines, an off switch, and requests that no reader takes."""

import io
import json
import os
import threading

import pytest

from awslabs_dsql_mcp.server.stdio import UNREADABLE, InterruptibleStdin, sanitize_line


def piped() -> tuple[io.BufferedReader, InterruptibleStdin, int]:
    reading, writing = os.pipe()
    source = InterruptibleStdin(reading, lambda: None)
    return io.BufferedReader(source, 1 << 16), source, writing


def test_lines_come_whole_however_they_arrive() -> None:
    stream, _, writing = piped()
    for part in (b'{"a"', b":1}\n{", b'"b":2}\n'):
        os.write(writing, part)
    os.close(writing)
    assert stream.read() == b'{"a":1}\n{"b":2}\n'


def test_a_long_line_survives() -> None:
    stream, _, writing = piped()
    line = b'"' + b"x" * 300_000 + b'"\n'
    writer = threading.Thread(target=lambda: (os.write(writing, line), os.close(writing)))
    writer.start()
    assert stream.read() == line
    writer.join()


def test_the_switch_ends_a_read_that_waits() -> None:
    stream, source, _ = piped()
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(stream.readline()))
    reader.start()
    source.close_stdin()
    source.close_stdin()
    reader.join(10)
    assert got == [b""]


@pytest.mark.parametrize(
    "line",
    [
        b'{"method":"x","params":{"sql":"select 1"}}',
        b'{"params":{"sql":"\\ud83d\\ude00"}}',
        b'{"params":{"sql":"\\\\ud800"}}',
        b"not json \\ud800",
    ],
)
def test_a_line_that_can_be_read_is_left_alone(line: bytes) -> None:
    assert sanitize_line(line) == line + b"\n"


def test_a_lone_surrogate_marks_the_request() -> None:
    line = b'{"id":7,"method":"tools/call","params":{"arguments":{"sql":"\\ud800"},"_meta":{"a":1}}}'
    message = json.loads(sanitize_line(line))
    assert message["id"] == 7
    assert message["params"]["_meta"] == {"a": 1, UNREADABLE: "a lone surrogate"}
    assert message["params"]["arguments"]["sql"] == "?"
