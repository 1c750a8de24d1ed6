"""Writes that do not wait: as much as fits, and never more than the other side can take."""

import os
import socket
import sys
from pathlib import Path

import pytest

from awslabs_dsql_mcp.server.transport.line_writer import write_without_waiting

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there all writes may wait")


def written(descriptor: int, data: bytes) -> int:
    """Write until no more is taken; a write that waited would never end, since nobody reads."""
    total = 0
    while taken := write_without_waiting(descriptor, data[total:]):
        total += taken
    return total


def test_a_pipe_takes_what_fits() -> None:
    reading, writing = os.pipe()
    data = os.urandom(1 << 21)
    taken = written(writing, data)
    assert 0 < taken < len(data)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == data[:taken]


def test_a_socket_takes_what_fits_and_stays_open() -> None:
    near, far = socket.socketpair()
    data = os.urandom(1 << 23)
    taken = written(near.fileno(), data)
    assert 0 < taken < len(data)
    near.close()
    with far.makefile("rb") as stream:
        assert stream.read() == data[:taken]
    far.close()


def test_a_file_is_left_to_others(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        assert write_without_waiting(file.fileno(), b"line\n") == 0


def test_a_reader_that_is_gone_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(OSError, match="Broken pipe"):
        write_without_waiting(writing, b"line\n")
    os.close(writing)
