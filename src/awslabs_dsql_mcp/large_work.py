"""Garbage collection that waits while a large text becomes many objects.

A syntax tree of a statement, or the values of a call, are hundreds of thousands of objects within a second,
all of them in use. Python's collector would look through each of them, in one go of 50 to 120 ms in which no
other thread runs, the event loop's among them; and find nothing, for a tree has no cycles.
(Python documentation, "gc": a full collection looks at all tracked objects.)
"""

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final


class _Collector:
    """The process's collector, which waits as long as any work wants it to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works = 0

    def wait(self) -> None:
        """Let it wait for one more work."""
        with self._lock:
            self._works += 1
            gc.disable()

    def go_on(self) -> None:
        """Let it go on, if no other work is left."""
        with self._lock:
            self._works -= 1
            if not self._works:
                gc.enable()


_COLLECTOR: Final = _Collector()


@contextmanager
def uncollected() -> Generator[None]:
    """Let the collector wait, also where several threads do such work at once."""
    _COLLECTOR.wait()
    try:
        yield
    finally:
        _COLLECTOR.go_on()
