"""Standard input with an off switch, for a server whose client may keep it open for ever.

The SDK's stdio transport ends only at end of file. `InterruptibleStdin` reports one as soon as it is switched
off, by a signal say, and it marks requests whose text no JSON reader of the SDK takes (a lone surrogate,
which RFC 8259 section 8.2 leaves open), so that they are answered instead of dropped.
"""

import io
import json
import os
import re
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

# What the server looks for in a request's _meta: why it cannot be taken as it is.
UNREADABLE = "awslabs-dsql-mcp/unreadable"

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_CHUNK = 1 << 16


class InterruptibleStdin(io.RawIOBase):
    """A raw stream of whole lines from a descriptor, until its end or until it is switched off.

    Args:
        descriptor: Where to read.
        on_end: Called when the end is reported, from the thread that reads.
    """

    def __init__(self, descriptor: int, on_end: Callable[[], None]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._on_end = on_end
        self._wake, self._switch = os.pipe()
        self._line = bytearray()
        self._ready = bytearray()
        self._lock = threading.Lock()
        self._on = True

    def close_stdin(self) -> None:
        """Make the next read report the end; from any thread, any number of times."""
        with self._lock:
            if self._on:
                self._on = False
                os.close(self._switch)

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - the base class's signature
        """Give the next bytes of whole lines; zero at the end."""
        while not self._ready and (chunk := self._read()):
            whole, newline, rest = chunk.rpartition(b"\n")
            if newline:
                self._line += whole
                self._ready += b"".join(sanitize_line(bytes(line)) for line in self._line.split(b"\n"))
                self._line.clear()
            self._line += rest
        if not self._ready:
            self._on_end()
        given = bytes(self._ready[: len(buffer)])
        del self._ready[: len(given)]
        buffer[: len(given)] = given
        return len(given)

    def _read(self) -> bytes:
        if sys.platform != "win32":  # select knows no pipes on Windows: there a signal ends the process
            readable_now, _, _ = select.select([self._descriptor, self._wake], [], [])
            if self._wake in readable_now:
                return b""
        return os.read(self._descriptor, _CHUNK)


def sanitize_line(line: bytes) -> bytes:
    """Give a line as it is, or a request that says why it cannot be taken.

    Args:
        line: One JSON-RPC message without its line feed.

    Returns:
        A line with its line feed.
    """
    if not _SURROGATE.search(line):
        return line + b"\n"
    try:
        message = json.loads(line)
        json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(_marked(_without_surrogates(json.loads(line)))).encode() + b"\n"
    except ValueError:
        return line + b"\n"
    return line + b"\n"


def _marked(message: Any) -> Any:  # noqa: ANN401 - any JSON value
    match message:
        case {"params": {"_meta": dict()}}:
            message["params"]["_meta"][UNREADABLE] = "a lone surrogate"
        case {"params": dict()}:
            message["params"]["_meta"] = {UNREADABLE: "a lone surrogate"}
        case _:
            pass
    return message


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {_without_surrogates(key): _without_surrogates(item) for key, item in pairs}
    return value


def install(on_end: Callable[[], None]) -> Callable[[], None]:
    """Put a switched input in the place of ``sys.stdin``, and give its switch.

    Descriptor 0 then reads the null device, so that no child process takes a part of the protocol.

    Args:
        on_end: Called when the input has ended, from the thread that reads.
    """
    source = InterruptibleStdin(os.dup(sys.stdin.fileno()), on_end)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(source, _CHUNK), encoding="utf-8")
    return source.close_stdin
